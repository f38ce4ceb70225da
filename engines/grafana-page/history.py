"""A plausible past of the mesh, so that dashboards have something to show: recorded and raw series as OpenMetrics.

One instance of one service fails since half an hour, those who call it suffer, and its error budget burns. What is
static (infos, objectives, calls) comes from the rules as they are built; the rest is drawn from a few curves without
chance, so that the same time gives the same picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from meshscope.build.options import Options
from meshscope.build.rules.burn import BURNS
from meshscope.build.rules.indicators import views
from meshscope.build.rules.statics import identity_labels, static_groups
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider
from meshscope.model.services import Service
from meshscope.model.slo import SLO, Availability
from meshscope.model.units import days

Labels = Mapping[str, str]
Curve = Callable[[float], float]

WINDOWS = {"5m": 300, "30m": 1800, "1h": 3600, "2h": 7200, "6h": 21600, "1d": 86400, "3d": 259200}
HURT = ("shop", "ledger")
FAULT_SECONDS = 1800
_CLOSE, _COARSE = 30, 240


@dataclass(frozen=True, kw_only=True)
class Series:
    """One series: what it is at a moment, and since when it is. A counter's ``value`` is its rate."""

    name: str
    labels: Labels
    value: Curve
    counter: bool = False
    since: float = 0


def constant(value: float) -> Curve:
    """Always ``value``."""
    return lambda _: value


def wave(around: float, share: float, length: float, phase: float = 0) -> Curve:
    """A wave of ``length`` seconds around a value, ``share`` of it high."""
    return lambda moment: around * (1 + share * math.sin(2 * math.pi * moment / length + phase))


def product(*curves: Curve) -> Curve:
    """The product of curves."""
    return lambda moment: math.prod(curve(moment) for curve in curves)


def mean(of: Curve, length: float) -> Curve:
    """The mean of a curve over the ``length`` seconds before each moment."""
    steps = 24
    return lambda moment: sum(of(moment - length * (i + 0.5) / steps) for i in range(steps)) / steps


