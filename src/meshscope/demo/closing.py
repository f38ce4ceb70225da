"""What the live demo came to: who was told, which panels have data, which traces and logs were kept."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from fractions import Fraction

from meshscope.demo.instrument import Told as Sent
from meshscope.demo.live import Live
from meshscope.demo.page import BAD, GOOD, Page, in_truth
from meshscope.demo.panels import asked
from meshscope.demo.processes import Running
from meshscope.demo.receiver import CHAT, MAIL, PAGER
from meshscope.demo.story import BUDGET_TOLD, FIRED, OWNER_TOLD, Story
from meshscope.demo.teller import Teller, plain
from meshscope.demo.tier import chosen
from meshscope.findings import MeshscopeError, counted

# The last visitors leave; then spans wait for their batch, then for the decision on their trace.
_LEAVING_SECONDS = 0.5
_SETTLED_SECONDS = 5.0
_PROOF_SECONDS = 90.0
_FIRST_SCREEN = 5


def closing(story: Story, page: Page) -> bool:
    """Say what it came to; False where a panel has no data, a log record is lost, or a secret got through."""
    page.gap()
    page.said("IN SHORT", _in_short(story))
    page.said("TOLD", _told(story))
    if story.scenes is not None:
        page.said("ISSUE", first_screen(story.scenes.teller))
    good = _panels(story, page)
    return (_telemetry(story.live, page) if chosen(story.model) else True) and good


def _in_short(story: Story) -> Iterator[str]:
    since, scale = story.told.since, story.live.scale

    def both(milestone: str) -> str:
        return _both(since[milestone], scale)

    if story.scenes is not None:
        yield from in_short(story.scenes.teller)
    elif OWNER_TOLD in since:
        alert = f"-> alert {both(FIRED)} " if FIRED in since else ""
        yield f"fault {alert}-> owner {both(OWNER_TOLD)}"
    if BUDGET_TOLD in since:
        yield f"page on error budgets after {both(BUDGET_TOLD)}, as users felt it; open as long as its windows see it"
    if busy := story.live.busy():
        yield f"{busy}, so times are longer than they need to be"


def in_short(teller: Teller) -> Iterator[str]:
    """How long each step took."""
    scale = teller.loop.scale

    def way(number: int, begin: str, scale: Fraction = scale) -> str:
        steps = {name: seconds for (scene, name), seconds in teller.steps.items() if scene == number}
        return " -> ".join([begin, *(f"{name} {_both(seconds, scale)}" for name, seconds in steps.items())])

    yield f"one fails: {way(1, 'fault')}"
    yield f"all fail: {way(2, 'release')}: no instance stands out, so a kill would not help"
    yield f"a shell: {way(3, 'alert')}"
    yield f"the fix: {way(4, 'release')}"
    yield f"the agent: {way(5, 'kill -9', Fraction(1))}"


def _both(seconds: float, scale: Fraction) -> str:
    return f"{seconds:.1f} s" + (f" ({in_truth(seconds, scale)})" if scale != 1 else "")


def first_screen(teller: Teller) -> Iterator[str]:
    """The first screen of the issue, as whoever was called reads it."""
    incident = teller.loop.incident()
    text = teller.loop.agency.issue_of(incident) if incident is not None else ""
    for paragraph in text.partition("\n---\n")[2].strip().split("\n\n")[:_FIRST_SCREEN]:
        yield from map(plain, paragraph.splitlines())


def _told(story: Story) -> Iterator[str]:
    ways = {PAGER: "PagerDuty ", CHAT: "Slack ", MAIL: "mail "}
    told = [
        f"{who} by {ways[way]}{address}: {counted(number, 'message')}"
        for (who, way, address), number in sorted(story.told.messages.items())
    ]
    heartbeats = story.live.receiver.heartbeats
    yield f"{'; '.join(told)}; dead-man's switch: {counted(heartbeats, 'heartbeat')}"
    held: dict[str, set[str]] = {}
    for labels in story.told.held_back:
        if labels.get("severity") == story.model.mesh.severities.page and labels.get("kind") == "symptom":
            held.setdefault(labels["owner"], set()).add(f"{labels['namespace']}/{labels['service']}")
    woken = {who for who, way, _ in story.told.messages if way == PAGER}
    for owner, services in sorted(held.items()):
        quiet = "is not told of more" if owner in woken else "sleeps on"
        yield f"{owner} {quiet}: {', '.join(sorted(services))} fails too, and what it calls is paged for already"


def _panels(story: Story, page: Page) -> bool:
    if not story.model.dashboards:
        return True
    live = story.live
    identity = story.service.identity
    service = {"cluster": identity.cluster, "namespace": identity.namespace, "service": identity.name}
    scrape = float(story.model.mesh.scrape_interval.seconds * live.scale.numerator / live.scale.denominator)
    answers = asked(live.home.tree, live.prometheus, service, scrape, float(live.scale))
    empty = {(one.board, one.panel) for one in answers if not one.found}
    panels = {(one.board, one.panel) for one in answers}
    boards = len({board for board, _ in panels})
    zeros = sum(1 for one in answers if one.found and not one.happened)
    told = (
        f"{len(panels) - len(empty)} of {len(panels)} panels of {boards} dashboards have data; "
        f"{zeros} of {len(answers)} queries found a zero, as nothing of the kind happened"
    )
    missing = [f"no data: {board} / {panel}" for board, panel in sorted(empty)]
    page.said("PANELS", [told, *missing], BAD if empty else GOOD)
    return not empty


def _telemetry(live: Live, page: Page) -> bool:
    sent = _sent(live)
    kept = live.store.kept
    until = time.monotonic() + _SETTLED_SECONDS
    while time.monotonic() < until and (kept.failed_spans < sent.failed_spans or kept.records < sent.records):
        time.sleep(0.1)
    late = sent.failed_spans - kept.failed_spans
    failed = (
        f"{kept.failed_spans:,} of {sent.failed_spans:,} failed spans; the others came after their trace was decided on"
        if late > 0
        else f"all {sent.failed_spans:,} failed spans"
    )
    traces = f"{sent.spans:,} spans of {sent.visitors:,} visitors sent; {len(kept.traces):,} traces kept, with {failed}"
    page.said("TRACES", [traces], GOOD if late <= 0 else None)
    clean = kept.records >= sent.records and not kept.cards
    logs = (
        f"{_records(kept.records, sent.records)} kept, {_owners(live)}; "
        f"{sent.cards:,} card numbers were logged by mistake, {kept.cards or 'none'} arrived"
    )
    page.said("LOGS", [logs], GOOD if clean else BAD)
    return clean


def _records(kept: int, sent: int) -> str:
    # What an instance has sent that was killed nobody can ask it.
    return f"{kept:,} of {sent:,} records" if kept <= sent else f"{kept:,} records, those of killed instances too,"


def _owners(live: Live) -> str:
    unowned = live.store.kept.unowned
    return f"{unowned} without an owner" if unowned else "each with its owner's name"


def _sent(live: Live) -> Sent:
    live.tell(live.script.cast[live.script.entry].name, "/closed")
    time.sleep(_LEAVING_SECONDS)
    total = Sent()
    for name in live.troupe.processes:
        try:
            told = live.tell(name, "/told")
        except MeshscopeError:
            continue
        total.spans += told["spans"]
        total.failed_spans += told["failed_spans"]
        total.records += told["records"]
        total.cards += told["cards"]
        total.visitors += told["visitors"]
    return total


def proofs(tests: Running, page: Page) -> bool:
    """Wait for the unit tests that run beside, and say how they went."""
    process = tests.process
    try:
        answer, _ = process.communicate(timeout=_PROOF_SECONDS)
    except subprocess.TimeoutExpired:
        page.said("TESTS", ["the generated unit tests take longer than this demo: run `meshscope test`"])
        return True
    if process.returncode or not answer:
        page.said("TESTS", ["the generated unit tests could not be run: run `meshscope test`"], BAD)
        return False
    told = json.loads(answer)
    failed = [f"failed: {name}" for name in told["failed"]]
    page.said("TESTS", [f"{told['passed']} generated unit tests passed, in promtool", *failed], BAD if failed else GOOD)
    return not failed
