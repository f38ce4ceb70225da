"""model.json: all that a consumer needs to know of the model without running Python.

The agent, the console and whoever joins an alert to a service read it. A call names its ends as [cluster, namespace,
name]. Durations stand in Prometheus's spelling, ratios and rates are numbers, and ``definition`` is the path:line that
a person wrote.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from decimal import Decimal

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.files import File
from meshscope.build.detection import Detection
from meshscope.build.graph import inhibiting_edges
from meshscope.build.rules.indicators import Views, views
from meshscope.build.rules.statics import runbook
from meshscope.findings import Place
from meshscope.model.alerting import Alert
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.people import Owner
from meshscope.model.provider import MeshProvider
from meshscope.model.responses import Response
from meshscope.model.security import FalcoRule
from meshscope.model.services import External, Gateway, Identity, Service
from meshscope.model.signals import Scope
from meshscope.model.slo import SLO, Latency

NAME = "model.json"
FORMAT = 1
_json = json.JSONEncoder(ensure_ascii=False).encode
_ADDRESSES = ("grafana", "console", "runbooks", "prometheus", "alertmanagers", "agent")


def model_file(
    model: Model, provider: MeshProvider, artefacts: Artefacts, detections: Iterable[Detection] = ()
) -> File:
    """The model as a file of JSON, one thing a line, so that a change reads well."""
    seen = views(model, provider)
    told = {(one.service, one.slo): one for one in detections}
    silencing = set(inhibiting_edges(model))
    parts: list[tuple[str, object]] = [
        ("format", FORMAT),
        ("mesh", _mesh(model)),
        ("provider", _provider(provider)),
        ("owners", [_owner(owner) for owner in model.owners]),
        ("services", [_service(service, model.mesh, seen, told) for service in model.services]),
        ("gateways", [_gateway(gateway) for gateway in model.gateways]),
        ("externals", [_external(external) for external in model.externals]),
        ("calls", [_call(*edge, model, edge in silencing) for edge in model.calls]),
        ("alerts", list(_alerts(model, artefacts))),
        ("falco_rules", [_falco_rule(rule) for rule in model.falco_rules]),
    ]
    text = ",\n".join(f'  "{name}": {_rows(part)}' for name, part in parts)
    return File(path=NAME, content=f"{{\n{text}\n}}\n".encode())


def _rows(part: object) -> str:
    if not isinstance(part, list) or not part:
        return _json(part)
    return "[\n" + ",\n".join(f"    {_json(row)}" for row in part) + "\n  ]"


def _mesh(model: Model) -> dict[str, object]:
    mesh = model.mesh
    return {
        "name": mesh.name,
        "environment": model.environment,
        "cluster": mesh.cluster,
        "mode": mesh.mode.value,
        "owner": mesh.owner.name if mesh.owner else None,
        "security": mesh.security.name if mesh.security else None,
        "severities": {"page": mesh.severities.page, "ticket": mesh.severities.ticket},
        "retention": str(mesh.retention),
        "scrape_interval": str(mesh.scrape_interval),
        "versions": mesh.versions.by_program(),
        "addresses": {name: getattr(mesh, name) for name in _ADDRESSES},
        "definition": _definition(mesh.place),
    }


def _provider(provider: MeshProvider) -> dict[str, object]:
    labels = {field.name: getattr(provider.labels, field.name) for field in fields(provider.labels)}
    return {
        "name": provider.name,
        "title": provider.title,
        "requests": provider.requests,
        "latency": provider.latency,
        "latency_unit": str(provider.latency_unit),
        "labels": labels,
        "failed": list(provider.failed),
        "torn": provider.torn,
        "given_up": provider.given_up,
        "upgraded": provider.upgraded,
        "signals": sorted(provider.signals()),
        "instance_reporter": provider.instance_reporter,
    }


def _owner(owner: Owner) -> dict[str, object]:
    return {
        "name": owner.name,
        "issues": owner.issues,
        "pager": owner.pager,
        "chat": owner.chat,
        "mail": owner.mail,
        "definition": _definition(owner.place),
    }


def _identity(identity: Identity) -> dict[str, object]:
    return {"cluster": identity.cluster, "namespace": identity.namespace, "name": identity.name}


def _service(
    service: Service, mesh: Mesh, seen: Views, told: Mapping[tuple[Identity, str], Detection]
) -> dict[str, object]:
    return {
        **_identity(service.identity),
        "workload": service.workload or service.name,
        "version": service.version,
        "owner": service.owner.name if service.owner else None,
        "repository": service.repository or (service.owner.issues if service.owner else None),
        "runbook": runbook(service, mesh.runbooks),
        "tier": service.tier,
        "replicas": service.replicas,
        "stateful": service.stateful,
        "mode": service.mode.value if service.mode else None,
        "expects_traffic": service.expects_traffic,
        "streams": service.streams,
        "volume": _number(service.volume.value) if service.volume else None,
        "dataplane": service.dataplane.value,
        "reporter": seen.of(service),
        "slos": [_slo(slo, seen.of(service, slo), told.get((service.identity, slo.name))) for slo in service.slos],
        "definition": _definition(service.place),
    }


def _slo(slo: SLO, reporter: str, told: Detection | None) -> dict[str, object]:
    latency = isinstance(slo.of, Latency)
    return {
        "name": slo.name,
        "sli": "latency" if latency else "availability",
        "under": str(slo.of.under) if isinstance(slo.of, Latency) else None,
        "objective": _number(slo.objective.value),
        "period": str(slo.over),
        "reporter": reporter,
        "pages_after_outage": str(told.page_at_outage) if told and told.page_at_outage else None,
        "definition": _definition(slo.place),
    }


def _gateway(gateway: Gateway) -> dict[str, object]:
    return {
        **_identity(gateway.identity),
        "direction": gateway.direction.value,
        "owner": gateway.owner.name if gateway.owner else None,
        "definition": _definition(gateway.place),
    }


def _external(external: External) -> dict[str, object]:
    return {
        "name": external.name,
        "host": external.host,
        "owner": external.owner.name if external.owner else None,
        "definition": _definition(external.place),
    }


def _call(caller: Identity, callee: Identity, model: Model, silencing: bool) -> dict[str, object]:
    return {
        "caller": list(caller),
        "callee": list(callee),
        "holds_back_symptoms": silencing,
        "definition": _definition(model.call_places.get((caller, callee))),
    }


def _alerts(model: Model, artefacts: Artefacts) -> Iterable[dict[str, object]]:
    """Every alert that the rules can raise, ours and foreign ones; those of definition files with their responses."""
    defined: Mapping[str, Alert] = {alert.camel: alert for alert in model.alerts}
    for file in artefacts.rules:
        for group in file.groups:
            for rule in (rule for rule in group.rules if rule.alert):
                own = defined.get(rule.alert)
                yield {
                    "alertname": rule.alert,
                    "name": own.name if own else None,
                    "scope": own.scope.value if own else None,
                    "siblings": any(signal.scope is Scope.SIBLINGS for signal in own.signals) if own else False,
                    "severity": rule.labels.get("severity"),
                    "stage": rule.labels.get("stage"),
                    "labels": dict(rule.labels),
                    "pending": rule.pending or "0s",
                    "summary": own.summary if own else rule.annotations.get("summary"),
                    "responses": _responses(own.respond if own else ()),
                    "group": group.name,
                    "definition": _definition(own.place if own else rule.origin),
                }


def _falco_rule(rule: FalcoRule) -> dict[str, object]:
    return {"rule": rule.rule, "responses": _responses(rule.respond), "definition": _definition(rule.place)}


def _responses(responses: Iterable[Response]) -> list[dict[str, object]]:
    return [
        {"action": one.name, "limits": dict(one.limits), **({"name": one.which} if one.which else {})}
        for one in responses
    ]


def _definition(place: Place | None) -> str | None:
    return str(place) if place is not None else None


def _number(value: Decimal) -> float | int:
    return int(value) if value == value.to_integral_value() else float(value)
