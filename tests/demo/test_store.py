"""The store counts what arrives: failed spans, owners, and secrets that nobody masked."""

import gzip
import socket
import struct
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from meshscope.demo.instrument import CARD
from meshscope.demo.store import Store
from meshscope.demo.workshop import free_ports


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def store(port: int) -> Iterator[Store]:
    store = Store("right")
    store.open(port)
    yield store
    store.close()


def send(port: int, path: str, body: bytes, **headers: str) -> int:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", body, headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return int(answer.status)


def spans(owner: str = "") -> ExportTraceServiceRequest:
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    if owner:
        attribute = resource.resource.attributes.add()
        attribute.key, attribute.value.string_value = "service.owner", owner
    scope = resource.scope_spans.add()
    for trace, code in ((b"1", Status.STATUS_CODE_ERROR), (b"1", Status.STATUS_CODE_UNSET), (b"2", 0)):
        span = scope.spans.add()
        span.trace_id, span.status.code = trace * 16, code
    return request


def test_spans_are_counted_with_their_traces_and_owners(store: Store, port: int) -> None:
    assert send(port, "/v1/traces", spans("payments").SerializeToString()) == 200
    send(port, "/v1/traces", gzip.compress(spans().SerializeToString()), **{"Content-Encoding": "gzip"})
    kept = store.kept
    assert (kept.spans, kept.failed_spans, len(kept.traces)) == (6, 2, 2)
    assert (kept.owners, kept.unowned) == ({"payments"}, 1)


def test_a_card_number_that_arrives_is_seen(store: Store, port: int) -> None:
    request = ExportLogsServiceRequest()
    scope = request.resource_logs.add().scope_logs.add()
    scope.log_records.add().body.string_value = f"paid with {CARD}"
    scope.log_records.add().body.string_value = "paid with ****"
    send(port, "/v1/logs", request.SerializeToString(), Authorization="Bearer right")
    assert (store.kept.records, store.kept.cards) == (2, 1)


def test_a_wrong_token_is_refused_and_counts_nothing(store: Store, port: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        send(port, "/v1/traces", spans().SerializeToString(), Authorization="Bearer wrong")
    assert refused.value.code == 401
    assert store.kept.spans == 0


@pytest.mark.parametrize(("fault", "said"), [(ConnectionResetError, False), (ValueError, True)])
def test_a_peer_that_is_stopped_in_its_sentence_is_no_error_of_ours(
    store: Store, port: int, capfd: pytest.CaptureFixture[str], fault: type[Exception], said: bool
) -> None:
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(b"POST /v1/logs HTTP/1.1\r\nContent-Length: " + (b"9" if fault is ConnectionResetError else b"x"))
        peer.sendall(b"\r\n\r\n")
        time.sleep(0.2)
        # Without time to linger, closing resets the connection.
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    time.sleep(0.2)
    assert (fault.__name__ in capfd.readouterr().err) is said
