"""A sender in memory that knows which alerts fire."""

from __future__ import annotations

from dataclasses import dataclass, field

from meshscope.feedback.ports import Active
from meshscope.findings import MeshscopeError


@dataclass(kw_only=True)
class MemoryAlertSource:
    """Says that ``alerts`` fire, one for each fingerprint; ``broken`` is what it raises instead."""

    alerts: list[Active] = field(default_factory=list)
    broken: MeshscopeError | None = None

    def active(self) -> tuple[Active, ...]:
        """What it was given, the newest of each fingerprint. Raises `MeshscopeError` where it is broken."""
        if self.broken is not None:
            raise self.broken
        return tuple({one.fingerprint: one for one in self.alerts}.values())
