"""What an indicator reads from a provider's raw series, as vectors over every service at once.

Provider labels end here. Every vector carries (cluster, namespace, service, reporter), and ``under`` for latency. The
outer sums drop the provider's labels after they were copied; inner sums come first, so that label_replace sees one
series for each service and not one for each caller, code and pod.

Over 5 minutes requests are read once, into a few series for each service that still tell one kind of answer from
another; what is counted (all, failed, successful) is selected from those.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from meshscope.build.options import Options
from meshscope.build.promql import ID, IDENTITY, INSTANCE, matched_labels, one_of, renamed, selector
from meshscope.model.model import Model, callers, side_of
from meshscope.model.provider import MeshProvider
from meshscope.model.services import DataPlane, Identity, Service
from meshscope.model.slo import SLO, Latency, Side
from meshscope.model.units import Duration, minutes

VIEW = f"{ID}, reporter"
RECORDED = 5 * minutes
ANSWERS = f"service:answers:rate{RECORDED}"
_SPELLINGS = r"(.+?)(?:\\.0+)?"


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

    ``bounds`` are the thresholds of latency SLOs.
    """

    provider: MeshProvider
    reporters: tuple[str, ...]
    bounds: tuple[Duration, ...]
    options: Options

    def answers(self) -> str:
        """Requests a second over 5 minutes by view and kind of answer: what `ANSWERS` records.

        Only of the model's services: a mesh may call any number of hosts outside.
        """
        kinds = matched_labels(*self.provider.failed, self.provider.succeeded)
        rate = self._rate(self.provider.requests, RECORDED)
        return f"sum by ({', '.join((VIEW, *kinds))}) ({self._named(rate, kinds)}) and on ({ID}) service:info"

    def requests(self, window: Duration) -> str:
        """Requests a second by view."""
        return self._counted(window, "")

    def failures(self, window: Duration) -> str:
        """Failed requests a second by view; nothing where none ever failed."""
        return self._counted(window, *self.provider.failed)

    def succeeded(self, window: Duration) -> str:
        """Successful requests a second by view: those that latency is counted over."""
        return self._counted(window, self.provider.succeeded)

    def answered(self, window: Duration) -> str:
        """Successful requests a second by view, as the latency histogram counts them."""
        bucket = f"{self.provider.latency}_bucket"
        return self._by_view(self._rate(bucket, window, self.provider.succeeded, 'le="+Inf"'))

    def answered_under(self, window: Duration, bounds: Iterable[Duration]) -> str:
        """Successful requests a second answered within each bound, by view and ``under``.

        ``le`` is spelt ``100.0`` by a scrape and ``100`` by OTLP; both are read, and meet in ``under``.
        """
        spelt = [spelling for bound in bounds for spelling in self._spellings(bound)]
        rate = self._rate(f"{self.provider.latency}_bucket", window, self.provider.succeeded, one_of("le", spelt))
        under = f'label_replace({self._named(rate, ("le",))}, "under", "$1", "le", "{_SPELLINGS}")'
        return f"sum by ({VIEW}, under) ({under})"

    def instance_requests(self, window: Duration) -> str:
        """Requests a second by instance, from the instance's own proxy, for as long as that is scraped.

        rate() still sees a pod that is gone, a selector of what is now doesn't.
        """
        now = selector(self.provider.requests, self._at_instance())
        return self._by_instance(self._instance_rate(window), f"and on ({', '.join(self._kept(INSTANCE))}) {now}")

    def instance_failures(self, window: Duration) -> str:
        """Failed requests a second by instance; nothing where none ever failed."""
        return self._by_instance(" or ".join(self._instance_rate(window, failed) for failed in self.provider.failed))

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

    def _counted(self, window: Duration, *kinds: str) -> str:
        """Requests a second by view of which one of ``kinds`` of answers holds."""
        if window == RECORDED:
            return f"sum by ({VIEW}) ({' or '.join(selector(ANSWERS, kind) for kind in kinds)})"
        return self._by_view(" or ".join(self._rate(self.provider.requests, window, kind) for kind in kinds))

    def _rate(self, metric: str, window: Duration, *matchers: str) -> str:
        return self._rate_of(metric, window, one_of(self.provider.labels.reporter, self.reporters), *matchers)

    def _rate_of(self, metric: str, window: Duration, *matchers: str) -> str:
        return f"rate({selector(metric, *matchers)}[{self.options.duration(window)}])"

    def _instance_rate(self, window: Duration, *matchers: str) -> str:
        return self._rate_of(self.provider.requests, window, self._at_instance(), *matchers)

    def _at_instance(self) -> str:
        return one_of(self.provider.labels.reporter, (self.provider.instance_reporter,))

    def _by_view(self, rate: str) -> str:
        return f"sum by ({VIEW}) ({self._named(rate)})"

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
    return Raw(provider=provider, reporters=tuple(sorted(used)), bounds=bounds, options=options)
