"""Draw the house's dashboards with Grafana's own components: ``draw.py [--provider NAME] [--out FOLDER] [BOARD ...]``.

A synthetic past is written into a real Prometheus, every panel's query is asked of it, and Chromium draws the answers,
light and dark, wide and narrow. What npm brings (430 MB) stays in the cache; node, npm and Chromium are the system's.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from history import Past
from server import Prometheus, prometheus

from meshscope.artefacts.documents import GrafanaDashboard
from meshscope.build.dashboards import dashboards
from meshscope.build.options import Options
from meshscope.check.panel_queries import panel_queries
from meshscope.wiring.load import load
from meshscope.wiring.providers import provider

HERE = Path(__file__).resolve().parent
CACHE = Path.home() / ".cache" / "meshscope"
CHOSEN = {"cluster": "eu-1", "namespace": "shop", "service": "ledger", "reporter": "source"}
ABOUT_ONE = ("service", "instances")
SHAPES = (("dark", 1600), ("light", 1600), ("dark", 700))
POINTS = 240
# As the page lays out: a grid unit with its gap, what stands on top, and the width below which panels are piled up.
UNIT, TOP, NARROW = 38, 70, 769


def main() -> int:
    """Draw, and say where the pictures are."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--provider", default="istio")
    parser.add_argument("--out", type=Path, default=Path("build/boards"))
    parser.add_argument("boards", nargs="*")
    asked = parser.parse_args()
    model = load(Path.cwd()).model
    known, _ = provider(asked.provider, None)
    if model is None or known is None:
        sys.stderr.write("there is no house here, or no such provider\n")
        return 2
    built = [each for each in dashboards(model, known, Options()) if not asked.boards or each.name in asked.boards]
    asked.out.mkdir(parents=True, exist_ok=True)
    bundle = _bundle()
    past = Past(model=model, provider=known, end=int(time.time()) // 60 * 60, hours=6, days=7)
    with tempfile.TemporaryDirectory() as name, _server(Path(name), past) as server:
        for board in built:
            for picture in _draw(board, server, past.end, asked.out, bundle, Path(name)):
                sys.stdout.write(f"{picture}\n")
    return 0


def _server(folder: Path, past: Past) -> AbstractContextManager[Prometheus]:
    return prometheus(CACHE / "engines" / "bin", folder, past.openmetrics())


def _bundle() -> str:
    """The address of the page's script; what it needs is installed when its list has changed."""
    folder = CACHE / "grafana-page"
    folder.mkdir(parents=True, exist_ok=True)
    wanted = (HERE / "package.json").read_text()
    listed = folder / "package.json"
    if not (folder / "node_modules").is_dir() or not listed.is_file() or listed.read_text() != wanted:
        listed.write_text(wanted)
        sys.stderr.write("npm install: about 430 MB, once\n")
        # Two of Grafana's packages ask for versions of React's router that exclude each other.
        install = ["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", "--legacy-peer-deps"]
        subprocess.run(install, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    out = folder / "page.js"
    subprocess.run(["node", HERE / "bundle.mjs", HERE, out], cwd=folder, check=True)  # noqa: S603, S607
    return out.as_uri()


def _draw(board: GrafanaDashboard, server: Prometheus, end: int, out: Path, bundle: str, folder: Path) -> list[Path]:
    document: Mapping[str, Any] = json.loads(json.dumps(board.document))
    span = str(document["time"]["from"]).removeprefix("now-")
    since = end - int(span[:-1]) * {"h": 3600, "d": 86400}[span[-1]]
    chosen = CHOSEN if board.name in ABOUT_ONE else {}
    given = {"document": document, "answers": _answers(board, chosen, server, since, end), "chosen": chosen,
             "from": since * 1000, "to": end * 1000}  # fmt: skip
    spots = [panel["gridPos"] for panel in document["panels"]]
    beside, piled = max(spot["y"] + spot["h"] for spot in spots), sum(spot["h"] for spot in spots)
    pictures = []
    for mode, width in SHAPES:
        picture = out / f"{board.name}-{mode}-{width}.png"
        page = folder / f"{picture.stem}.html"
        page.write_text(_page(json.dumps({**given, "mode": mode, "width": width}), bundle))
        height = beside * UNIT + TOP if width >= NARROW else piled * UNIT + 10 * len(spots) + TOP
        _photograph(page, picture, width, height)
        pictures.append(picture)
    return pictures


def _answers(
    board: GrafanaDashboard, chosen: Mapping[str, str], server: Prometheus, since: int, end: int
) -> dict[str, dict[str, object]]:
    answers: dict[str, dict[str, object]] = {}
    for query in panel_queries(board, chosen):
        step = max(15, (end - since) // POINTS)
        data = server.at(query.expr, end) if query.instant else server.over(query.expr, since, end, step)
        answers.setdefault(str(query.panel_id), {})[query.letter] = data
    return answers


def _page(given: str, bundle: str) -> str:
    told = given.replace("</", "<\\/")
    return (
        f'<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="{bundle.removesuffix(".js")}.css">'
        f'<body style="margin:0"><div id="root"></div><script>window.GIVEN={told}</script>'
        f'<script src="{bundle}"></script>'
    )


def _photograph(page: Path, picture: Path, width: int, height: int) -> None:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        raise SystemExit("there is no chromium on PATH: apt-get install chromium")
    flags = ("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--allow-file-access-from-files",
             "--virtual-time-budget=12000", "--enable-logging=stderr", f"--window-size={width},{height}",
             f"--screenshot={picture}")  # fmt: skip
    said = subprocess.run(  # noqa: S603
        [chromium, *flags, page.as_uri()], check=True, capture_output=True, text=True, timeout=180
    )
    for line in said.stderr.splitlines():
        if "CONSOLE" in line and "rror" in line:
            sys.stderr.write(f"{line[:300]}\n")


if __name__ == "__main__":
    sys.exit(main())
