"""A small desk: a ledger in memory, the boutique's real model, and answers that are written as an agent writes them."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace

import msgspec

from meshscope.feedback.cards import Card
from meshscope.feedback.catalog import Catalog, catalog
from meshscope.feedback.desk import Limits, Part, Stop
from meshscope.feedback.ports import Entry, Ledger
from meshscope.feedback.state import (
    INCIDENT,
    PERSON,
    STOP,
    Act,
    Happened,
    Incident,
    Key,
    Phase,
    Received,
    incident_entry,
    read_incident,
)
from meshscope.feedback.unreadable import UnreadableRecord
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.modes import Mode
from meshscope.wiring.actions import found_actions

MODES = {
    "ledger": Mode.ACT, "cart": Mode.ACT, "catalog": Mode.ACT, "payment": Mode.ACT, "checkout": Mode.ASK,
    "frontend": Mode.ASK, "search": Mode.PROPOSE, "shipping": Mode.OBSERVE,
}  # fmt: skip
_RANK = {Mode.OBSERVE: 0, Mode.PROPOSE: 1, Mode.ASK: 2, Mode.ACT: 3}


def boutique(model: bytes) -> Catalog:
    """The boutique as it was built, with services that let the agent do more or less to them."""
    document = json.loads(model)
    document["mesh"]["environment"] = "production"
    known = catalog(json.dumps(document).encode())
    services = {
        key: replace(one, mode=MODES.get(key.name), stateful=key.name == "payment")
        for key, one in known.services.items()
    }
    return replace(known, mode=Mode.ACT, services=services)


@dataclass
class Moment:
    """A clock that stands until a test moves it."""

    at: float

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return time.monotonic()


LOST = UnreadableRecord(
    number=7, kind=INCIDENT, subject=f"{INCIDENT}:cart-1", about="eu-1/shop/cart", why="DecodeError: Input data was cut"
)


@dataclass
class DeskTwin:
    """A desk whose agent carries out every yes at once."""

    catalog: Catalog
    ledger: Ledger
    now: Callable[[], float]
    restored: bool = False
    set_aside: tuple[UnreadableRecord, ...] = ()
    used: int = 3
    switches: dict[str, Stop] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    trouble: dict[str, str] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    """What was carried out."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def cards(self) -> Mapping[str, Card]:
        return {name: action.card for name, action in found_actions().items()}

    def accept(self, tenant: str, received: Sequence[Received], raw: bytes = b"", truncated: int = 0) -> Future[int]:
        raise AssertionError("the console sends no alerts")

    def answer(self, incident: str, token: str, *, yes: bool, by: str) -> str:
        with self._lock:
            one = self._incident(incident)
            approval = next((each for each in one.approvals if each.token == token), None)
            now = self.now()
            if approval is None or approval.answer or approval.until <= now:
                was = "none of that kind was asked for" if approval is None else approval.answer or "expired"
                raise MeshscopeError(
                    Finding(code="agent/no-approval", title="nothing waits for this answer",
                            why=f"it was answered before: {was}", help="look at the incident")
                )  # fmt: skip
            approval.answer, approval.by, approval.answered_at = ("yes" if yes else "no"), by, now
            what = f"{approval.answer} to {approval.action} of {approval.target}"
            one.story.append(Happened(at=now, what=what, who=by))
            if yes:
                self.done.append(approval.target)
                one.acts.append(
                    Act(key=f"{one.id}/{approval.action}/{approval.uid}", action=approval.action,
                        target=approval.target, uid=approval.uid, at=now, deadline=now + 10, alert=approval.alert,
                        outcome="done", done_at=now, approved_by=by)
                )  # fmt: skip
            self._write(one, self._said(by, what, str(one.service)))
            return f"{approval.action} of {approval.target}: {'acted' if yes else 'not done'}"

    def stop(self, scope: str, *, by: str, why: str) -> None:
        self.switches[scope] = Stop(scope=scope, by=by, why=why, at=self.now())
        body = msgspec.json.encode({"scope": scope, "by": by, "why": why, "on": True})
        self.ledger.append([Entry(kind=STOP, subject=f"stop:{scope}", body=body, open=True)]).result()

    def start(self, scope: str, *, by: str) -> None:
        self.switches.pop(scope, None)
        body = msgspec.json.encode({"scope": scope, "by": by, "why": "", "on": False})
        self.ledger.append([Entry(kind=STOP, subject=f"stop:{scope}", body=body)]).result()

    def close_incident(self, incident: str, *, by: str) -> None:
        one = self._incident(incident)
        one.phase, one.ended = Phase.RESOLVED, self.now()
        one.story.append(Happened(at=self.now(), what="closed", who=by))
        self._write(one, self._said(by, f"closed {incident}", str(one.service)))

    def stops(self) -> Sequence[Stop]:
        return list(self.switches.values())

    def parts(self) -> Sequence[Part]:
        at = time.monotonic()
        return [
            Part(name=name, at=at - (95.0 if name in self.silent else spoke), patience=30.0,
                 error=self.trouble.get(name, ""))
            for name, spoke in (("decide", 0.2), ("watch", 0.1), ("tell", 0.2), ("listen", 12), ("reconcile", 8))
        ]  # fmt: skip

    def limits(self) -> Sequence[Limits]:
        cards = [card for card in self.cards.values() if card.verb is not None]
        return [
            Limits(what="the mesh", cap=20, used=self.used),
            Limits(what="owner payments", cap=5, used=2),
            Limits(what="owner storefront", cap=5, used=1),
            Limits(what="service eu-1/shop/ledger", cap=3, used=1),
            Limits(what="service eu-1/shop/cart", cap=3, used=3),
            *(Limits(what=f"action {card.name}", cap=card.an_hour, used=self.used if card.outlier else 0)
              for card in sorted(cards, key=lambda card: card.name)),
        ]  # fmt: skip

    def mode_of(self, service: str) -> Mode:
        cluster, namespace, name = service.split("/")
        known = self.catalog.services.get(Key(cluster, namespace, name))
        if known is None or self.restored:
            return Mode.OBSERVE
        own = known.mode if known.mode is not None else self.catalog.mode
        return min(own, self.catalog.mode, key=_RANK.__getitem__)

    def clear_restored(self, *, by: str) -> None:
        self.restored = False
        self.ledger.append([self._said(by, "cleared the restored ledger", "")]).result()

    def unreadable(self) -> Sequence[UnreadableRecord]:
        return self.set_aside

    def clear_unreadable(self, *, by: str) -> None:
        self.set_aside = ()
        self.ledger.append([self._said(by, "cleared the records that can't be read", "")]).result()

    def put(self, incident: Incident) -> None:
        """Write an incident as an agent does when something has changed."""
        self._write(incident)

    def _incident(self, name: str) -> Incident:
        records = self.ledger.history(f"{INCIDENT}:{name}")
        if not records:
            raise MeshscopeError(Finding(code="agent/no-incident", title=f"there is no incident {name}"))
        return read_incident(records[-1])

    def _write(self, incident: Incident, *more: Entry) -> None:
        incident.changed = self.now()
        self.ledger.append([incident_entry(incident), *more]).result()

    def _said(self, by: str, what: str, about: str) -> Entry:
        body = msgspec.json.encode({"by": by, "what": what, "about": about, "at": self.now()})
        return Entry(kind=PERSON, subject=f"person:{by}", body=body, about=about)
