"""Another cluster's series in the same Prometheus change nothing of what is told of our platform, whoever reads them.

Driven by the generated proofs, in which every alert about the platform has stories of firing and of being quiet: each
is played again beside another cluster that says the same, and beside one that fails. promtool fails where a rule can't
be evaluated.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import pytest
import yaml

from meshscope.artefacts.yaml import dump
from meshscope.build.options import Options
from meshscope.build.promql import quoted
from meshscope.build.rules.platform import watches
from meshscope.model.model import Model
from tests.rules.conftest import Proof, boutique, proof

pytestmark = pytest.mark.engines("promtool")
FILES = ("platform", "mesh_telemetry")
OWN, OTHER = "eu-1", "us-1"
# No series says of which cluster something is absent: the question does, or nobody (part `all` of the agent).
OF_ABSENCE = ("MeshTelemetryAbsent", "CollectorAbsent")
WATCHED = tuple(watch.name for watch in watches(boutique(), Options()))


@lru_cache(maxsize=1)
def told() -> tuple[Proof, dict[str, list[dict]], dict[str, dict]]:
    """The proof of the reference mesh, the cases of each alert, and the files that hold them."""
    whole = proof(boutique())
    cases, files = defaultdict(list), {}
    for name in FILES:
        document = yaml.safe_load(whole.files[f"tests/{name}.yaml"])
        for case in document["tests"]:
            alert = re.match(r"\w+", case["name"])[0]
            cases[alert].append(case)
            files[alert] = document
    return whole, dict(cases), files


def of_cluster(series: Iterable[dict[str, str]], cluster: str) -> list[dict[str, str]]:
    """The same series with the label ``cluster``, whatever theirs says."""
    found = []
    for one in series:
        metric, _, inside = one["series"].partition("{")
        others = re.sub(r'(^|,)cluster="[^"]*"', "", inside.removesuffix("}")).lstrip(",")
        labels = ",".join(part for part in (f"cluster={quoted(cluster)}", others) if part)
        found.append({**one, "series": f"{metric}{{{labels}}}"})
    return found


def fires(case: dict) -> bool:
    return bool(expected(case))


def expected(case: dict) -> list[dict]:
    """The labels of every alert that is."""
    return [one["exp_labels"] for look in case["alert_rule_test"] for one in look["exp_alerts"]]


def play(promtool, alert: str, cases: Sequence[dict], whole: Proof | None = None) -> None:
    before, _, files = told()
    document = {**files[alert], "tests": list(cases)}
    played = {**(whole or before).files, f"tests/{alert}.yaml": dump(document)}
    done = promtool(Proof(played), f"{alert}.yaml")
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_every_alert_about_the_platform_has_stories():
    assert set(told()[1]) == set(WATCHED)
    assert all(any(map(fires, cases)) for cases in told()[1].values())


@pytest.mark.parametrize("alert", WATCHED)
def test_what_another_cluster_says_changes_nothing_of_what_is_told_of_ours(promtool, alert):
    cases = told()[1][alert]
    failing = [case for case in cases if fires(case)]
    beside = []
    for number, case in enumerate(cases):
        ours, other = case["input_series"], failing[number % len(failing)]
        # What our own programs say of themselves lacks the label where it is an external one.
        for said, theirs, what in (
            (ours, ours, "the same"),
            (of_cluster(ours, OWN), ours, "the same, where ours has its label"),
            (ours, other["input_series"], other["name"]),
        ):
            name = f"{case['name']}, beside: {what}"
            beside.append({**case, "name": name, "input_series": [*said, *of_cluster(theirs, OTHER)]})
    play(promtool, alert, beside)


def everywhere() -> Model:
    """The reference mesh in the build for a Prometheus over two clusters."""
    model = boutique()
    return replace(model, mesh=replace(model.mesh, cluster="", clusters=(OWN, OTHER)))


@pytest.mark.parametrize("alert", [name for name in WATCHED if name not in OF_ABSENCE])
def test_in_the_build_over_all_each_alert_says_which_cluster_its_series_are_of(promtool, alert):
    cases = []
    for case in told()[1][alert]:
        if not fires(case) or any(labels.get("part") == "all" for labels in expected(case)):
            continue
        looks = [
            {**look, "exp_alerts": [one for cluster in (OWN, OTHER) for one in labelled(look["exp_alerts"], cluster)]}
            for look in case["alert_rule_test"]
        ]
        both = of_cluster(case["input_series"], OWN) + of_cluster(case["input_series"], OTHER)
        cases.append({**case, "input_series": both, "alert_rule_test": looks})
    play(promtool, alert, cases, proof(everywhere()))


def labelled(alerts: list[dict], cluster: str) -> list[dict]:
    return [{**one, "exp_labels": {**one["exp_labels"], "cluster": cluster}} for one in alerts]
