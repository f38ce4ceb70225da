"""What senders of alerts say, read strictly: keys that were added since are passed over, tricks are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from meshscope.feedback.receiving import alertmanager, falco, grafana
from meshscope.feedback.receiving.strict import Delivery, Unreadable

PARSERS: Mapping[str, Callable[[bytes], Delivery]] = {
    "alertmanager": alertmanager.read,
    "grafana": grafana.read,
    "falco": falco.read,
}
"""How the body of each kind of sender is read."""

__all__ = ["PARSERS", "Delivery", "Unreadable"]
