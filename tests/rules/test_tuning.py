"""Each library alert is turned off or retuned in one line, for the mesh or for one service."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from meshscope import OFF, LibraryAlert, Tuned, hours, minutes
from meshscope.artefacts.rules import Rule
from meshscope.build.options import Options
from meshscope.build.proofs.every import every_test
from meshscope.build.proofs.synthetic import bench
from meshscope.build.rules.files import rule_files
from meshscope.model.alerting import Severity
from meshscope.model.model import Model
from meshscope.wiring.providers import provider
from tests.rules.conftest import boutique, promtool, proof  # noqa: F401
from tests.rules.playing import Play, mesh, service, to


def rules(model: Model, name: str = "istio") -> list[Rule]:
    chosen, _ = provider(name, None)
    assert chosen is not None
    files = rule_files(model, chosen, Options())
    return [rule for file in files for group in file.groups for rule in group.rules]


def tuned(**more: object) -> Model:
    model = boutique()
    return replace(model, mesh=replace(model.mesh, **more))  # type: ignore[arg-type]


def test_every_alert_that_nobody_wrote_can_be_named() -> None:
    written = {alert.camel for alert in boutique().alerts}
    found = {rule.alert for rule in rules(boutique()) if rule.alert} - written
    assert found - {"DependencyPaging"} == {str(alert) for alert in LibraryAlert}, "the bridge is told to nobody"


@pytest.mark.parametrize("alert", LibraryAlert)
def test_a_mesh_turns_an_alert_off_and_no_other(alert: LibraryAlert) -> None:
    left = [rule for rule in rules(boutique()) if rule.alert != alert]
    assert rules(tuned(alerts={alert: OFF})) == left


@pytest.mark.parametrize("alert", LibraryAlert)
def test_a_mesh_makes_an_alert_quieter_and_slower(alert: LibraryAlert) -> None:
    found = rules(tuned(alerts={alert: Tuned(severity=Severity.TICKET, pending=3 * hours)}))
    for before, now in zip(rules(boutique()), found, strict=True):
        if before.alert != alert:
            assert now == before
        else:
            assert (now.labels["severity"], now.pending, now.expr) == ("ticket", "3h", before.expr)


@pytest.mark.parametrize("alert", LibraryAlert)
def test_the_unit_tests_say_nothing_of_an_alert_that_is_off(alert: LibraryAlert) -> None:
    chosen, _ = provider("istio", None)
    assert chosen is not None
    said = [
        told["alertname"]
        for test in every_test(bench(tuned(alerts={alert: OFF}), chosen, Options()))
        for case in test.document.get("tests", ())  # type: ignore[attr-defined]
        for told in case.get("alert_rule_test", ())
    ]
    assert said
    assert alert not in said


@pytest.mark.engines("promtool")
def test_what_is_left_of_the_unit_tests_passes(promtool: Callable[..., object]) -> None:  # noqa: F811
    made = proof(
        tuned(
            alerts={
                LibraryAlert.ERROR_BUDGET_BURN: OFF,
                LibraryAlert.SCRAPE_FAILING: OFF,
                LibraryAlert.COLLECTOR_QUEUE_FULL: Tuned(severity=Severity.PAGE, pending=12 * minutes),
            }
        )
    )
    done = promtool(made, "platform.yaml", "CollectorQueueFull")
    assert done.returncode == 0, done.stdout + done.stderr  # type: ignore[attr-defined]


@pytest.mark.engines("promtool")
def test_one_service_turns_an_alert_off_another_makes_it_a_ticket_and_the_third_is_paged_for(
    engine: Callable[[str], Path], tmp_path: Path
) -> None:
    quiet = service("quiet", alerts={LibraryAlert.ERROR_BUDGET_BURN: OFF})
    waits = service("waits", alerts={LibraryAlert.ERROR_BUDGET_BURN: Tuned(severity=Severity.TICKET)})
    failing = [to(name, "0+60x120", response_code="503", response_flags="UF") for name in ("quiet", "waits", "pages")]
    burning = 'count by (service, severity) (ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",long="1h"})'
    Play(
        model=mesh(quiet, waits, service("pages")),
        inputs=failing,
        expected={
            (burning, "25m"): {
                '{service="pages",severity="page"}': 1.0,
                '{service="waits",severity="ticket"}': 1.0,
            }
        },
    ).run(engine("promtool"), tmp_path)


def test_rules_grow_with_ways_to_retune_and_not_with_services() -> None:
    slow = {LibraryAlert.OUTAGE: Tuned(pending=5 * minutes)}
    one, two = mesh(service("a", alerts=slow)), mesh(service("a", alerts=slow), service("b", alerts=slow))
    asking = [[rule for rule in rules(model) if not rule.expr.startswith("vector(")] for model in (one, two)]
    assert len(asking[0]) == len(asking[1])
