"""Alertmanager's webhook, version 4: notify/webhook/webhook.go and template.Data of Alertmanager 0.34."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

import msgspec

from meshscope.feedback.receiving.strict import Delivery, read_json
from meshscope.feedback.state import Received

# It is part of a key, so it holds nothing that could end one.
Fingerprint: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{16}\Z")]
Moment: TypeAlias = Annotated[
    str, msgspec.Meta(pattern=r"\A(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d))?\Z", max_length=40)
]
_NEVER = "0001-01-01T00:00:00Z"


class Alert(msgspec.Struct, frozen=True, kw_only=True):
    """One alert of a webhook; keys that are not here are passed over."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    fingerprint: Fingerprint
    annotations: dict[str, str] = {}
    starts_at: Moment = msgspec.field(default="", name="startsAt")
    ends_at: Moment = msgspec.field(default="", name="endsAt")
    generator_url: str = msgspec.field(default="", name="generatorURL")

    def received(self, source: str) -> Received:
        """The alert as the agent keeps it."""
        return Received(
            source=source,
            fingerprint=self.fingerprint,
            status=self.status,
            labels=self.labels,
            annotations=self.annotations,
            starts_at=self.starts_at,
            ends_at="" if self.ends_at == _NEVER else self.ends_at,
            url=self.generator_url,
        )


Left: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=1 << 40)]


class _Webhook(msgspec.Struct, frozen=True, kw_only=True):
    version: Literal["4"]
    group_key: str = msgspec.field(name="groupKey")
    alerts: tuple[Alert, ...]
    truncated: Left = msgspec.field(default=0, name="truncatedAlerts")


_DECODER = msgspec.json.Decoder(_Webhook)


def read(body: bytes) -> Delivery:
    """The alerts of a body. Raises `Unreadable`."""
    webhook = read_json(body, _DECODER)
    return Delivery(
        received=tuple(alert.received("alertmanager") for alert in webhook.alerts), truncated=webhook.truncated
    )
