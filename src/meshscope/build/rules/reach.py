"""Which series rules about the platform read, and what they group by, in the build for one cluster and for all.

A Prometheus that holds series of several clusters has its own programs' without the label `cluster` beside others'
with theirs, for the label may be an external one. In the build for one cluster its name is a label of the rule: were
series grouped by it too, two alerts would be one after the rule's labels, and Prometheus evaluates the whole rule to an
error (`vector contains metrics with the same labelset after applying alert labels`, rules/alerting.go of 3.16).
"""

from __future__ import annotations

from dataclasses import dataclass

from meshscope.build.promql import one_of, selector
from meshscope.model.mesh import Mesh


@dataclass(frozen=True)
class Reach:
    """The series that are our own: of ``cluster`` or without that label; where it is empty, those of every cluster."""

    cluster: str

    def series(self, metric: str, *matchers: str) -> str:
        """``metric{matchers}``, of our own cluster alone."""
        return selector(metric, *matchers, one_of("cluster", ("", self.cluster)) if self.cluster else "")

    def labels(self, *names: str) -> str:
        """``names`` for `by` and `on` of what is grouped; with the cluster where no label of the rule says it."""
        return ", ".join(names if self.cluster else ("cluster", *names))


def reach(mesh: Mesh) -> Reach:
    """What the rules of ``mesh`` read; in a build for all clusters the mesh has no single one."""
    return Reach(mesh.cluster)
