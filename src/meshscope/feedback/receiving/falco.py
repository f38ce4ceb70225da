"""Falco's JSON, as Falco 0.44 sends it and falcosidekick passes it on: one event is one alert, and it never ends.

falcosidekick gives each event a ``uuid``; without one, the same rule, time and fields are the same event.
What an event says of itself is data: only the fields below become labels, whatever its rule puts into its output.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, TypeAlias

import msgspec

from meshscope.feedback.receiving.strict import Delivery, Unreadable, read_json
from meshscope.feedback.state import Received

_PRIORITIES = {
    word.lower(): word
    for word in ("Emergency", "Alert", "Critical", "Error", "Warning", "Notice", "Informational", "Debug")
}
_FIELDS = {"namespace": "k8s.ns.name", "pod": "k8s.pod.name", "uid": "k8s.pod.uid"}
_SERVICE = ("k8s.pod.label[app.kubernetes.io/name]", "k8s.pod.label[app]")
_INTERNAL = "internal"

_Moment: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:?\d\d)\Z", max_length=40)
]
_Uuid: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"\A([0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12})?\Z", max_length=36)
]


class _Event(msgspec.Struct, frozen=True, kw_only=True):
    time: _Moment
    rule: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    priority: str
    output: str = ""
    source: str = ""
    hostname: str = ""
    fields: dict[str, str | int | float | bool | list[object] | dict[str, object] | None] = msgspec.field(
        default={}, name="output_fields"
    )
    tags: list[str] | None = None
    uuid: _Uuid = ""


_DECODER = msgspec.json.Decoder(_Event)


def read(body: bytes) -> Delivery:
    """The alert of a body. Raises `Unreadable`."""
    event = read_json(body, _DECODER)
    priority = _PRIORITIES.get(event.priority.lower())
    if priority is None:
        raise Unreadable("shape", "its priority is none of Falco's")
    return Delivery(
        received=(
            Received(
                source="falco",
                fingerprint=_fingerprint(event),
                status="firing",
                labels=_labels(event, priority),
                annotations=_annotations(event),
                starts_at=event.time,
            ),
        )
    )


def _fingerprint(event: _Event) -> str:
    if event.uuid:
        return event.uuid.lower()
    told = msgspec.json.encode([event.rule, event.time, event.fields], order="sorted")
    return hashlib.sha256(told).hexdigest()


def _labels(event: _Event, priority: str) -> dict[str, str]:
    found = {"alertname": event.rule, "priority": priority, "source": event.source}
    # Falco's word about itself (events that it dropped) names nothing that anything could be done to.
    if event.source != _INTERNAL:
        found |= {label: _text(event.fields, (field,)) for label, field in _FIELDS.items()}
        found["service"] = _text(event.fields, _SERVICE)
    return {name: value for name, value in found.items() if value}


def _annotations(event: _Event) -> dict[str, str]:
    said = {name: str(value) for name, value in event.fields.items() if isinstance(value, (str, int, float))}
    said |= {"summary": event.rule, "description": event.output, "hostname": event.hostname}
    said["tags"] = ", ".join(event.tags or ())
    return {name: value for name, value in said.items() if value}


def _text(fields: Mapping[str, object], names: tuple[str, ...]) -> str:
    """The first of ``names`` that holds a text; Falco writes ``<NA>`` where it does not know."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, str) and value and value != "<NA>":
            return value
    return ""
