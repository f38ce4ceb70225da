"""The gateway tier as it runs: what it masks, names, counts, chooses, and never loses."""

import json
import re
import secrets
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from collecting_lab import OF_LEDGER, Running, Sink, house, logs, merged, plain, tiers, trace

from meshscope import Queue, percent
from tests.waiting import until

CALLS = "traces.span.metrics.calls"
CARD = "4111 1111 1111 1111"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.dGhlLXNpZ25hdHVyZQ"
SECRETS = {
    "a header": "Authorization: Bearer 0123456789abcdef",
    "a token": f"got {JWT} from the session",
    "a password": 'login {"user": "alice", "password": "hunter2hunter2"}',
    "a card": f"paid with {CARD}.",
    "a card without spaces": "paid with 5500005555555559",
    "an American card": "paid with 378282246310005",
    "a mail address": "sent to alice.smith@mail.example.org",
    "a cloud key": "used AKIAIOSFODNN7EXAMPLE to sign",
    "a private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----",
    "an address with credentials": "connects to postgres://alice:hunter2hunter2@db.example/shop",
}
LEAKS = re.compile(
    r"0123456789abcdef|eyJhbGci|hunter2hunter2|4111 ?1111|5500005555555559|378282246310005|alice\.smith|AKIAIOSF|MIIEow"
)

pytestmark = pytest.mark.engines("otelcol")


def test_what_nobody_should_read_is_masked_in_bodies_attributes_names_events_and_status_messages(
    gateway: Running, sink: Sink
):
    headers = {"http.request.header.authorization": ["Bearer 0123456789abcdef"], "http.request.header.cookie": ["id=7"]}
    attributes = {**headers, "card.holder": "Alice Smith", "card.number": 4111111111111111, "note": SECRETS["a token"]}
    request = trace(failed=True, name=f"POST /pay/{CARD}", message=SECRETS["a header"], attributes=attributes)
    event = request.resource_spans[0].scope_spans[0].spans[0].events.add(name="exception")
    event.attributes.add(key="exception.message").value.string_value = SECRETS["a password"]
    assert gateway.send("/v1/traces", request) == 200
    assert gateway.send("/v1/logs", logs(SECRETS.values(), api_key="0123456789abcdef", **headers)) == 200
    until(lambda: len(sink.logs()) == len(SECRETS) and sink.spans(), "the logs and the trace")

    _, span = sink.spans()[0]
    assert plain(span.attributes) == {
        "http.request.header.authorization": "****",
        "http.request.header.cookie": "****",
        "card.holder": "****",
        "card.number": "****",
        "note": "got **** from the session",
    }
    assert span.name == "POST /pay/****"
    assert span.status.message == "****"
    bodies = [record.body.string_value for _, record in sink.logs()]
    assert bodies[3] == "paid with ****."
    assert [name for name, body in zip(SECRETS, bodies, strict=True) if "****" not in body] == []
    assert not LEAKS.search(str(sink.received)), LEAKS.findall(str(sink.received))


def test_what_people_need_to_find_a_fault_is_not_masked(gateway: Running, sink: Sink):
    harmless = {
        "url.path": "/orders/4711",
        "http.response.status_code": 503,
        "gen_ai.usage.input_tokens": 1234,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "started": 1763912345678901234,
        "client.address": "10.1.2.3",
        "container.image.name": "registry.example/shop/ledger@sha256:4bf92f3577b34da6a3ce929d0e0e4736",
        "k8s.pod.uid": "49cc7c1f-d370-4c40-b268-6ea7486091d6",
    }
    body = "basic authentication of 10.1.2.3 took 17639123 ms at 1763912345678 (unexpected tokens: 12)"
    assert gateway.send("/v1/logs", logs([body], **harmless)) == 200
    [(_, record)] = until(sink.logs, "the record")
    assert plain(record.attributes) == harmless
    assert record.body.string_value == body


def test_each_service_s_owner_is_named_and_a_stranger_s_is_the_mesh_s_whatever_it_says(gateway: Running, sink: Sink):
    told = {
        ("ledger", "shop"): "payments",
        ("frontend", "web"): "storefront",
        ("frontend", "shop"): "platform",
        ("ledger2", "shop"): "platform",
        ("newcomer", "web"): "platform",
    }
    for name, namespace in told:
        said = {"service.name": name, "service.namespace": namespace, "service.owner": "nobody"}
        assert gateway.send("/v1/logs", logs(["line"], said)) == 200
    until(lambda: len(sink.logs()) == len(told), "the records")
    found = {(one["service.name"], one["service.namespace"]): one["service.owner"] for one, _ in sink.logs()}
    assert found == told
    assert {one["k8s.cluster.name"] for one, _ in sink.logs()} == {"eu-1"}


