"""Collector pipelines: what a tier of collectors receives, does and passes on."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshscope.findings import Place, here


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """One tier of collectors."""

    name: str
    place: Place | None = field(default_factory=here, compare=False, repr=False)
