"""``meshscope new``: write a first mesh, one definition, or a pipeline for CI."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib.metadata import distribution, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

import click

from meshscope.artefacts.files import text_file
from meshscope.cli import exits, options
from meshscope.cli.progress import working
from meshscope.cli.show import say, shown
from meshscope.cli.source import Source, source_of
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.people import dns_label
from meshscope.model.versions import Versions
from meshscope.wiring.discover import discover, refuse_occupied

FOLDERS = {"alert": "alerts", "dashboard": "dashboards", "service": "services", "pipeline": "collectors"}
PIPELINES = {"github": ".github/workflows/meshscope.yml", "gitlab": ".gitlab-ci.yml"}
_TOLD_BY_IT = ("mesh.py", "services/")
_TEMPLATES = files("meshscope.cli") / "templates"
# With a scheme, a port, or somebody's name and password: meant as an address, where it is none too.
_ADDRESS = re.compile(r".*://.*|[^/]*@.*|(\[[\da-fA-F:.]+\]|[\w.-]+):\d+(/.*)?", re.DOTALL)


_HELP = """Write definitions that build and check as they are.

\b
meshscope new shop                 a first mesh, in the folder shop
meshscope new shop --from URL      a mesh that runs, as its Prometheus shows it
meshscope new shop --from DIR      the mesh that Kubernetes manifests declare; both may be named
meshscope new alert slow_checkout  one alert; dashboard, service, pipeline alike
meshscope new ci github            the pipeline for CI; gitlab alike
"""


@click.command(help=_HELP)
@click.argument("what", metavar="NAME | KIND NAME")
@click.argument("name", required=False, metavar="")
@click.option(
    "--from",
    "sources",
    metavar="URL|DIR",
    multiple=True,
    help="The Prometheus of a mesh that runs, a folder of Kubernetes manifests, or one of each: write what they show.",
)
@click.option("--provider", metavar="NAME", help="Who reports the traffic: istio (the default), opentelemetry.")
@options.asking
@click.option(
    "--house",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="The folder of mesh.py: the current one, or for a new mesh one of its name.",
)
def command(
    what: str,
    name: str | None,
    sources: tuple[str, ...],
    provider: str | None,
    http_config: Path | None,
    ask_seconds: float,
    root: Path | None,
) -> int:
    """Write what is asked for, each file anew and none over another."""
    if name is None and what in (*FOLDERS, "ci"):
        raise click.UsageError(
            f"`new {what}` needs a name: meshscope new {what} {'github' if what == 'ci' else 'NAME'}"
        )
    if name is None and sources:
        return _discovered(what, _named(sources), root or Path(what), provider, http_config, ask_seconds)
    if name is None:
        written = _mesh(what, root or Path(what), provider or "istio")
        _told(written, f"next: cd {root or what}, meshscope check, meshscope build")
    elif what == "ci":
        path, source = _ci(name, root or Path())
        _told([path], f"next: {source.first}commit it{source.beside}; findings appear beside the lines of a change")
    elif what in FOLDERS:
        _told([_one(what, name, root or Path())], "next: say in it what you mean, then meshscope check")
    else:
        near = get_close_matches(what, (*FOLDERS, "ci"), n=1)
        raise click.UsageError(f"`{what}` is no kind of definition" + (f"; did you mean `{near[0]}`?" if near else ""))
    return exits.CLEAN


def _told(written: list[Path], then: str) -> None:
    click.echo("".join(f"wrote {path}\n" for path in written), nl=False)
    say(f"{then}\n")


def _named(sources: tuple[str, ...]) -> tuple[str | None, Path | None]:
    """The address and the folder among ``sources``. Raises `MeshscopeError` for a name that is neither."""
    folders = [source for source in sources if Path(source).is_dir() and "://" not in source]
    addresses = [source for source in sources if source not in folders]
    for source in addresses:
        if not _ADDRESS.fullmatch(source.strip()):
            raise MeshscopeError(_no_folder(source))
    if len(folders) > 1 or len(addresses) > 1:
        raise click.UsageError("--from takes one address and one folder at most")
    return next(iter(addresses), None), Path(folders[0]) if folders else None


def _no_folder(source: str) -> Finding:
    return Finding(
        code="new/no-folder",
        title=f"`{source}` is a file, and --from takes a folder of manifests"
        if Path(source).is_file()
        else f"there is no folder `{source}`",
        why="--from takes a folder of Kubernetes manifests, or the address of a Prometheus, which begins with http://",
        help="name a folder that is there" + ("" if "/" in source else f", or the address: http://{source}"),
    )


def _discovered(
    name: str,
    source: tuple[str | None, Path | None],
    folder: Path,
    provider: str | None,
    http_config: Path | None,
    seconds: float,
) -> int:
    url, manifests = source
    # What no telemetry tells of: an alert, dashboards, a tier of collectors to begin with.
    ours = [(path, text) for path, text in sorted(_texts(_TEMPLATES / "house", "")) if not path.startswith(_TOLD_BY_IT)]
    with working(f"asking Prometheus about {name}") as tell:
        report = discover(
            url,
            name,
            folder,
            manifests=manifests,
            http_config=http_config,
            provider=provider,
            seconds=seconds,
            beside=[text_file(path, Template(text).substitute()) for path, text in ours],
            tell=lambda what: tell(f"asking Prometheus about {name}: {what}"),
        )
    say(shown(report.notes, folder, sys.stderr))
    click.echo(report.text, nl=False)
    return exits.CLEAN


def _mesh(name: str, folder: Path, provider: str) -> list[Path]:
    dns_label(name, "mesh", "name", None)
    refuse_occupied(folder)
    home = _TEMPLATES / "house"
    words = {"name": name, "provider": provider}
    return [_put(folder / path, text, words) for path, text in sorted(_texts(home, ""))]


def _one(kind: str, name: str, root: Path) -> Path:
    words = re.findall(r"[a-z0-9]+", name.lower())
    identifier = "_".join(words)
    if not identifier.isidentifier():
        raise click.UsageError(f"`{name}` is no name for a definition: write letters, digits and dashes")
    if not (root / "mesh.py").is_file():
        raise MeshscopeError(
            Finding(
                code="load/no-house",
                title=f"there is no mesh.py in {root.resolve()}",
                why=f"a definition stands in the house of its mesh, in {FOLDERS[kind]}/",
                help="run `meshscope new NAME` to write a house, or name its folder with --house DIR",
            )
        )
    spelt = {
        "identifier": identifier,
        "label": "-".join(words),
        "words": " ".join(words),
        "title": " ".join(words).capitalize(),
    }
    path = root / FOLDERS[kind] / f"{identifier}.py"
    return _put(path, (_TEMPLATES / "one" / f"{kind}.py.txt").read_text(encoding="utf-8"), spelt)


def _ci(service: str, root: Path) -> tuple[Path, Source]:
    """The pipeline that was written, and where it gets this program from."""
    if service not in PIPELINES:
        raise click.UsageError(f"there is a pipeline for {' and '.join(PIPELINES)}, not for `{service}`")
    home = _TEMPLATES / "ci"
    pins = Versions()
    source = source_of(distribution("meshscope").read_text("direct_url.json"), version("meshscope"))
    own = {
        "meshscope": source.requirement,
        "prometheus": pins.prometheus,
        "alertmanager": pins.alertmanager,
        "otelcol": pins.otelcol,
    }
    script = Template((home / "fetch.sh").read_text(encoding="utf-8")).substitute()
    indent = " " * (10 if service == "github" else 6)
    own["fetch"] = "\n".join(f"{indent}{line}" if line else "" for line in script.splitlines())
    return _put(root / PIPELINES[service], (home / f"{service}.yml").read_text(encoding="utf-8"), own), source


def _texts(folder: Traversable, path: str) -> Iterator[tuple[str, str]]:
    for entry in folder.iterdir():
        if entry.is_dir():
            yield from _texts(entry, f"{path}{entry.name}/")
        else:
            name = entry.name.removesuffix(".txt")
            yield f"{path}{'.gitignore' if name == 'gitignore' else name}", entry.read_text(encoding="utf-8")


def _put(path: Path, text: str, words: Mapping[str, str]) -> Path:
    """Write a template, filled in. Raises `MeshscopeError` where something is there already, or nothing can be."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(Template(text).substitute(words))
    except FileExistsError as error:
        raise MeshscopeError(
            Finding(
                code="new/occupied",
                title=f"`{path}` is there already",
                why="what a person wrote is never replaced",
                help="take another name, or move away what is there",
            )
        ) from error
    except OSError as error:
        raise MeshscopeError(
            Finding(
                code="new/unwritable",
                title=f"`{path}` can't be written: {error.strerror}",
                why="definitions are written where they are to stay",
                help="name a folder that you may write to with --house DIR",
            )
        ) from error
    return path
