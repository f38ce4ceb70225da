"""How long each SLO's alerts take to tell of trouble: what follows from its objective, its volume and the windows.

Counted from the first bad request, with steady traffic and a steady share of bad requests, until Prometheus fires: one
scrape and one evaluation are added (for a ticket, and for a page on hours, also the longest wait for what it reads),
Alertmanager's group_wait is not. Where no volume is said, enough is assumed, and from how much on that holds is told.
Alerts count as mesh and service retune them, and as tickets where an environment lets nothing page.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal
from functools import cache
from typing import NamedTuple, TypeAlias

from meshscope.artefacts.files import File, text_file
from meshscope.build.rules.burn import BURNS, FEWEST_BAD_EVENTS, Burn, out_of_reach
from meshscope.build.rules.outages import FEWEST_FAILURES, LITTLE_WINDOWS, OUTAGE_RATIO, OUTAGE_WINDOW
from meshscope.build.rules.recording import FAST, RARE, SLOW
from meshscope.build.rules.slo import MOST_RAW_SERIES, raw_series
from meshscope.findings import Place
from meshscope.model.alerting import Severity
from meshscope.model.library import LibraryAlert, Tuned
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider
from meshscope.model.services import Identity, Service
from meshscope.model.slo import SLO, Latency
from meshscope.model.units import Duration, hours, minutes, plain

OUTAGE = Decimal(1)
TENTH = Decimal("0.1")
DETECTION_FILE = "detection.txt"
MOST_TOLD = 24
FEW = 5
_SMEAR = (5 * minutes).seconds
_HOUR = (1 * hours).seconds


@dataclass(frozen=True, kw_only=True)
class Times:
    """What a `Detection` says of how long it takes."""

    page_at_outage: Duration | None
    page_at_tenth: Duration | None
    ticket_at_outage: Duration | None
    ticket_at_tenth: Duration | None
    too_few: str = ""
    holds_from: Decimal | None = None
    rarest: Duration | None = None


@dataclass(frozen=True, kw_only=True)
class Detection(Times):
    """When an SLO's alerts fire: after every request is bad, and after one in ten is; None is never.

    ``too_few`` says why its volume makes no page of an outage; it is empty too where no alert is to page.
    ``holds_from`` is the volume from which the first times hold, ``rarest`` the time for less, where none is said.
    ``burns`` is False where the alert on burn rates is turned off. ``out_of_reach`` are the long windows of the first
    burn rates that not even an outage makes fire; ``own`` says what the SLO's own burn rates mean, empty where it has
    none. ``unseen`` is why nothing of it can be measured at all, and then there are no times.
    """

    service: Identity
    slo: str
    latency: bool
    burns: bool = True
    out_of_reach: tuple[Duration, ...] = ()
    own: str = ""
    unseen: str = ""

    def __str__(self) -> str:
        """One line for a person."""
        if self.unseen:
            return f"{self.service} {self.slo}: never told, for {self.unseen}"
        return f"{self.service} {self.slo}: {self._outage()}{self._tenth()}{''.join(self._more())}"

    @property
    def first_at_outage(self) -> Duration | None:
        """When an outage is told, by whatever tells it."""
        return self.ticket_at_outage if self.page_at_outage is None else self.page_at_outage

    def _outage(self) -> str:
        after = f"after every request {'is slow' if self.latency else 'fails'}"
        if self.page_at_outage is not None:
            return f"pages {spoken(self.page_at_outage)} {after}"
        ticket = f"a ticket {spoken(self.ticket_at_outage)} {after}" if self.ticket_at_outage is not None else ""
        if self.too_few:
            return f"never pages: {self.too_few}{f', so that it is {ticket}' if ticket else ''}"
        return ticket or f"nothing is told {after}"

    def _tenth(self) -> str:
        tenth = self.page_at_tenth
        if self.page_at_outage is None and not self.too_few:
            tenth = self.ticket_at_tenth
        if tenth is not None:
            return f", {spoken(tenth)} after one in ten is bad"
        if self.ticket_at_tenth is not None:
            return f"; one in ten bad is a ticket after {spoken(self.ticket_at_tenth)}"
        return "; one in ten bad is within its objective" if self.burns else "; one in ten bad is told by nothing"

    def _more(self) -> Iterator[str]:
        if self.holds_from:
            yield f"; so from {self.holds_from} requests an hour on"
            if self.rarest is not None:
                yield f", of fewer an outage within {spoken(self.rarest)} down to one request in two hours"
        if self.out_of_reach:
            windows = " and ".join(str(window) for window in self.out_of_reach)
            yield f"; not even an outage reaches its burn rate over {windows}"
        if self.own:
            yield f"; its own burn rates: {self.own}"


def detections(model: Model) -> tuple[Detection, ...]:
    """The detection times of every SLO, in the model's order."""
    direct = raw_series(model) <= MOST_RAW_SERIES
    scrape = model.mesh.scrape_interval.seconds
    usual = _voices({}, model)
    # Many services share one SLO.
    thresholds = {id(slo): tuple(burn.threshold(slo) for burn in BURNS) for _, slo in model.slos}
    found = []
    for service, slo in model.slos:
        voices = _voices(service.alerts, model) if service.alerts else usual
        volume = service.volume.value if service.volume else None
        times = _times(thresholds[id(slo)], volume, voices, scrape, direct)
        found.append(_detection(service, slo, voices, times))
    return tuple(found)


