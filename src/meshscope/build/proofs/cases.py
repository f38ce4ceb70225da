"""What a unit test file is made of, as promtool reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from meshscope.artefacts.rules import RuleTest
from meshscope.build.ours import our_labels
from meshscope.build.proofs.series import Series
from meshscope.build.proofs.synthetic import Bench
from meshscope.findings import Place
from meshscope.model.units import Duration

Case: TypeAlias = dict[str, object]
Expected: TypeAlias = dict[str, object]
SYNTHETIC = "mesh/synthetic"


def expect(alertname: str, eval_time: str, alerts: Sequence[Expected] = ()) -> Case:
    """``alertname`` fires exactly as ``alerts`` say at ``eval_time``; not at all where there are none."""
    return {"alertname": alertname, "eval_time": eval_time, "exp_alerts": list(alerts)}


def alerting(labels: Mapping[str, str], annotations: Mapping[str, str]) -> Expected:
    """One alert, with all its labels and annotations; empty labels don't exist in Prometheus."""
    return {
        "exp_labels": {name: value for name, value in labels.items() if value},
        "exp_annotations": dict(annotations),
    }


def value(expression: str, eval_time: str, samples: Iterable[tuple[str, float]]) -> Case:
    """``expression`` gives exactly these (series, value) at ``eval_time``."""
    return {
        "expr": expression,
        "eval_time": eval_time,
        "exp_samples": [{"labels": labels, "value": number} for labels, number in samples],
    }


@dataclass(frozen=True)
class Story:
    """One test in words and numbers: what is scraped, which alerts are expected, which values."""

    name: str
    inputs: Sequence[Series]
    alerts: Sequence[Case] = ()
    values: Sequence[Case] = ()


def case(step: str, story: Story) -> Case:
    """``story`` as promtool reads it, its series a ``step`` apart."""
    made: Case = {"name": story.name, "interval": step, "input_series": list(story.inputs)}
    if story.values:
        made["promql_expr_test"] = list(story.values)
    if story.alerts:
        made["alert_rule_test"] = list(story.alerts)
    return made


def proof_file(
    bench: Bench,
    name: str,
    rules: Iterable[str],
    every: Duration,
    cases: Sequence[Case],
    origin: Place | None = None,
    *,
    constants: bool = True,
) -> RuleTest:
    """A file of tests over the named rule files and the synthetic mesh's constants, evaluated ``every`` so often.

    Without an order promtool evaluates groups in a random one, and what a rule sees of another group would vary.
    """
    document = {
        "rule_files": [*([f"{SYNTHETIC}.yaml"] if constants else []), *(f"../rules/{rule}.yaml" for rule in rules)],
        "evaluation_interval": bench.at(every),
        "group_eval_order": list(bench.group_order),
        "fuzzy_compare": True,
        "tests": [_ours(made, our_labels(bench.real.mesh)) for made in cases],
    }
    return RuleTest(name=name, document=document, origin=origin)


def _ours(made: Case, labels: Mapping[str, str]) -> Case:
    """The case with the labels that every alert of ours has, in what it expects."""
    looks = made.get("alert_rule_test")
    if not isinstance(looks, list):
        return made
    return {
        **made,
        "alert_rule_test": [{**look, "exp_alerts": _labelled(look["exp_alerts"], labels)} for look in looks],
    }


def _labelled(expected: Sequence[Expected], labels: Mapping[str, str]) -> list[Expected]:
    return [
        {**one, "exp_labels": {**told, **labels}} if isinstance(told := one["exp_labels"], Mapping) else one
        for one in expected
    ]
