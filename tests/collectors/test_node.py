"""The node tier as it runs, as far as a collector can be had that runs it: log files by the older build, through the
real gateway. What asks Kubernetes is left out."""

import signal
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from collecting_lab import FAST, Running, Sink, house, tiers, trace

from meshscope import FileLogs, Otlp
from meshscope.build.options import Options
from meshscope.model.model import Model
from tests.waiting import until

pytestmark = pytest.mark.engines("otelcol", "otelcol-logs")

POD = "shop_ledger-blue-0_49cc7c1f-d370-4c40-b268-6ea7486091d6"


def local(model: Model, folder: Path) -> Model:
    """The mesh whose node tier reads log files below ``folder``, asks Kubernetes nothing, and knows one gateway."""
    reads = FileLogs(include=(f"{folder}/*/*/*.log",), exclude=(f"{folder}/*/otc-container/*.log",))
    node = next(one for one in model.pipelines if one.name == "node")
    gateway = next(one for one in model.pipelines if one.name == "gateway")
    kept = replace(node, receive=(Otlp(), reads), enrich=())
    return replace(model, pipelines=(replace(gateway, replicas=1), kept))


@pytest.fixture
def pods(tmp_path: Path) -> Path:
    """Where the node keeps the log files of its pods."""
    folder = tmp_path / "pods" / POD / "ledger"
    folder.mkdir(parents=True)
    return tmp_path / "pods"


@pytest.fixture
def node(start: Callable[..., Running], gateway: Running, boutique: Model, pods: Path) -> Running:
    """The older collector on the node tier's configuration, in front of the gateway."""
    model = local(house(otelcol="0.149.0"), pods)
    return start(tiers(model)["node"], "otelcol-logs", GATEWAY_HOST=gateway.host)


def say(pods: Path, *lines: str, pod: str = POD, container: str = "ledger") -> None:
    """Lines of a container, as its runtime writes them."""
    path = pods / pod / container / "0.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as log:
        log.writelines(f"2026-11-23T15:00:00.000000000Z stdout F {line}\n" for line in lines)


def bodies(sink: Sink) -> list[str]:
    return sorted(record.body.string_value for _, record in sink.logs())


def test_a_line_of_a_container_arrives_with_its_pod_its_owner_and_without_its_secret(node: Running, pods, sink: Sink):
    say(pods, "paid with 4111 1111 1111 1111")
    [(resource, record)] = until(sink.logs, "the line")
    assert record.body.string_value == "paid with ****"
    assert resource["k8s.pod.name"] == "ledger-blue-0"
    assert resource["k8s.namespace.name"] == "shop"
    assert resource["k8s.container.name"] == "ledger"
    assert (resource["k8s.cluster.name"], resource["k8s.node.name"]) == ("eu-1", "node-1")
    assert resource["service.owner"] == "platform"  # only Kubernetes knows of which service the pod is
    assert record.time_unix_nano == 1795446000 * 10**9


def test_what_is_written_while_the_collector_is_away_is_read_and_nothing_twice(node: Running, pods, sink: Sink):
    say(pods, *(f"before {number}" for number in range(50)))
    until(lambda: len(bodies(sink)) == 50, "what was written before")
    time.sleep(1)  # a few polls, so that it has noted how far it came
    node.end(signal.SIGKILL)
    say(pods, *(f"meanwhile {number}" for number in range(50)))
    say(pods, "of a new pod", pod="shop_cart-0_a7c5a1cb-6b0f-4a0a-9c0c-52c6e7b8b1aa", container="cart")
    node.start()
    until(lambda: len(set(bodies(sink))) == 101, "what was written meanwhile")
    assert len(bodies(sink)) == 101


def test_lines_wait_on_the_node_while_no_gateway_is_there(node: Running, gateway: Running, pods, sink: Sink):
    gateway.end()
    say(pods, *(f"line {number}" for number in range(100)))
    until(lambda: _queued(node) > 0, "a queue")
    node.end(signal.SIGKILL)
    node.start()
    gateway.start()
    until(lambda: len(set(bodies(sink))) == 100, "every line")


def test_the_collectors_own_lines_are_not_read(node: Running, pods, sink: Sink):
    say(pods, "of the collector", container="otc-container")
    say(pods, "of the service")
    until(sink.logs, "a line")
    assert bodies(sink) == ["of the service"]


def test_what_a_pod_sends_passes_both_tiers(node: Running, sink: Sink):
    assert node.send("/v1/traces", trace(failed=True)) == 200
    [(resource, _)] = until(sink.spans, "the span")
    assert resource["service.owner"] == "payments"


def test_two_gateways_are_found_by_one_name_in_the_true_configuration():
    document = tiers(house(), options=Options())["node"].document
    assert document["exporters"]["otlp_grpc/gateway"]["endpoint"] == "dns:///${env:GATEWAY_HOST}:4317"
    assert document["exporters"]["loadbalancing/gateway"]["resolver"]["dns"]["hostname"] == "${env:GATEWAY_HOST}"
    assert FAST.time_scale < 1


def _queued(running: Running) -> float:
    lines = [line for line in running.metrics().splitlines() if line.startswith("otelcol_exporter_queue_size{")]
    return sum(float(line.rpartition(" ")[2]) for line in lines)
