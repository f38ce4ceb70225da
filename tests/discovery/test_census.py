"""Who is there: told apart by what their series say, and what is odd is said."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal

import pytest

from meshscope.adapters.memory.metric_store import Counter, MemoryMetricStore
from meshscope.build.discovery.interpret import Discovered, interpret
from meshscope.build.discovery.store import About, Question, Reading, matchers
from meshscope.build.discovery.survey import MOST_SAMPLES, WINDOWS, affordable, survey
from meshscope.build.discovery.write import definitions
from meshscope.findings import Finding, Level, MeshscopeError
from meshscope.model.services import DataPlane, Direction, Identity
from meshscope.model.slo import Latency
from meshscope.model.units import Duration, days, hours, minutes, ms, seconds
from meshscope.wiring.assembly import providers
from tests.discovery.world import BUCKET, REQUESTS

THIS = About(product="Memory 1.0", now=Decimal(1), date="today", retention=40 * days, series=7)
Change = Callable[[MemoryMetricStore], MemoryMetricStore]


def call(caller: str, callee: str, reporter: str = "source", rate: float = 10.0, **labels: str) -> Counter:
    """Requests from ``namespace/name`` to ``namespace/name``, as ``reporter`` counts them."""
    (source_namespace, source), (namespace, name) = caller.split("/"), callee.split("/")
    told = {
        "cluster": "eu-1",
        "reporter": reporter,
        "source_workload_namespace": source_namespace,
        "source_canonical_service": source,
        "destination_service_namespace": namespace,
        "destination_service_name": name,
        "destination_workload_namespace": namespace,
        "destination_canonical_service": name,
        "response_code": "200",
        "request_protocol": "http",
        "connection_security_policy": "mutual_tls" if reporter == "destination" else "unknown",
        "pod": f"{name}-0" if reporter == "destination" else f"{source}-0",
    }
    return Counter(
        metric=REQUESTS, labels={key: value for key, value in {**told, **labels}.items() if value}, rate=rate
    )


def both(caller: str, callee: str, **labels: str) -> list[Counter]:
    """A call as both sidecars count it."""
    return [call(caller, callee, "source", **labels), call(caller, callee, "destination", **labels)]


def found(*counters: Counter, change: Change = lambda store: store, provider: str | None = None) -> Discovered:
    known = providers()
    store = change(MemoryMetricStore(counters=counters, this=THIS))
    chosen = [known[provider]] if provider else [known["istio"], known["opentelemetry"]]
    return interpret(survey(store, chosen, lambda _: None), "acme")


def noted(discovered: Discovered, code: str) -> list[Finding]:
    return [note for note in discovered.notes if note.code == f"discover/{code}"]


def names(discovered: Discovered) -> set[str]:
    return {str(service.identity) for service in discovered.services}


def test_a_quiet_mesh_leaves_nothing_to_say() -> None:
    mesh = found(*both("shop/cart", "shop/api"), *both("shop/api", "shop/cart"))
    assert names(mesh) == {"shop/api", "shop/cart"}
    assert mesh.notes == ()


@pytest.mark.parametrize(
    ("name", "is_gateway"),
    [
        ("istio-ingressgateway", True),
        ("public-gateway-istio", True),
        ("nginx-ingress", True),
        ("edge-gw", True),
        ("load-generator", False),
        ("gatewayless", False),
        ("progress", False),
    ],
)
def test_what_sends_and_never_answers_is_a_gateway_by_its_name_and_else_a_job(name: str, is_gateway: bool) -> None:
    mesh = found(*both(f"edge/{name}", "shop/api"))
    gateways = [(gateway.name, gateway.direction) for gateway in mesh.gateways]
    assert gateways == ([(name, Direction.INGRESS)] if is_gateway else [])
    assert ([note.subject for note in noted(mesh, "job")] == [f"eu-1/edge/{name}"]) is not is_gateway
    assert [(str(caller.identity), str(callee.identity)) for caller, callee in mesh.calls] == [
        (f"edge/{name}", "shop/api")
    ]


def test_a_service_named_gateway_that_answers_is_a_service() -> None:
    mesh = found(*both("shop/cart", "shop/payment-gateway"), *both("shop/payment-gateway", "shop/cart"))
    assert mesh.gateways == ()
    assert names(mesh) == {"shop/cart", "shop/payment-gateway"}


@pytest.mark.parametrize("label", [{"istio": "ingressgateway"}, {"gateway_networking_k8s_io_gateway_name": "front"}])
def test_a_gateway_of_any_name_is_known_by_the_labels_of_its_pod(label: dict[str, str]) -> None:
    mesh = found(call("edge/front", "shop/api", **label), call("edge/front", "shop/api", "destination"))
    assert [gateway.name for gateway in mesh.gateways] == ["front"]


def test_the_labels_of_a_waypoint_do_not_make_its_callers_gateways() -> None:
    label = {"gateway_networking_k8s_io_gateway_name": "waypoint"}
    mesh = found(call("shop/report", "shop/api", "waypoint", **label))
    assert mesh.gateways == ()
    assert [service.dataplane for service in mesh.services if service.name == "api"] == [DataPlane.WAYPOINT]


def test_what_is_called_and_only_leads_out_is_an_egress_gateway() -> None:
    mesh = found(*both("shop/cart", "shop/api"), call("shop/api", "way/out"), call("way/out", "way/api.cards.example"))
    assert [(gateway.name, gateway.direction) for gateway in mesh.gateways] == [("out", Direction.EGRESS)]
    assert {(caller.name, callee.name) for caller, callee in mesh.calls} >= {
        ("api", "out"),
        ("out", "api-cards-example"),
    }


def test_one_name_in_two_clusters_is_two_services_and_the_larger_cluster_needs_no_word() -> None:
    mesh = found(
        *both("shop/cart", "shop/api"),
        *both("shop/cart", "shop/api", cluster="eu-2"),
        *both("shop/api", "shop/cart"),
    )
    assert mesh.mesh.clusters == ("eu-1", "eu-2")
    assert {service.identity for service in mesh.services} == {
        Identity("", "shop", "api"),
        Identity("", "shop", "cart"),
        Identity("eu-2", "shop", "api"),
        Identity("eu-2", "shop", "cart"),
    }
    text = next(file.content.decode() for file in definitions(mesh) if file.path == "services/shop.py")
    assert "\napi_eu_2 = Service(" in text
    assert len(noted(mesh, "clusters")) == 1


def test_names_that_would_meet_in_one_file_stay_apart() -> None:
    mesh = found(
        *both("shop/cart", "shop/api-eu-2"),
        *both("shop/cart", "shop/api"),
        *both("shop/job", "shop/api", cluster="eu-2"),
    )
    text = next(file.content.decode() for file in definitions(mesh) if file.path == "services/shop.py")
    assert "\napi_eu_2 = Service(" in text
    assert "\napi_eu_2_2 = Service(" in text


def test_series_without_a_cluster_are_said_to_be_so() -> None:
    mesh = found(*both("shop/cart", "shop/api", cluster=""), *both("shop/api", "shop/cart", cluster=""))
    assert mesh.mesh.cluster == ""
    assert [note.level for note in noted(mesh, "no-cluster")] == [Level.NOTE]
    mixed = found(*both("shop/cart", "shop/api", cluster=""), *both("shop/api", "shop/cart"), *both("a/b", "a/c"))
    assert mixed.mesh.clusters == ("", "eu-1")
    assert {service.identity.cluster for service in mixed.services} == {"", "eu-1"}
    assert [note.level for note in noted(mixed, "some-without-cluster")] == [Level.WARNING]


def test_a_workload_is_named_where_there_is_one_of_another_name() -> None:
    calls = (*both("shop/cart", "shop/api", destination_workload="api-v1"), *both("shop/api", "shop/cart"))
    second = call("shop/cart", "shop/api", "destination", destination_workload="api-v2", pod="api-9")
    same = call("shop/cart", "shop/api", "destination", destination_workload="api", pod="api-9")
    odd = [*both("shop/cart", "shop/api", destination_workload='api"'), *both("shop/api", "shop/cart")]
    for counters, workload in ((calls, "api-v1"), ((*calls, second), ""), ((*calls, same), ""), (odd, "")):
        services = {service.name: service.workload for service in found(*counters).services}
        assert services == {"api": workload, "cart": ""}


def test_series_without_pods_leave_the_instances_uncounted_and_say_so() -> None:
    mesh = found(*both("shop/cart", "shop/api", pod=""), *both("shop/api", "shop/cart", pod=""))
    assert {service.replicas for service in mesh.services} == {2}
    assert len(noted(mesh, "no-pod")) == 1


def test_a_service_behind_a_waypoint_for_a_smaller_part_is_counted_by_its_sidecars() -> None:
    calls = (*both("shop/cart", "shop/api"), *both("shop/api", "shop/cart"))
    small = found(*calls, call("shop/cart", "shop/api", "waypoint", rate=1.0))
    large = found(*calls, call("shop/cart", "shop/api", "waypoint", rate=20.0))
    assert {service.name: service.dataplane for service in small.services}["api"] is DataPlane.SIDECAR
    assert [note.subject for note in noted(small, "both-planes")] == ["eu-1/shop/api"]
    assert {service.name: service.dataplane for service in large.services}["api"] is DataPlane.WAYPOINT


def test_a_call_that_only_a_waypoint_saw_is_no_call_to_a_service_with_sidecars() -> None:
    mesh = found(
        *both("shop/cart", "shop/api"),
        *both("shop/api", "shop/cart"),
        *both("web/front", "shop/cart"),
        *both("shop/cart", "web/front"),
        call("web/front", "shop/api", "waypoint", rate=1.0),
    )
    assert ("front", "api") not in {(caller.name, callee.name) for caller, callee in mesh.calls}


def test_requests_without_mutual_tls_are_seen_at_the_server() -> None:
    mesh = found(
        *both("shop/cart", "shop/api"),
        *both("shop/api", "shop/cart"),
        call("unknown/unknown", "shop/api", "destination", rate=1.0, connection_security_policy="none"),
    )
    assert [note.subject for note in noted(mesh, "plaintext")] == ["eu-1/shop/api"]


def test_a_service_without_a_proxy_is_seen_by_its_callers_only() -> None:
    mesh = found(*both("shop/cart", "shop/api"), *both("shop/api", "shop/cart"), call("shop/api", "legacy/crm"))
    assert [note.subject for note in noted(mesh, "no-proxy")] == ["eu-1/legacy/crm"]
    assert {service.name: service.volume is not None for service in mesh.services}["crm"]


def test_a_silent_service_expects_no_traffic_and_is_promised_nothing() -> None:
    silent = [dataclasses.replace(counter, rate=0.0) for counter in both("shop/cart", "shop/attic")]
    mesh = found(*both("shop/cart", "shop/api"), *both("shop/api", "shop/cart"), *silent)
    attic = next(service for service in mesh.services if service.name == "attic")
    assert (attic.expects_traffic, attic.slos, attic.volume) == (False, (), None)
    assert [note.subject for note in noted(mesh, "silent")] == ["eu-1/shop/attic"]


def test_a_service_that_fails_all_the_time_is_promised_no_availability() -> None:
    failing = call("shop/cart", "shop/api", rate=5.0, response_code="503")
    mesh = found(*both("shop/cart", "shop/api"), *both("shop/api", "shop/cart"), failing)
    assert [note.subject for note in noted(mesh, "failing")] == ["eu-1/shop/api"]
    hung_up = dataclasses.replace(failing, labels={**failing.labels, "response_code": "0", "response_flags": "DC"})
    assert noted(found(*both("shop/cart", "shop/api"), *both("shop/api", "shop/cart"), hung_up), "failing") == []


def test_a_service_of_a_few_requests_is_promised_no_availability() -> None:
    rare = [dataclasses.replace(counter, rate=0.001) for counter in both("shop/cart", "shop/api")]
    mesh = found(*rare, *both("shop/api", "shop/cart"))
    assert [note.subject for note in noted(mesh, "few-requests")] == ["eu-1/shop/api"]


def test_failures_are_counted_where_the_service_will_be_judged() -> None:
    """Nobody in the mesh calls it, so its own proxy counts; what callers see does not matter."""
    outside = call("unknown/unknown", "shop/api", "destination", source_principal="")
    failing = call("unknown/unknown", "shop/api", "destination", rate=1.0, response_code="500")
    mesh = found(outside, failing)
    assert [note.subject for note in noted(mesh, "failing")] == ["eu-1/shop/api"]
    assert mesh.calls == ()


def test_a_store_that_lacks_parts_of_its_answers_is_not_believed_silently() -> None:
    mesh = found(
        *both("shop/cart", "shop/api"),
        change=lambda store: dataclasses.replace(store, warnings=("a store is down",)),
    )
    assert [note.why for note in noted(mesh, "incomplete")] == ["a store is down"]


def test_what_could_not_be_asked_is_told_from_what_is_not_there() -> None:
    error = MeshscopeError(Finding(code="prometheus/slow", title="too slow"))

    def breaking(question: Question | None) -> MeshscopeError | None:
        return error if question is not None and question.metric.startswith("istio_tcp") else None

    mesh = found(*both("shop/cart", "shop/api"), change=lambda store: dataclasses.replace(store, broken=breaking))
    assert [(note.subject, note.why) for note in noted(mesh, "unasked")] == [("what speaks only TCP", "too slow")]


def test_the_period_and_the_retention_follow_how_long_samples_are_kept() -> None:
    def kept(retention: Duration | None) -> Change:
        return lambda store: dataclasses.replace(store, this=dataclasses.replace(THIS, retention=retention))

    calls = (*both("shop/cart", "shop/api"), *both("shop/api", "shop/cart"))
    short, unknown = found(*calls, change=kept(15 * days)), found(*calls, change=kept(None))
    assert {slo.over for service in short.services for slo in service.slos} == {14 * days}
    assert (short.mesh.retention, len(noted(short, "short-retention"))) == (15 * days, 1)
    assert {slo.over for service in unknown.services for slo in service.slos} == {30 * days}
    assert len(noted(unknown, "retention-unknown")) == 1
    assert "retention" not in definitions(unknown)[0].content.decode()


def test_the_longest_time_is_looked_at_that_is_known() -> None:
    def age(since: float) -> Change:
        return lambda store: dataclasses.replace(
            store, counters=[dataclasses.replace(counter, since=since) for counter in store.counters]
        )

    calls = both("shop/cart", "shop/api")
    expected = {100_000.0: "day", 80_000.0: "6 hours", 4_000.0: "hour", 700.0: "10 minutes", 90.0: "minute"}
    for since, words in expected.items():
        mesh = found(*calls, change=age(since))
        assert mesh.telemetry.measured == f"last {words}"
        api = next(service for service in mesh.services if service.name == "api")
        assert api.volume is not None
        assert api.volume.value == 10


def test_more_series_are_looked_at_for_a_shorter_time() -> None:
    chosen = {series: affordable(series, 15 * seconds, 1 * days) for series in (10_000, 100_000, 1_000_000, 5_000_000)}
    assert chosen == {10_000: 1 * days, 100_000: 6 * hours, 1_000_000: 1 * hours, 5_000_000: 10 * minutes}
    assert affordable(1, 15 * seconds, 1 * hours) == 1 * hours
    assert affordable(10**12, 15 * seconds, 1 * days) == WINDOWS[-1]
    assert all(series * (window / (15 * seconds)) <= MOST_SAMPLES for series, window in chosen.items())


def test_the_scrape_interval_is_measured_and_left_out_where_it_is_none_in_use() -> None:
    def spaced(interval: float) -> Change:
        return lambda store: dataclasses.replace(store, interval=interval)

    calls = both("shop/cart", "shop/api")
    assert found(*calls, change=spaced(30)).mesh.scrape_interval == 30 * seconds
    assert found(*calls, change=spaced(42)).telemetry.interval is None


SPAN = {"span_kind": "SPAN_KIND_SERVER", "k8s_cluster_name": "eu-1", "service_namespace": "shop"}


def span(name: str, rate: float = 5.0, **labels: str) -> Counter:
    told = {**SPAN, "service_name": name, "k8s_pod_name": f"{name}-0", **labels}
    return Counter(metric="traces_span_metrics_calls_total", labels={k: v for k, v in told.items() if v}, rate=rate)


def graph(client: str, server: str) -> Counter:
    labels = {"client": client, "server": server, "k8s_cluster_name": "eu-1"}
    return Counter(metric="traces_service_graph_request_total", labels=labels, rate=1.0)


def test_a_mesh_of_span_metrics_is_found_with_its_calls_where_names_are_of_one_service() -> None:
    mesh = found(
        span("api"),
        span("cart"),
        span("twin"),
        span("twin", service_namespace="web"),
        span("api", span_kind="SPAN_KIND_CLIENT", rate=99.0),
        graph("api", "cart"),
        graph("api", "twin"),
        graph("api", "postgres"),
    )
    assert mesh.mesh.provider == "opentelemetry"
    assert names(mesh) == {"shop/api", "shop/cart", "shop/twin", "web/twin"}
    assert [(caller.name, callee.name) for caller, callee in mesh.calls] == [("api", "cart")]
    assert {service.replicas for service in mesh.services} == {1}
    assert {str(service.volume) for service in mesh.services} == {"5/s"}


def test_what_only_calls_by_span_metrics_is_left_out_with_its_reason() -> None:
    mesh = found(span("api"), span("browser", span_kind="SPAN_KIND_CLIENT"))
    assert names(mesh) == {"shop/api"}
    assert [note.subject for note in noted(mesh, "only-calls")] == ["eu-1/shop/browser"]


def test_who_takes_and_sends_messages_is_a_service_that_expects_no_requests() -> None:
    mesh = found(
        span("api"),
        span("mailer", span_kind="SPAN_KIND_CONSUMER"),
        span("feed", span_kind="SPAN_KIND_PRODUCER"),
        span("feed", span_kind="SPAN_KIND_CLIENT"),
        # What answers requests as well is a service like any other.
        span("api", span_kind="SPAN_KIND_CONSUMER"),
    )
    assert names(mesh) == {"shop/api", "shop/mailer", "shop/feed"}
    assert {service.name: service.expects_traffic for service in mesh.services} == {
        "api": True, "mailer": False, "feed": False,
    }  # fmt: skip
    assert sorted(note.subject for note in noted(mesh, "no-requests")) == ["eu-1/shop/feed", "eu-1/shop/mailer"]


def test_spans_without_a_namespace_get_the_usual_one_and_a_warning() -> None:
    mesh = found(span("api"), span("lost", service_namespace=""), span("ProductCatalog"))
    assert names(mesh) == {"shop/api", "default/lost"}
    assert [note.subject for note in noted(mesh, "assumed-namespace")] == ["eu-1/default/lost"]
    assert [note.subject for note in noted(mesh, "bad-name")] == ["eu-1/shop/ProductCatalog"]


@pytest.mark.parametrize(
    ("labels", "service"),
    [
        ({"service_namespace": "", "k8s_namespace_name": "web"}, "web/api"),
        ({"service_namespace": "", "job": "web/api"}, "web/api"),
        ({"service_namespace": "", "service_name": "", "job": "web/cart"}, "web/cart"),
        ({"service_namespace": "", "service_name": "", "exported_job": "web/cart", "job": "collector"}, "web/cart"),
        ({"service_namespace": "", "service_name": "", "job": "cart"}, "default/cart"),
        # The job is whose page was scraped, which is the collector's, not the service's.
        ({"service_namespace": "", "job": "monitoring/collector"}, "default/api"),
    ],
)
def test_a_service_is_known_by_whatever_names_it(labels: dict[str, str], service: str) -> None:
    assert names(found(span("api", **labels))) == {service}


DOTTED = {
    "k8s_cluster_name": "k8s.cluster.name",
    "k8s_pod_name": "k8s.pod.name",
    "service_name": "service.name",
    "service_namespace": "service.namespace",
    "span_kind": "span.kind",
    "status_code": "status.code",
}


@pytest.mark.parametrize(
    ("calls", "buckets", "unit", "rename"),
    [
        # The connector's own names by Prometheus's OTLP receiver, in seconds since that became its default.
        ("traces_span_metrics_calls_total", "traces_span_metrics_duration_seconds_bucket", 1000.0, str),
        # Before it had a namespace, and where an exporter adds no suffixes.
        ("calls_total", "duration_milliseconds_bucket", 1.0, str),
        ("calls", "duration_bucket", 1.0, str),
        # otlp.translation_strategy: NoUTF8EscapingWithSuffixes, and NoTranslation.
        ("traces.span.metrics.calls_total", "traces.span.metrics.duration_milliseconds_bucket", 1.0, DOTTED.get),
        ("traces.span.metrics.calls", "traces.span.metrics.duration_bucket", 1.0, DOTTED.get),
        (
            "traces_spanmetrics_calls_total", "traces_spanmetrics_latency_bucket", 1000.0,
            lambda label: "service" if label == "service_name" else label,
        ),
    ],
)  # fmt: skip
def test_span_metrics_are_read_by_whatever_name_they_have(
    calls: str, buckets: str, unit: float, rename: Callable[[str], str]
) -> None:
    base = {**span("api").labels, "status_code": "STATUS_CODE_UNSET"}
    labels = {rename(name): value for name, value in base.items()}
    failing = {**labels, rename("status_code"): "STATUS_CODE_ERROR"}
    mesh = found(
        Counter(metric=calls, labels=labels, rate=99.95),
        Counter(metric=calls, labels=failing, rate=0.05),
        *(
            Counter(metric=buckets, labels={**labels, "le": le}, rate=rate)
            for le, rate in ((f"{64 / unit:g}", 90.0), (f"{256 / unit:g}", 99.94), ("+Inf", 99.95))
        ),
    )
    assert names(mesh) == {"shop/api"}
    (api,) = mesh.services
    assert [(slo.name, str(slo.objective)) for slo in api.slos] == [("availability", "99.9%"), ("latency", "99%")]
    assert isinstance(api.slos[1].of, Latency)
    assert api.slos[1].of.under == 256 * ms
    assert [note.subject for note in noted(mesh, "other-names")] == [calls]


def test_the_names_that_are_built_are_no_others() -> None:
    assert noted(found(span("api")), "other-names") == []


def test_series_of_silent_spans_disappear_and_their_services_do_not() -> None:
    gone = dataclasses.replace(span("nightly"), until=3600.0)
    mesh = found(span("api"), gone)
    assert names(mesh) == {"shop/api", "shop/nightly"}
    assert noted(mesh, "gone") == []


def test_the_metric_that_lives_wins_over_one_that_nobody_reports_any_more() -> None:
    old = [dataclasses.replace(counter, until=3600.0) for counter in both("shop/cart", "shop/api")]
    assert found(*old, span("api")).mesh.provider == "opentelemetry"
    assert found(*both("shop/cart", "shop/api"), span("api")).mesh.provider == "istio"


def test_a_host_header_is_the_service_that_it_names_and_one_without_a_route_is_told() -> None:
    def unrouted(host: str) -> Counter:
        return call("shop/cart", f"unknown/{host}", response_code="503", response_flags="NC")

    mesh = found(
        *both("shop/cart", "shop/api"),
        unrouted("api.shop.svc.cluster.local:8080"),
        unrouted("api.shop"),
        unrouted("deleted.shop.svc.cluster.local"),
    )
    assert names(mesh) == {"shop/api", "shop/cart"}
    assert [external.host for external in mesh.externals] == []
    assert [note.subject for note in noted(mesh, "no-route")] == ["deleted.shop.svc.cluster.local"]


def test_a_wildcard_is_a_host_outside() -> None:
    mesh = found(*both("shop/cart", "shop/api"), call("shop/cart", "unknown/*.cards.example"))
    assert [(external.name, external.host) for external in mesh.externals] == [("any-cards-example", "*.cards.example")]


def test_what_is_refused_and_what_is_let_through_are_told_apart() -> None:
    mesh = found(
        *both("shop/cart", "shop/api"),
        call("shop/cart", "unknown/PassthroughCluster"),
        call("shop/cart", "unknown/BlackHoleCluster"),
    )
    assert [note.subject for note in noted(mesh, "blocked")] == ["BlackHoleCluster"]
    assert [note.subject for note in noted(mesh, "no-destination")] == ["PassthroughCluster"]


def test_series_that_name_no_service_are_told_with_what_they_name() -> None:
    with pytest.raises(MeshscopeError) as caught:
        found(call("shop/cart", "shop/UPPER", source_canonical_service="", source_workload_namespace=""))
    assert caught.value.finding.code == "discover/no-service"
    assert "`eu-1/shop/UPPER`" in caught.value.finding.why


def test_a_latency_is_proposed_from_either_spelling_of_a_bound() -> None:
    for spelling in ("100", "100.0"):
        base = call("shop/cart", "shop/api")
        buckets = [
            Counter(metric=BUCKET, labels={**base.labels, "le": le}, rate=rate)
            for le, rate in ((spelling, 9.99), ("+Inf", 10.0))
        ]
        mesh = found(*both("shop/cart", "shop/api"), *buckets)
        api = next(service for service in mesh.services if service.name == "api")
        assert [slo.name for slo in api.slos] == ["availability", "latency"]


@pytest.mark.parametrize("text", ["a", "a=", 'a="b', 'a=="b"', 'a="b" c="d"', '="b"'])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no label matcher"):
        matchers(text)


def test_a_value_in_a_question_stays_a_value() -> None:
    hostile = matchers(r'a="x\"} or vector(1) #"')
    question = Question(purpose="", metric="m", reading=Reading.SERIES, where=hostile, by=("a",))
    assert question.promql == r'count by (a) (m{a="x\"} or vector(1) #"})'
