"""Who calls whom, as manifests tell it: by addresses in the environment, and by whom network policies let in.

An address is believed where it is one: a URL, ``host:port``, a name below ``.svc``, or a bare name of a service in a
variable that says it is an address. A policy tells who may call; an empty selector lets everybody in and tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from meshscope.build.discovery.manifests import (
    Declared,
    Document,
    Name,
    Workload,
    addressed,
    listed,
    mapping,
    text,
)

# scheme://user@host:port/..., or host:port, at a place where a value or a list item begins.
_ADDRESS = re.compile(
    r"(?:^|[\s,;=\"'])(?:(?P<scheme>[a-z][a-z0-9+.-]*)://(?:[^\s/@]*@)?)?"
    r"(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(?P<port>\d{1,5}))?(?=$|[\s,;/\"'?])"
)
_SAYS_SO = re.compile(r"(^|_)(ADDR|ADDRESS|HOST|HOSTNAME|URL|URI|ENDPOINT|SERVICE|SERVER|BACKEND|UPSTREAM)S?$", re.I)


def calls(declared: Declared) -> frozenset[tuple[Name, Name]]:
    """(caller, callee) between services; whoever serves nothing calls by its workload's name."""
    return frozenset((*_by_address(declared), *_by_policy(declared)))


def hosts(declared: Declared) -> frozenset[tuple[Name, str]]:
    """(caller, host) of calls to declared hosts outside."""
    return frozenset(
        (caller(declared, workload), host)
        for workload in declared.workloads
        for _, host, _ in _addresses(workload)
        if host in declared.hosts
    )


def caller(declared: Declared, workload: Workload) -> Name:
    """Who calls where ``workload`` does."""
    return declared.served_by(workload) or workload.name


def _by_address(declared: Declared) -> Iterator[tuple[Name, Name]]:
    for workload in declared.workloads:
        own = caller(declared, workload)
        for variable, host, sure in _addresses(workload):
            callee = addressed(host, workload.name[0])
            believed = sure or ".svc" in host or _SAYS_SO.search(variable)
            if believed and callee in declared.services and callee != own:
                yield own, callee


def _addresses(workload: Workload) -> Iterator[tuple[str, str, bool]]:
    """(variable, host, whether it can be nothing but an address)."""
    for variable, value in workload.values.items():
        for match in _ADDRESS.finditer(value):
            yield variable, match["host"], bool(match["scheme"] or match["port"])


def _by_policy(declared: Declared) -> Iterator[tuple[Name, Name]]:
    for policy in declared.policies:
        own = _selected(declared, policy, {"podSelector": policy.spec.get("podSelector")}, everybody=True)
        for rule in listed(policy.spec.get("ingress")):
            for peer in listed(mapping(rule).get("from")):
                for one in _selected(declared, policy, mapping(peer)):
                    yield from _edges(declared, (one,), own)
        for rule in listed(policy.spec.get("egress")):
            for peer in listed(mapping(rule).get("to")):
                yield from _edges(declared, own, _selected(declared, policy, mapping(peer)))


def _edges(
    declared: Declared, callers: tuple[Workload, ...], callees: tuple[Workload, ...]
) -> Iterator[tuple[Name, Name]]:
    for one in callers:
        for other in callees:
            served = declared.served_by(other)
            if served is not None and served != caller(declared, one):
                yield caller(declared, one), served


def _selected(
    declared: Declared, policy: Document, peer: Mapping[str, object], *, everybody: bool = False
) -> tuple[Workload, ...]:
    """The workloads that ``peer`` names; none where it names everybody, unless that is what is meant."""
    pods = mapping(mapping(peer.get("podSelector")).get("matchLabels"))
    if not pods and not everybody:
        return ()
    namespaces = mapping(mapping(peer.get("namespaceSelector")).get("matchLabels"))
    # The label that every namespace has carries its name (Kubernetes 1.22); others can't be known from here.
    named = text(namespaces.get("kubernetes.io/metadata.name"))
    if "namespaceSelector" in peer and not named:
        return ()
    home = named or policy.name[0]
    return tuple(one for one in declared.workloads if one.name[0] == home and one.selected(pods))
