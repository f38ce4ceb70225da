"""Alertmanager's configuration: who is told of what, and which alert makes which other one needless.

Routes, first match first: what is of another mesh or environment; the dead-man's switch; what is for nobody; the agent,
which sees everything before people do and lets it pass on, but for what is about itself; an alert's first stage, which
is the agent's alone; the default for what must not depend on one way to people; then each owner; then the mesh's owner.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import TypedDict

from meshscope.artefacts.documents import AlertmanagerConfig
from meshscope.build import messages
from meshscope.build.agent import OWN_ALERTS, has_agent
from meshscope.build.options import Options
from meshscope.build.ours import our_labels
from meshscope.build.receivers import Receiver, Texts, Ways, page_receivers, ticket_receivers
from meshscope.build.rules.bridge import DEPENDENCY_PAGING
from meshscope.build.rules.storm import MANY_SERVICES_FAILING, counted_pages
from meshscope.build.standing_alone import standing_alone
from meshscope.build.working_hours import ALWAYS, When, outside, time_intervals, within
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.people import Owner
from meshscope.model.units import Duration, hours, minutes, seconds

TEMPLATE = "meshscope.tmpl"
NOBODY = "nobody"
AGENT = "agent"
DEADMAN = "deadman"
DEFAULT = "default"
AGENT_TOKEN = "agent-token"  # noqa: S105 - a file's name
DEADMAN_URL = "deadman-url"
MAIL_PASSWORD = "mail-password"  # noqa: S105 - a file's name

# The alert that some way to people fails goes by all that the mesh's owner has: one of them is what fails.
ALERTING_FAILING = "AlertingFailing"

# The first stage of an alert with ``page_after`` is the agent's: it tells no person, is silenced by nothing that people
# were told, and silences nothing that they should be.
FIRST_STAGE = "agent"


class InhibitRule(TypedDict):
    """An alert that ``source_matchers`` match silences those of ``target_matchers`` with the same ``equal`` labels."""

    name: str
    source_matchers: list[str]
    target_matchers: list[str]
    equal: list[str]


def alertmanager(model: Model, options: Options) -> AlertmanagerConfig:
    """The whole configuration for one mesh, and the messages that it sends."""
    model = standing_alone(model)
    mesh, intervals = model.mesh, time_intervals(model)
    document: dict[str, object] = {
        "global": _global(mesh),
        "templates": ["templates/*.tmpl"],
        "route": {"receiver": DEFAULT, **top(options), "routes": [*_elsewhere(mesh), *routes(model, options)]},
        "inhibit_rules": inhibit_rules(model),
        **({"time_intervals": intervals} if intervals else {}),
        "receivers": [receiver.document() for receiver in receivers(model, options, {})],
    }
    return AlertmanagerConfig(
        document=document,
        templates={TEMPLATE: messages.template(mesh.severities.page)},
        origins=tuple(owner.place for owner in model.owners if owner.place is not None),
    )


def credentials(config: AlertmanagerConfig) -> tuple[str, ...]:
    """The files that must be there for somebody to be told, sorted."""

    def named(value: object) -> Iterable[str]:
        if isinstance(value, Mapping):
            for key, item in value.items():
                yield from [item] if str(key).endswith("_file") else named(item)
        elif isinstance(value, list):
            for item in value:
                yield from named(item)

    return tuple(sorted(set(named(config.document))))


def matcher(label: str, operator: str, value: str) -> str:
    """One matcher of a route or an inhibit rule; ``value`` quoted where Alertmanager asks for it."""
    plain = re.fullmatch(r"[A-Za-z0-9_.-]+", value)
    return f"{label}{operator}{value if plain else json.dumps(value, ensure_ascii=False)}"


def ours(mesh: Mesh) -> list[str]:
    """The matchers that no alert but those of this mesh in this environment has."""
    return [matcher(name, "=", value) for name, value in our_labels(mesh).items()]


def top(options: Options) -> dict[str, object]:
    """How people's alerts are grouped and timed.

    They wait for longer than one evaluation, so that a page's cause, whose bridge comes with the next, holds it back.
    """
    times = _times(options, wait=30 * seconds, interval=5 * minutes, repeat=12 * hours)
    return {"group_by": ["cluster", "owner", "alertname"], **times}


def our_route(model: Model, options: Options) -> dict[str, object]:
    """One route that takes every alert of ours and no other, with all `routes` below it."""
    return {"receiver": DEFAULT, "matchers": ours(model.mesh), **top(options), "routes": routes(model, options)}


def routes(model: Model, options: Options) -> list[dict[str, object]]:
    """The routes below the top one, in the order in which they are tried."""
    mesh = model.mesh
    found: list[dict[str, object]] = [_deadman(options), _nobody("severity", "none")]
    if has_agent(model):
        found.append(_agent(options))
    found.append(_nobody("stage", FIRST_STAGE))
    fails = [matcher("alertname", "=", ALERTING_FAILING)]
    found += [{"receiver": name, "matchers": fails, "continue": True} for name in _defaults(mesh)]
    found += _storms(model, options)
    found += [route for owner in model.owners for route in _owner_routes(owner, mesh, options)]
    if mesh.severities.wakes and mesh.owner:
        found += _in_turn(_page(one.name, [], mesh, options) for one in page_receivers(mesh.owner, mesh, {}))
    # Not left to the top route: it takes only what no route took, and the agent's takes all and passes it on.
    found += _in_turn({"receiver": name} for name in _defaults(mesh))
    return found


def receivers(model: Model, options: Options, texts: Texts) -> list[Receiver]:
    """Every receiver that a route names; ``texts`` are settings to add to each kind of integration."""
    mesh = model.mesh
    found = [Receiver(DEFAULT, _default(mesh, texts)), Receiver(NOBODY, {}), Receiver(DEADMAN, _deadman_ways(mesh))]
    if has_agent(model):
        found.append(Receiver(AGENT, _agent_ways(mesh, options)))
    for owner in model.owners:
        told = (*page_receivers(owner, mesh, texts), *ticket_receivers(owner, mesh, texts))
        found += [one for one in told if not one.is_theirs]
    return found


def inhibit_rules(model: Model) -> list[InhibitRule]:
    """Which alert of ours makes which other one of ours needless. No rule silences a first stage, nor silences by one.

    A label that both alerts lack counts as equal (inhibit/inhibit.go of Alertmanager 0.34: both sides' values of the
    label are compared, and one that is absent is empty), so each rule names what must be there.
    """
    mesh = model.mesh
    page, ticket = mesh.severities.page, mesh.severities.ticket
    told = [matcher("stage", "!=", FIRST_STAGE), *ours(mesh)]
    of_a_service = [*told, matcher("service", "!=", "")]
    return [
        {
            "name": "a page says what the ticket would",
            "source_matchers": [matcher("severity", "=", page), *of_a_service],
            "target_matchers": [matcher("severity", "=", ticket), *of_a_service],
            "equal": ["alertname", "cluster", "namespace", "service", "slo"],
        },
        {
            "name": "the service that it calls is paging",
            "source_matchers": [matcher("alertname", "=", DEPENDENCY_PAGING), *of_a_service],
            "target_matchers": [matcher("kind", "=", "symptom"), *of_a_service],
            "equal": ["cluster", "namespace", "service", "sli"],
        },
        {
            "name": "many services of its owner are paging",
            "source_matchers": [matcher("alertname", "=", MANY_SERVICES_FAILING), *told],
            "target_matchers": [
                matcher("alertname", "=~", "|".join(counted_pages(model))),
                matcher("severity", "=", page),
                *of_a_service,
            ],
            "equal": ["cluster", "owner"],
        },
        {
            "name": "all telemetry is gone, not one service's",
            "source_matchers": [
                matcher("alertname", "=", "MeshTelemetryAbsent"),
                matcher("severity", "=", page),
                *told,
            ],
            # An indicator that lacks only its bucket lacks it whatever else is gone.
            "target_matchers": [
                matcher("alertname", "=", "IndicatorAbsent"),
                matcher("missing", "=", "requests"),
                *of_a_service,
            ],
            "equal": ["cluster"],
        },
    ]


def _elsewhere(mesh: Mesh) -> list[dict[str, object]]:
    """What another mesh or environment of meshscope sends here wakes nobody; what is carried has neither label."""
    mine, name = our_labels(mesh), "meshscope"
    others = (
        [matcher(name, "!=", ""), matcher(name, "!=", mine[name])],
        [matcher(name, "=", mine[name]), matcher("environment", "!=", mine["environment"])],
    )
    told_apart = [*mine, "cluster", "alertname"]
    return [{"receiver": DEFAULT, "matchers": matchers, "group_by": told_apart} for matchers in others]


def _global(mesh: Mesh) -> dict[str, object]:
    settings: dict[str, object] = {"pagerduty_url": mesh.pagerduty_url}
    if mesh.smarthost:
        settings |= {"smtp_smarthost": mesh.smarthost, "smtp_from": mesh.mail_from}
    if mesh.smarthost and not mesh.mail_tls:
        settings["smtp_require_tls"] = False
    if mesh.smarthost and mesh.mail_user:
        password = f"{mesh.secrets}/{MAIL_PASSWORD}"
        settings |= {"smtp_auth_username": mesh.mail_user, "smtp_auth_password_file": password}
    return settings


def _times(options: Options, *, wait: Duration, interval: Duration, repeat: Duration) -> dict[str, str]:
    return {
        "group_wait": options.duration(wait),
        "group_interval": options.duration(interval),
        "repeat_interval": options.duration(repeat),
    }


def _page(receiver: str, matchers: list[str], mesh: Mesh, options: Options, when: When = ALWAYS) -> dict[str, object]:
    """A route that wakes: each service is an incident of its own, each of its promises too.

    A second alert of one promise joins a group that was told already, and must not wait for five minutes. A route has
    its time intervals for itself, none of those of the route above it (dispatch/route.go of Alertmanager 0.34).
    """
    where = ["cluster", "namespace", "service"]
    return {
        "receiver": receiver,
        "matchers": [*matchers, matcher("severity", "=", mesh.severities.page)],
        "group_by": [*where, "alertname"],
        "group_interval": options.duration(1 * minutes),
        "repeat_interval": options.duration(4 * hours),
        **when,
        "routes": [{"receiver": receiver, "matchers": [matcher("slo", "!=", "")], "group_by": [*where, "slo"], **when}],
    }


def _storms(model: Model, options: Options) -> Iterable[dict[str, object]]:
    """The page about many services goes to the mesh's owner too, where its own owner is somebody else."""
    mesh = model.mesh
    if not mesh.severities.wakes or mesh.owner is None:
        return
    others = [owner.name for owner in model.owners if owner.name != mesh.owner.name and page_receivers(owner, mesh, {})]
    if others:
        many = [matcher("alertname", "=", MANY_SERVICES_FAILING), matcher("owner", "=~", "|".join(others))]
        told_apart = {"group_by": ["cluster", "owner", "alertname"], "continue": True}
        for one in page_receivers(mesh.owner, mesh, {}):
            yield {**_page(one.name, many, mesh, options), **told_apart}


