"""Which calls may silence: the page of a service holds back the symptoms at its callers, and where it must not.

A caller's page is held back while that of a service that it calls is news. Four kinds of calls never do that:

- a call within a cycle: of two services that call each other each would silence the other, and nobody would be told;
- a call to a service that matters less: its page may reach nobody in a hurry, and must not hide one that would;
- a call to a service whose owner can't be paged: nobody would be told of the cause;
- a call by a service that a gateway calls: what users feel is told, whatever caused it.

What is left has no cycle, so among any services that page at once at least one is not held back; and whoever is held
back has, along these calls, a service that is told about and matters at least as much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from meshscope.build.receivers import page_receivers
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.services import Identity, Service

T = TypeVar("T")


def inhibiting_edges(model: Model) -> tuple[tuple[Identity, Identity], ...]:
    """The calls (caller, callee) between the model's services over which the callee's page holds back the caller's.

    Sorted. Cycles are those of the whole call graph, gateways included.
    """
    tiers = {service.identity: service.tier for service in model.services}
    paged = {service.identity for service in model.services if _is_paged(service, model.mesh)}
    gateways = {gateway.identity for gateway in model.gateways}
    at_the_edge = {callee for caller, callee in model.calls if caller in gateways}
    graph: dict[Identity, list[Identity]] = {}
    for caller, callee in model.calls:
        graph.setdefault(caller, []).append(callee)
    component = components(graph)
    return tuple(
        (caller, callee)
        for caller, callee in model.calls
        if caller in tiers
        and caller not in at_the_edge
        and callee in paged
        and component[caller] != component[callee]
        and tiers[callee] <= tiers[caller]
    )


def _is_paged(service: Service, mesh: Mesh) -> bool:
    return service.owner is not None and bool(page_receivers(service.owner, mesh, {}))


def components(graph: Mapping[T, Sequence[T]]) -> dict[T, int]:
    """The number of each node's strongly connected component; nodes of one cycle share theirs.

    Tarjan's algorithm with a stack of its own, for a chain of calls may be longer than Python's.
    """
    index: dict[T, int] = {}
    low: dict[T, int] = {}
    component: dict[T, int] = {}
    open_nodes: list[T] = []
    for root in graph:
        if root in index:
            continue
        index[root] = low[root] = len(index)
        open_nodes.append(root)
        work = [(root, iter(graph[root]))]
        while work:
            node, rest = work[-1]
            for callee in rest:
                if callee not in index:
                    index[callee] = low[callee] = len(index)
                    open_nodes.append(callee)
                    work.append((callee, iter(graph.get(callee, ()))))
                    break
                if callee not in component:
                    low[node] = min(low[node], index[callee])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    _close(node, open_nodes, component, index[node])
    return component


def _close(root: T, open_nodes: list[T], component: dict[T, int], number: int) -> None:
    while True:
        node = open_nodes.pop()
        component[node] = number
        if node == root:
            return
