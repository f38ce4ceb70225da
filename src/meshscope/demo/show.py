"""The demo from its first line to its last."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from pathlib import Path

from meshscope.build.detection import Detection, spoken
from meshscope.build.options import Options
from meshscope.bundle.tally import tally
from meshscope.check.report import Report
from meshscope.demo.closing import closing, first_screen, in_short, proofs
from meshscope.demo.difference import Difference, difference
from meshscope.demo.keys import person
from meshscope.demo.live import Home, prepared, running
from meshscope.demo.loop import loops
from meshscope.demo.page import BAD, GOOD, Page
from meshscope.demo.processes import Processes, Running
from meshscope.demo.programs import Engines
from meshscope.demo.recorded import playing
from meshscope.demo.reference import reference
from meshscope.demo.script import script
from meshscope.demo.story import Story
from meshscope.demo.tier import chosen, unfit
from meshscope.demo.workshop import workshop
from meshscope.demo.yours import Yours, looks
from meshscope.findings import Finding, Level, MeshscopeError, tallied, worst
from meshscope.model.alerting import WINDOWS
from meshscope.model.model import Model
from meshscope.wiring.assembly import Assembly, assembled
from meshscope.wiring.checking import checked
from meshscope.wiring.engines import found

LIVE_SECONDS = 70.0
# How long the story is without a time scale, from the first program to the last message.
_TRUE_SECONDS = 1750.0
# What does not depend on the time scale: to build, to check, to start and to end.
_OVERHEAD = 5.0
# How wide a line of a sample is.
_SAMPLE = 56
# In steps that leave most lengths of time round.
_STEP, _FASTEST = 5, 30
_CACHES = ("HOME", "MESHSCOPE_CACHE", "XDG_CACHE_HOME")
_SERVERS = ("otelcol", "prometheus", "promtool", "alertmanager")
_HOW_TO_GET = (
    "put them on PATH, or let `make engines` build them, once: about 20 minutes on two cores; then all of it is live"
)
_NAMES = {"otelcol": "OpenTelemetry Collector", "prometheus": "Prometheus", "alertmanager": "Alertmanager"}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for: the house, how long the live part may take, and whether it is wanted at all."""

    house: Path
    seconds: float = LIVE_SECONDS
    live: bool = True
    load_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the demo came to: whether all of it went well, and the errors that kept it from being built."""

    well: bool
    errors: tuple[Finding, ...] = ()


def show(wanted: Wanted, page: Page) -> Shown:
    """Tell the whole story. Raises `MeshscopeError` when a program dies or something doesn't happen."""
    house = wanted.house.resolve()
    assembly = assembled(house, None, Options(), seconds=wanted.load_seconds)
    model = assembly.house.model
    if assembly.built is None or model is None or worst(assembly.findings) == Level.ERROR:
        return Shown(well=False, errors=tuple(one for one in assembly.findings if one.level is Level.ERROR))
    scale = time_scale(wanted.seconds)
    engines, missing = _playable(model, scale) if wanted.live else (None, ["the live part was not asked for"])
    ours = " (the reference mesh)" if house == reference() else ""
    page.title(f"meshscope demo: {model.mesh.name}{ours}, {len(model.services)} services")
    page.gap()
    _first_lines(model, engines, missing, wanted, page)
    well = _built(assembly, model, page)
    if engines is None:
        _worked_out(assembly, model, page)
        if wanted.live and _loops(model):
            _recorded(house, wanted, page)
        return Shown(well=well)
    with workshop() as folder:
        home = prepared(house, folder, scale, seconds=wanted.load_seconds)
        _difference(difference(home.true, home.scaled.files), scale, page)
        well = _live(home, engines, scale, house, page) and well
    page.said("ENDED", ["every process; no file is left"])
    return Shown(well=well)


def _loops(model: Model) -> bool:
    try:
        return loops(model, script(model, 1 / _FASTEST))
    except MeshscopeError:
        return False


