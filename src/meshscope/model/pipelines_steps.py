"""What collectors do with telemetry between receiving and sending it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from meshscope.findings import Place, here
from meshscope.model.pipelines_access import refused
from meshscope.model.units import Duration, Ratio, minutes, percent, seconds

_NOT_RE2 = re.compile(r"\(\?(?:[=!]|<[=!]|\()|\\[1-9]|(?<!\\)(?:[*+?}])\+")


@dataclass(frozen=True, kw_only=True)
class KubernetesAttributes:
    """Says of which pod, workload, namespace and version telemetry is, as Kubernetes knows the sender's address.

    Example::

        enrich = (KubernetesAttributes(), OwnerAttributes())
    """

    place: Place | None = field(default_factory=here, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class OwnerAttributes:
    """Says who answers for the service, as ``service.owner``; services that the mesh doesn't know are its owner's.

    Example::

        enrich = (KubernetesAttributes(), OwnerAttributes())
    """

    place: Place | None = field(default_factory=here, compare=False, repr=False)


Enrichment: TypeAlias = KubernetesAttributes | OwnerAttributes
ENRICHMENTS = (KubernetesAttributes, OwnerAttributes)


@dataclass(frozen=True, kw_only=True)
class Redact:
    """Masks what nobody should read: credentials, chat webhooks, cards, accounts and people's numbers, mail addresses.

    The list is docs/redaction.md. In attributes of resources, scopes, spans, their events and log records; in names of
    spans and events, status messages and log bodies; not in attributes of span links. ``keys`` are more attributes
    whose whole value is masked, ``values`` more text that is masked wherever it stands: both regular expressions in
    RE2's syntax.

    Example::

        Redact(keys=("customer_.*",), values=("ACC-[0-9]{8}",))
    """

    keys: tuple[str, ...] = ()
    """More attributes whose whole value is masked: regular expressions (RE2) of their names."""
    values: tuple[str, ...] = ()
    """More text that is masked wherever it stands: regular expressions (RE2)."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        for argument, patterns in (("keys", self.keys), ("values", self.values)):
            for pattern in patterns:
                self._check(pattern, argument)

    def _check(self, pattern: str, argument: str) -> None:
        try:
            compiled = re.compile(pattern)
            wrong = "looks around or back, which RE2 can't" if _NOT_RE2.search(pattern) else ""
        except re.error as error:
            raise refused("collector/bad-pattern", self.place, argument,
                          f"`{pattern}` is no regular expression: {error}",
                          "the collector would refuse to start", "mend the pattern") from None  # fmt: skip
        if not wrong and compiled.fullmatch("") is not None:
            wrong = "matches nothing at all, so it would mask the space between letters"
        if wrong:
            raise refused("collector/bad-pattern", self.place, argument, f"`{pattern}` {wrong}",
                          "the collector matches with RE2, in time linear in the text",
                          "write a pattern without lookaround and backreferences that matches something")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SpanMetrics:
    """Counts requests, failures and durations from spans, all of them, before any is sampled away.

    Built where the mesh provider reads span metrics; where proxies count requests themselves it adds nothing and is
    left out. ``by_operation`` also tells spans apart by name: more series, by as many as there are names.

    Example::

        SpanMetrics(by_operation=True)
    """

    by_operation: bool = False
    """Whether spans are told apart by name too: more series."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)


@dataclass(frozen=True, kw_only=True)
class TailSampling:
    """Which traces are stored: every one that holds an error or lasts longer than ``slower_than``, ``rest`` of others.

    Decided when ``decision_wait`` has passed since a trace's first span arrived, on what has arrived by then: an error
    that comes later is stored only if its trace was chosen for another reason. Spans that wait are in memory only.

    Example::

        TailSampling(slower_than=1 * seconds, rest=5 * percent, decision_wait=10 * seconds)
    """

    slower_than: Duration | None = None
    """Traces that last longer are all kept; not given, duration does not matter."""
    rest: Ratio = 5 * percent
    """The share of all other traces that is kept."""
    decision_wait: Duration = 10 * seconds
    """How long spans of a trace are waited for; 5 minutes at most."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not 0 <= self.rest.value <= 1:
            raise refused("collector/bad-share", self.place, "rest", f"the rest is sampled at {self.rest}",
                          "it is a share of the traces that neither fail nor are slow",
                          "write a share between 0 and 100%, for example 5 * percent")  # fmt: skip
        if not 0 * seconds < self.decision_wait <= 5 * minutes:
            raise refused("collector/bad-wait", self.place, "decision_wait",
                          f"a trace is decided {self.decision_wait} after its first span",
                          "too soon, and errors come after the decision; too late, and every span of that time is held "
                          "in memory and lost with the collector",
                          "write a little more than your slowest requests last, 5 minutes at most")  # fmt: skip
