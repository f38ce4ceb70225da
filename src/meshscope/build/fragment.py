"""Our part of an Alertmanager that is there already: routes, inhibit rules and receivers to merge into its file.

It can't rely on a template file or on global settings, so messages and servers stand in each receiver. It takes no
alert that isn't ours, by the two labels that only ours have.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypedDict

from meshscope.artefacts.yaml import dump
from meshscope.build import messages
from meshscope.build.alertmanager import MAIL_PASSWORD, inhibit_rules, our_route, receivers
from meshscope.build.heading import heading
from meshscope.build.options import Emit, Options
from meshscope.build.receivers import Texts, by_name
from meshscope.build.working_hours import time_intervals
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model

_ABOUT = (
    "Who is told of what, to merge into the configuration of an Alertmanager that is there already: these routes "
    "before its own, receivers and inhibit rules beside its own. `meshscope adopt` does it, and shows the difference.\n"
    "All of it is about alerts that have both labels of this mesh, which no other alert has."
)


def secret_name(mesh: Mesh) -> str:
    """The Secret that holds the credentials of all receivers, mounted into Alertmanager for the fragment."""
    return f"{mesh.name}-alerting"


def prefix(mesh: Mesh) -> str:
    """What each name in the fragment begins with, so that it is no other's."""
    return f"{mesh.name}-{mesh.environment}-"


class Part(TypedDict):
    """What is merged into each list of an Alertmanager's own configuration."""

    routes: list[dict[str, object]]
    inhibit_rules: list[dict[str, object]]
    receivers: list[dict[str, object]]
    time_intervals: list[dict[str, object]]


def our_part(model: Model, options: Options) -> Part:
    """Routes, inhibit rules, receivers and time intervals to merge; the names of ours begin with `prefix`."""
    secrets = model.mesh.secrets
    # prometheus-operator mounts each Secret in a folder of its own.
    folder = f"{secrets}/{secret_name(model.mesh)}" if options.emit is Emit.OPERATOR else secrets
    mesh = replace(model.mesh, secrets=folder)
    mounted = replace(model, mesh=mesh)
    return {
        "routes": [_prefixed(our_route(mounted, options), prefix(mesh))],
        # Not every Alertmanager that is there already knows names of inhibit rules.
        "inhibit_rules": [{key: text for key, text in rule.items() if key != "name"} for rule in inhibit_rules(model)],
        "receivers": [
            {**receiver.document(), "name": f"{prefix(mesh)}{receiver.name}"}
            for receiver in receivers(mounted, options, texts(mesh))
        ],
        "time_intervals": [
            {**interval, "name": f"{prefix(mesh)}{interval['name']}"} for interval in time_intervals(mounted)
        ],
    }


def fragment(model: Model, options: Options) -> dict[str, object]:
    """`our_part` as it stands in a configuration."""
    part = our_part(model, options)
    return {
        "route": {"routes": part["routes"]},
        "inhibit_rules": part["inhibit_rules"],
        "receivers": part["receivers"],
        **({"time_intervals": part["time_intervals"]} if part["time_intervals"] else {}),
    }


def fragment_text(model: Model, options: Options) -> str:
    """The fragment as a file."""
    origins = (owner.place for owner in model.owners)
    return heading(_ABOUT, origins) + dump(fragment(model, options))


def texts(mesh: Mesh) -> Texts:
    """Messages and what else stands in Alertmanager's global settings, for each kind of integration."""
    said = messages.inline(mesh.severities.page)
    server: dict[str, object] = {"smarthost": mesh.smarthost, "from": mesh.mail_from}
    if mesh.mail_user:
        server |= {"auth_username": mesh.mail_user, "auth_password_file": f"{mesh.secrets}/{MAIL_PASSWORD}"}
    return {
        **said,
        "pagerduty_configs": {"url": mesh.pagerduty_url, **said["pagerduty_configs"]},
        "email_configs": {**server, **said["email_configs"]},
    }


def _prefixed(route: Mapping[str, object], start: str) -> dict[str, object]:
    below, name = route.get("routes"), str(route["receiver"])
    times = {key: route[key] for key in ("active_time_intervals", "mute_time_intervals") if key in route}
    return {
        **route,
        "receiver": name.partition(":")[2] if by_name(name) else f"{start}{name}",
        **{key: [f"{start}{one}" for one in names] for key, names in times.items() if isinstance(names, list)},
        **({"routes": [_prefixed(child, start) for child in below]} if isinstance(below, list) else {}),
    }
