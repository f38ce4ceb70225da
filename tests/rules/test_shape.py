"""What holds for the rules of every mesh: identity survives, nothing grows, nothing depends on the machine."""

import hashlib
import re
from dataclasses import replace

import promql_parser
import pytest

from meshscope.build.assemble import assemble
from meshscope.build.options import Options
from meshscope.build.rules.burn import BURNS
from meshscope.build.rules.files import querying_files, rule_files
from meshscope.build.rules.indicators import raw
from meshscope.build.rules.slo import MOST_RAW_SERIES, raw_series
from meshscope.build.rules.statics import slot, static_groups
from meshscope.model.foreign import ForeignRules
from meshscope.model.mesh import SeverityWords, TicketsOnly
from meshscope.model.model import Model
from meshscope.model.services import Identity, Service
from meshscope.model.units import days
from meshscope.wiring.providers import provider
from tests.rules.conftest import boutique

PROVIDERS = ("istio", "opentelemetry")


def chosen(name: str):
    found, findings = provider(name, None)
    assert found is not None, findings
    return found


def grown(model: Model, times: int) -> Model:
    """The same mesh ``times`` over, under other names."""
    services = [
        replace(service, name=f"{service.name}-{number}") for number in range(times) for service in model.services
    ]
    calls = [
        (caller._replace(name=f"{caller.name}-{number}"), callee._replace(name=f"{callee.name}-{number}"))
        for number in range(times)
        for caller, callee in model.calls
    ]
    return replace(model, services=tuple(sorted(services, key=lambda one: one.identity)), calls=tuple(sorted(calls)))


def querying(model: Model, name: str):
    source = raw(model, chosen(name), Options())
    files = querying_files(model, source, Options())
    return [rule for file in files for group in file.groups for rule in group.rules]


@pytest.mark.parametrize("name", PROVIDERS)
def test_the_number_of_rules_that_query_does_not_grow_with_services(name):
    few, many = querying(boutique(), name), querying(grown(boutique(), 200), name)
    assert len(few) == len(many)
    assert raw_series(grown(boutique(), 2000)) > MOST_RAW_SERIES > raw_series(boutique())
    assert len(few) == len(querying(grown(boutique(), 2000), name))


@pytest.mark.parametrize("name", PROVIDERS)
def test_there_are_as_many_rules_for_five_periods_as_for_one(name):
    model = boutique()
    first = model.services[0]
    slos = tuple(replace(first.slos[0], name=f"over-{count}", over=count * days) for count in (7, 14, 28, 30, 90))
    every = replace(model, services=(replace(first, slos=slos), *model.services[1:]))
    weekly = [[replace(slo, over=7 * days) for slo in service.slos] for service in model.services]
    pairs = zip(model.services, weekly, strict=True)
    one = replace(model, services=tuple(replace(service, slos=tuple(slos)) for service, slos in pairs))
    assert (len(one.periods), len(every.periods)) == (1, 5)
    assert len(querying(every, name)) == len(querying(one, name)) == len(querying(model, name))
    spent = next(rule for rule in querying(every, name) if rule.record == "slo:errors:ratio_period1h")
    for count in (7, 14, 28, 30, 90):
        assert f'period="{count}d"' in spent.expr


@pytest.mark.parametrize("name", PROVIDERS)
def test_every_expression_parses_and_ends_in_the_identity_of_services(name):
    platform = {"MeshTelemetryAbsent", "AlertingFailing", "RuleEvaluationMissed", "ScrapeFailing", "Watchdog"}
    platform |= {"ReloadFailed", "GatewayTelemetryAbsent", "CollectorAbsent", "CollectorLosing", "CollectorQueueFull"}
    platform |= {"MeshscopeAgentSilent", "MeshscopeAgentFailing"}
    platform |= {"MeshTrafficGone", "ManyServicesFailing"}
    for rule in querying(boutique(), name):
        assert promql_parser.parse(rule.expr) is not None
        if rule.labels.get("stage") == "page":
            assert re.search(rf'ALERTS{{alertname="{rule.alert}",stage="agent"}}', rule.expr), (
                "it has the agent's labels"
            )
        elif rule.alert not in platform:
            known = r"namespace, (service|workload)\b|\b(slo|service):\w+:|job, instance"
            assert re.search(known, rule.expr), rule
        for label in ("destination_service_name", "service_name"):
            outer = rule.expr.lstrip().split("(")[0]
            assert label not in outer, "a provider's label leaves the first rule"


@pytest.mark.parametrize("name", PROVIDERS)
def test_an_alert_carries_what_routes_and_people_need(name):
    words = {"summary", "description", "runbook_url", "dashboard_url", "incident_url", "definition"}
    for rule in querying(boutique(), name):
        if not rule.alert or rule.alert == "DependencyPaging":
            continue
        assert "severity" in rule.labels, rule.alert
        assert words <= set(rule.annotations) | {"description"}, rule.alert
        assert "owner" in rule.labels or "owner" in rule.expr or rule.labels.get("stage") == "page", rule.alert
        assert not any("{{" in value for value in rule.labels.values()), "a value in a label is a new alert each time"


@pytest.mark.parametrize("environment", [None, "staging"])
@pytest.mark.parametrize("name", PROVIDERS)
def test_every_alert_of_ours_has_both_labels_and_none_that_is_carried(name, environment):
    model = boutique(environment)
    carried = {
        "alert": "Theirs", "expr": "up == 0", "labels": {"owner": "payments", "severity": "page"},
    }  # fmt: skip
    model = replace(model, foreign=(ForeignRules(name="theirs", groups=({"name": "theirs", "rules": [carried]},)),))
    artefacts = assemble(model, chosen(name), Options()).artefacts
    alerts = [rule for file in artefacts.rules for group in file.groups for rule in group.rules if rule.alert]
    assert len(alerts) > 15
    for rule in alerts:
        told = (rule.labels.get("meshscope"), rule.labels.get("environment"))
        assert told == ((None, None) if rule.alert == "Theirs" else ("boutique", environment or "production")), rule


