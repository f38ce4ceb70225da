"""Routes and receivers where an Alertmanager is there already: an AlertmanagerConfig object, or a part to merge.

Neither can rely on a template file or on global settings, so messages and servers stand in each receiver. Neither
takes an alert that isn't ours: ours have an owner.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from meshscope.artefacts.objects import KubernetesObject
from meshscope.artefacts.yaml import dump
from meshscope.build import messages
from meshscope.build.alertmanager import DEFAULT, MAIL_PASSWORD, NOBODY, inhibit_rules, matcher, receivers, routes, top
from meshscope.build.heading import heading
from meshscope.build.operator.made import made
from meshscope.build.options import Options
from meshscope.build.receivers import Texts
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model

_ABOUT = (
    "Who is told of what, as an AlertmanagerConfig. prometheus-operator makes its routes match only alerts whose label "
    "namespace is this object's own, unless the Alertmanager says alertmanagerConfigMatcherStrategy: {{type: "
    "OnNamespaceExceptForAlertmanagerNamespace}} and runs in namespace {namespace}. Without it nobody is told of "
    "anything.\n"
    "After these routes an alert goes on to those of the Alertmanager's own configuration: let its default be a "
    "receiver that tells nobody, or merge fragment.yaml instead of this."
)
_FRAGMENT = (
    "Who is told of what, to merge into an Alertmanager's own configuration instead of alertmanagerconfig.yaml: these "
    "routes before its own, receivers and inhibit rules beside its own."
)
_OURS = matcher("owner", "!=", "")
_MATCHER = re.compile(r"(\w+)(=~|!~|!=|=)(.*)")

# Settings that prometheus-operator calls otherwise. A credential is a key of a Secret there.
_RENAMED = {"client_url": "clientURL"}
_SECRETS = {
    "api_url_file": "apiURL",
    "auth_password_file": "authPassword",
    "credentials_file": "credentials",
    "routing_key_file": "routingKey",
    "url_file": "urlSecret",
}


def secret_name(mesh: Mesh) -> str:
    """The Secret that holds the credentials of all receivers, mounted into Alertmanager for the fragment."""
    return f"{mesh.name}-alerting"


def alertmanager_object(model: Model, options: Options) -> KubernetesObject:
    """The AlertmanagerConfig."""
    mesh = model.mesh
    spec = {
        "route": _route({"receiver": DEFAULT, "matchers": [_OURS], **top(options), "routes": routes(model, options)}),
        "inhibitRules": [
            {
                "sourceMatch": [_match(text) for text in rule["source_matchers"]],
                "targetMatch": [_match(text) for text in rule["target_matchers"]],
                "equal": rule["equal"],
            }
            for rule in inhibit_rules(mesh)
        ],
        "receivers": [
            {"name": receiver.name, **_camel(receiver.ways, mesh)}
            for receiver in receivers(model, options, texts(mesh))
        ],
    }
    return made(
        mesh,
        path="alertmanager/alertmanagerconfig.yaml",
        api="monitoring.coreos.com/v1alpha1",
        kind="AlertmanagerConfig",
        name=mesh.name,
        namespace=mesh.monitoring_namespace,
        body={"spec": spec},
        about=_ABOUT.format(namespace=mesh.monitoring_namespace),
        origins=(owner.place for owner in model.owners),
    )


def fragment(model: Model, options: Options) -> dict[str, object]:
    """Routes, inhibit rules and receivers to merge; each receiver's name begins with the mesh's."""
    mesh = replace(model.mesh, secrets=f"{model.mesh.secrets}/{secret_name(model.mesh)}")
    mounted = replace(model, mesh=mesh)
    bridge = {"receiver": NOBODY, "matchers": [matcher("alertname", "=", "DependencyPaging")]}
    ours = {"receiver": DEFAULT, "matchers": [_OURS], **top(options), "routes": routes(mounted, options)}
    return {
        "route": {"routes": [_prefixed(route, mesh) for route in (bridge, ours)]},
        "inhibit_rules": [
            {**rule, "target_matchers": [*rule["target_matchers"], _OURS]} for rule in inhibit_rules(mesh)
        ],
        "receivers": [
            {**receiver.document(), "name": f"{mesh.name}-{receiver.name}"}
            for receiver in receivers(mounted, options, texts(mesh))
        ],
    }


def fragment_text(model: Model, options: Options) -> str:
    """The fragment as a file."""
    origins = (owner.place for owner in model.owners)
    return heading(_FRAGMENT, origins) + dump(fragment(model, options))


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


def _prefixed(route: Mapping[str, object], mesh: Mesh) -> dict[str, object]:
    below = route.get("routes")
    return {
        **route,
        "receiver": f"{mesh.name}-{route['receiver']}",
        **({"routes": [_prefixed(child, mesh) for child in below]} if isinstance(below, list) else {}),
    }


def _route(route: Mapping[str, object]) -> dict[str, object]:
    converted: dict[str, object] = {}
    for key, value in route.items():
        if key == "matchers" and isinstance(value, list):
            converted[key] = [_match(text) for text in value]
        elif key == "routes" and isinstance(value, list):
            converted[key] = [_route(child) for child in value]
        else:
            converted[_camel_word(key)] = value
    return converted


def _match(text: str) -> dict[str, object]:
    found = _MATCHER.fullmatch(text)
    if found is None:
        raise ValueError(f"`{text}` is no matcher")
    name, operator, value = found.groups()
    return {"name": name, "matchType": operator, "value": json.loads(value) if value.startswith('"') else value}


def _camel(settings: Mapping[str, object], mesh: Mesh) -> dict[str, object]:
    converted: dict[str, object] = {}
    for key, value in settings.items():
        if key in _SECRETS:
            converted[_SECRETS[key]] = {"name": secret_name(mesh), "key": str(value).rpartition("/")[2]}
        elif key == "links" and isinstance(value, list):
            converted["pagerDutyLinkConfigs"] = [{"href": link["href"], "alt": link["text"]} for link in value]
        elif key == "headers" and isinstance(value, Mapping):
            converted[key] = [{"key": name, "value": text} for name, text in value.items()]
        elif isinstance(value, Mapping):
            converted[_camel_word(key)] = _camel(value, mesh)
        elif isinstance(value, list):
            converted[_camel_word(key)] = [_camel(item, mesh) for item in value]
        else:
            converted[_camel_word(key)] = value
    return converted


def _camel_word(word: str) -> str:
    first, *rest = word.split("_")
    return _RENAMED.get(word) or first + "".join(part.capitalize() for part in rest)
