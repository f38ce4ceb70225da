"""A plausible past of the mesh, so that dashboards have something to show: recorded and raw series as OpenMetrics.

One instance of one service fails for a while, those who call it suffer, and its error budget burns. What is static
(infos, objectives, calls) comes from the rules as they are built; the rest is drawn from a few curves without chance,
so that the same time gives the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from meshscope.build.options import Options
from meshscope.build.rules.indicators import views
from meshscope.build.rules.slo import BURNS
from meshscope.build.rules.statics import static_groups
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider
from meshscope.model.services import Identity, Service
from meshscope.model.slo import SLO, Availability
from meshscope.model.units import days

Labels = Mapping[str, str]
Curve = Callable[[float], float]

_WINDOWS = {"5m": 300, "30m": 1800, "1h": 3600, "2h": 7200, "6h": 21600, "1d": 86400, "3d": 259200}
_HURT = ("shop", "ledger")


@dataclass(kw_only=True)
class Series:
    """One series: what it is at a moment, and since when it is."""

    name: str
    labels: Labels
    value: Curve
    counter: bool = False
    alive: Callable[[float], bool] = field(default=lambda moment: True)


@dataclass(frozen=True, kw_only=True)
class Past:
    """The past of ``model`` up to ``end`` (Unix seconds): the last ``hours`` closely, the last ``days`` coarsely."""

    model: Model
    provider: MeshProvider
    end: int
    hours: float = 6
    days: float = 0

    @property
    def fault(self) -> tuple[float, float]:
        """When one instance begins to fail, and when it stops."""
        return self.end - 3000, self.end - 420

    def openmetrics(self) -> Iterator[str]:
        """The text that promtool makes blocks of, a line at a time."""
        by_name: dict[str, list[Series]] = {}
        for series in (*self._static(), *self._services(), *self._slos(), *self._instances(), *self._alerts(),
                       *self._collectors()):  # fmt: skip
            by_name.setdefault(series.name, []).append(series)
        for name, family in by_name.items():
            yield f"# TYPE {name.removesuffix('_total')} {'counter' if family[0].counter else 'gauge'}\n"
            for series in family:
                yield from self._lines(name, series)
        yield "# EOF\n"

    def _lines(self, name: str, series: Series) -> Iterator[str]:
        inside = ",".join(f'{key}="{value}"' for key, value in series.labels.items() if value)
        total = 0.0
        before: float | None = None
        for moment in self._moments(name):
            if not series.alive(moment):
                continue
            value = series.value(moment)
            if series.counter:
                total += value * (moment - before if before is not None else 0)
                value = total
            before = moment
            yield f"{name}{{{inside}}} {value:.6g} {moment}\n" if not series.counter else f"{name}{{{inside}}} {value:.3f} {moment}\n"

    def _moments(self, name: str) -> Iterable[int]:
        close = int(self.end - self.hours * 3600)
        if self.days and name.startswith(("slo:", "service:info")):
            yield from range(int(self.end - self.days * 86400), close, 240)
        yield from range(close, self.end + 1, 30)

    def _static(self) -> Iterator[Series]:
        for group in static_groups(self.model, self.provider, Options()):
            for rule in group.rules:
                value = float(rule.expr.removeprefix("vector(").removesuffix(")"))
                yield Series(name=rule.record, labels=rule.labels, value=lambda _, value=value: value)

    def _identity(self, service: Service) -> dict[str, str]:
        return {"cluster": service.cluster, "namespace": service.namespace, "service": service.name}

    def load(self, service: Service) -> Curve:
        """Requests a second: a day's wave, and a ripple of its own."""
        volume = float(service.volume.value) if service.volume else 10.0
        phase = sum(map(ord, service.name))

        def at(moment: float) -> float:
            day = 1 + 0.35 * math.sin(2 * math.pi * moment / 86400 + 1)
            return volume * day * (1 + 0.04 * math.sin(moment / 400 + phase) + 0.02 * math.sin(moment / 131 + phase))

        return at

    def failing(self, service: Service) -> Curve:
        """The share of requests that fail."""
        phase = sum(map(ord, service.name))
        start, stop = self.fault
        calls = Identity(service.cluster, *_HURT)
        share = 0.31 if (service.namespace, service.name) == _HURT else 0.0
        share = share or (0.07 if (service.identity, calls) in self.model.calls else 0.0)

        def at(moment: float) -> float:
            usual = 0.0003 * (1 + math.sin(moment / 900 + phase)) * (1 + phase % 3)
            old = 0.004 if phase % 5 == 0 and moment % 172800 < 9000 else 0.0
            grown = min(1.0, max(0.0, (moment - start) / 240), max(0.0, (stop - moment) / 240 + 1))
            return usual + old + (share * grown if start <= moment <= stop + 240 else 0.0)

        return at

    def _services(self) -> Iterator[Series]:
        seen = views(self.model, self.provider)
        for service in self.model.services:
            labels = {**self._identity(service), "reporter": seen.of(service)}
            load, failing = self.load(service), self.failing(service)
            yield Series(name="service:requests:rate5m", labels=labels, value=load)
            yield Series(name="service:failures:rate5m", labels=labels, value=lambda t, a=load, b=failing: a(t) * b(t))
            yield from self._latency(service, seen.of(service), {}, 1.0)

    def _latency(self, service: Service, reporter: str, pod: Labels, slower: float) -> Iterator[Series]:
        names, load, failing = self.provider.labels, self.load(service), self.failing(service)
        middle = 12 + sum(map(ord, service.name)) % 60
        labels = {names.cluster: service.cluster, names.namespace: service.namespace, names.service: service.name,
                  names.reporter: reporter, **pod, **dict(self.provider.samples.get("good", {}))}  # fmt: skip
        labels = {**labels, names.reporter: reporter}
        for bound in (*[float(bound.milliseconds) for bound in self.provider.bounds], math.inf):
            unit = float(self.provider.latency_unit.milliseconds)
            le = "+Inf" if bound == math.inf else f"{bound / unit:.1f}"

            def rate(t: float, bound: float = bound) -> float:
                heavy = middle * slower * (1 + 6 * failing(t))
                return load(t) * 0.5 * (1 + math.erf((math.log(max(bound, 1e-9)) - math.log(heavy)) / 1.1))

            name = f"{self.provider.latency}_bucket"
            yield Series(name=name, labels={**labels, "le": le}, value=rate, counter=True)

    def _slos(self) -> Iterator[Series]:
        for service, slo in self.model.slos:
            labels = {**self._identity(service), "slo": slo.name}
            bad = self._bad(service, slo)
            budget, period = float(slo.budget), float(slo.over / (1 * days))
            for window, length in _WINDOWS.items():
                mean = self._mean(bad, length)
                yield Series(name=f"slo:errors:ratio_rate{window}", labels=labels, value=mean)
            # Over the period: what was spent before this past began, and what it adds.
            spent = budget * ((sum(map(ord, service.name + slo.name)) % 80) / 100)
            of_period = {**labels, "period": str(slo.over)}
            yield Series(name="slo:errors:ratio_period", labels=of_period,
                         value=lambda t, s=spent, m=self._mean(bad, 86400), p=period: s + 2 * m(t) / p)  # fmt: skip
            yield Series(name="slo:burn_unit:ratio", labels=labels,
                         value=lambda _, b=budget, p=period: b * p / 30)  # fmt: skip

    def _bad(self, service: Service, slo: SLO) -> Curve:
        failing = self.failing(service)
        if isinstance(slo.of, Availability):
            return failing
        usual = float(slo.budget) * 0.3
        return lambda t: usual * (1 + 0.5 * math.sin(t / 5000)) + failing(t)

    def _mean(self, of: Curve, length: float) -> Curve:
        steps = 24

        def at(moment: float) -> float:
            return sum(of(moment - length * (i + 0.5) / steps) for i in range(steps)) / steps

        return at

    def _pods(self, service: Service) -> list[dict[str, str]]:
        workload = service.workload or service.name
        marks = ("7d9c5b6f4-x2vqk", "7d9c5b6f4-m8s4d", "7d9c5b6f4-t6h9z", "7d9c5b6f4-b5w7c")
        return [{"workload": workload, "version": "v12", "pod": f"{workload}-{mark}"} for mark in marks[: service.replicas]]

    def _instances(self) -> Iterator[Series]:
        theirs = self.provider.labels
        start, stop = self.fault
        for service in self.model.services:
            load, failing = self.load(service), self.failing(service)
            pods = self._pods(service)
            hurt = (service.namespace, service.name) == _HURT
            for number, pod in enumerate(pods):
                labels = {**self._identity(service), **pod}
                part = 1 / len(pods) * (1 + 0.03 * math.sin(number + 1))
                alone = hurt and number == 1
                share = (lambda t, f=failing, n=len(pods): min(0.97, f(t) * n)) if alone else (
                    failing if not hurt else (lambda t, f=failing: 0.0006 + f(t) * 0.01))  # fmt: skip
                requests = lambda t, a=load, p=part: a(t) * p  # noqa: E731
                yield Series(name="instance:requests:rate5m", labels=labels, value=requests)
                yield Series(name="instance:failures:rate5m", labels=labels,
                             value=lambda t, r=requests, s=share: r(t) * s(t))  # fmt: skip
                if hurt or service.name in ("checkout", "frontend"):
                    named = {theirs.workload: pod["workload"], theirs.version: pod["version"], theirs.pod: pod["pod"]}
                    yield from self._latency(service, self.provider.instance_reporter, named, 2.2 if alone else 1.0)

    def _alerts(self) -> Iterator[Series]:
        start, stop = self.fault
        hurt = next(each for each in self.model.services if (each.namespace, each.name) == _HURT)
        callers = [each for each in self.model.services if (each.identity, hurt.identity) in self.model.calls]
        pod = self._pods(hurt)[1]
        told = [(hurt, {"alertname": "LoneFailingInstance", "severity": "page", "stage": "agent", **pod}, 120, False),
                (hurt, {"alertname": "LoneFailingInstance", "severity": "page", "stage": "page", **pod}, 300, True)]  # fmt: skip
        for service in (hurt, *callers):
            for burn in BURNS[:1]:
                labels = {"alertname": "ErrorBudgetBurn", "severity": "page", "slo": "availability", "kind": "symptom",
                          "sli": "availability", "long": str(burn.long), "short": str(burn.short)}  # fmt: skip
                told.append((service, labels, 240, True))
        told.append((hurt, {"alertname": "ErrorBudgetBurn", "severity": "ticket", "slo": "availability",
                            "long": "1d", "short": "2h", "kind": "symptom"}, 900, True))  # fmt: skip
        for service, labels, after, lasts in told:
            owner = service.owner.name if service.owner else "unowned"
            whole = {**self._identity(service), "owner": owner, "tier": str(service.tier), **labels}
            begin, over = start + after, math.inf if lasts else stop
            alive = lambda t, a=begin, b=over: a <= t <= b  # noqa: E731
            yield Series(name="ALERTS", labels={**whole, "alertstate": "firing"}, value=lambda _: 1.0, alive=alive)
            yield Series(name="ALERTS_FOR_STATE", labels=whole, value=lambda _, a=begin: a, alive=alive)

    def _collectors(self) -> Iterator[Series]:
        rates = {"spans": 2400.0, "metric_points": 5200.0, "log_records": 1300.0}
        start, stop = self.fault
        for tier, count in (("node", 3), ("gateway", 2)):
            for number in range(count):
                who = {"job": f"otelcol-{tier}", "instance": f"10.0.{number}.{4 + number}:8888"}
                for signal, rate in rates.items():
                    part = lambda t, r=rate, c=count, n=number: r / c * (1 + 0.1 * math.sin(t / 700 + n))  # noqa: E731
                    for what, factor in (("receiver_accepted", 1.0), ("receiver_refused", 0.0), ("exporter_sent", 0.9),
                                         ("exporter_send_failed", 0.0), ("exporter_enqueue_failed", 0.0)):  # fmt: skip
                        yield Series(name=f"otelcol_{what}_{signal}", labels={**who, "exporter": f"otlp_http/{signal}"},
                                     value=lambda t, p=part, f=factor: p(t) * f, counter=True)  # fmt: skip
                    queue = lambda t, n=number: 60 + 30 * math.sin(t / 500 + n) + (640 if start < t < start + 900 else 0)  # noqa: E731
                    out = {**who, "exporter": f"otlp_http/{signal}"}
                    yield Series(name="otelcol_exporter_queue_size", labels=out, value=queue)
                    yield Series(name="otelcol_exporter_queue_capacity", labels=out, value=lambda _: 1000.0)
                yield Series(name="otelcol_process_uptime", labels=who, value=lambda _: 1.0, counter=True)
                yield Series(name="otelcol_process_cpu_seconds", labels=who, counter=True,
                             value=lambda t, n=number: 0.2 + 0.05 * math.sin(t / 600 + n))  # fmt: skip
                yield Series(name="otelcol_process_memory_rss", labels=who,
                             value=lambda t, n=number: 2.1e8 + 2e7 * math.sin(t / 1900 + n))  # fmt: skip
