"""Rules that somebody else wrote: a mixin's alerts and recording rules, as they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from meshscope.findings import Place


@dataclass(frozen=True, kw_only=True)
class ForeignRules:
    """Rule groups as Prometheus reads them. ``places`` says where each alert or record is written, by its name."""

    name: str
    groups: tuple[Mapping[str, object], ...]
    place: Place | None = field(default=None, compare=False, repr=False)
    places: Mapping[str, Place] = field(default_factory=dict, compare=False, repr=False)