@dataclass(frozen=True, kw_only=True)
class Past:
    """The past of ``model`` up to ``end`` (Unix seconds): the last ``hours`` closely, SLOs coarsely for ``days``."""

    model: Model
    provider: MeshProvider
    end: int
    hours: float = 6
    days: float = 0

    @property
    def fault(self) -> float:
        """When one instance began to fail."""
        return self.end - FAULT_SECONDS

    def openmetrics(self) -> Iterator[str]:
        """The text that promtool makes blocks of, a line at a time."""
        families: dict[str, list[Series]] = {}
        parts = (self._static(), self._services(), self._edges(), self._slos(), self._instances(), self._alerts(),
                 self._collectors(), self._agent())  # fmt: skip
        for series in (each for part in parts for each in part):
            families.setdefault(series.name, []).append(series)
        for name, family in families.items():
            yield f"# TYPE {name.removesuffix('_total')} {'counter' if family[0].counter else 'gauge'}\n"
            for series in family:
                yield from self._lines(series)
        yield "# EOF\n"

    def _lines(self, series: Series) -> Iterator[str]:
        inside = ",".join(f'{key}="{value}"' for key, value in series.labels.items() if value)
        total = 0.0
        for moment in self._moments(series.name):
            if moment < series.since:
                continue
            value = series.value(moment)
            total += value * _CLOSE
            yield f"{series.name}{{{inside}}} {total if series.counter else value:.12g} {moment}\n"

    def _moments(self, name: str) -> Iterable[int]:
        close = int(self.end - self.hours * 3600)
        if self.days and name.startswith(("slo:", "service:info")):
            yield from range(int(self.end - self.days * 86400), close, _COARSE)
        yield from range(close, self.end + 1, _CLOSE)

    def _static(self) -> Iterator[Series]:
        for rule in (rule for group in static_groups(self.model, self.provider, Options()) for rule in group.rules):
            value = float(rule.expr.removeprefix("vector(").removesuffix(")"))
            yield Series(name=rule.record, labels=rule.labels, value=constant(value))

    def load(self, service: Service) -> Curve:
        """Requests a second: a day's wave, and a ripple of its own."""
        volume = float(service.volume.value) if service.volume else 10.0
        return product(wave(volume, 0.35, 86400, 1), wave(1, 0.04, 2500, _phase(service)))

    def failing(self, service: Service) -> Curve:
        """The share of requests that fail."""
        usual = wave(0.0002 * (1 + _phase(service) % 3), 0.3, 50_000, _phase(service))
        hurt = next((each for each in self.model.services if _is_hurt(each)), None)
        share = 0.03 if _is_hurt(service) else 0.0
        if hurt is not None and (service.identity, hurt.identity) in self.model.calls:
            share = 0.004

        def at(moment: float) -> float:
            grown = min(1.0, max(0.0, (moment - self.fault) / 240))
            once = 0.004 if _phase(service) % 5 == 0 and moment % 172_800 < 9000 else 0.0
            return usual(moment) + once + share * grown

        return at

    def _services(self) -> Iterator[Series]:
        seen = views(self.model, self.provider)
        for service in self.model.services:
            labels = {**identity_labels(service.identity), "reporter": seen.of(service)}
            load, failing = self.load(service), self.failing(service)
            yield Series(name="service:requests:rate5m", labels=labels, value=load)
            yield Series(name="service:failures:rate5m", labels=labels, value=product(load, failing))
            yield from self._latency(service, seen.of(service), {}, 1.0)

    def _edges(self) -> Iterator[Series]:
        """What each caller asks of each service, where the mesh's metrics name callers."""
        names, samples = self.provider.labels, self.provider.samples
        if not names.caller:
            return
        seen = views(self.model, self.provider)
        failed = next(labels for name, labels in samples.items() if name.startswith("failed"))
        for service in self.model.services:
            callers = [caller for caller, callee in self.model.calls if callee == service.identity]
            load, failing = self.load(service), self.failing(service)
            for caller in callers:
                share = constant(1 / len(callers))
                labels = {
                    names.cluster: service.cluster,
                    names.namespace: service.namespace,
                    names.service: service.name,
                    names.reporter: seen.of(service),
                    names.caller_namespace: caller.namespace,
                    names.caller: caller.name,
                }
                requests = self.provider.requests
                good = {**labels, **samples["good"]}
                yield Series(name=requests, labels=good, value=product(load, share), counter=True)
                bad = product(load, failing, share)
                yield Series(name=requests, labels={**labels, **failed}, value=bad, counter=True)

    def _latency(self, service: Service, reporter: str, pod: Labels, slower: float) -> Iterator[Series]:
        names = self.provider.labels
        who = {names.cluster: service.cluster, names.namespace: service.namespace, names.service: service.name}
        labels = {**self.provider.samples.get("good", {}), **who, **pod, names.reporter: reporter}
        load, failing = self.load(service), self.failing(service)
        middle = (12 + _phase(service) % 60) * slower
        unit = float(self.provider.latency_unit.milliseconds)

        def under(bound: float) -> Curve:
            def at(moment: float) -> float:
                usual = math.log(middle * (1 + 6 * failing(moment)))
                return load(moment) * 0.5 * (1 + math.erf((math.log(bound) - usual) / 1.1))

            return at

        name = f"{self.provider.latency}_bucket"
        for bound in (float(each.milliseconds) for each in self.provider.bounds):
            yield Series(name=name, labels={**labels, "le": f"{bound / unit:.1f}"}, value=under(bound), counter=True)
        yield Series(name=name, labels={**labels, "le": "+Inf"}, value=load, counter=True)

    def _slos(self) -> Iterator[Series]:
        for service, slo in self.model.slos:
            labels = {**identity_labels(service.identity), "slo": slo.name}
            bad, budget = self._bad(service, slo), float(slo.budget)
            for window, length in WINDOWS.items():
                yield Series(name=f"slo:errors:ratio_rate{window}", labels=labels, value=mean(bad, length))
            yield Series(name="slo:error_budget:ratio", labels=labels, value=constant(budget))
            of_period = {**labels, "period": str(slo.over)}
            yield Series(name="slo:errors:ratio_period", labels=of_period, value=self._spent(service, slo, bad))

    def _spent(self, service: Service, slo: SLO, bad: Curve) -> Curve:
        """The share of bad requests over the whole period: what was spent before this past, and what it adds."""
        before = float(slo.budget) * ((_phase(service) + len(slo.name) * 7) % 80) / 100
        lately, period = mean(bad, 86400), float(slo.over / (1 * days))
        return lambda moment: before * (1 - (self.end - moment) / 2e6) + 2 * lately(moment) / period

    def _bad(self, service: Service, slo: SLO) -> Curve:
        failing = self.failing(service)
        if isinstance(slo.of, Availability):
            return failing
        slow = wave(float(slo.budget) * 0.3, 0.5, 30_000)
        return lambda moment: slow(moment) + failing(moment)

    def _instances(self) -> Iterator[Series]:
        for service in self.model.services:
            pods = _pods(service)
            load, failing = self.load(service), self.failing(service)
            for number, pod in enumerate(pods):
                alone = _is_hurt(service) and number == 1
                requests = product(load, constant((1 + 0.03 * math.sin(number + 1)) / len(pods)))
                share = product(failing, constant(len(pods) if alone else 0.03 if _is_hurt(service) else 1))
                labels = {**identity_labels(service.identity), **pod}
                yield Series(name="instance:requests:rate5m", labels=labels, value=requests)
                yield Series(name="instance:failures:rate5m", labels=labels, value=product(requests, share))
                if _is_hurt(service):
                    theirs = {getattr(self.provider.labels, ours): value for ours, value in pod.items()}
                    yield from self._latency(service, self.provider.instance_reporter, theirs, 2.2 if alone else 1.0)

    def _alerts(self) -> Iterator[Series]:
        for service in self.model.services:
            calls_hurt = any(caller == service.identity and callee[1:] == HURT for caller, callee in self.model.calls)
            if not (_is_hurt(service) or calls_hurt):
                continue
            burn = BURNS[0]
            burning = {"alertname": "ErrorBudgetBurn", "severity": "page", "slo": "availability", "sli": "availability",
                       "kind": "symptom", "long": str(burn.long), "short": str(burn.short)}  # fmt: skip
            yield from self._alert(service, burning, 240)
            if calls_hurt:
                held = {"alertname": "DependencyPaging", "severity": "none", "sli": "availability"}
                yield from self._alert(service, held, 270)
            if _is_hurt(service):
                yield from self._alert(service, {**burning, "long": "6h", "short": "30m"}, 600)
                yield from self._alert(service, {**burning, "severity": "ticket", "long": "1d", "short": "2h"}, 900)
                lone = {"alertname": "LoneFailingInstance", "severity": "page", **_pods(service)[1]}
                yield from self._alert(service, {**lone, "stage": "agent"}, 120)
                yield from self._alert(service, {**lone, "stage": "page"}, 300)

    def _alert(self, service: Service, labels: Labels, after: float) -> Iterator[Series]:
        owner = service.owner.name if service.owner else "unowned"
        whole = {**identity_labels(service.identity), "owner": owner, "tier": str(service.tier), **labels}
        since = self.fault + after
        yield Series(name="ALERTS", labels={**whole, "alertstate": "firing"}, value=constant(1), since=since)
        yield Series(name="ALERTS_FOR_STATE", labels=whole, value=constant(since), since=since)

    def _collectors(self) -> Iterator[Series]:
        for tier, count in (("node", 3), ("gateway", 2)):
            for number in range(count):
                who = {"job": f"otelcol-{tier}", "instance": f"10.0.{number}.{4 + number}:8888"}
                yield from self._collector(who, number, 1 / count)

    def _collector(self, who: Labels, number: int, part: float) -> Iterator[Series]:
        for signal, rate in (("spans", 2400), ("metric_points", 5200), ("log_records", 1300)):
            out = {**who, "exporter": f"otlp_http/{signal}", "receiver": "otlp"}
            flow = wave(rate * part, 0.1, 4400, number)
            for what, share in (("receiver_accepted", 1.0), ("receiver_refused", 0.0), ("exporter_sent", 0.9),
                                ("exporter_send_failed", 0.0), ("exporter_enqueue_failed", 0.0)):  # fmt: skip
                counted = product(flow, constant(share))
                yield Series(name=f"otelcol_{what}_{signal}", labels=out, value=counted, counter=True)
            yield Series(name="otelcol_exporter_queue_size", labels=out, value=wave(90, 0.5, 3100, number))
            yield Series(name="otelcol_exporter_queue_capacity", labels=out, value=constant(1000))
        yield Series(name="otelcol_process_uptime", labels=who, value=constant(1), counter=True)
        used = wave(0.2, 0.25, 3800, number)
        yield Series(name="otelcol_process_cpu_seconds", labels=who, value=used, counter=True)
        yield Series(name="otelcol_process_memory_rss", labels=who, value=wave(2.1e8, 0.1, 12_000, number))

    def _agent(self) -> Iterator[Series]:
        for part in ("decide", "listen", "reconcile", "tell", "watch"):
            age = wave(0.3 if part in ("decide", "tell", "watch") else 15, 0.5, 900, len(part))
            yield Series(name="meshscope_agent_heartbeat_age_seconds", labels={"part": part}, value=age)
            patience = constant(30 if part in ("decide", "tell", "watch") else 90)
            yield Series(name="meshscope_agent_heartbeat_patience_seconds", labels={"part": part}, value=patience)
        for name, labels, hourly in (
            ("alerts_received", {"source": "alertmanager"}, 24), ("alerts_received", {"source": "falco"}, 1),
            ("decisions", {"verdict": "acted"}, 3), ("decisions", {"verdict": "declined"}, 7),
            ("acts", {"outcome": "done"}, 3),
        ):  # fmt: skip
            counted = constant(hourly / 3600)
            yield Series(name=f"meshscope_agent_{name}_total", labels=labels, value=counted, counter=True)


def _phase(service: Service) -> int:
    return sum(map(ord, service.name))


def _is_hurt(service: Service) -> bool:
    return (service.namespace, service.name) == HURT


def _pods(service: Service) -> list[dict[str, str]]:
    workload = service.workload or service.name
    marks = ("7d9c5b6f4-x2vqk", "7d9c5b6f4-m8s4d", "7d9c5b6f4-t6h9z", "7d9c5b6f4-b5w7c")
    return [{"workload": workload, "version": "v12", "pod": f"{workload}-{mark}"} for mark in marks[: service.replicas]]