def measured(found: tuple[Detection, ...], model: Model, provider: MeshProvider) -> tuple[Detection, ...]:
    """The same without times for SLOs of which ``provider`` measures nothing, in the model's order."""
    return tuple(_measured(one, slo, provider) for one, (_, slo) in zip(found, model.slos, strict=True))


def _measured(one: Detection, slo: SLO, provider: MeshProvider) -> Detection:
    if not isinstance(slo.of, Latency) or provider.bucket_of(slo.of.under):
        return one
    unseen = f"{slo.of.under} is no bucket boundary of {provider.title}"
    times = dict.fromkeys(("page_at_outage", "page_at_tenth", "ticket_at_outage", "ticket_at_tenth"))
    return replace(one, **times, unseen=unseen)  # type: ignore[arg-type]


def told(found: tuple[Detection, ...]) -> tuple[str, ...]:
    """What a build says of them: each SLO, or of many those that are told last, and where the rest is."""
    if len(found) <= MOST_TOLD:
        return ("how soon each SLO's trouble is told:", *(f"  {one}" for one in found))
    never = Duration(Decimal("Infinity"))
    latest = sorted(found, key=lambda one: (one.first_at_outage or never).seconds, reverse=True)[:FEW]
    return (
        f"how soon trouble is told: {len(found)} SLOs in {DETECTION_FILE}, the last {FEW} of them:",
        *(f"  {one}" for one in latest),
    )


def detection_file(found: tuple[Detection, ...], origins: tuple[Place | None, ...]) -> File:
    """All of them, a line each."""
    lines = (f"{one}\n" for one in found)
    head = "How soon each SLO's trouble is told, counted from the first bad request until Prometheus fires.\n\n"
    return text_file(DETECTION_FILE, head + "".join(lines), origins)


def _detection(service: Service, slo: SLO, voices: tuple[_Voice, ...], times: Times) -> Detection:
    burning = {voice.comes: voice.pages for voice in voices if voice.alert is LibraryAlert.ERROR_BUDGET_BURN}
    return Detection(
        service=service.identity,
        slo=slo.name,
        latency=isinstance(slo.of, Latency),
        **vars(times),
        burns=bool(burning),
        out_of_reach=out_of_reach(slo) if burning else (),
        own=_meaning(slo, burning),
    )


class _Voice(NamedTuple):
    """How an alert is told: whether it comes as a page and pages here, and the seconds its condition must hold."""

    alert: LibraryAlert
    comes: bool
    pages: bool
    pending: Decimal