def test_nothing_of_a_provider_is_left_out_silently():
    files = querying_files(boutique(), raw(boutique(), chosen("opentelemetry"), Options()), Options())
    alerts = next(file for file in files if file.name == "alerts")
    assert "PlaintextTraffic is not here" in alerts.about
    assert "plaintext_ratio" in alerts.about
    slo = next(file for file in files if file.name == "slo")
    assert "CallersGiveUp is not here" in slo.about
    assert "first failures of a counter are not counted" in slo.about


def test_a_new_service_touches_one_group_of_constants():
    model = boutique()
    more = replace(model.services[0], name="newcomer")
    bigger = replace(model, services=tuple(sorted((*model.services, more), key=lambda one: one.identity)))
    before = {group.name: group for group in static_groups(model, chosen("istio"), Options())}
    after = {group.name: group for group in static_groups(bigger, chosen("istio"), Options())}
    changed = [name for name in after if before.get(name) != after[name]]
    assert changed == [f"boutique:static:{slot(more.identity, 64):03d}"]


def test_the_group_of_a_service_is_the_same_on_every_machine():
    assert slot(Identity("eu-1", "shop", "ledger"), 64) == 34
    assert slot(Identity("", "shop", "ledger"), 64) == int(hashlib.sha256(b"/shop/ledger").hexdigest()[:16], 16) % 64


def test_services_of_one_name_in_two_namespaces_and_clusters_stay_apart():
    model = boutique()
    twins = [replace(model.services[0], namespace=namespace, cluster=cluster) for namespace in "ab" for cluster in "xy"]
    both = replace(model, services=tuple(sorted(twins, key=lambda one: one.identity)), calls=())
    infos = [
        tuple(sorted(rule.labels.items()))
        for group in rule_files(both, chosen("istio"), Options())[0].groups
        for rule in group.rules
        if rule.record == "service:info"
    ]
    assert len(set(infos)) == 4
    assert {(dict(info)["cluster"], dict(info)["namespace"]) for info in infos} == {(c, n) for c in "xy" for n in "ab"}


def test_an_empty_cluster_is_no_label():
    model = boutique()
    services = tuple(replace(service, cluster="") for service in model.services)
    gateways = tuple(replace(gateway, cluster="") for gateway in model.gateways)
    bare = replace(model, services=services, gateways=gateways, calls=())
    groups = static_groups(bare, chosen("istio"), Options())
    assert not any("cluster" in rule.labels for group in groups for rule in group.rules)


def test_a_page_needs_both_windows_and_a_ticket_too():
    burning = [rule for rule in querying(boutique(), "istio") if rule.alert == "ErrorBudgetBurn"]
    rules = {rule.labels["severity"]: " ".join(rule.expr.split()) for rule in burning}
    assert set(rules) == {"page", "ticket"}
    for burn in BURNS:
        loud, other = ("page", "ticket") if burn.pages else ("ticket", "page")
        for window in (burn.long, burn.short):
            assert f"slo:errors:ratio_rate{window} > on" in rules[loud]
        for said in (f'slo:burn:threshold{{long="{burn.long}"}}', f'"long", "{burn.long}", "", ""'):
            assert said in rules[loud]
            assert said not in rules[other]


@pytest.mark.parametrize("name", PROVIDERS)
def test_no_two_rules_have_one_name_and_the_same_labels_even_where_nothing_wakes_anybody(name):
    model = boutique()
    quiet = replace(model.mesh, severities=TicketsOnly(SeverityWords()))
    for mesh in (model.mesh, quiet):
        rules = querying(replace(model, mesh=mesh), name)
        told = [(rule.alert or rule.record, tuple(sorted(rule.labels.items()))) for rule in rules]
        assert len(set(told)) == len(told)
        burning = "".join(rule.expr for rule in rules if rule.alert == "ErrorBudgetBurn")
        assert all(f'slo:burn:threshold{{long="{burn.long}"}}' in burning for burn in BURNS)


def test_a_server_side_slo_is_joined_to_its_own_reporter():
    model = boutique()
    ledger = next(service for service in model.services if service.name == "ledger")
    assert isinstance(ledger, Service)
    groups = static_groups(model, chosen("istio"), Options())
    reporters = {
        (rule.labels["service"], rule.labels["reporter"])
        for group in groups
        for rule in group.rules
        if rule.record == "slo:objective:ratio"
    }
    assert ("ledger", "source") in reporters
    assert ("recommendation", "waypoint") in reporters


@pytest.mark.parametrize("name", PROVIDERS)
def test_one_alert_tells_of_little_traffic_whatever_its_window(name):
    (page,) = [rule for rule in querying(boutique(), name) if rule.alert == "NothingSucceeds"]
    assert set(page.labels) == {"severity", "kind", "meshscope", "environment"}
    (recorded,) = [rule for rule in querying(boutique(), name) if rule.record == "slo:errors:since_good"]
    # The shortest tells how many sums stand where one is to stand.
    assert {"[30m]", "[1h]", "[2h]", "[6h]", "[1m45s]"} == set(re.findall(r"\[\w+\]", recorded.expr))
    assert not recorded.labels