def _nobody(label: str, value: str) -> dict[str, object]:
    return {"receiver": NOBODY, "matchers": [matcher(label, "=", value)]}


def _deadman(options: Options) -> dict[str, object]:
    # Repeats are looked at once in each interval; a repeat as long as the interval would miss every other one.
    times = _times(options, wait=0 * seconds, interval=1 * minutes, repeat=30 * seconds)
    return {
        "receiver": DEADMAN,
        "matchers": [matcher("alertname", "=", "Watchdog")],
        "group_by": ["alertname"],
        **times,
    }


def _agent(options: Options) -> dict[str, object]:
    return {
        "receiver": AGENT,
        "matchers": [matcher("alertname", "!~", f"{OWN_ALERTS}.*")],
        "continue": True,
        "group_by": ["alertname", "cluster", "namespace", "service"],
        **_times(options, wait=5 * seconds, interval=30 * seconds, repeat=1 * hours),
    }


def _owner_routes(owner: Owner, mesh: Mesh, options: Options) -> Iterable[dict[str, object]]:
    mine = matcher("owner", "=", owner.name)
    wakes = mesh.severities.wakes
    woken = page_receivers(owner, mesh, {}) if wakes else ()
    instead = _woken_instead(owner, mesh) if woken else ()
    # What is about many services is told to the mesh's owner at any time, by a route before these.
    single = [mine, matcher("alertname", "!=", MANY_SERVICES_FAILING)]
    yield from _in_turn(
        (
            *(_page(one.name, single, mesh, options, outside(owner)) for one in instead),
            *(_page(one.name, [mine], mesh, options, within(owner) if instead else ALWAYS) for one in woken),
        )
    )
    reads = ticket_receivers(owner, mesh, {})
    if owner.hours:
        # Only tickets wait: a carried alert has whatever severity its author gave it.
        waits = [mine, matcher("severity", "=", mesh.severities.ticket)]
        yield from _in_turn({"receiver": one.name, "matchers": waits, **within(owner)} for one in reads)
    rest = [mine, *([matcher("severity", "!=", mesh.severities.page)] if wakes else [])]
    yield from _in_turn({"receiver": one.name, "matchers": rest} for one in reads)


