"""The texts that annotations' templates must give, written by the same functions that write the templates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class Spoken:
    """The voice of a test: labels, the value and looked-up labels are known."""

    labels: Mapping[str, str]
    value: float = 0.0
    known: Mapping[str, str] = field(default_factory=dict)
    spent_within: Mapping[str, Decimal] = field(default_factory=dict)

    def label(self, name: str) -> str:
        """The label's value."""
        return self.labels.get(name, "")

    def chosen(self, label: str, texts: Mapping[str, str]) -> str:
        """The text for the label's value."""
        return texts[self.labels[label]]

    def percentage(self) -> str:
        """The value as Prometheus's humanizePercentage writes it: four significant digits."""
        return f"{self.value * 100:.4g}%"

    def whole(self) -> str:
        """The value without decimals."""
        return f"{self.value:.0f}"

    def spent(self) -> str:
        """What was said to be spent within the alert's long window."""
        return f"{float(self.spent_within[self.labels['long']]):.3g}%"

    def looked_up(self, series: str, label: str, extra: tuple[str, ...] = ()) -> str:  # noqa: ARG002 - one of each
        """The looked-up label's value."""
        return self.known[label]
