"""Ask the senders which alerts fire: what was never delivered is found, what is over unsaid ends."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from meshscope.feedback.casebook import Casebook
from meshscope.feedback.ports import Active, AlertSource
from meshscope.feedback.settings import Settings
from meshscope.feedback.state import Received
from meshscope.feedback.telemetry import Telemetry
from meshscope.feedback.tools import is_own
from meshscope.findings import MeshscopeError

SOURCE = "reconcile"
HELD_BACK = "inhibited"
# What is meant for programs alone: the watchdog, and bridges of inhibition.
NOBODY = "none"


class Reconciler:
    """Compares what senders say with what is known, by the tenant under which each sender pushes."""

    def __init__(
        self,
        book: Casebook,
        sources: Mapping[str, AlertSource],
        settings: Settings,
        accept: Callable[[str, Sequence[Received]], object],
        telemetry: Telemetry,
        *,
        known: Collection[str],
    ) -> None:
        """``accept`` takes what was found as if it had been sent; ``known`` are the names of the model's alerts."""
        self.book = book
        self.sources = sources
        self.settings = settings
        self.accept = accept
        self.telemetry = telemetry
        self.known = known
        self.errors: dict[str, str] = {}
        self.inhibited: frozenset[str] = frozenset()
        self._absent: dict[tuple[str, str], float] = {}
        self.found = 0

    def look(self) -> None:
        """Ask each sender once. One that can't be asked says nothing about what is over."""
        held: set[str] = set()
        for tenant, source in self.sources.items():
            try:
                active = source.active()
            except MeshscopeError as error:
                self.errors[tenant] = error.finding.title
                continue
            self.errors.pop(tenant, None)
            held |= {one.fingerprint for one in active if one.inhibited}
            self._missed(tenant, [one for one in active if not one.silenced and _is_for_us(one)])
            self._over(tenant, {one.fingerprint for one in active})
        self.inhibited = frozenset(held)

    def _missed(self, tenant: str, active: Sequence[Active]) -> None:
        with self.book.lock:
            known = {
                fingerprint
                for (whose, fingerprint), state in self.book.alerts.items()
                if whose == tenant and state.resolved_at is None
            }
        missed = [
            Received(
                source=HELD_BACK if one.inhibited else SOURCE, fingerprint=one.fingerprint, status="firing",
                labels=dict(one.labels), annotations=dict(one.annotations), starts_at=one.starts_at,
                url=one.generator_url,
            )
            # What is held back last: then what holds it back has an incident.
            for one in sorted(active, key=lambda one: one.inhibited)
            if one.fingerprint not in known
        ]  # fmt: skip
        if missed:
            self.found += len(missed)
            # What is held back is sent to nobody, and of strangers' alerts nobody said that they would be.
            sent = [one for one in missed if one.source == SOURCE and one.labels.get("alertname") in self.known]
            self.telemetry.undelivered(len(sent))
            with self.telemetry.span("alert", source=SOURCE, alerts=len(missed)):
                self.accept(tenant, missed)

    def _over(self, tenant: str, active: set[str]) -> None:
        """End what its sender has not known for long: its resolved message was lost."""
        now = self.book.clock.monotonic()
        with self.book.lock:
            firing = {
                key: state
                for key, state in self.book.alerts.items()
                if key[0] == tenant and state.resolved_at is None and state.received.source != "falco"
            }
        over: list[Received] = []
        # What ended otherwise and fires again is looked for anew.
        self._absent = {key: since for key, since in self._absent.items() if key[0] != tenant or key in firing}
        for key, state in firing.items():
            if key[1] in active:
                self._absent.pop(key, None)
                continue
            since = self._absent.setdefault(key, now)
            if now - since >= self.settings.absent_seconds:
                self._absent.pop(key, None)
                old = state.received
                over.append(
                    Received(source=SOURCE, fingerprint=key[1], status="resolved", labels=old.labels,
                             annotations=old.annotations, starts_at=old.starts_at)
                )  # fmt: skip
        if over:
            self.accept(tenant, over)


def _is_for_us(one: Active) -> bool:
    return one.labels.get("severity") != NOBODY and not is_own(one.labels)
