"""Whether dashboards that people wrote come out of a build as they went in.

``boards/`` holds dashboards of our own in every shape in which people keep theirs. What each is to become is said here
by the rule alone, and shares nothing with what builds it: the same value, but for `id`, `__inputs`, `__requires` and
the inputs of an export, each number and word of the same type.
"""

from __future__ import annotations

import base64
import gzip
import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import _jsonnet
import yaml

from bench.building import command
from bench.figures import Figure, Goal
from bench.talk import Talk

BOARDS = Path(__file__).parent / "boards"
CHANGED = Goal(name="dashboards_changed", unit="dashboards", goal=0)

_GONE = ("id", "__inputs", "__requires")
# What the inputs of exported.json become in a mesh of the usual three data sources.
_INPUTS = {
    "${DS_PROMETHEUS}": "prometheus",
    "${DS_LOKI}": "loki",
    "${VAR_CLUSTER}": "eu-1",
    "${DS_EXPRESSION}": "__expr__",
}
_MESH = """\
from meshscope import Mesh, Owner

owner = Owner(name="platform", issues="github:acme/platform", pager="pagerduty:platform", chat="slack:#platform")
mesh = Mesh(name="carrying", provider="istio", owner=owner)
"""


def carried(talk: Talk) -> list[Figure]:
    """How many of our dashboards a build changes, drops or makes anew, in both of the ways to write them."""
    expected = {title(board): board for path in sorted(BOARDS.rglob("*.*")) for board in boards_of(path)}
    talk.say(f"carried: {len(expected)} dashboards, as files and as objects")
    wrong: set[str] = set()
    with TemporaryDirectory(prefix="meshscope-bench-") as folder:
        root = write_house(Path(folder) / "house")
        for emit in ("files", "operator"):
            made = {title(board): board for board in built(root, emit)}
            wrong |= {name for name in expected.keys() | made.keys() if not same(expected.get(name), made.get(name))}
    method = f"{len(expected)} dashboards of bench/boards in a built tree, files and ConfigMaps, compared to the leaves"
    if wrong:
        method += f"; changed: {', '.join(sorted(wrong))}"
    return [CHANGED.measured(len(wrong), method)]


def write_house(root: Path) -> Path:
    """A house that has our dashboards, and nothing else."""
    shutil.copytree(BOARDS, root / "dashboards")
    (root / "mesh.py").write_text(_MESH, encoding="utf-8")
    return root


def built(root: Path, emit: str) -> list[Any]:
    """Every dashboard that a build of ``root`` writes, read back."""
    tree = root.parent / f"tree-{emit}"
    ended = subprocess.run(  # noqa: S603 - our own command
        [command(), "build", "--emit", emit, "-o", str(tree)], cwd=root, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        raise SystemExit(f"`meshscope build` ended with {ended.returncode}:\n{ended.stderr[-4000:]}")
    if emit == "files":
        return [json.loads(path.read_bytes()) for path in sorted((tree / "grafana").rglob("*.json"))]
    objects = [yaml.safe_load(path.read_text()) for path in sorted((tree / "objects" / "dashboards").glob("*.yaml"))]
    return [json.loads(text) for one in objects for text in one["data"].values()]


def boards_of(path: Path) -> Iterator[Any]:
    """What each dashboard in a file of ours is to become."""
    match path.suffix:
        case ".json":
            yield expected(json.loads(path.read_bytes()))
        case ".jsonnet":
            yield expected(json.loads(_jsonnet.evaluate_file(str(path))))
        case _:
            for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
                yield from map(expected, _within(document))


def _within(made: Mapping[str, Any]) -> Iterator[Any]:
    for item in made.get("items", ()):
        yield from _within(item)
    if made["kind"] == "GrafanaDashboard":
        yield json.loads(made["spec"]["json"])
    elif made["kind"] == "Dashboard":
        # What YAML 1.1 reads otherwise than Grafana's own reader is said by hand.
        yield {**made, "spec": {**made["spec"], "tags": ["on", "1.10", "yes", "007x"]}}
    for text in made.get("data", {}).values():
        yield json.loads(text)
    for text in made.get("binaryData", {}).values():
        yield json.loads(gzip.decompress(base64.b64decode(text)))


def expected(made: Any) -> Any:
    """A dashboard as its author wrote it, without what an import would take away or fill in."""
    if "dashboard" in made:
        made = made["dashboard"]
    if str(made.get("apiVersion", "")).startswith("dashboard.grafana.app/v1"):
        made = {"uid": made["metadata"]["name"], **made["spec"]}
    return _filled({key: value for key, value in made.items() if key not in _GONE})


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    if isinstance(value, str):
        for name, answer in _INPUTS.items():
            value = value.replace(name, answer)
    return value


def title(board: Any) -> str:
    """What a dashboard is called, with its uid where another is called so too."""
    inner = board.get("spec", board)
    return f"{inner.get('title')} {board.get('uid', '')}".strip()


def same(left: Any, right: Any) -> bool:
    """Whether two values are the same to the leaves: ``1`` is not ``1.0``, and ``true`` is neither."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    return bool(left == right)
