"""Names from telemetry: which of them are names at all, and what Python calls them.

A label's value is what somebody's program wrote there. Only a valid Kubernetes name, host or cluster becomes part of a
definition; nothing else ever reaches a file's name or its text.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection, Iterable, Mapping

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_HOST = re.compile(r"([a-z0-9_]([-a-z0-9_]*[a-z0-9])?\.)+[a-z0-9]([-a-z0-9]*[a-z0-9])?")
# Names of clusters in use: eu-1, gke_project_zone_name, arn:aws:eks:region:account:cluster/name.
_CLUSTER = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:/@-]*[A-Za-z0-9])?")
_SHOWN = 60
# What a file calls its SLOs where it has several of a kind.
_SLO = re.compile(r"(availability|latency)_\d")

# What a definition file or every reader of one already means by a word; an l is a 1 in many a font.
TAKEN = frozenset(
    {"availability", "calls", "l", "latency", "mesh", "owner", "services"}
    | {"alert", "dashboard", "days", "hours", "kill_instance", "minutes", "ms", "open_issue"}
    | {"per_minute", "per_second", "percent", "seconds"}
)
_BUILTINS = frozenset(dir(builtins))


def is_name(value: str) -> bool:
    """Whether ``value`` is a name that Kubernetes gives: lower case letters, digits and dashes, at most 63."""
    return len(value) <= 63 and _DNS_LABEL.fullmatch(value) is not None


def is_host(value: str) -> bool:
    """Whether ``value`` is a host's name with a dot in it, an IPv4 address, or a wildcard (``*.example.org``)."""
    return len(value) <= 253 and _HOST.fullmatch(value.removeprefix("*.")) is not None


def is_cluster(value: str) -> bool:
    """Whether ``value`` can be the name of a cluster; none is one too."""
    return not value or (len(value) <= 253 and _CLUSTER.fullmatch(value) is not None)


def shown(value: str, most: int = _SHOWN) -> str:
    """``value`` as it can be shown to a person: one line, nothing that steers a terminal, ``most`` letters of it."""
    clean = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in value)
    return clean if len(clean) <= most else f"{clean[:most]}\N{HORIZONTAL ELLIPSIS}"


def identifier(name: str) -> str:
    """A Python name for a valid ``name``: dashes become underscores, what Python can't say is changed at an end.

    Different names may get the same one only where a digit leads: `identifiers` keeps them apart.
    """
    word = name.replace("-", "_")
    if word[0].isdigit():
        word = f"n{word}"
    taken = word in TAKEN or word in _BUILTINS or _SLO.match(word)
    return f"{word}_" if taken or keyword.iskeyword(word) or keyword.issoftkeyword(word) else word


def identifiers(names: Iterable[str], reserved: Collection[str] = ()) -> Mapping[str, str]:
    """A Python name for each of ``names`` (valid ones), all different and none of ``reserved``, the same every time."""
    given: dict[str, str] = {}
    used = set(reserved)
    # Names that need no change come first, so that they keep what is theirs.
    for name in sorted(set(names), key=lambda name: (identifier(name) != name, name)):
        word, number = identifier(name), 2
        while word in used:
            word, number = f"{identifier(name)}_{number}", number + 1
        used.add(word)
        given[name] = word
    return given


def labels_of_hosts(hosts: Iterable[str]) -> Mapping[str, str]:
    """A valid name for each of ``hosts``, all different: ``*.cards.example`` is ``any-cards-example``."""
    given: dict[str, str] = {}
    used: set[str] = set()
    for host in sorted(set(hosts)):
        stem = re.sub(r"[^a-z0-9]+", "-", host.replace("*", "any")).strip("-")[:59].strip("-")
        name, number = stem, 2
        while name in used:
            name, number = f"{stem}-{number}", number + 1
        used.add(name)
        given[host] = name
    return given
