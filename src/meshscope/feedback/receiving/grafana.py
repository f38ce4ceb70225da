"""Grafana's webhook contact point, version 1: receivers/webhook/v1 of grafana/alerting.

It is Alertmanager's body with more in it. What tells the two apart is ``version``, ``orgId`` and ``state``.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from meshscope.feedback.receiving.alertmanager import Alert, Left
from meshscope.feedback.receiving.strict import Delivery, read_json


class _Webhook(msgspec.Struct, frozen=True, kw_only=True):
    version: Literal["1"]
    org: int = msgspec.field(name="orgId")
    state: Literal["alerting", "ok"]
    alerts: tuple[Alert, ...]
    truncated: Left = msgspec.field(default=0, name="truncatedAlerts")


_DECODER = msgspec.json.Decoder(_Webhook)


def read(body: bytes) -> Delivery:
    """The alerts of a body. Raises `Unreadable`."""
    webhook = read_json(body, _DECODER)
    return Delivery(received=tuple(alert.received("grafana") for alert in webhook.alerts), truncated=webhook.truncated)