def _recorded(house: Path, wanted: Wanted, page: Page) -> None:
    """The loop on recorded alerts: the services, the agent and its issues are real."""
    page.said("START", ["the services and the agent; alerts come from a recording"])
    with workshop() as folder, playing(house, folder, page, seconds=wanted.load_seconds) as scenes:
        looks(scenes.loop, page)
        page.said("WHEN", ["seconds since each scene began; how long a mesh takes to notice, only the live part shows"])
        scenes.run()
        page.gap()
        page.said("IN SHORT", [*in_short(scenes.teller), _so_far(page)])
        page.said("ISSUE", first_screen(scenes.teller))
        if person():
            Yours(scenes.teller, lambda: None).run()
    page.said("ENDED", ["every process; no file is left"])


def _so_far(page: Page) -> str:
    return f"all of this took {time.monotonic() - page.begun:.0f} seconds"


def time_scale(seconds: float) -> Fraction:
    """How fast time must run for the live part to take about so many seconds; never so fast that windows get empty."""
    return Fraction(1, min(_FASTEST, max(_STEP, _STEP * round(_TRUE_SECONDS / seconds / _STEP))))


def _live(home: Home, engines: Engines, scale: Fraction, house: Path, page: Page) -> bool:
    window = float(WINDOWS[0].seconds) * float(scale)
    page.said("START", [f"the programs; then it takes {window:g} seconds until the shortest window is full"])
    with ExitStack() as ends:
        live = ends.enter_context(running(home, engines, scale))
        tests = _Tests(_tests(ends.enter_context(Processes(home.folder / "logs")), house, home.folder), page)
        looks(live.loop, page)
        try:
            story = Story(live, page)
            story.run()
            well = closing(story, page)
            page.said("TOOK", [_so_far(page)])
            if person() and story.scenes is not None:
                live.tell(live.script.cast[live.script.entry].name, "/opened")
                Yours(story.scenes.teller, tests.look).run()
                return tests.well and well
        except MeshscopeError:
            # Where a program has died, that is why another one got no answer.
            live.look()
            raise
        return tests.wait() and well


class _Tests:
    """The unit tests that run beside, until their outcome is told."""

    def __init__(self, running: Running, page: Page) -> None:
        self.well = True
        self._running = running
        self._page = page
        self._told = False

    def look(self) -> None:
        """Tell of them once they are over."""
        if not self._told and self._running.process.poll() is not None:
            self.wait()

    def wait(self) -> bool:
        """Tell of them when they are over; whether they all passed."""
        self._told = True
        self.well = proofs(self._running, self._page)
        return self.well


def _tests(processes: Processes, house: Path, folder: Path) -> Running:
    return processes.start(
        "the unit tests",
        Path(sys.executable),
        ["-m", "meshscope.demo.proofs", str(house)],
        folder=folder,
        # Where the engines are depends on them.
        environment={name: os.environ[name] for name in _CACHES if name in os.environ},
        talks=True,
    )


def _playable(model: Model, scale: Fraction) -> tuple[Engines | None, list[str]]:
    """The programs of the live part; None, and what is missing, where there can't be one."""
    try:
        played = script(model, float(scale))
    except MeshscopeError as error:
        return None, [f"{error.finding.title}; {error.finding.why}"]
    if played.target is None:
        return None, ["no service has two instances and an SLO, so none can fail alone"]
    answers = {name: found(name) for name in _SERVERS}
    programs = {name: program for name, (program, _) in answers.items() if program is not None}
    if len(programs) < len(answers):
        return None, [*_absent(answers), _HOW_TO_GET]
    return Engines(
        otelcol=programs["otelcol"],
        prometheus=programs["prometheus"],
        promtool=programs["promtool"],
        alertmanager=programs["alertmanager"],
        versions={name: said for name, (_, said) in answers.items()},
    ), []


def _absent(answers: Mapping[str, tuple[Path | None, str]]) -> Iterator[str]:
    reasons: dict[str, list[str]] = {}
    for name, (program, said) in answers.items():
        if program is None:
            reasons.setdefault(said, []).append(name)
    return (f"{', '.join(names)}: {said}" for said, names in reasons.items())


