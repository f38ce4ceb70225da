"""What our own rules look at, and what such a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.objects import KubernetesObject
from meshscope.check.grafana import dashboard_findings
from meshscope.check.live import Live
from meshscope.findings import Finding
from meshscope.model.boards import About
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model, what was built from it, and every mesh provider that is known, by name.

    ``objects`` are those of operators, where it was built for them; ``live`` is what a running Prometheus said, where
    one was asked.
    """

    model: Model
    provider: MeshProvider
    artefacts: Artefacts
    objects: tuple[KubernetesObject, ...] = ()
    providers: Mapping[str, MeshProvider]
    live: Live | None = None

    @cached_property
    def dashboards(self) -> tuple[Finding, ...]:
        """Everything that is wrong with the dashboards, found once for all the rules about them."""
        foreign = [board.name for board in self.model.dashboards if board.about is About.FOREIGN]
        return tuple(dashboard_findings(self.artefacts, foreign, self.model.mesh.every_data_source))


Judge: TypeAlias = Callable[[Subject], Iterator[Finding]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule of our own: its ``code`` (family/name), its ``page`` (Markdown), and how it judges."""

    code: str
    page: str
    judge: Judge
