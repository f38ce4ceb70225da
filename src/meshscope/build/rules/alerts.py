"""Alerts of definition files: a condition over any service or instance becomes one rule, or two with ``page_after``."""

from __future__ import annotations

from dataclasses import replace

from meshscope.artefacts.rules import Rule
from meshscope.build.boards import board_uid
from meshscope.build.promql import ID, INSTANCE, pretty, quoted, selector
from meshscope.build.rules.annotations import Template, alert_annotations
from meshscope.build.rules.indicators import Raw
from meshscope.model.alerting import WINDOWS, Alert, Severity, Where
from meshscope.model.mesh import Mesh
from meshscope.model.signals import Binary, Combined, Comparison, Condition, Expr, Literal, Scope, Signal
from meshscope.model.units import Duration, plain, seconds

_WORKLOAD = f"{ID}, workload, version"
_POD = ", ".join(INSTANCE)


def missing_signals(alert: Alert, raw: Raw) -> tuple[str, ...]:
    """The signals that ``alert`` reads and the provider lacks."""
    return tuple(sorted({signal.name for signal in alert.signals} - raw.provider.signals()))


def instance_rules(raw: Raw) -> list[Rule]:
    """The base series of instances, from their own proxies, for as long as they are there.

    Nobody must be paged for an instance that is gone, nor must it be a sibling.
    """
    requests, failures = raw.instance_requests(WINDOWS[0]), raw.instance_failures(WINDOWS[0])
    alive = f"on ({_POD}) instance:requests:rate5m"
    return [
        Rule(record="instance:requests:rate5m", expr=pretty(requests)),
        Rule(
            record="instance:failures:rate5m",
            expr=pretty(f"({failures} and {alive}) or 0 * instance:requests:rate5m"),
        ),
    ]


def alert_rules(alert: Alert, raw: Raw, mesh: Mesh) -> list[Rule]:
    """One rule, or with ``page_after`` two of the same name and severity: the agent's stage first, then the page.

    Prometheus decides when people are told, so that a dead agent delays nobody.
    """
    if alert.page_after is None:
        return [_rule(alert, raw, mesh, alert.pending, {})]
    agent = _rule(alert, raw, mesh, alert.pending, {"stage": "agent"})
    page = _rule(alert, raw, mesh, alert.pending + alert.page_after, {"stage": "page"})
    if alert.keep_firing.seconds:
        return [agent, page]
    # What the agent has had all that time is not worked out again; ALERTS holds it from the first evaluation on.
    held = selector("ALERTS", f"alertname={quoted(alert.camel)}", 'stage="agent"')
    return [agent, replace(page, expr=pretty(f"max without (alertname, alertstate, severity, stage) ({held})"))]


def expression(alert: Alert, raw: Raw) -> str:
    """The alert's condition with its gate, for the services that it is about, with their owner."""
    info = f"topk by ({ID}) (1, {selector('service:info', *_matchers(alert.where))})"
    gated = f"({_condition(alert.condition, raw)})"
    series = f"{alert.scope}:requests:rate5m"
    on = _POD if alert.scope is Scope.INSTANCE else ID
    if alert.at_least:
        window = plain(raw.options.scaled(alert.window).seconds)
        gated += f" and on ({on}) ({series} * {window} >= {alert.at_least})"
    return pretty(f"sum without (reporter) ({gated}) * on ({ID}) group_left (owner, tier) {info}")


def _rule(alert: Alert, raw: Raw, mesh: Mesh, pending: Duration, stage: dict[str, str]) -> Rule:
    instance = alert.scope is Scope.INSTANCE
    words = mesh.severities
    keep = alert.keep_firing
    return Rule(
        alert=alert.camel,
        expr=expression(alert, raw),
        pending=raw.options.duration(pending) if pending.seconds else "",
        keep_firing_for=raw.options.duration(keep) if keep > 0 * seconds else "",
        labels={"severity": words.page if alert.severity is Severity.PAGE else words.ticket, **stage},
        annotations=alert_annotations(
            Template(),
            mesh,
            board_uid(mesh, "instances" if instance else "service"),
            alert.summary,
            alert.description,
            str(alert.place),
            instance,
        ),
        origin=alert.place,
    )


def _matchers(where: Where) -> tuple[str, ...]:
    wanted = {
        "tier": str(where.tier) if where.tier else "",
        "owner": where.owner.name if where.owner else "",
        "namespace": where.namespace or "",
    }
    return tuple(f"{name}={quoted(value)}" for name, value in wanted.items() if value)


def _condition(condition: Condition, raw: Raw) -> str:
    match condition:
        case Comparison(operator=operator, left=left, right=right):
            return f"{_number(left, raw)} {operator} {_number(right, raw)}"
        case Combined(operator=operator, parts=(left, right)):
            return f"({_condition(left, raw)}) {operator} ({_condition(right, raw)})"
    raise TypeError(f"{type(condition).__name__} is no condition")


def _number(expr: Expr, raw: Raw) -> str:
    match expr:
        case Literal(value=value):
            return plain(value)
        case Signal():
            return _signal(expr, raw)
        case Binary(operator="/", left=left, right=right):
            # 0/0 is NaN, and NaN compares false to everything: a silent service would look healthy for ever.
            return f"({_number(left, raw)} / ({_number(right, raw)} > 0))"
        case Binary(operator=operator, left=left, right=right):
            return f"({_number(left, raw)} {operator} {_number(right, raw)})"
    raise TypeError(f"{type(expr).__name__} is no expression")


def _signal(signal: Signal, raw: Raw) -> str:
    if signal.scope is Scope.SIBLINGS:
        own = f"instance:{signal.name}:rate5m"
        return f"(sum by ({_WORKLOAD}) ({own}) - on ({_WORKLOAD}) group_right () {own})"
    if signal.name == "slow_ratio" and signal.over is not None:
        return raw.slow_ratio(WINDOWS[0], signal.over)
    if signal.name == "plaintext_ratio":
        # Counted where requests arrive, told under the view that stands for the service.
        return f"({raw.plaintext_ratio(WINDOWS[0])} * on ({ID}) group_left (reporter) topk by ({ID}) (1, service:info))"
    return f"{signal.scope}:{signal.name}:rate5m"
