"""Objects of Kubernetes, its own and its operators'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from meshscope.findings import Place


@dataclass(frozen=True, kw_only=True)
class KubernetesObject:
    """One object: ``path`` is the file that it stands in (several may share one), ``text`` how it is written there.

    ``namespace`` is empty for an object of the whole cluster.
    """

    path: str
    api: str
    kind: str
    name: str
    namespace: str
    document: Mapping[str, object]
    text: str
    origins: tuple[Place | None, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"
