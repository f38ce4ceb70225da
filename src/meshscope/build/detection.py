"""How long each SLO's alerts take to tell of trouble: what follows from its objective, its volume and the windows.

Counted from the first bad request, with steady traffic and a steady share of bad requests, until Prometheus fires: one
scrape and one evaluation are added (for a ticket also the longest wait for the next sum), Alertmanager's group_wait
is not. Where no volume is said, enough is assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from meshscope.artefacts.files import File, text_file
from meshscope.build.rules.slo import BURNS, FAST, FEWEST_BAD_EVENTS, MOST_RAW_SERIES, RARE, SLOW, Burn, raw_series
from meshscope.findings import Place
from meshscope.model.model import Model
from meshscope.model.services import Identity, Service
from meshscope.model.slo import SLO, Latency
from meshscope.model.units import Duration, days, hours, minutes

OUTAGE = Decimal(1)
TENTH = Decimal("0.1")
DETECTION_FILE = "detection.txt"
MOST_TOLD = 24
FEW = 5
_SMEAR = 5 * minutes


@dataclass(frozen=True, kw_only=True)
class Detection:
    """When an SLO's alerts fire: after every request is bad, and after one in ten is; None is never."""

    service: Identity
    slo: str
    latency: bool
    page_at_outage: Duration | None
    page_at_tenth: Duration | None
    ticket_at_tenth: Duration | None
    events_an_hour: Decimal | None

    def __str__(self) -> str:
        """One line for a person."""
        told = f"{self.service} {self.slo}: "
        if self.page_at_outage is None:
            bad = f"{self.events_an_hour:.3g} requests an hour" if self.events_an_hour is not None else "its objective"
            return told + f"never pages: {bad} can't make {FEWEST_BAD_EVENTS} bad ones in an hour beyond its budget"
        turned = "is slow" if self.latency else "fails"
        told += f"pages {spoken(self.page_at_outage)} after every request {turned}"
        if self.page_at_tenth is not None:
            return told + f", {spoken(self.page_at_tenth)} after one in ten is bad"
        if self.ticket_at_tenth is not None:
            return told + f"; one in ten bad is a ticket after {spoken(self.ticket_at_tenth)}"
        return told + "; one in ten bad is within its objective"


def detections(model: Model) -> tuple[Detection, ...]:
    """The detection times of every SLO, in the model's order."""
    direct = raw_series(model) <= MOST_RAW_SERIES
    return tuple(_detection(service, slo, model, direct=direct) for service, slo in model.slos)


def told(found: tuple[Detection, ...]) -> tuple[str, ...]:
    """What a build says of them: each SLO, or of many those that are told last, and where the rest is."""
    if len(found) <= MOST_TOLD:
        return ("how soon each SLO's trouble is told:", *(f"  {one}" for one in found))
    never = Duration(Decimal("Infinity"))
    latest = sorted(found, key=lambda one: (one.page_at_outage or never).seconds, reverse=True)[:FEW]
    return (
        f"how soon trouble is told: {len(found)} SLOs in {DETECTION_FILE}, the last {FEW} of them:",
        *(f"  {one}" for one in latest),
    )


def detection_file(found: tuple[Detection, ...], origins: tuple[Place | None, ...]) -> File:
    """All of them, a line each."""
    lines = (f"{one}\n" for one in found)
    head = "How soon each SLO's trouble is told, counted from the first bad request until Prometheus fires.\n\n"
    return text_file(DETECTION_FILE, head + "".join(lines), origins)


def _detection(service: Service, slo: SLO, model: Model, *, direct: bool) -> Detection:
    unit = slo.budget * (slo.over / (30 * days))
    volume = service.volume.value if service.volume else None

    def first(share: Decimal, *, pages: bool) -> Duration | None:
        late = model.mesh.scrape_interval.seconds + (FAST if pages else SLOW + RARE).seconds
        found = [
            seconds
            for burn in BURNS
            if burn.pages is pages and (seconds := _fires(burn, unit, share, volume, direct=direct)) is not None
        ]
        return Duration(min(found) + late) if found else None

    return Detection(
        service=service.identity,
        slo=slo.name,
        latency=isinstance(slo.of, Latency),
        page_at_outage=first(OUTAGE, pages=True),
        page_at_tenth=first(TENTH, pages=True),
        ticket_at_tenth=first(TENTH, pages=False),
        events_an_hour=volume * 3600 if volume is not None else None,
    )


def _fires(burn: Burn, unit: Decimal, share: Decimal, volume: Decimal | None, *, direct: bool) -> Decimal | None:
    threshold = Decimal(burn.factor) * unit
    if share <= threshold:
        return None
    # The long window holds a share that grows with time until it is more than the threshold.
    bad_seconds = threshold * burn.long.seconds / share
    seconds = bad_seconds if burn.long == 1 * hours and direct else _smeared(bad_seconds)
    if not burn.pages or volume is None:
        return seconds
    if volume * share * 3600 < FEWEST_BAD_EVENTS:
        return None
    return max(seconds, FEWEST_BAD_EVENTS / (volume * share))


def _smeared(bad_seconds: Decimal) -> Decimal:
    # Windows of recorded 5-minute rates see trouble grow quadratically for five minutes, then lag by half of them.
    smear = _SMEAR.seconds
    early = (2 * smear * bad_seconds).sqrt()
    return early if early <= smear else bad_seconds + smear / 2


def spoken(length: Duration) -> str:
    """A length of time as a person says it: ``1m 15s``, ``2h 5m``."""
    seconds = int(length.seconds.to_integral_value())
    parts = ((seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "m"), (seconds % 60, "s"))
    words = [f"{count}{unit}" for count, unit in parts if count]
    return " ".join(words[:2]) or "0s"
