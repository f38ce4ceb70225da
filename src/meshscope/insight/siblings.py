"""How one instance does beside its siblings, asked of the metrics that the rules record."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from meshscope.build.discovery.store import Answer, Matcher, Question, Reading
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.services import Identity

_REQUESTS, _FAILURES = "instance:requests:rate5m", "instance:failures:rate5m"

# Fewer and more requests a second than any mesh has. Sums of what lies between are finite, and so are their shares.
_LEAST_REQUESTS, _MOST_REQUESTS = 1e-100, 1e12


class Askable(Protocol):
    """The part of a store of metrics that answers questions."""

    def ask(self, question: Question, now: Decimal) -> Answer:
        """The answer as it was at ``now``. Raises `MeshscopeError` where there is none."""


@dataclass(frozen=True)
class Pod:
    """An instance: requests a second, and how many of them fail."""

    requests: float
    failures: float


@dataclass(frozen=True, kw_only=True)
class Compared:
    """An instance and the siblings of its workload and version; shares between 0 and 1."""

    requests: float
    failing: float
    siblings: int
    siblings_requests: float
    siblings_failing: float


def countable(requests: float) -> bool:
    """Whether it can be a number of requests: NaN, infinities and what is negative or beyond all reason are none."""
    return requests == 0 or _LEAST_REQUESTS <= requests <= _MOST_REQUESTS


def pods(store: Askable, service: Identity, now: Decimal) -> dict[str, tuple[str, Pod]]:
    """The version and the traffic of each instance of ``service``.

    Raises `MeshscopeError` where it can't be asked, or answers what is no number of requests: to leave that instance
    out would make the others look well.
    """
    where = tuple(
        Matcher(label, "=", value)
        for label, value in (("cluster", service.cluster), ("namespace", service.namespace), ("service", service.name))
    )
    found: dict[str, dict[str, tuple[str, float]]] = {}
    for metric in (_REQUESTS, _FAILURES):
        question = Question(
            purpose="how the instances do", metric=metric, reading=Reading.VALUE, where=where, by=("pod", "version")
        )
        rows = store.ask(question, now).rows
        for row in rows:
            if not countable(row.value):
                raise MeshscopeError(_no_number(metric, row["pod"], row.value))
        found[metric] = {row["pod"]: (row["version"], row.value) for row in rows}
    return {
        pod: (version, Pod(requests=requests, failures=found[_FAILURES].get(pod, ("", 0.0))[1]))
        for pod, (version, requests) in found[_REQUESTS].items()
    }


def compared(instance: str, all_pods: dict[str, tuple[str, Pod]]) -> Compared | None:
    """How ``instance`` does beside its siblings; None where nothing is known of it."""
    if instance not in all_pods:
        return None
    version, own = all_pods[instance]
    others = [pod for name, (other, pod) in all_pods.items() if name != instance and other == version]
    requests, failures = sum(pod.requests for pod in others), sum(pod.failures for pod in others)
    return Compared(
        requests=own.requests,
        failing=own.failures / own.requests if own.requests else 0.0,
        siblings=sum(1 for pod in others if pod.requests > 0),
        siblings_requests=requests,
        siblings_failing=failures / requests if requests else 0.0,
    )


def whole(all_pods: dict[str, tuple[str, Pod]]) -> Pod:
    """All instances together."""
    every = [pod for _, pod in all_pods.values()]
    return Pod(requests=sum(pod.requests for pod in every), failures=sum(pod.failures for pod in every))


def _no_number(metric: str, pod: str, value: float) -> Finding:
    return Finding(
        code="agent/no-number", title="the metrics give no number of requests", why=f"{metric} of {pod} is {value}",
        help=f"look at what writes {metric} into this store beside the rules that are built",
    )  # fmt: skip
