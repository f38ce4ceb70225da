"""Prometheus rules and the unit tests that prove them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from meshscope.findings import Place


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One recording rule (``record``) or alert (``alert``); durations in Prometheus's spelling."""

    expr: str
    record: str = ""
    alert: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)
    pending: str = ""
    keep_firing_for: str = ""
    origin: Place | None = field(default=None, compare=False)

    def document(self) -> dict[str, object]:
        """The rule as Prometheus reads it, keys in reading order, empty ones left out."""
        return {
            key: value
            for key, value in (
                ("record", self.record),
                ("alert", self.alert),
                ("expr", self.expr),
                ("for", self.pending),
                ("keep_firing_for", self.keep_firing_for),
                ("labels", dict(self.labels)),
                ("annotations", dict(self.annotations)),
            )
            if value
        }


@dataclass(frozen=True, kw_only=True)
class RuleGroup:
    """Rules that run in order every ``interval`` (empty: as often as Prometheus runs those that say nothing).

    ``static`` ones hold constants and query nothing. ``options`` is whatever else a foreign group says.
    """

    name: str
    interval: str
    rules: tuple[Rule, ...]
    static: bool = False
    options: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RuleFile:
    """Groups that a person reads together; ``about`` is the comment on top.

    ``carried`` ones were written by somebody else, and are as they were.
    """

    name: str
    about: str
    groups: tuple[RuleGroup, ...]
    carried: bool = False


@dataclass(frozen=True, kw_only=True)
class RuleTest:
    """One promtool unit test file: the document, and which rule files and definition it judges.

    ``text`` is the whole file where somebody else wrote it.
    """

    name: str
    document: Mapping[str, object]
    text: str = ""
    origin: Place | None = field(default=None, compare=False)
