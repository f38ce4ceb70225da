"""What `build` says of how soon trouble is told, held against numbers that a person works out."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from meshscope.build.alertmanager import alertmanager
from meshscope.build.assemble import assemble
from meshscope.build.detection import detections
from meshscope.build.options import Options
from meshscope.check.rules.alert import pages_for_one
from meshscope.check.rules.slo import burn_rate_out_of_reach, undetectable
from meshscope.check.subject import Subject
from meshscope.findings import DefinitionError, Level
from meshscope.model.alerting import Severity
from meshscope.model.library import OFF, LibraryAlert, Tuned
from meshscope.model.mesh import TicketsOnly
from meshscope.model.model import Model
from meshscope.model.services import Service
from meshscope.model.slo import SLO, Availability
from meshscope.model.units import Number, days, minutes, per_second, percent
from meshscope.wiring.providers import provider
from tests.rules.conftest import boutique
from tests.rules.played import mesh_of, service

MINUTE, HOUR = 60, 3600


def promise(objective: str = "99.9", over: int = 30, burn_rates: tuple[Number, ...] = ()) -> SLO:
    return SLO(
        name="availability",
        of=Availability(),
        objective=Decimal(objective) * percent,
        over=over * days,
        burn_rates=burn_rates,
    )


def told(slo: SLO, an_hour: float | None = None):
    one = service("search", slo)
    if an_hour is not None:
        one = replace(one, volume=Decimal(str(an_hour)) / HOUR * per_second)
    (found,) = detections(mesh_of([one]))
    return found


@pytest.mark.parametrize(
    ("over", "objective", "windows"),
    [(30, "93.1", 0), (30, "93", 1), (30, "83.4", 1), (30, "83.3", 2), (7, "92.6", 0), (7, "92.5", 1), (7, "71.4", 2)],
)
def test_a_page_that_not_even_an_outage_reaches_is_said(over: int, objective: str, windows: int) -> None:
    found = told(promise(objective, over))
    said = (
        "",
        "not even an outage reaches its burn rate over 1h",
        "not even an outage reaches its burn rate over 1h and 6h",
    )
    assert len(found.out_of_reach) == windows
    assert said[windows] in str(found)
    assert ("not even" in str(found)) == bool(windows)
    assert found.page_at_outage.seconds < 13 * MINUTE, "the page on outages needs no budget"


def test_the_check_notes_a_page_that_is_out_of_reach() -> None:
    istio, _ = provider("istio", None)
    assert istio is not None
    noted = {}
    for objective in ("90", "99.9"):
        model = mesh_of([service("search", promise(objective))])
        subject = Subject(
            model=model,
            provider=istio,
            artefacts=assemble(model, istio, Options()).artefacts,
            providers={"istio": istio},
        )
        noted[objective] = [(found.code, found.level) for found in burn_rate_out_of_reach.judge(subject)]
    assert noted == {"90": [("slo/burn-rate-out-of-reach", Level.NOTE)], "99.9": []}


def test_what_burn_rates_of_its_own_mean_is_printed() -> None:
    said = str(told(promise(burn_rates=(10, 5, 2.5, 2))))
    assert "10 x over 1h pages (1.39% of its budget)" in said
    assert "5 x over 6h pages (4.17% of its budget)" in said
    assert "2.5 x over 1d is a ticket (8.33% of its budget)" in said
    assert "steadily at less than 2 x is told only when the budget is spent" in said
    assert "own burn rates" not in str(told(promise()))


@pytest.mark.parametrize(
    "rates", [(14.4, 6, 3), (6, 14.4, 3, 1), (14.4, 6, 3, 0.5), (float("inf"), 6, 3, 1), (0, 0, 0, 0)]
)
def test_burn_rates_that_would_mislead_are_refused(rates: tuple[Number, ...]) -> None:
    with pytest.raises(DefinitionError) as refused:
        promise(burn_rates=rates)
    assert refused.value.finding.code == "slo/bad-burn-rates"


@pytest.mark.parametrize(("an_hour", "minutes"), [(6, 35.25), (3, 65.25), (1.5, 125.25), (1, 365.25), (0.5, 365.25)])
def test_with_a_volume_the_time_is_that_of_the_volume(an_hour: float, minutes: float) -> None:
    assert told(promise(), an_hour).page_at_outage.seconds == pytest.approx(minutes * MINUTE)


def test_without_a_volume_the_rate_is_said_from_which_the_times_hold() -> None:
    """99.9% burns 14.4 times too fast for an hour after 51.84 s of outage: five bad by then are 348 an hour."""
    found = told(promise())
    assert found.holds_from == 348
    assert "from 348 requests an hour on" in str(found)
    assert "within 6h 5m down to one request in two hours" in str(found)


def test_fewer_than_one_request_in_two_hours_never_page_and_that_is_said() -> None:
    found = told(promise(), 0.4)
    assert found.page_at_outage is None
    assert "never pages: 0.4 requests an hour are fewer than one in two hours, so that it is a ticket" in str(found)


def staging(*services: Service) -> Model:
    """A mesh of ``services`` where an environment lets nothing page."""
    model = mesh_of(services)
    return replace(model, mesh=replace(model.mesh, severities=TicketsOnly(model.mesh.severities)))


def test_where_nothing_may_page_each_time_is_that_of_a_ticket() -> None:
    one = service("search", promise(burn_rates=(14.4, 6, 3, 1)))
    (loud,), (found,) = detections(mesh_of([one])), detections(staging(one))
    assert (found.page_at_outage, found.page_at_tenth) == (None, None)
    assert (found.ticket_at_outage, found.ticket_at_tenth) == (loud.page_at_outage, loud.page_at_tenth)
    assert "a ticket 1m 37s after every request fails, 9m 23s after one in ten is bad; so from 348" in str(found)
    assert "14.4 x over 1h is a ticket" in str(found)
    assert not re.search(r"\bpages?\b", str(found))


def test_with_few_requests_a_cap_is_no_reason_that_the_volume_is() -> None:
    rare = replace(service("search", promise()), volume=Decimal("0.4") / HOUR * per_second)
    (found,) = detections(staging(rare))
    assert "never pages" not in str(found)
    assert str(found).startswith("eu-1/shop/search availability: a ticket ")


def test_nothing_is_said_of_pages_by_check_where_nothing_may_page() -> None:
    istio, _ = provider("istio", None)
    assert istio is not None
    rare = replace(service("search", promise("90")), volume=Decimal("0.4") / HOUR * per_second)
    lone = [one for one in boutique().alerts if one.severity is Severity.PAGE][:1]
    alone = [replace(one, at_least=0, pending=0 * minutes, page_after=None) for one in lone]
    noted = []
    for model in (mesh_of([rare]), staging(rare)):
        subject = Subject(
            model=replace(model, alerts=tuple(alone)),
            provider=istio,
            artefacts=assemble(model, istio, Options()).artefacts,
            providers={"istio": istio},
        )
        rules = (undetectable, burn_rate_out_of_reach, pages_for_one)
        noted.append([found.code for rule in rules for found in rule.judge(subject)])
    assert noted == [["slo/undetectable", "slo/burn-rate-out-of-reach", "alert/pages-for-one"], []]


def retuned(**alerts: Tuned) -> str:
    """What is said where the mesh has these instead."""
    model = mesh_of([service("search", promise())])
    own = {LibraryAlert[name]: tuned for name, tuned in alerts.items()}
    (found,) = detections(replace(model, mesh=replace(model.mesh, alerts=own)))
    return str(found)


def test_an_alert_that_is_off_or_a_ticket_has_no_time_of_a_page() -> None:
    assert "pages 1m 37s after every request fails, 9m 23s after one in ten" in retuned()
    late = retuned(ERROR_BUDGET_BURN=OFF)
    assert "pages 12m 15s after every request fails; one in ten bad is told by nothing" in late
    quiet = retuned(ERROR_BUDGET_BURN=Tuned(severity=Severity.TICKET))
    assert "pages 12m 15s after every request fails; one in ten bad is a ticket after 9m 23s" in quiet
    assert "pages 6m 37s after" in retuned(ERROR_BUDGET_BURN=Tuned(pending=5 * minutes), OUTAGE=OFF)
    nothing = retuned(ERROR_BUDGET_BURN=OFF, OUTAGE=OFF, NOTHING_SUCCEEDS=OFF)
    assert nothing.endswith("nothing is told after every request fails; one in ten bad is told by nothing")


def test_what_one_service_turns_off_is_not_told_of_that_one_alone() -> None:
    own = {LibraryAlert.ERROR_BUDGET_BURN: OFF, LibraryAlert.OUTAGE: OFF, LibraryAlert.NOTHING_SUCCEEDS: OFF}
    other, mute = service("other", promise()), replace(service("mute", promise()), alerts=own)
    found = {one.service.name: one for one in detections(mesh_of([other, mute]))}
    assert found["mute"].first_at_outage is None
    assert found["other"].page_at_outage is not None


def test_only_indicators_without_requests_are_held_back_in_their_own_cluster() -> None:
    rules = alertmanager(boutique(), Options()).document["inhibit_rules"]
    (rule,) = [one for one in rules if "telemetry" in one.get("name", "")]
    assert "missing=requests" in rule["target_matchers"]
    assert rule["equal"] == ["cluster"]
