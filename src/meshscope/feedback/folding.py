"""Which incidents belong together: a cascade is one trouble, that of the deepest service that fails."""

from __future__ import annotations

from collections.abc import Container, Mapping

from meshscope.build.graph import components
from meshscope.feedback.state import Key

Edges = Mapping[Key, tuple[Key, ...]]


def reachable(begin: Key, edges: Edges, over: Container[Key] | None = None) -> dict[Key, int]:
    """Every service that can be reached from ``begin`` over those in ``over``, None for any, and how far it is."""
    found: dict[Key, int] = {}
    level = [begin]
    distance = 0
    while level:
        distance += 1
        following: list[Key] = []
        for key in level:
            for other in edges.get(key, ()):
                if other not in found and (over is None or other in over) and other != begin:
                    found[other] = distance
                    following.append(other)
        level = following
    return found


def deepest(begin: Key, callees: Edges, failing: Mapping[Key, float]) -> Key | None:
    """The failing service at the end of a chain of failing calls from ``begin``; None where it calls none that fails.

    ``failing`` has since when each fails. Where calls go round in a circle, the one of them that failed first.
    """
    chain = reachable(begin, callees, failing)
    if not chain:
        return None

    # What it calls and fails leads back to it, or is nothing: then none of them is deeper.
    within = [*chain, begin] if begin in failing else chain
    graph = {key: [callee for callee in callees.get(key, ()) if callee in failing] for key in within}
    circle = components(graph)
    left = {circle[key] for key, called in graph.items() if any(circle[one] != circle[key] for one in called)}
    ends = [key for key in chain if circle[key] not in left]
    return min(ends, key=lambda key: (failing[key], -chain[key], key))


def upstream(begin: Key, callers: Edges, failing: Container[Key]) -> tuple[Key, ...]:
    """The failing services whose chain of failing calls leads to ``begin``, the nearest first."""
    found = reachable(begin, callers, failing)
    return tuple(sorted(found, key=lambda key: (found[key], key)))
