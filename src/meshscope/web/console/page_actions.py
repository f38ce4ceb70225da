"""Every way in which something can die: each action's card, who may trigger it, and the worst hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from meshscope.feedback.cards import Card
from meshscope.feedback.catalog import Catalog, KnownAlert, KnownRule, KnownService
from meshscope.feedback.desk import Limits
from meshscope.model.modes import Mode
from meshscope.web.console.visit import Visit

_SHOWN = 12


@dataclass(frozen=True, kw_only=True)
class Way:
    """An action and everything that decides how often it happens."""

    card: Card
    alerts: Sequence[tuple[KnownAlert, Mapping[str, int]]]
    rules: Sequence[KnownRule]
    cap: Limits | None
    worst: int
    """The most that can be done in an hour, given every cap."""
    reachable: Sequence[KnownService]
    """Services on which it may be done at all, the first of them."""
    services: int
    silent: int
    """How many of them it may be done on without asking a person."""


def actions(visit: Visit) -> Response:
    """The page of all actions."""
    desk = visit.room.desk
    catalog, limits = desk.catalog, {one.what: one for one in desk.limits()}
    mesh = limits.get("the mesh")
    able = [(one, desk.mode_of(str(one.key))) for one in catalog.services.values() if one.mode is not None]
    able = [(one, mode) for one, mode in able if mode in (Mode.ASK, Mode.ACT)]
    order = sorted(desk.cards.values(), key=lambda card: (card.verb is None, card.name))
    ways = [_way(card, catalog, limits.get(f"action {card.name}"), mesh, able) for card in order]
    everything = min([mesh.cap] if mesh else [], default=None)
    deadly = [way for way in ways if way.card.verb is not None and (way.alerts or way.rules)]
    return visit.page(
        "actions.html", ways=ways, mesh_limit=mesh, able=len(able), every=len(catalog.services), worst=everything,
        deadly=deadly, silent=sum(1 for _, mode in able if mode is Mode.ACT), shown=_SHOWN,
    )  # fmt: skip


def _way(
    card: Card, catalog: Catalog, cap: Limits | None, mesh: Limits | None,
    able: Sequence[tuple[KnownService, Mode]],
) -> Way:  # fmt: skip
    alerts = [
        (alert, next(one.limits for one in alert.responses if one.action == card.name))
        for alert in catalog.alerts.values()
        if any(one.action == card.name for one in alert.responses)
    ]
    rules = [rule for rule in catalog.rules.values() if any(one.action == card.name for one in rule.responses)]
    fit = [(one, mode) for one, mode in able if not (one.stateful and card.verb is not None)]
    triggered = bool(alerts or rules) and bool(fit)
    caps = [card.an_hour, *([mesh.cap] if mesh and card.verb is not None else [])]
    return Way(
        card=card, alerts=alerts, rules=rules, cap=cap, worst=min(caps) if triggered else 0,
        reachable=[one for one, _ in fit[:_SHOWN]], services=len(fit),
        silent=0 if card.asks else sum(1 for _, mode in fit if mode is Mode.ACT),
    )  # fmt: skip