def test_a_service_s_namespace_is_kubernetes_own(gateway: Running, sink: Sink):
    said = {"service.name": "ledger", "service.namespace": "billing-domain", "k8s.namespace.name": "shop"}
    assert gateway.send("/v1/logs", logs(["line"], said)) == 200
    [(resource, _)] = until(sink.logs, "the record")
    assert (resource["service.namespace"], resource["service.owner"]) == ("shop", "payments")


def test_a_name_that_a_proxy_gives_to_a_service_is_split_where_it_names_one_of_the_mesh_s_namespaces(
    gateway: Running, sink: Sink
):
    for name in ("ledger.shop", "api.example", "search"):
        assert gateway.send("/v1/traces", trace({"service.name": name}, failed=True)) == 200
    assert gateway.send("/v1/traces", trace({}, failed=True)) == 200
    until(lambda: len(sink.spans()) == 4, "the spans")
    told = {(one.get("service.name"), one.get("service.namespace"), one["service.owner"]) for one, _ in sink.spans()}
    assert told == {
        ("ledger", "shop", "payments"),
        ("api.example", None, "platform"),
        ("search", None, "platform"),
        (None, None, "platform"),
    }
    assert '"level":"warn"' not in gateway.log.read_text()


def test_all_spans_are_counted_though_most_are_sampled_away_and_no_error_is(gateway: Running, sink: Sink):
    good, bad, slow = 400, 40, 20
    requests = [trace() for _ in range(good)]
    requests += [trace(failed=True) for _ in range(bad)]
    requests += [trace(millis=1500) for _ in range(slow)]
    for start in range(0, len(requests), 20):
        assert gateway.send("/v1/traces", merged(requests[start : start + 20])) == 200

    until(lambda: sum(sink.sums(CALLS).values()) == good + bad + slow, "every span counted")
    by_status: dict[str, float] = {}
    for labels, value in sink.sums(CALLS).items():
        by_status[dict(labels)["status.code"]] = by_status.get(dict(labels)["status.code"], 0) + value
    assert by_status == {"STATUS_CODE_UNSET": good + slow, "STATUS_CODE_ERROR": bad}

    until(lambda: len(_stored(sink, failed=True)) == bad and len(_stored(sink, millis=1500)) == slow, "what is kept")
    time.sleep(1.5)
    rest = len(sink.spans()) - bad - slow
    assert rest < good / 5, "5% of the rest are stored, give or take"


def test_an_error_in_time_keeps_its_whole_trace_and_one_that_comes_too_late_does_not(gateway: Running, sink: Sink):
    # One in twenty good traces is kept at random, which would hide what is shown here: twenty of each.
    in_time = [secrets.token_bytes(16) for _ in range(20)]
    too_late = [secrets.token_bytes(16) for _ in range(20)]
    assert gateway.send("/v1/traces", merged(trace(trace_id=one, spans=2) for one in in_time + too_late)) == 200
    assert gateway.send("/v1/traces", merged(trace(trace_id=one, failed=True) for one in in_time)) == 200
    time.sleep(2.5)  # decision_wait is half a second here, and decisions are looked at once a second
    assert gateway.send("/v1/traces", merged(trace(trace_id=one, failed=True) for one in too_late)) == 200
    until(lambda: sum(span.trace_id in in_time for _, span in sink.spans()) == 3 * len(in_time), "whole traces")
    time.sleep(2)
    kept = {span.trace_id for _, span in sink.spans() if span.trace_id in too_late}
    assert len(kept) < len(too_late) / 2


def _stored(sink: Sink, *, failed: bool = False, millis: int = 0) -> list[object]:
    found = [span for _, span in sink.spans()]
    if failed:
        return [span for span in found if span.status.code == 2]
    return [one for one in found if one.end_time_unix_nano - one.start_time_unix_nano >= millis * 1_000_000]


def test_five_hundred_accepted_records_all_arrive_though_the_collector_is_killed_at_once(gateway: Running, sink: Sink):
    sink.down = True
    for part in range(5):
        assert gateway.send("/v1/logs", logs(f"record {part * 100 + number}" for number in range(100))) == 200
    gateway.end(signal.SIGKILL)
    assert sink.received == []
    sink.down = False
    gateway.start()
    until(lambda: len({record.body.string_value for _, record in sink.logs()}) == 500, "every record")


