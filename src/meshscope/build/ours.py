"""What tells ours from everybody else's in one Prometheus: two labels, on each alert and on each series that is joined.

Another environment's rules, or another mesh's, may run beside these over the same raw series. Every rule joins the
constants of the model in the end, so that with those told apart each is about its own services alone; so are recorded
series that are summed or counted without such a join.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from meshscope.artefacts.rules import Rule, RuleFile, RuleGroup
from meshscope.build.promql import pretty, quoted
from meshscope.model.mesh import Mesh

APART = (
    "gateway:info",
    "service:alert:tuned",
    "service:calls:info",
    "service:info",
    "service:paging:open",
    "service:requests:gone30m",
    "service:volume:rate",
    "slo:burn:factor",
    "slo:definition:info",
    "slo:late_given_up:rate5m",
    "slo:objective:ratio",
    "slo:period:seconds",
    "target:born:counted",
    "target:born:value",
    "target:failures:total",
)
"""The series that carry our labels: all constants, and what is recorded for rules alone to sum or count."""

# A whole name outside of quotes, and the brace of its matchers; a string is passed over.
_READ = re.compile(rf'"(?:[^"\\]|\\.)*"|(?<![\w:])({"|".join(map(re.escape, APART))})(?![\w:])({{)?')


def our_labels(mesh: Mesh) -> dict[str, str]:
    """The labels by which routes, inhibit rules and joins know what is of this mesh in this environment."""
    return {"meshscope": mesh.name, "environment": mesh.environment}


def told_apart(files: Iterable[RuleFile], mesh: Mesh) -> tuple[RuleFile, ...]:
    """``files`` with `our_labels` on every alert and series of `APART`, which rules read by them."""
    return tuple(replace(file, groups=tuple(ours(group, mesh) for group in file.groups)) for file in files)


def ours(group: RuleGroup, mesh: Mesh) -> RuleGroup:
    """One group as `told_apart` has it."""
    labels = our_labels(mesh)
    matchers = ",".join(f"{name}={quoted(value)}" for name, value in sorted(labels.items()))

    def narrowed(found: re.Match[str]) -> str:
        name, brace = found[1], found[2]
        return f"{name}{{{matchers}{',' if brace else '}'}" if name else found[0]

    def one(rule: Rule) -> Rule:
        labelled = {**rule.labels, **labels} if rule.alert or rule.record in APART else rule.labels
        # Constants read nothing, and there are tens of thousands of them.
        expression = rule.expr if group.static else _READ.sub(narrowed, rule.expr)
        return replace(rule, labels=labelled, expr=rule.expr if expression == rule.expr else pretty(expression))

    return replace(group, rules=tuple(map(one, group.rules)))
