"""What an indicator reads from a provider's raw series, as vectors over every service at once.

Provider labels end here. Every vector carries (cluster, namespace, service, reporter), and ``under`` for latency. The
outer sums drop the provider's labels after they were copied; inner sums come first, so that label_replace sees one
series for each service and not one for each caller, code and pod.

Requests are read once for each window, into a few series for each service that still tell one kind of answer from
another; what is counted (all, failed, given up, successful) is selected from those.

A request whose service the reporting proxy could not tell is counted at the service that its host names: just then
nothing of a service may be left, and nobody else reports it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from meshscope.build.options import Options
from meshscope.build.promql import ID, IDENTITY, INSTANCE, apart, matched_labels, one_of, quoted, renamed, selector
from meshscope.build.rules.recording import FAST
from meshscope.model.model import Model, callers, side_of
from meshscope.model.provider import MeshProvider, Unattributed
from meshscope.model.services import DataPlane, Identity, Service
from meshscope.model.slo import SLO, Latency, Side
from meshscope.model.units import Duration, minutes, plain

VIEW = f"{ID}, reporter"
CALLER = ("cluster", "namespace", "workload")
RECORDED = 5 * minutes
ANSWERS = "service:answers:rate"
FIRST_VALUES = "target:born:counted"
ENDED_BY_SERVERS = 'service:info{streams="false"}'
_BESIDE = (Side.CLIENT, DataPlane.SIDECAR)
_SPELLINGS = r"(.+?)(?:\\.0+)?"
# name[.namespace[.svc[.domain]]][:port], as Kubernetes resolves it; a dot at the end makes it absolute.
_FURTHER = r"(?:\\.svc(?:\\.[^:]+)?)?\\.?"
_PORT = r"(?::[0-9]+)?"
_HOST_NAMESPACE = rf"[^.:]+\\.([^.:]+){_FURTHER}{_PORT}"
_HOST_SERVICE = rf"([^.:]+)(?:\\.[^.:]+{_FURTHER})?{_PORT}"


def answers_of(window: Duration, *kinds: str) -> str:
    """A selector of the requests a second over ``window`` by view and kind of answer, those of ``kinds`` alone."""
    return selector(ANSWERS, f'window="{window}"', *kinds)


@dataclass(frozen=True, kw_only=True)
class Views:
    """From where each service is counted: the reporter's value for a service and for each of its SLOs."""

    provider: MeshProvider
    called: frozenset[Identity]

    def of(self, service: Service, slo: SLO | None = None) -> str:
        """The reporter's value; where the provider can't see the wanted side, the one that it can."""
        side = side_of(slo, service, self.called)
        reporters = self.provider.reporters
        for wanted in (side, Side.CLIENT, Side.SERVER):
            if (wanted, service.dataplane) in reporters:
                return reporters[wanted, service.dataplane]
        return next(iter(reporters.values()))

    def unseen(self, service: Service, slo: SLO) -> bool:
        """Whether ``slo`` asks for a side that the provider can't see."""
        return slo.side is not None and (slo.side, service.dataplane) not in self.provider.reporters


def views(model: Model, provider: MeshProvider) -> Views:
    """The views of ``model`` through ``provider``."""
    return Views(provider=provider, called=callers(model))