# Asked once more by a check of the same build, and of SLOs that are alike.
@cache
def _times(
    thresholds: tuple[Decimal, ...],
    volume: Decimal | None,
    voices: tuple[_Voice, ...],
    scrape: Decimal,
    direct: bool,
) -> Times:
    """How long it takes at the ``thresholds`` of `BURNS`; ``direct`` is whether an hour is read from raw series."""
    outage = _ways(OUTAGE, thresholds, volume, voices, scrape, direct=direct)
    tenth = _ways(TENTH, thresholds, volume, voices, scrape, direct=direct)
    # What a person waits for: the page, or where nothing is to page the ticket.
    pages = any(way.pages for way in outage)
    firsts = [first for found in (outage, tenth) if (first := _first(found, pages=pages)) is not None]
    rare = [Duration(way.after) for way in outage if way.alert is LibraryAlert.NOTHING_SUCCEEDS and way.pages is pages]
    return Times(
        page_at_outage=_after(outage, pages=True),
        page_at_tenth=_after(tenth, pages=True),
        ticket_at_outage=_after(outage, pages=False),
        ticket_at_tenth=_after(tenth, pages=False),
        too_few="" if pages or volume is None else _too_few(volume, voices),
        holds_from=max((way.from_an_hour for way in firsts), default=None) if volume is None else None,
        rarest=max(rare, default=None) if volume is None else None,
    )


_TOLD_BY: Mapping[LibraryAlert, tuple[bool, ...]] = {
    LibraryAlert.ERROR_BUDGET_BURN: (True, False),
    LibraryAlert.OUTAGE: (True,),
    LibraryAlert.NOTHING_SUCCEEDS: (True,),
}


def _voices(own: Mapping[LibraryAlert, Tuned], model: Model) -> tuple[_Voice, ...]:
    """How each alert on an SLO is told of a service that retunes alerts as in ``own``; none that is off."""
    found = []
    for alert, as_they_come in _TOLD_BY.items():
        mesh, here = (alerts.get(alert, Tuned()) for alerts in (model.mesh.alerts, own))
        if mesh.off or here.off:
            continue
        severity = here.severity or mesh.severity
        pending = (here.pending or mesh.pending or 0 * minutes).seconds
        for comes in as_they_come:
            pages = model.mesh.severities.wakes and (comes if severity is None else severity is Severity.PAGE)
            found.append(_Voice(alert, comes, pages, pending))
    return tuple(found)


def _too_few(volume: Decimal, voices: tuple[_Voice, ...]) -> str:
    """Why an outage at ``volume`` a second does not page; empty where no alert is to."""
    said = f"{float(volume * 3600):.3g} requests an hour are "
    woken = {voice.alert for voice in voices if voice.pages}
    if LibraryAlert.NOTHING_SUCCEEDS in woken:
        return f"{said}fewer than one in two hours"
    return f"{said}too few for the alerts that page" if woken else ""


def _ways(
    share: Decimal,
    thresholds: tuple[Decimal, ...],
    volume: Decimal | None,
    voices: tuple[_Voice, ...],
    scrape: Decimal,
    *,
    direct: bool,
) -> list[_Told]:
    """Everything that tells of a ``share`` of bad requests."""
    delays = {True: scrape + FAST.seconds, False: scrape + (SLOW + RARE).seconds}
    # A page on hours, and one on little traffic, reads what the slow rules recorded.
    behind = scrape + (SLOW + FAST).seconds
    burn = LibraryAlert.ERROR_BUDGET_BURN
    found = [
        (burn, one.pages, told, behind if one.pages and one.long.seconds > _HOUR else delays[one.pages])
        for one, threshold in zip(BURNS, thresholds, strict=True)
        if (told := _burns(one, threshold, share, volume, direct=direct)) is not None
    ]
    if share == OUTAGE:
        found += [(LibraryAlert.OUTAGE, True, told, delays[True]) for told in _outage(volume)]
        found += [(LibraryAlert.NOTHING_SUCCEEDS, True, told, behind) for told in _none_good(volume)]
    return [
        _Told(after + delay + voice.pending, least, alert, voice.pages)
        for alert, pages, (after, least), delay in found
        for voice in voices
        if voice.alert is alert and voice.comes is pages
    ]