def test_with_the_batch_processor_the_same_records_would_be_gone(start, boutique, sink: Sink):
    config = tiers(boutique)["gateway"]
    document = json.loads(json.dumps(config.document))
    document["processors"]["batch"] = {"timeout": "3s", "send_batch_size": 10_000}
    document["service"]["pipelines"]["logs"]["processors"].append("batch")
    lossy = start(replace(config, document=document))
    assert lossy.send("/v1/logs", logs(f"record {number}" for number in range(500))) == 200
    lossy.end(signal.SIGKILL)
    lossy.start()
    assert lossy.send("/v1/logs", logs(["after"])) == 200
    until(sink.logs, "what was sent afterwards", seconds=20)
    assert [record.body.string_value for _, record in sink.logs()] == ["after"]


def test_a_dead_store_loses_no_signal_over_a_restart(gateway: Running, sink: Sink):
    sink.down = True
    assert gateway.send("/v1/logs", logs(["a line"])) == 200
    assert gateway.send("/v1/traces", trace(failed=True)) == 200
    until(lambda: sink.refused > 3, "a store that refuses")
    time.sleep(2)  # until the trace is decided: before that it is in memory only
    gateway.end()
    sink.down = False
    gateway.start()
    until(lambda: sink.logs() and _stored(sink, failed=True) and sink.sums(CALLS), "all three signals")


def test_a_sender_is_told_to_try_again_when_the_queue_is_full_and_what_was_accepted_arrives(
    start, boutique, sink: Sink
):
    whole = next(one for one in boutique.pipelines if one.name == "gateway")
    small = replace(whole, send=tuple(replace(one, queue=Queue(mebibytes=8)) for one in whole.send))
    gateway = start(tiers(replace(boutique, pipelines=(small,)))["gateway"])
    sink.down = True
    accepted = 0
    line = "a line that is long enough to fill a queue soon, " * 20
    while gateway.send("/v1/logs", logs(f"{accepted + number} {line}" for number in range(500))) == 200:
        accepted += 500
        assert accepted < 40_000
    assert accepted > 1000
    assert gateway.send("/v1/logs", logs(f"again {line}" for _ in range(500))) == 503
    said = _series(gateway.metrics)
    assert said['otelcol_exporter_enqueue_failed_log_records{exporter="otlp_http/logs"}'] >= 500
    assert said['otelcol_receiver_refused_log_records{receiver="otlp",transport="http"}'] >= 500
    sink.down = False
    until(lambda: len({record.body.string_value for _, record in sink.logs()}) == accepted, "what was accepted", 40)


def test_what_a_store_refuses_for_ever_is_counted_as_lost(gateway: Running, sink: Sink):
    sink.status = 400
    assert gateway.send("/v1/logs", logs(["line"])) == 200
    failed = until(
        lambda: {k: v for k, v in _series(gateway.metrics).items() if k.startswith("otelcol_exporter_send_failed")},
        "a count of what was lost",
    )
    [(name, number)] = failed.items()
    assert name.startswith("otelcol_exporter_send_failed_log_records{")
    assert 'exporter="otlp_http/logs"' in name
    assert number == 1


def test_a_collector_that_is_stopped_decides_on_the_traces_that_still_wait(start, boutique, sink: Sink):
    slowly = start(tiers(boutique)["gateway"])
    assert slowly.send("/v1/traces", merged(trace(failed=True) for _ in range(30))) == 200
    slowly.end()
    slowly.start()
    until(lambda: len(_stored(sink, failed=True)) == 30, "every error")


def test_chosen_traces_are_written_to_disk_many_at_once(gateway: Running, sink: Sink):
    for _ in range(10):
        assert gateway.send("/v1/traces", merged(trace(failed=True) for _ in range(60))) == 200
    until(lambda: len(_stored(sink, failed=True)) == 600, "every error")
    said = _series(gateway.metrics)
    batches = {name.partition("{")[0]: value for name, value in said.items() if "batch_batch_send_size" in name}
    assert batches["otelcol_processor_batch_batch_send_size_sum"] == 600
    # The sampler decides once a second; without the batch, each of the 600 is a write and a sync of its own.
    assert batches["otelcol_processor_batch_batch_send_size_count"] <= 60


def test_two_collectors_that_are_sent_parts_of_a_trace_store_parts_of_it(start, boutique, sink: Sink):
    # What the finding collector/torn-traces says would happen.
    tier = next(one for one in boutique.pipelines if one.name == "gateway")
    strict = replace(tier, sample=replace(tier.sample, rest=0 * percent))
    made = tiers(replace(boutique, pipelines=(strict,)))["gateway"]
    first, second = start(replace(made, name="first")), start(replace(made, name="second"))
    torn = [secrets.token_bytes(16) for _ in range(10)]
    assert first.send("/v1/traces", merged(trace(trace_id=one, failed=True) for one in torn)) == 200
    assert second.send("/v1/traces", merged(trace(trace_id=one) for one in torn)) == 200
    until(lambda: len(sink.spans()) == len(torn), "the part with the error")
    second.end()  # it decides on what waits
    assert {span.status.code for _, span in sink.spans()} == {2}