@dataclass(frozen=True, kw_only=True)
class Raw:
    """Raw series of one provider, restricted to the reporters that some service or SLO needs.

    ``bounds`` are the thresholds of latency SLOs, ``gateways`` the names of the mesh's gateways.
    """

    provider: MeshProvider
    reporters: tuple[str, ...]
    bounds: tuple[Duration, ...]
    options: Options
    gateways: tuple[str, ...] = ()

    def answers(self, window: Duration) -> str:
        """Requests a second by view and kind of answer, of which `answers_of` selects.

        Only of the model's services: a mesh may call any number of hosts outside.
        """
        kinds = self.kinds
        named = self._attributed(self.provider.requests, window, kinds)
        if self.counts_first_values:
            named = apart(named, *self._first_values(window))
        return f"sum by ({', '.join((VIEW, *kinds))}) ({named}) and on ({ID}) service:info"

    @property
    def kinds(self) -> tuple[str, ...]:
        """The provider's labels that tell kinds of answers apart."""
        provider = self.provider
        return matched_labels(*provider.bad(), provider.given_up, provider.upgraded, provider.succeeded)

    @property
    def counts_first_values(self) -> bool:
        """Whether targets are scraped by Prometheus, which then says of each how many series are new."""
        return self.provider.scrape is not None

    def _first_values(self, window: Duration) -> Iterator[str]:
        """What `FIRST_VALUES` adds to rates over ``window``, by view and kind: each value is there for `RECORDED`."""

        def rate(*matchers: str) -> str:
            counted = selector(FIRST_VALUES, *matchers)
            if window != RECORDED:
                seen = self.options.duration(window)
                counted = f"sum_over_time({counted}[{seen}]) / {plain(RECORDED / FAST)}"
            return f"{counted} / {plain(self.options.scaled(window).seconds)}"

        unattributed = self.provider.unattributed
        if unattributed is None:
            yield self._named(rate(), self.kinds)
            return
        namespace, unknown = self.provider.labels.namespace, quoted(unattributed.namespace)
        yield self._named(rate(f"{namespace}!={unknown}"), self.kinds)
        yield self._by_host(rate(f"{namespace}={unknown}"), unattributed.host, self.kinds)

    @property
    def target(self) -> tuple[str, ...]:
        """The labels by which what is scraped of one target is known from all other."""
        return (*((self.provider.labels.cluster,) if self.options.everywhere else ()), "job", "instance")

    def told_apart(self) -> tuple[str, ...]:
        """The provider's labels that say whose request was what, and what came of it."""
        labels, unattributed = self.provider.labels, self.provider.unattributed
        whose = (labels.cluster, labels.namespace, labels.service, labels.reporter)
        by_host = (labels.caller_namespace, unattributed.host) if unattributed else ()
        return (*whose, *by_host, *self.kinds)

    def bad(self, *matchers: str) -> list[str]:
        """Selectors of failed and given-up requests, no two of which select the same series."""
        reporters = one_of(self.provider.labels.reporter, self.reporters)
        kinds = [*self.provider.bad(), *([self.provider.given_up] if self.provider.given_up else [])]
        return [selector(self.provider.requests, reporters, kind, *matchers) for kind in kinds]

    def every(self) -> str:
        """A selector of all requests that are counted."""
        return selector(self.provider.requests, one_of(self.provider.labels.reporter, self.reporters))

    def strays(self) -> list[str]:
        """Selectors of what visitors of gateways cause."""
        unattributed = self.provider.unattributed
        if unattributed is None or not self.gateways:
            return []
        unknown = f"{self.provider.labels.namespace}={quoted(unattributed.namespace)}"
        at_gateways = (one_of(caller, self.gateways) for caller in unattributed.callers)
        return [selector(self.provider.requests, unattributed.strays, unknown, gateway) for gateway in at_gateways]

    def requests(self, window: Duration) -> str:
        """Requests a second by view."""
        return self._counted(window, "")

    def failures(self, window: Duration) -> str:
        """Failed requests a second by view; nothing where none ever failed."""
        failed = [answers_of(window, kind) for kind in self.provider.failed]
        if self.provider.torn:
            failed.append(f"({answers_of(window, self.provider.torn)} and on ({ID}) {ENDED_BY_SERVERS})")
        return f"sum by ({VIEW}) ({' or '.join(failed)})"

    def given_up(self, window: Duration) -> str:
        """Requests a second that their caller gave up, by view; nothing where none ever was."""
        return self._counted(window, self.provider.given_up)

    def succeeded(self, window: Duration) -> str:
        """Successful requests a second by view: those that latency is counted over."""
        return self._counted(window, self.provider.succeeded)

    def answered(self, window: Duration) -> str:
        """Successful requests a second by view, as the latency histogram counts them."""
        return self._ended(window, self.provider.succeeded)

    def answered_under(self, window: Duration, bounds: Iterable[Duration]) -> str:
        """Successful requests a second answered within each bound, by view and ``under``."""
        return self._under(window, bounds, self.provider.succeeded)

    def given_up_after(self, window: Duration, bounds: Iterable[Duration]) -> str:
        """Requests a second that their caller gave up later than each bound, by view and ``under``."""
        kind = self.provider.given_up
        within = self._under(window, bounds, kind)
        return f"clamp_min({self._ended(window, kind)} - on ({VIEW}) group_right () {within}, 0)"

    def _ended(self, window: Duration, kind: str) -> str:
        every = self._attributed(f"{self.provider.latency}_bucket", window, (), kind, 'le="+Inf"')
        return f"sum by ({VIEW}) ({every})"

    def _under(self, window: Duration, bounds: Iterable[Duration], kind: str) -> str:
        # ``le`` is spelt ``100.0`` by a scrape and ``100`` by OTLP; both are read, and meet in ``under``.
        spelt = one_of("le", [spelling for bound in bounds for spelling in self._spellings(bound)])
        named = self._attributed(f"{self.provider.latency}_bucket", window, ("le",), kind, spelt)
        return f'sum by ({VIEW}, under) (label_replace({named}, "under", "$1", "le", "{_SPELLINGS}"))'

    def called(self, window: Duration) -> str:
        """Requests a second by caller: (cluster, namespace, workload), as its own proxy reports them."""
        return self._by_caller(self._rate_of(self.provider.requests, window, self._at_callers()))

    def unattributed_failures(self, window: Duration) -> str:
        """Failed requests a second by caller of which neither the proxy nor the host says whom they were for."""
        unattributed = self.provider.unattributed
        if unattributed is None:
            return ""
        rate = self._unknown(unattributed, self.provider.requests, window, self._at_callers(), self.provider.bad())
        labels = self.provider.labels
        caller = (labels.cluster, labels.caller_namespace, labels.caller_workload)
        vector = f"sum by ({', '.join((*caller, unattributed.host))}) ({rate})"
        named = self._at_host(vector, unattributed.host)
        return self._by_caller(f"({named} unless on ({ID}) service:info)")

    def _by_caller(self, vector: str) -> str:
        labels = self.provider.labels
        caller = (labels.cluster, labels.caller_namespace, labels.caller_workload)
        named = renamed(f"sum by ({', '.join(caller)}) ({vector})", zip(CALLER, caller, strict=True))
        return f"sum by ({', '.join(CALLER)}) ({named})"

    def _at_callers(self) -> str:
        return one_of(self.provider.labels.reporter, (self.provider.reporters[_BESIDE],))

    def instance_requests(self, window: Duration) -> str:
        """Requests a second by instance, from the instance's own proxy, for as long as that is scraped.

        rate() still sees a pod that is gone, a selector of what is now doesn't.
        """
        now = selector(self.provider.requests, self._at_instance())
        return self._by_instance(self._instance_rate(window), f"and on ({', '.join(self._kept(INSTANCE))}) {now}")

    def instance_failures(self, window: Duration) -> str:
        """Failed requests a second by instance; nothing where none ever failed."""
        failed = self._by_instance(" or ".join(self._instance_rate(window, kind) for kind in self.provider.failed))
        if not self.provider.torn:
            return failed
        torn = f"{self._by_instance(self._instance_rate(window, self.provider.torn))} and on ({ID}) {ENDED_BY_SERVERS}"
        return f"sum by ({', '.join(INSTANCE)}) ({apart(failed, torn)})"

    def slow_ratio(self, window: Duration, over: Duration) -> str:
        """The share of answered requests slower than ``over``, by view."""
        under = f"sum without (under) ({self.answered_under(window, (over,))})"
        return f"(1 - {under} / ({self.answered(window)} > 0))"

    def plaintext_ratio(self, window: Duration) -> str:
        """The share of requests without mutual TLS as the servers see them, by service."""
        reporter = self._served()
        plain = self._rate_of(self.provider.requests, window, reporter, self.provider.plaintext or "")
        every = self._rate_of(self.provider.requests, window, reporter)
        return f"({self._by_service(plain)} / ({self._by_service(every)} > 0))"

    def _served(self) -> str:
        values = [value for (side, _), value in self.provider.reporters.items() if side is Side.SERVER]
        return one_of(self.provider.labels.reporter, values)

    def _spellings(self, bound: Duration) -> tuple[str, ...]:
        le = self.provider.le(bound)
        return (le,) if "." in le else (le, f"{le}.0")

    def _counted(self, window: Duration, kind: str) -> str:
        """Requests a second by view that are of ``kind``."""
        return f"sum by ({VIEW}) ({answers_of(window, kind)})"

    def _attributed(self, metric: str, window: Duration, more: tuple[str, ...], *matchers: str) -> str:
        """The rates of ``metric`` by view and ``more``, at the service that they name or else at that of their host."""
        unattributed = self.provider.unattributed
        if unattributed is None:
            return self._named(self._rate(metric, window, *matchers), more)
        theirs = f"{self.provider.labels.namespace}!={quoted(unattributed.namespace)}"
        known = self._named(self._rate(metric, window, *matchers, theirs), more)
        at_reporters = one_of(self.provider.labels.reporter, self.reporters)
        kind = ",".join(one for one in matchers if one)
        rate = self._unknown(unattributed, metric, window, at_reporters, (kind,))
        return apart(known, self._by_host(rate, unattributed.host, more))

    def _unknown(
        self, unattributed: Unattributed, metric: str, window: Duration, reporters: str, kinds: Iterable[str]
    ) -> str:
        """The rates of one of ``kinds`` whose service the proxy can't tell, but for what visitors of gateways cause."""
        unknown = f"{self.provider.labels.namespace}={quoted(unattributed.namespace)}"
        every = " or ".join(self._rate_of(metric, window, reporters, kind, unknown) for kind in kinds)
        seen = self.options.duration(window)
        return " unless ".join((f"({every})", *(f"rate({stray}[{seen}])" for stray in self.strays())))

    def _by_host(self, rate: str, host: str, more: tuple[str, ...]) -> str:
        labels = self.provider.labels
        vector = (
            f"sum by ({', '.join((labels.cluster, labels.caller_namespace, host, labels.reporter, *more))}) ({rate})"
        )
        vector = renamed(self._at_host(vector, host), (("reporter", labels.reporter),))
        return f"sum by ({', '.join((VIEW, *more))}) ({vector})"

    def _at_host(self, vector: str, host: str) -> str:
        """``vector`` with the service that the host names; a host without a namespace is in the caller's."""
        labels = self.provider.labels
        vector = renamed(vector, (("cluster", labels.cluster), ("namespace", labels.caller_namespace)))
        vector = f'label_replace({vector}, "namespace", "$1", "{host}", "{_HOST_NAMESPACE}")'
        return f'label_replace({vector}, "service", "$1", "{host}", "{_HOST_SERVICE}")'

    def _rate(self, metric: str, window: Duration, *matchers: str) -> str:
        return self._rate_of(metric, window, one_of(self.provider.labels.reporter, self.reporters), *matchers)

    def _rate_of(self, metric: str, window: Duration, *matchers: str) -> str:
        return f"rate({selector(metric, *matchers)}[{self.options.duration(window)}])"

    def _instance_rate(self, window: Duration, *matchers: str) -> str:
        return self._rate_of(self.provider.requests, window, self._at_instance(), *matchers)

    def _at_instance(self) -> str:
        return one_of(self.provider.labels.reporter, (self.provider.instance_reporter,))

    def _by_service(self, rate: str) -> str:
        return f"sum by ({ID}) ({self._named(rate)})"

    def _named(self, rate: str, more: tuple[str, ...] = ()) -> str:
        return self._renamed(rate, (*IDENTITY, "reporter"), more)

    def _by_instance(self, vector: str, where: str = "") -> str:
        return f"sum by ({', '.join(INSTANCE)}) ({self._renamed(vector, INSTANCE, (), where)})"

    def _renamed(self, vector: str, ours: tuple[str, ...], more: tuple[str, ...] = (), where: str = "") -> str:
        theirs = self._theirs()
        summed = f"sum by ({', '.join((*self._kept(ours), *more))}) ({vector}) {where}"
        return renamed(summed, ((name, theirs[name]) for name in ours))

    def _kept(self, ours: tuple[str, ...]) -> list[str]:
        theirs = self._theirs()
        return [theirs[name] for name in ours]

    def _theirs(self) -> Mapping[str, str]:
        labels = self.provider.labels
        return {name: getattr(labels, name) for name in (*INSTANCE, "reporter")}


def raw(model: Model, provider: MeshProvider, options: Options) -> Raw:
    """The raw series that ``model`` needs: the callers' reporters, and every other that an SLO asks for."""
    seen = views(model, provider)
    used = {seen.of(service, slo) for service, slo in model.slos} | {seen.of(service) for service in model.services}
    sides = {side for side, _ in provider.reporters}
    usual = Side.CLIENT if Side.CLIENT in sides else Side.SERVER
    used |= {provider.reporters[usual, plane] for plane in DataPlane if (usual, plane) in provider.reporters}
    bounds = tuple(sorted({slo.of.under for _, slo in model.slos if isinstance(slo.of, Latency)}))
    gateways = tuple(sorted({gateway.name for gateway in model.gateways}))
    return Raw(provider=provider, reporters=tuple(sorted(used)), bounds=bounds, options=options, gateways=gateways)
