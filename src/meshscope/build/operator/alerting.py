"""Routes and receivers as an AlertmanagerConfig object, which prometheus-operator merges into what is there already.

It says the same as the fragment, in the words of prometheus-operator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from meshscope.artefacts.objects import KubernetesObject
from meshscope.build.alertmanager import inhibit_rules, our_route, receivers
from meshscope.build.fragment import secret_name, texts
from meshscope.build.operator.made import made
from meshscope.build.options import Options
from meshscope.build.standing_alone import standing_alone, without_zones
from meshscope.build.working_hours import time_intervals
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
_MATCHER = re.compile(r"(\w+)(=~|!~|!=|=)(.*)")

# Settings that prometheus-operator calls otherwise. A credential is a key of a Secret there.
_RENAMED = {"client_url": "clientURL"}
_SECRETS = {
    "api_key_file": "apiKey",
    "api_url_file": "apiURL",
    "auth_password_file": "authPassword",
    "credentials_file": "credentials",
    "routing_key_file": "routingKey",
    "url_file": "urlSecret",
    "webhook_url_file": "webhookURL",
}


def alertmanager_object(model: Model, options: Options) -> KubernetesObject:
    """The AlertmanagerConfig."""
    model = without_zones(standing_alone(model))
    mesh, intervals = model.mesh, time_intervals(model)
    spec = {
        "route": _route(our_route(model, options)),
        "inhibitRules": [
            {
                "sourceMatch": [_match(text) for text in rule["source_matchers"]],
                "targetMatch": [_match(text) for text in rule["target_matchers"]],
                "equal": rule["equal"],
            }
            for rule in inhibit_rules(model)
        ],
        # Routes name those of muteTimeIntervals as active ones too: it is the operator's only list of intervals.
        **({"muteTimeIntervals": [_interval(interval) for interval in intervals]} if intervals else {}),
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


def _interval(interval: Mapping[str, object]) -> dict[str, object]:
    """An interval without its zone, which is UTC: those of prometheus-operator 0.85 (v1alpha1) have none."""
    times = interval["time_intervals"]
    return {
        "name": interval["name"],
        "timeIntervals": [
            {
                "times": [{_camel_word(key): time for key, time in one.items()} for one in each["times"]],
                "weekdays": each["weekdays"],
            }
            for each in (times if isinstance(times, list) else [])
        ],
    }


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