@pytest.mark.parametrize("release", ["0.149.0", "0.155.0"])
def test_what_two_collectors_count_for_one_instance_stays_apart(start, sink: Sink, release: str):
    # A collector of 0.149 does not name itself: the gate that makes it is off there, and can be turned off here.
    made = tiers(house(otelcol=release))["gateway"]
    gate = ("--feature-gates=-connector.spanmetrics.includeCollectorInstanceID",) if release == "0.149.0" else ()
    for name, number in (("first", 3), ("second", 5)):
        collector = start(replace(made, name=name), flags=gate)
        assert collector.send("/v1/traces", merged(trace() for _ in range(number))) == 200
    until(lambda: sorted(sink.sums(CALLS).values()) == [3, 5], "a series of each collector")


def test_it_works_at_an_address_of_ipv6_as_well(start, boutique, sink: Sink):
    gateway = start(tiers(boutique)["gateway"], MY_POD_IP="::1")
    assert gateway.send("/v1/logs", logs(["line"])) == 200
    assert gateway.send("/v1/traces", trace(failed=True)) == 200
    until(lambda: sink.logs() and sink.spans() and sink.sums(CALLS), "all three signals")
    assert "otelcol_receiver_accepted_spans" in gateway.metrics()


def test_each_store_is_shown_its_own_token(gateway: Running, sink: Sink):
    gateway.send("/v1/logs", logs(["line"]))
    gateway.send("/v1/traces", trace(failed=True))
    shown = {f"Bearer {name}-of-the-test" for name in ("prometheus-token", "traces-token", "logs-token")}
    until(lambda: sink.authorizations == shown, "all three tokens")


def test_it_listens_at_its_own_address_only_and_complains_of_nothing(gateway: Running):
    listening = _listening(gateway)
    assert listening == {f"{gateway.host}:{port}" for port in (4317, 4318, 8888, 13133)}
    complaints = [line for line in gateway.log.read_text().splitlines() if '"level":"info"' not in line]
    assert complaints == []


def _listening(running: Running) -> set[str]:
    """The addresses at which the process listens, from the kernel's own tables."""
    assert running.process is not None
    own = Path(f"/proc/{running.process.pid}")
    sockets = {str(descriptor.readlink()) for descriptor in (own / "fd").iterdir()}
    found = set()
    for table in ("tcp", "tcp6"):
        for line in (own / "net" / table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                host, _, port = fields[1].partition(":")
                found.add(".".join(str(part) for part in reversed(bytes.fromhex(host))) + f":{int(port, 16)}")
    return found


def test_it_tells_of_itself_under_names_that_rules_can_rely_on(gateway: Running, sink: Sink):
    sink.down = True
    gateway.send("/v1/logs", logs(["line"]))
    until(lambda: sink.refused, "a refusal")
    said = _series(gateway.metrics)
    for signal_, exporter in (("logs", "logs"), ("traces", "traces"), ("metrics", "prometheus")):
        labels = f'{{data_type="{signal_}",exporter="otlp_http/{exporter}"}}'
        assert f"otelcol_exporter_queue_size{labels}" in said
        assert said[f"otelcol_exporter_queue_capacity{labels}"] == 1 << 30
    assert said['otelcol_receiver_accepted_log_records{receiver="otlp",transport="http"}'] == 1
    assert said['otelcol_receiver_refused_log_records{receiver="otlp",transport="http"}'] == 0
    assert not any(name.partition("{")[0].endswith("_total") for name in said if name.startswith("otelcol_"))


def _series(metrics: Callable[[], str]) -> dict[str, float]:
    lines = (line for line in metrics().splitlines() if line and not line.startswith("#"))
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines}


def test_what_is_counted_carries_the_labels_that_identify_an_instance_and_no_others(gateway: Running, sink: Sink):
    assert gateway.send("/v1/traces", trace({**OF_LEDGER, "service.version": "2.1", "k8s.pod.name": "ledger-0"})) == 200
    sums = until(lambda: sink.sums(CALLS), "a count")
    [labels] = [dict(labels) for labels in sums]
    labels.pop("collector.instance.id")
    assert labels == {
        "k8s.cluster.name": "eu-1",
        "service.namespace": "shop",
        "service.name": "ledger",
        "service.version": "2.1",
        "k8s.pod.name": "ledger-0",
        "span.kind": "SPAN_KIND_SERVER",
        "status.code": "STATUS_CODE_UNSET",
    }