class _Told(NamedTuple):
    """An alert fires ``after`` seconds, if there are as many requests an hour as ``from_an_hour``."""

    after: Decimal
    from_an_hour: Decimal
    alert: LibraryAlert
    pages: bool


# Seconds, and the requests an hour from which they hold.
_Seconds: TypeAlias = tuple[Decimal, Decimal]


def _first(found: list[_Told], *, pages: bool) -> _Told | None:
    told = (one for one in found if one.pages is pages)
    return min(told, key=lambda one: (one.after, one.from_an_hour), default=None)


def _after(found: list[_Told], *, pages: bool) -> Duration | None:
    first = _first(found, pages=pages)
    return Duration(first.after) if first is not None else None


def _burns(burn: Burn, threshold: Decimal, share: Decimal, volume: Decimal | None, *, direct: bool) -> _Seconds | None:
    if share <= threshold:
        return None
    seconds = _burnt(burn.long.seconds, threshold, share, direct)
    if not burn.pages:
        first = 1 / (volume * share) if volume else Decimal(0)
        return max(seconds, first), Decimal(0)
    return _gated(seconds, _HOUR, share, volume)


@cache
def _burnt(window: Decimal, threshold: Decimal, share: Decimal, direct: bool) -> Decimal:
    # The long window holds a share that grows with time until it is more than the threshold.
    bad_seconds = threshold * window / share
    return bad_seconds if window == _HOUR and direct else _smeared(bad_seconds)


def _outage(volume: Decimal | None) -> list[_Seconds]:
    window = OUTAGE_WINDOW.seconds
    found = _gated(_smeared(OUTAGE_RATIO * window), window, OUTAGE, volume)
    return [found] if found else []


def _gated(seconds: Decimal, window: Decimal, share: Decimal, volume: Decimal | None) -> _Seconds | None:
    """With at least five bad requests in ``window`` seconds, of which there must be ``volume`` a second."""
    if volume is None:
        least = FEWEST_BAD_EVENTS / min(seconds, window) / share * _HOUR
        return seconds, least.to_integral_value(ROUND_CEILING)
    if volume * share * window < FEWEST_BAD_EVENTS:
        return None
    return max(seconds, FEWEST_BAD_EVENTS / (volume * share)), Decimal(0)


def _none_good(volume: Decimal | None) -> list[_Seconds]:
    """From the last good request: half of it has left the window, and half of the third bad one has come in."""
    found = []
    for window in LITTLE_WINDOWS:
        least = FEWEST_FAILURES / window.seconds
        if volume is None or volume >= least:
            third = FEWEST_FAILURES / (volume or least)
            found.append((max(window.seconds, third) + _SMEAR / 2, least * _HOUR))
    return found


def _meaning(slo: SLO, pages: Mapping[bool, bool]) -> str:
    """What its own burn rates mean; ``pages`` is whether what comes as a page, or as a ticket, pages here."""
    if not slo.burn_rates or not pages:
        return ""
    said = [
        f"{plain(burn.rate(slo))} x over {burn.long} {'pages' if pages[burn.pages] else 'is a ticket'} "
        f"({float(100 * burn.spent(slo)):.3g}% of its budget)"
        for burn in BURNS
    ]
    last = BURNS[-1].rate(slo)
    if last > 1:
        said.append(f"what burns steadily at less than {plain(last)} x is told only when the budget is spent")
    return ", ".join(said)


def _smeared(bad_seconds: Decimal) -> Decimal:
    # Windows of recorded 5-minute rates see trouble grow quadratically for five minutes, then lag by half of them.
    early = (2 * _SMEAR * bad_seconds).sqrt()
    return early if early <= _SMEAR else bad_seconds + _SMEAR / 2


def spoken(length: Duration) -> str:
    """A length of time as a person says it: ``1m 15s``, ``2h 5m``."""
    seconds = int(length.seconds.to_integral_value())
    parts = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    words = [f"{count}{unit}" for count, unit in parts if count]
    return " ".join(words[:2]) or "0s"
