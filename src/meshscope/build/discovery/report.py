"""What discovery found, on one screen: the tally and what to do next. What was left out are findings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from meshscope.artefacts.files import File
from meshscope.build.discovery.interpret import Discovered
from meshscope.findings import Finding, counted
from meshscope.model.services import Direction


@dataclass(frozen=True, kw_only=True)
class Report:
    """One discovery: the lines for a person, what is to be said beside them, and the files by path."""

    text: str
    notes: tuple[Finding, ...]
    files: tuple[str, ...]


def report(found: Discovered, files: Sequence[File], source: str, folder: str) -> Report:
    """The report on ``found`` at ``source``, its ``files`` written to ``folder``; nothing secret is in either name."""
    return Report(
        text="\n".join([*_tally(found, source), "", *_next(files, folder)]) + "\n",
        notes=found.notes,
        files=tuple(file.path for file in files),
    )


def _tally(found: Discovered, source: str) -> list[str]:
    namespaces = {service.namespace for service in found.services}
    proposed = sum(len(service.slos) for service in found.services)
    why = "proposed from what was measured" if found.telemetry else "proposed: nothing was measured"
    rows = [
        (counted(len(found.services), "service"), f"in {counted(len(namespaces), 'namespace')}"),
        (counted(len(found.calls), "call"), "seen between them" if found.telemetry else "told by their manifests"),
        (counted(len(found.gateways), "gateway"), _directions(found)),
        (counted(len(found.externals), "host"), "outside the mesh that services call"),
        (counted(proposed, "SLO"), why),
    ]
    numbers, _, words = zip(*(count.partition(" ") for count, _ in rows), strict=True)
    width, column = max(map(len, numbers)), max(map(len, words))
    sources = [f"{found.telemetry.about.product} at {source}, {found.telemetry.measured}"] if found.telemetry else []
    sources += [f"the manifests in {found.folder}"] if found.folder else []
    lines = [f"{found.mesh.name}: read from {', and '.join(sources)}", ""]
    for number, word, (_, rest) in zip(numbers, words, rows, strict=True):
        lines.append(f"  {number:>{width}} {word:<{column}}  {rest}".rstrip())
    return lines


def _next(files: Sequence[File], folder: str) -> list[str]:
    asking = sum(file.path.startswith("services/") for file in files)
    return [
        f"{counted(len(files), 'file')} written to {folder}/. Next:",
        f"  1. say who runs what: `owner` at the top of {counted(asking, 'file')} in {folder}/services/",
        f"  2. cd {folder} && meshscope check",
        "  3. meshscope build",
    ]


def _directions(found: Discovered) -> str:
    named = {
        direction: ", ".join(gateway.name for gateway in found.gateways if gateway.direction is direction)
        for direction in Direction
    }
    return "; ".join(f"{direction}: {names}" for direction, names in named.items() if names)
