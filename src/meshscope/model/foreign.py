"""Rules that somebody else wrote: rule files, PrometheusRules and mixins, as they are, with their unit tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from meshscope.findings import Place


@dataclass(frozen=True, kw_only=True)
class ForeignRules:
    """Rule groups as Prometheus reads them; ``name`` is what their file is called where it is built.

    ``places`` says where a rule is written, by the numbers of its group and of the rule within it, both from 0.
    """

    name: str
    groups: tuple[Mapping[str, object], ...]
    place: Place | None = field(default=None, compare=False, repr=False)
    places: Mapping[tuple[int, int], Place] = field(default_factory=dict, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class ForeignTests:
    """A file of unit tests as promtool reads it: ``text`` before and after the list of rule files.

    ``rules`` names the `ForeignRules` that it is about, ``count`` is how many tests it holds.
    """

    name: str
    before: str
    after: str
    rules: tuple[str, ...]
    count: int
    place: Place | None = field(default=None, compare=False, repr=False)
