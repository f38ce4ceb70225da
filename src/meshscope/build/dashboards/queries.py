"""Queries of a dashboard to PromQL: what a board calls a signal, a budget or a latency, as text for one provider.

Every recorded series is narrowed to what the dashboard's variables choose: one service, or the part of the mesh that
the variables for cluster, namespace, service and owner let through.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal

from meshscope.build.options import Options
from meshscope.build.promql import ID, IDENTITY, one_of, pretty, quoted, renamed, selector
from meshscope.build.rules.bridge import DEPENDENCY_PAGING
from meshscope.build.rules.indicators import ENDED_BY_SERVERS, VIEW, Raw, raw, views
from meshscope.model.boards import About
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider
from meshscope.model.queries import (
    Aggregated,
    Along,
    Buckets,
    Calculated,
    Drawn,
    Edge,
    Firing,
    Labelled,
    Neighbours,
    Pages,
    Promql,
    Quantile,
)
from meshscope.model.signals import Binary, Expr, Literal, Scope, Signal
from meshscope.model.units import exact, minutes, plain

# A whole name with a colon in it, or the alerts; strings are matched first, so that nothing inside one is taken.
_RECORDED = re.compile(
    r'"(?:\\.|[^"\\])*"'
    r"|(?<![\w$:])(?P<name>[A-Za-z_]\w*:[\w:]+|ALERTS(?:_FOR_STATE)?)\b(?!:)\s*"
    r'(?:\{(?P<inside>(?:"(?:\\.|[^"\\])*"|[^"}])*)\})?(?P<range>\s*\[)?'
)
_CALLEE = (("callee_cluster", "cluster"), ("callee_namespace", "namespace"), ("callee", "service"))
_CALLEE_ID = "callee_cluster, callee_namespace, callee"
_WORKLOAD = f"{ID}, workload, version"
# Grafana's variable is no length to a parser; this one, which nobody writes, stands for it meanwhile.
INTERVAL = "$__rate_interval"
_STAND_IN = "7s919ms"
_WIDE = 100
_STRENGTH = {"or": 1, "<": 3, "+": 4, "-": 4, "*": 5, "/": 5}
_ATOM = 9


@dataclass(frozen=True, kw_only=True)
class Writer:
    """Writes queries for the dashboards of one kind; ``clusters`` says whether identities have a cluster at all."""

    model: Model
    provider: MeshProvider
    options: Options
    about: About
    clusters: bool

    def text(self, query: Drawn) -> str:
        """The PromQL of ``query``, laid out over lines where it is long."""
        return laid_out(self._of(query)[0])

    def _of(self, query: Drawn) -> tuple[str, int]:
        """The text, and how strongly its outermost operator binds."""
        match query:
            case Promql(text=text):
                return self._narrow(text), _ATOM if re.fullmatch(r"[\w:]+(\([^()]*\))?", text) else 0
            case Calculated(operator=operator, left=left, right=right):
                return self._calculated(operator, left, right)
            case Aggregated():
                return self._aggregated(query), _ATOM
            case Firing():
                return self._firing(query), _ATOM
            case Pages() | Edge():
                return self._pages(query.of_slos) if isinstance(query, Pages) else self._edge(query.failed), 0
            case Neighbours(along=along, of=of):
                return self._neighbours(along, of), 5
            case Labelled(of=of, labels=labels, source=source, on=on):
                # Its value is 1, whatever the source's is.
                one = self._narrow(source) if source == "service:info" else f"({self._narrow(source)} ^ 0)"
                return f"{self._in(of, 5)} * on ({on}) group_left ({', '.join(labels)}) {one}", 5
            case Quantile():
                return self._quantile(query), 5
            case Buckets():
                return f"sum by (le) ({self._buckets(self._chosen_reporter())})", _ATOM
            case Expr():
                return self._expr(query)
            case int() | float() | Decimal():
                return plain(exact(query)), _ATOM
        raise TypeError(type(query).__name__)

    def _in(self, query: Drawn, strength: int) -> str:
        text, binds = self._of(query)
        return text if binds >= strength else f"({text})"

    def _calculated(self, operator: str, left: Drawn, right: Drawn) -> tuple[str, int]:
        strength = _STRENGTH[operator]
        # 0/0 is NaN, which no later sum survives.
        second = f"({self._in(right, 4)} > 0)" if operator == "/" else self._in(right, strength + 1)
        return f"{self._in(left, strength)} {operator} {second}", strength

    def _aggregated(self, query: Aggregated) -> str:
        by = f" by ({', '.join(query.by)}) " if query.by else ""
        number = f"{query.number}, " if query.number is not None else ""
        return f"{query.operator}{by}({number}{self._of(query.of)[0]})"

    def _firing(self, query: Firing) -> str:
        words = self.model.mesh.severities
        # The bridge and the watchdog fire for machines, not for people.
        severity = f"severity={quoted(getattr(words, query.severity.value))}" if query.severity else 'severity!="none"'
        alert = f"alertname={quoted(query.alert)}" if query.alert else ""
        stage = "" if query.stages else 'stage!="agent"'
        return self._narrow(selector("ALERTS", 'alertstate="firing"', severity, alert, stage))

    def _pages(self, of_slos: bool) -> str:
        here = self._matchers(tuple((name, name) for name in IDENTITY))
        firing = 'alertstate="firing"'
        # It has the labels that its inhibit rule demands to be equal; other pages have no sli.
        bridge = selector("ALERTS", f"alertname={quoted(DEPENDENCY_PAGING)}", firing, *here)

        def told(matcher: str, by: str) -> str:
            severity = f"severity={quoted(self.model.mesh.severities.page)}"
            page = self._narrow(selector("ALERTS", firing, severity, 'stage!="agent"', matcher))
            return f"max by ({ID}, {by}) ({page} unless on ({ID}, sli) {bridge})"

        of_slo, others = told('slo!=""', "slo"), told('slo=""', "alertname")
        return of_slo if of_slos else f"{of_slo} or {others}"

    def _edge(self, failed: bool) -> str:
        labels = self.provider.labels
        if not labels.caller:
            every = Promql("service:failures:rate5m" if failed else "service:requests:rate5m")
            return self._neighbours(Along.CALLERS, every)
        known = ((labels.cluster, "cluster"), (labels.namespace, "namespace"), (labels.service, "service"))
        here = (*self._matchers(known), self._chosen_reporter())

        def rate(kind: str) -> str:
            return f"rate({selector(self.provider.requests, *here, kind)}[{INTERVAL}])"

        counted = " or ".join(map(rate, self.provider.failed)) if failed else rate("")
        if failed and self.provider.torn:
            # The chosen service is one: its own info says whether what is watched has just ended.
            counted += f" or ({rate(self.provider.torn)} and on () {self._narrow(ENDED_BY_SERVERS)})"
        theirs = (labels.cluster, labels.caller_namespace, labels.caller)
        summed = f"sum by ({', '.join(theirs)}) ({counted})"
        named = renamed(summed, (("namespace", labels.caller_namespace), ("service", labels.caller)))
        by_caller = f"sum by ({ID}) ({named})"
        calls = selector("service:calls:info", *self._matchers(_CALLEE))
        edge = f"{calls} * on ({ID}) group_left () {by_caller}"
        return f"{edge} or 0 * {calls}" if failed else edge

    def _neighbours(self, along: Along, of: Drawn) -> str:
        everywhere = replace(self, about=About.FOREIGN)
        theirs = everywhere._of(of)[0]
        if along is Along.CALLERS:
            here = self._matchers(_CALLEE)
            return f"{selector('service:calls:info', *here)} * on ({ID}) group_left () max by ({ID}) ({theirs})"
        theirs = f"max by ({ID}) ({theirs})"
        for callee, own in _CALLEE:
            theirs = f'label_replace({theirs}, "{callee}", "$1", "{own}", "(.*)")'
        return (
            f"{self._narrow('service:calls:info')} * on ({_CALLEE_ID}) group_left () max by ({_CALLEE_ID}) ({theirs})"
        )

    def _quantile(self, query: Quantile) -> str:
        reporter = self._chosen_reporter()
        kept = "le"
        if query.by_instance:
            labels = self.provider.labels
            reporter = one_of(labels.reporter, (self.provider.instance_reporter,))
            kept = f"le, {labels.pod}"
        quantile = f"histogram_quantile({plain(exact(query.share))}, sum by ({kept}) ({self._buckets(reporter)}))"
        unit = self.provider.latency_unit.seconds
        return quantile if unit == 1 else f"{quantile} * {plain(unit)}"

    def _buckets(self, reporter: str) -> str:
        labels = self.provider.labels
        here = self._matchers(
            ((labels.cluster, "cluster"), (labels.namespace, "namespace"), (labels.service, "service"))
        )
        buckets = selector(f"{self.provider.latency}_bucket", *here, reporter, self.provider.succeeded)
        return f"rate({buckets}[{INTERVAL}])"

    def _chosen_reporter(self) -> str:
        label = self.provider.labels.reporter
        if self.about is About.SERVICE:
            return f'{label}="$reporter"'
        seen = views(self.model, self.provider)
        return one_of(label, (seen.of(service) for service in self.model.services))

    def _expr(self, node: Expr) -> tuple[str, int]:
        match node:
            case Literal(value=value):
                return plain(value), _ATOM
            case Signal():
                return self._signal(node)
            case Binary(operator="/", left=left, right=right):
                # As in the alerts: nothing where there is no traffic, instead of NaN.
                return f"{self._operand(left, 5)} / ({self._operand(right, 4)} > 0)", 5
            case Binary(operator=operator, left=left, right=right):
                strength = _STRENGTH[operator]
                return f"{self._operand(left, strength)} {operator} {self._operand(right, strength + 1)}", strength
        raise TypeError(type(node).__name__)

    def _operand(self, node: Expr, strength: int) -> str:
        text, binds = self._expr(node)
        return text if binds >= strength else f"({text})"

    def _signal(self, signal: Signal) -> tuple[str, int]:
        if signal.name == "slow_ratio" and signal.over is not None:
            return self._counted(self._raw().slow_ratio(5 * minutes, signal.over), VIEW)
        if signal.name == "plaintext_ratio":
            return self._counted(self._raw().plaintext_ratio(5 * minutes), ID)
        if signal.scope is Scope.SIBLINGS:
            own = f"instance:{signal.name}:rate5m"
            together = f"0 * {own} + on ({_WORKLOAD}) group_left () sum by ({_WORKLOAD}) ({own})"
            return self._narrow(f"({together} - {own})"), _ATOM
        return self._narrow(f"{signal.scope.value}:{signal.name}:rate5m"), _ATOM

    def _counted(self, vector: str, on: str) -> tuple[str, int]:
        """A vector over all services, read from raw series, as far as it is chosen and counts."""
        return f"({vector} and on ({on}) {self._narrow('service:info')})", _ATOM

    def _raw(self) -> Raw:
        return raw(self.model, self.provider, self.options)

    def _matchers(self, names: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
        """(their label, our variable) as matchers for what is chosen."""
        known = [(theirs, ours) for theirs, ours in names if theirs and (ours != "cluster" or self.clusters)]
        match self.about:
            case About.SERVICE:
                return tuple(f'{theirs}="${ours}"' for theirs, ours in known)
            case About.MESH:
                return tuple(f'{theirs}=~"${ours}"' for theirs, ours in known)
        return ()

    def _narrow(self, text: str) -> str:
        if self.about is About.FOREIGN:
            return text
        here = self._matchers(tuple((name, name) for name in IDENTITY))
        owner = ('owner=~"$owner"',) if self.about is About.MESH else ()

        def narrowed(found: re.Match[str]) -> str:
            name = found["name"]
            if name is None:
                return found[0]
            if name == "service:info" or name.startswith("ALERTS"):
                return selector(name, found["inside"] or "", *here, *owner) + (found["range"] or "")
            series = selector(name, found["inside"] or "", *here)
            if found["range"] or not owner:
                return series + (found["range"] or "")
            return f"({series} and on ({ID}) {selector('service:info', *owner)})"

        return _RECORDED.sub(narrowed, text)


def laid_out(expression: str) -> str:
    """``expression`` over several lines where one would be wide; as it is where it can't be parsed."""
    if len(expression) <= _WIDE:
        return expression
    try:
        return pretty(expression.replace(INTERVAL, _STAND_IN)).replace(_STAND_IN, INTERVAL)
    except ValueError:
        return expression