def _first_lines(model: Model, engines: Engines | None, missing: Sequence[str], wanted: Wanted, page: Page) -> None:
    if engines is None:
        page.said("NOT LIVE", missing, BAD if wanted.live else None)
        if wanted.live and _loops(model):
            page.said("RECORDED", ["the alerts, as Alertmanager sends them, with what Prometheus would tell"])
            page.said("LIVE", ["the services as local processes, the agent, what it kills, its ledger and its issues"])
        return
    runs = [name for name in _NAMES if name != "otelcol" or chosen(model)]
    named = ", ".join(f"{_NAMES[name]} {engines.versions[name]}" for name in runs)
    page.said(
        "LIVE",
        [
            f"{len(model.services)} services as local processes that call each other",
            f"{named}, on what is built for them",
        ],
        GOOD,
    )
    page.said("STAND-INS", _stand_ins())
    if missing := list(_not_live(model)):
        page.said("NOT LIVE", missing)
    length = f"about {wanted.seconds + _OVERHEAD:.0f} seconds; everything listens on this machine alone"
    page.said("LENGTH", [length])


def _stand_ins() -> list[str]:
    return [
        "Istio's proxies: each process counts what its proxy would, and serves it in Envoy's text form",
        "PagerDuty, Slack and mail: one receiver that answers as they do, and prints what came",
        "the past: 30 days of healthy traffic are made up, so that windows of hours and days are full",
    ]


def _not_live(model: Model) -> Iterator[str]:
    runs = chosen(model)
    for pipeline in model.pipelines:
        if pipeline is not runs:
            yield f"the {pipeline.name} tier of collectors: {unfit(pipeline) or 'one is enough here'}"
    if runs is None:
        yield "traces and logs: no tier of collectors can take them here"
    if model.dashboards:
        yield "Grafana: every query of its dashboards is asked of Prometheus, nothing is drawn"


def _built(assembly: Assembly, model: Model, page: Page) -> bool:
    built = assembly.built
    assert built is not None  # noqa: S101 - asked before
    page.gap()
    page.said("BUILT", tally(model, built.artefacts))
    report = checked(assembly, date.today(), lambda _: None, tests=False)
    wrong = worst(report.findings)
    page.said("CHECKED", [_checked(report)], BAD if wrong == Level.ERROR else GOOD)
    return wrong != Level.ERROR


def _checked(report: Report) -> str:
    told = tallied(report.findings)
    files = sum(len(judged.cases) for judged in report.judged)
    programs = sorted({judged.name.partition(" ")[0] for judged in report.judged})
    by = f", and {files} files by {', '.join(programs)}" if programs else "; no real program is here to judge"
    more = " (`meshscope check` shows what)" if told else ""
    return f"{told or 'nothing is wrong'}{more}: {report.rules} rules of our own{by}"


def _worked_out(assembly: Assembly, model: Model, page: Page) -> None:
    """What the live part would show of one service, as far as it can be worked out."""
    built = assembly.built
    assert built is not None  # noqa: S101 - asked before
    first = min(model.services, key=lambda service: (service.tier, -service.replicas, service.identity), default=None)
    told = [line for one in built.detections if first and one.service == first.identity for line in _detected(one)]
    if told:
        page.said("WORKED OUT", told)


def _detected(one: Detection) -> Iterator[str]:
    after, tenth, told = one.page_at_outage, one.page_at_tenth, "is paged"
    if after is None:
        after, tenth, told = one.ticket_at_outage, one.ticket_at_tenth, "has a ticket"
    if after is not None:
        more = f", {spoken(tenth)} after one in ten does" if tenth is not None else ""
        yield (
            f"{one.service.namespace}/{one.service.name} {one.slo}: its owner {told} {spoken(after)} "
            f"after every request turns bad{more}"
        )


def _difference(found: Difference, scale: Fraction, page: Page) -> None:
    page.said(
        "TIME",
        [
            f"built with --time-scale {scale}: {len(found.lines)} lines differ from the true build, "
            + (
                f"{len(found.others)} of them in more than lengths of time"
                if found.others
                else "all in lengths of time alone"
            ),
        ],
        BAD if found.others else None,
    )
    page.lines(f"{line.true.strip():<{_SAMPLE}}  ->  {line.lengths()}" for line in found.samples())
