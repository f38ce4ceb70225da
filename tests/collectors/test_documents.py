"""What every built configuration has, without running it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from collecting_lab import FAST, house, tiers

from meshscope import (
    BearerToken,
    ClientTls,
    Env,
    FileLogs,
    Mesh,
    Otlp,
    Pipeline,
    Redact,
    SecretFile,
    ServerTls,
    SpanMetrics,
    TailSampling,
    Tier,
    ToPrometheus,
    ToTier,
    ToTraceStore,
    days,
    hours,
    ms,
    percent,
    pipeline,
)
from meshscope.build.collectors import collector_findings, collectors
from meshscope.build.collectors.sampling import arrivals
from meshscope.build.options import Options
from meshscope.findings import Level
from meshscope.model.model import Model
from meshscope.model.pipelines import drawn
from meshscope.wiring.providers import provider

EVERY = [(environment, name) for environment in (None, "staging") for name in ("istio", "opentelemetry")]


@pytest.fixture(params=EVERY, ids=[f"{environment or 'plain'}-{name}" for environment, name in EVERY])
def documents(request: pytest.FixtureRequest) -> Mapping[str, Mapping[str, Any]]:
    """The configurations of both tiers, for both environments and both providers."""
    environment, name = request.param
    return {tier: config.document for tier, config in tiers(house(environment), name, Options()).items()}


def texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from texts(key)
            yield from texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts(item)


def test_the_memory_limiter_comes_first_in_every_pipeline(documents):
    pipelines = [(tier, *one) for tier, made in documents.items() for one in made["service"]["pipelines"].items()]
    assert len(pipelines) >= 6
    assert {part["processors"][0] for _, _, part in pipelines} == {"memory_limiter"}


def test_nothing_is_batched_in_memory_that_was_safe_and_every_exporter_batches_in_a_queue_on_disk_without_giving_up(
    documents,
):
    for made in documents.values():
        for part in made["service"]["pipelines"].values():
            for before, name in pairwise(part["processors"]):
                # Spans that wait for the sampler's decision are in memory anyway.
                assert name.partition("/")[0] != "batch" or before == "tail_sampling"
        sampled = [part for part in made["service"]["pipelines"].values() if "tail_sampling" in part["processors"]]
        for part in sampled:
            assert part["processors"][-2:] == ["tail_sampling", "batch/chosen"]
            assert made["processors"]["batch/chosen"]["timeout"] in ("200ms", "10ms")
        for exporter in made["exporters"].values():
            queue = exporter["sending_queue"]
            assert queue["storage"] == "file_storage"
            assert 0 < queue["batch"]["min_size"] <= queue["batch"]["max_size"] < 4 << 20 < queue["queue_size"]
            assert exporter["retry_on_failure"]["max_elapsed_time"] == "0s"
        assert made["extensions"]["file_storage"]["create_directory"] is True
        assert made["extensions"]["file_storage"]["directory_permissions"] == "0700"


def test_nothing_listens_on_every_address_and_no_credential_stands_in_a_file(documents):
    for made in documents.values():
        for text in texts(made):
            assert "0.0.0.0" not in text
            assert not re.search(r"\[::\]:", text)
        listening = [made["extensions"]["health_check"]["endpoint"]]
        listening += [one["endpoint"] for one in made["receivers"]["otlp"]["protocols"].values()]
        # An address of IPv6 needs brackets before its port, and none where the port stands by itself.
        assert all(re.fullmatch(r"\[\$\{env:MY_POD_IP\}\]:\d+", address) for address in listening)
        reader = made["service"]["telemetry"]["metrics"]["readers"][0]["pull"]["exporter"]["prometheus"]
        assert reader["host"] == "${env:MY_POD_IP}"


def test_everything_that_is_configured_is_used_and_everything_used_is_configured(documents):
    for made in documents.values():
        pipelines = made["service"]["pipelines"].values()
        joints = set(made.get("connectors", {}))
        for kind in ("receivers", "processors", "exporters"):
            used = {name for part in pipelines for name in part[kind]} - joints
            assert used == set(made[kind])
        for joint in joints:
            assert any(joint in part["exporters"] for part in pipelines)
            assert any(joint in part["receivers"] for part in pipelines) or joint == "span_metrics"
        assert made["service"]["extensions"] == list(made["extensions"])


def test_every_variable_that_a_configuration_reads_is_explained_at_its_top():
    for name in ("istio", "opentelemetry"):
        for config in tiers(house(), name).values():
            read = {match for text in texts(config.document) for match in re.findall(r"\$\{env:(\w+)", text)}
            assert read == set(config.environment)
            assert all(config.environment.values())
            assert all(f"  {variable}: " in config.about for variable in read)


def test_the_top_says_which_errors_sampling_keeps_and_what_a_killed_collector_loses():
    about = tiers(house(), "opentelemetry", Options())["gateway"].about
    assert "every trace that holds an error or lasts longer than 1s, and 5% of the others" in about
    assert "within 10s of its first one" in about
    assert "a collector that is killed loses at most 10s of them, and 200ms of those chosen" in about
    assert "A collector that is killed loses nothing that waits there." in about


def test_the_same_definitions_give_the_same_configurations():
    assert tiers(house()) == tiers(house())


def test_spans_are_counted_with_every_threshold_in_use_where_the_provider_reads_them_and_not_where_proxies_count():
    model = house()
    counted = tiers(model, "opentelemetry")["gateway"].document
    buckets = counted["connectors"]["span_metrics"]["histogram"]["explicit"]["buckets"]
    assert {f"{int(bound.milliseconds)}ms" for bound in model.latency_bounds} <= set(buckets)
    assert counted["service"]["pipelines"]["traces"]["exporters"] == ["span_metrics", "forward/sampling"]
    assert counted["service"]["pipelines"]["traces/sampled"]["processors"] == [
        "memory_limiter",
        "tail_sampling",
        "batch/chosen",
    ]
    proxied = tiers(model, "istio")["gateway"]
    assert "connectors" not in proxied.document
    assert proxied.document["service"]["pipelines"]["traces"]["processors"][-2:] == ["tail_sampling", "batch/chosen"]
    assert "Spans are not counted here" in proxied.about


def test_time_runs_twenty_times_as_fast_in_every_interval_but_not_in_what_requests_take():
    plain, fast = (tiers(house(), "opentelemetry", options)["gateway"].document for options in (Options(), FAST))
    assert (plain["processors"]["tail_sampling"]["decision_wait"], plain["connectors"]["span_metrics"][
        "metrics_flush_interval"
    ]) == ("10s", "15s")  # fmt: skip
    assert (fast["processors"]["tail_sampling"]["decision_wait"], fast["connectors"]["span_metrics"][
        "metrics_flush_interval"
    ]) == ("500ms", "750ms")  # fmt: skip
    assert fast["connectors"]["span_metrics"]["histogram"] == plain["connectors"]["span_metrics"]["histogram"]
    assert fast["processors"]["tail_sampling"]["policies"] == plain["processors"]["tail_sampling"]["policies"]
    assert fast["processors"]["tail_sampling"]["num_traces"] == plain["processors"]["tail_sampling"]["num_traces"]


def test_a_day_is_written_in_hours_since_go_knows_no_days():
    model = house()
    mesh = replace(model.mesh, scrape_interval=1 * days)
    made = tiers(replace(model, mesh=mesh), "opentelemetry", Options())["gateway"].document
    assert made["connectors"]["span_metrics"]["metrics_flush_interval"] == "24h"


@pytest.mark.parametrize(
    ("release", "names"),
    [
        ("0.149.0", {"file_log", "hostmetrics", "kubeletstats", "k8s_attributes", "otlp_grpc/gateway"}),
        ("0.155.0", {"file_log", "host_metrics", "kubelet_stats", "k8s_attributes", "loadbalancing/gateway"}),
        ("0.165.0", {"file_log", "host_metrics", "kubelet_stats", "k8s_attributes", "load_balancing/gateway"}),
    ],
)
def test_components_are_called_what_the_collector_s_release_calls_them(release, names):
    made = tiers(house(otelcol=release))["node"].document
    assert names <= {*made["receivers"], *made["processors"], *made["exporters"]}


@pytest.mark.parametrize("release", ["0.149.0", "0.151.0", "0.152.0", "0.155.0", "0.165.0"])
def test_what_two_collectors_count_for_one_instance_is_two_series_in_every_release(release):
    # factory.go of connector/spanmetrics: the gate includeCollectorInstanceID is alpha, so off, in 0.149.0 and 0.151.0,
    # and beta from 0.152.0 on, where a second dimension of that name is refused. series_expiration: in 0.155.0 alone.
    made = tiers(house(otelcol=release), "opentelemetry")["gateway"].document["connectors"]
    [counter] = [settings for name, settings in made.items() if name in ("spanmetrics", "span_metrics")]
    own = [one for one in counter["dimensions"] if one["name"] == "collector.instance.id"]
    gate_is_off = release in ("0.149.0", "0.151.0")
    assert own == ([{"name": "collector.instance.id", "default": "${env:MY_POD_IP}"}] if gate_is_off else [])
    assert ("series_expiration" in counter) == (release in ("0.155.0", "0.165.0"))


def test_a_release_that_forgets_no_series_says_so_at_its_top():
    said = "Series of pods that are gone stay until it restarts"
    assert said in tiers(house(otelcol="0.149.0"), "opentelemetry")["gateway"].about
    assert said not in tiers(house(), "opentelemetry")["gateway"].about


def test_traces_are_spread_by_their_id_only_where_several_collectors_decide_on_them():
    model = house()
    several = tiers(model)["node"].document
    assert several["exporters"]["loadbalancing/gateway"]["routing_key"] == "traceID"
    assert several["service"]["pipelines"]["traces"]["exporters"] == ["loadbalancing/gateway"]
    assert several["service"]["pipelines"]["logs"]["exporters"] == ["otlp_grpc/gateway"]
    single = replace(model, pipelines=tuple(replace(one, replicas=1) for one in model.pipelines))
    assert list(tiers(single)["node"].document["exporters"]) == ["otlp_grpc/gateway"]


def test_a_balanced_trace_waits_on_disk_until_some_collector_has_it():
    balanced = tiers(house())["node"].document["exporters"]["loadbalancing/gateway"]
    assert balanced["sending_queue"]["storage"] == "file_storage"
    assert balanced["protocol"]["otlp"]["sending_queue"] == {"enabled": False}


def test_a_gateway_holds_twice_the_traces_that_begin_while_one_is_decided(boutique):
    assert arrivals(boutique) == 200
    crowded = replace(
        boutique,
        services=tuple(
            replace(one, volume=4000 * one.volume) if one.name == "frontend" else one for one in boutique.services
        ),
    )
    sampling = tiers(crowded, "opentelemetry", Options())["gateway"].document["processors"]["tail_sampling"]
    assert sampling["num_traces"] == 2 * 10 * 200 * 4000


def test_an_owner_is_one_statement_however_many_services_it_has(boutique):
    ledger = next(one for one in boutique.services if one.name == "ledger")
    many = tuple(replace(ledger, name=f"ledger-{number}") for number in range(1000))
    statements = tiers(replace(boutique, services=many))["gateway"].document["processors"]["transform/identity"]
    owning = [text for text in statements["trace_statements"][0]["statements"] if '"payments"' in text]
    assert len(owning) == 1
    assert "ledger-999" in owning[0]


def test_a_dot_in_the_name_of_a_cluster_is_a_dot(boutique):
    ledger = next(one for one in boutique.services if one.name == "ledger")
    services = (replace(ledger, cluster="eu.1"), replace(ledger, cluster="eu-2"))
    statements = tiers(replace(boutique, services=services))["gateway"].document["processors"]["transform/identity"]
    owning = next(text for text in statements["trace_statements"][0]["statements"] if '"payments"' in text)
    assert r"^(?:eu\\.1/shop/ledger|eu-2/shop/ledger)\\z" in owning
    assert any(
        "k8s.cluster.name" in text and "Concat" in text for text in statements["trace_statements"][0]["statements"]
    )


def _tier(name: str, **changes: Any) -> Pipeline:
    sound = {"tier": Tier.GATEWAY, "receive": (Otlp(),), "redact": Redact(), "send": (PROMETHEUS, TRACES)}
    return replace(Pipeline(**{**sound, **changes}), name=name)


PROMETHEUS = ToPrometheus(endpoint=Env("PROMETHEUS_ENDPOINT"))
TRACES = ToTraceStore(endpoint=Env("TRACES_ENDPOINT"))


@pipeline
def last(_: Mesh) -> Pipeline:
    """The last tier."""
    return _tier("last")


@pipeline
def first(_: Mesh) -> Pipeline:
    """The first tier."""
    return _tier("first", send=(ToTier(to=last),))


def _findings(model: Model, *pipelines: Pipeline, mesh_provider: str = "opentelemetry") -> list[str]:
    chosen, _ = provider(mesh_provider, None)
    assert chosen is not None
    return [finding.code for finding in collector_findings(replace(model, pipelines=pipelines), chosen)]


TO_LAST = (PROMETHEUS, ToTier(to=last))
WITH_TOKEN = ToTier(to=last, tls=ClientTls(), auth=BearerToken(SecretFile("token")))
LOCKED = Otlp(tls=ServerTls(certificate=SecretFile("a"), key=SecretFile("b"), clients=SecretFile("c")))
COUNTS = {"count": SpanMetrics()}
SEVERAL = {"replicas": 2, "sample": TailSampling()}


@pytest.mark.parametrize(
    ("code", "tiers_"),
    [
        ("collector/nobody-listens", [_tier("first", send=TO_LAST, **COUNTS)]),
        ("collector/dead-end", [
            _tier("first", tier=Tier.NODE, receive=(Otlp(), FileLogs()), send=TO_LAST, **COUNTS), _tier("last"),
        ]),
        ("collector/tiers-disagree", [_tier("first", send=TO_LAST, **COUNTS), _tier("last", receive=(LOCKED,))]),
        ("collector/tiers-disagree", [
            _tier("first", send=(PROMETHEUS, ToTier(to=last, tls=ClientTls())), **COUNTS),
            _tier("last", receive=(LOCKED,)),
        ]),
        ("collector/tiers-disagree", [
            _tier("first", send=(PROMETHEUS, WITH_TOKEN), **COUNTS),
            _tier("last", receive=(Otlp(tls=ServerTls(certificate=SecretFile("a"), key=SecretFile("b"))),)),
        ]),
        ("collector/sampled-before-counted", [
            _tier("first", send=TO_LAST, sample=TailSampling(rest=1 * percent)), _tier("last", **COUNTS),
        ]),
        ("collector/counted-twice", [_tier("first", send=TO_LAST, **COUNTS), _tier("last", **COUNTS)]),
        ("collector/loop", [_tier("last", send=TO_LAST, **COUNTS)]),
        ("collector/nothing-counted", [_tier("last")]),
        ("collector/torn-traces", [_tier("last", **COUNTS, **SEVERAL)]),
        # What a tier stores itself does not reach the next one.
        ("collector/torn-traces", [_tier("first", send=(*TO_LAST, TRACES)), _tier("last", **COUNTS, **SEVERAL)]),
    ],
)  # fmt: skip
def test_tiers_that_do_not_fit_together_are_a_finding(boutique, code, tiers_):
    assert _findings(boutique, *tiers_) == [code]


def test_a_signal_that_no_store_takes_is_not_received(boutique):
    logless = tiers(replace(boutique, pipelines=(drawn(first, boutique.mesh), _tier("last", **COUNTS))))
    for config in logless.values():
        assert not any(name.startswith("logs") for name in config.document["service"]["pipelines"])


def test_tiers_that_fit_together_are_none(boutique):
    fitting = drawn(first, boutique.mesh), _tier("last", **COUNTS)
    assert _findings(boutique, *fitting) == []
    for name in ("istio", "opentelemetry"):
        assert _findings(boutique, *boutique.pipelines, mesh_provider=name) == []


def test_several_collectors_that_sample_are_no_finding_behind_a_tier_that_spreads_traces_nor_one_collector_alone(
    boutique,
):
    behind = _tier("last", **COUNTS, **SEVERAL)
    assert _findings(boutique, _tier("first", send=TO_LAST), behind) == []
    assert _findings(boutique, replace(behind, replicas=1)) == []
    assert _findings(boutique, replace(behind, sample=None)) == []


def test_the_top_says_by_way_of_whom_traces_must_come_where_several_collectors_decide(boutique):
    several = tiers(boutique, "opentelemetry", Options())["gateway"].about
    assert "Traces must come by way of the node tier" in several
    alone = replace(boutique, pipelines=tuple(replace(one, replicas=1) for one in boutique.pipelines))
    assert "by way of" not in tiers(alone, "opentelemetry", Options())["gateway"].about


def test_counting_elsewhere_is_only_warned_of(boutique):
    chosen, _ = provider("opentelemetry", None)
    assert chosen is not None
    found = collector_findings(replace(boutique, pipelines=(_tier("last"),)), chosen)
    assert [finding.level for finding in found] == [Level.WARNING]


def test_a_node_collector_says_which_folders_of_its_node_it_reads():
    assert tiers(house())["node"].host_folders == {"/var/log/pods": "/var/log/pods", "/hostfs": "/"}
    assert tiers(house())["gateway"].host_folders == {}


def test_latency_is_cut_in_microseconds_where_milliseconds_are_too_coarse(boutique):
    chosen, _ = provider("opentelemetry", None)
    assert chosen is not None
    fine = replace(chosen, bounds=(0.25 * ms, 1 * ms, 1 * hours))
    made = {config.name: config.document for config in collectors(boutique, fine, Options())}
    buckets = made["gateway"]["connectors"]["span_metrics"]["histogram"]["explicit"]["buckets"]
    assert buckets[0] == "250us"
    assert buckets[-1] == "3600000ms"


def test_log_files_of_collectors_themselves_are_left_out_unless_somebody_wants_them():
    assert "otc-container" in FileLogs().exclude[0]
