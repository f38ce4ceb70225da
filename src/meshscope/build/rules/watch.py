"""One thing that may go wrong with the observability."""

from __future__ import annotations

from dataclasses import dataclass

from meshscope.model.units import Duration


@dataclass(frozen=True, kw_only=True)
class Watch:
    """One thing that may go wrong with the observability: when, how loud, and what is said of it.

    ``by_cluster`` where the expression names the cluster that it is about; else it is the mesh's own.
    """

    name: str
    expression: str
    page: bool
    pending: Duration
    service: str
    summary: str
    description: str
    by_cluster: bool = False