def _woken_instead(owner: Owner, mesh: Mesh) -> tuple[Receiver, ...]:
    """Who is woken outside ``owner``'s hours; nobody where it has none, or where nobody else has a pager."""
    if owner.hours is None or mesh.owner is None or mesh.owner.name == owner.name or not mesh.owner.pager:
        return ()
    return page_receivers(mesh.owner, mesh, {})


def _in_turn(found: Iterable[dict[str, object]]) -> list[dict[str, object]]:
    """Routes of which each takes an alert: all but the last let it pass on."""
    every = list(found)
    return [*({**route, "continue": True} for route in every[:-1]), *every[-1:]]


def _agent_ways(mesh: Mesh, options: Options) -> Ways:
    return {
        "webhook_configs": [
            {
                "url": f"{mesh.agent.rstrip('/')}/v1/alerts/alertmanager",
                "http_config": {
                    "authorization": {"credentials_file": f"{mesh.secrets}/{AGENT_TOKEN}"},
                    "follow_redirects": False,
                },
                "max_alerts": 0,
                "timeout": options.duration(10 * seconds),
                "send_resolved": True,
            }
        ]
    }


def _deadman_ways(mesh: Mesh) -> Ways:
    return {"webhook_configs": [{"url_file": f"{mesh.secrets}/{DEADMAN_URL}", "send_resolved": False}]}


def _default(mesh: Mesh, texts: Texts) -> Ways:
    told = ticket_receivers(mesh.owner, mesh, texts) if mesh.owner else ()
    return next((one.ways for one in told if not one.is_theirs), {})


def _defaults(mesh: Mesh) -> list[str]:
    """The receivers of what must not depend on one way to people, and of what nobody else gets."""
    told = ticket_receivers(mesh.owner, mesh, {}) if mesh.owner else ()
    theirs = [one.name for one in told if one.is_theirs]
    return [*theirs, DEFAULT] if _default(mesh, {}) or not theirs else theirs
