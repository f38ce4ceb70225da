"""Stores that are down, slow, closed, broken, too large or something else: each says what is wrong and what to do."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from meshscope.adapters.stores import failures, prometheus
from meshscope.adapters.stores.access import Access, access
from meshscope.adapters.stores.prometheus import PrometheusStore, retention
from meshscope.findings import DefinitionError, Finding, MeshscopeError
from meshscope.model.units import days
from meshscope.wiring.discover import access_of, discover
from tests.ports import free_port

Reply = tuple[int, Mapping[str, str], bytes]
JSON = {"content-type": "application/json"}


class Asked(list[BaseHTTPRequestHandler]):
    """What a server was asked."""


@contextmanager
def answering(reply: Callable[[BaseHTTPRequestHandler], Reply | None]) -> Iterator[tuple[str, Asked]]:
    """The address of a server that gives ``reply``, and what it was asked."""
    asked = Asked()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self)
            self.form = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            answer = reply(self)
            if answer is not None:
                status, headers, body = answer
                self.send_response(status)
                for name, value in {**headers, "content-length": str(len(body))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def fixed(status: int, body: str | bytes, **headers: str) -> Callable[[BaseHTTPRequestHandler], Reply]:
    content = body if isinstance(body, bytes) else body.encode()
    return lambda _: (status, {"content-type": "text/html; charset=utf-8"} | headers, content)


def said(status: int, document: object) -> Callable[[BaseHTTPRequestHandler], Reply]:
    return lambda _: (status, JSON, json.dumps(document).encode())


def success(data: object) -> Reply:
    return 200, JSON, json.dumps({"status": "success", "data": data}).encode()


def scripted(
    names: list[str], answers: Callable[[str], list[object]] = lambda _: []
) -> Callable[[BaseHTTPRequestHandler], Reply]:
    """A store that knows ``names`` and answers queries with ``answers``."""

    def reply(asked: BaseHTTPRequestHandler) -> Reply:
        if asked.path.endswith("/values"):
            return success(names)
        if not asked.path.endswith("/query"):
            return success({})
        query = httpx2.QueryParams(asked.form)["query"]
        if query == "time()":
            return success({"resultType": "scalar", "result": [1800000000, "1800000000.25"]})
        return success({"resultType": "vector", "result": answers(query)})

    return reply


def failure(url: str, tmp_path: Path, **more: object) -> Finding:
    """What is said of the store at ``url``, after which nothing is written."""
    with pytest.raises(MeshscopeError) as caught:
        discover(url, "acme", tmp_path / "acme", **({"seconds": 5.0} | more))  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
    finding = caught.value.finding
    assert finding.title
    assert finding.why
    assert finding.help
    assert "\n" not in finding.title
    return finding


def test_a_store_that_is_down_is_told_from_one_that_is_slow(tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    finding = failure(url, tmp_path)
    assert finding.code == "prometheus/unreachable"
    assert finding.title == f"nothing answers at {url}: the connection is refused"
    assert "port-forward" in finding.help


def test_a_machine_that_nobody_knows_is_named(tmp_path: Path) -> None:
    finding = failure("http://prometheus.invalid:9090", tmp_path)
    assert finding.code == "prometheus/unknown-host"
    assert finding.title == "nobody knows the machine of http://prometheus.invalid:9090"


def test_a_store_that_never_answers_is_given_up_in_time(tmp_path: Path) -> None:
    heard: list[str] = []
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        finding = failure(url, tmp_path, seconds=0.5, tell=heard.append)
        assert time.monotonic() - began < 5
    assert finding.code == "prometheus/slow"
    assert finding.title == f"{url} has not answered within 0.5 seconds: what it is"
    assert heard == ["what it is"]
    assert "--ask-seconds" in finding.help


def test_a_store_that_answers_a_byte_at_a_time_is_given_up_in_time(tmp_path: Path) -> None:
    ended = threading.Event()

    def drip(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        asked.end_headers()
        while not ended.wait(0.1):
            try:
                asked.wfile.write(b" ")
            except OSError:
                return

    with answering(drip) as (url, _):  # type: ignore[arg-type]
        began = time.monotonic()
        finding = failure(url, tmp_path, seconds=1.0)
        assert time.monotonic() - began < 5
        ended.set()
    assert finding.code == "prometheus/slow"


def test_a_store_that_never_ends_its_headers_is_given_up_in_time(tmp_path: Path) -> None:
    ended = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
            while not ended.wait(0.1):
                connection.sendall(b"x")

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        began = time.monotonic()
        finding = failure(f"http://127.0.0.1:{listening.getsockname()[1]}", tmp_path, seconds=0.5)
        assert time.monotonic() - began < 5
        ended.set()
        thread.join()
    assert finding.code == "prometheus/slow"


def test_a_store_that_times_out_by_itself_is_slow_too(tmp_path: Path) -> None:
    with answering(said(503, {"status": "error", "errorType": "timeout", "error": "query timed out"})) as (url, _):
        assert failure(url, tmp_path).code == "prometheus/slow"


@pytest.mark.parametrize("page", ["<!doctype html><title>Grafana</title>", "", "<html>" + "x" * 100_000])
def test_a_web_page_is_no_answer(tmp_path: Path, page: str) -> None:
    with answering(fixed(200, page)) as (url, _):
        finding = failure(url, tmp_path)
    assert finding.code == "prometheus/not-prometheus"
    assert finding.title == f"{url} answers a web page, not as Prometheus's API does"
    assert "/graph" in finding.help


def test_a_login_page_is_not_followed(tmp_path: Path) -> None:
    with answering(fixed(302, "", location="https://login.example/oauth?state=secret")) as (url, asked):
        finding = failure(url, tmp_path)
    assert len(asked) == 1
    assert (finding.code, finding.title) == (
        "prometheus/moved",
        f"{url} sends everybody on to https://login.example/oauth",
    )


def test_who_asks_must_be_said_where_it_is_wanted(tmp_path: Path) -> None:
    with answering(fixed(401, "Unauthorized")) as (url, _):
        finding = failure(url, tmp_path)
    assert (finding.code, finding.title) == ("prometheus/unauthorized", f"{url} wants to know who asks (status 401)")
    assert "--http-config" in finding.help
    assert "PROMETHEUS_TOKEN" in finding.help


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_do_not_suffice_are_told_apart_and_never_shown(tmp_path: Path, status: int) -> None:
    with answering(fixed(status, "no")) as (url, asked):
        finding = failure(url.replace("//", "//ann:s%33cret@"), tmp_path)
    assert base64.b64decode(asked[0].headers["authorization"].split()[1]) == b"ann:s3cret"
    assert finding.title == f"{url} does not let you ask (status {status})"
    assert not any(word in str(finding) for word in ("s3cret", "s%33cret", "ann"))


@pytest.mark.parametrize(
    ("status", "document", "told"),
    [
        (503, {"status": "error", "errorType": "unavailable", "error": "TSDB not ready"}, "503: TSDB not ready"),
        (503, "upstream connect error", "503"),
        (502, {}, "502"),
        (429, {"status": "error", "error": "too many requests"}, "429: too many requests"),
    ],
)
def test_a_store_that_can_not_answer_now_may_be_asked_later(
    tmp_path: Path, status: int, document: object, told: str
) -> None:
    with answering(said(status, document)) as (url, _):
        finding = failure(url, tmp_path)
    assert (finding.code, finding.title) == ("prometheus/unavailable", f"{url} can't answer now (status {told})")


def test_what_the_store_says_of_a_question_is_passed_on_and_kept_short(tmp_path: Path) -> None:
    error = "query processing would load too many samples into memory\n" + "x" * 10_000
    with answering(said(422, {"status": "error", "errorType": "execution", "error": error})) as (url, _):
        finding = failure(url, tmp_path)
    assert finding.code == "prometheus/query-failed"
    assert finding.title.startswith(
        f"{url} could not be asked what it is: query processing would load too many samples"
    )
    assert len(finding.title) < 500


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "12",
        "{",
        "[" * 100_000,
        '{"status": "success"}',
        '{"status": "success", "data": {"result": []}}',
        '{"status": "success", "data": {"resultType": "scalar", "result": [0, "soon"]}}',
        '{"status": "success", "data": {"resultType": "scalar", "result": [0, "1e400"]}}',
        '{"hello": "world"}',
        b"\xff\xfe",
    ],
)
def test_json_of_something_else_is_no_answer(tmp_path: Path, body: str | bytes) -> None:
    with answering(fixed(200, body, **JSON)) as (url, _):
        assert failure(url, tmp_path).code == "prometheus/not-prometheus"


@pytest.mark.parametrize("row", [1, {}, {"metric": {}}, {"metric": {}, "value": []}, {"metric": 1, "value": [1, "1"]}])
def test_rows_of_something_else_are_no_answer(tmp_path: Path, row: object) -> None:
    with answering(scripted(["istio_requests_total"], lambda _: [row])) as (url, _):
        assert failure(url, tmp_path).code == "prometheus/not-prometheus"


def test_bytes_that_can_not_be_unpacked_are_no_answer(tmp_path: Path) -> None:
    with answering(fixed(200, b"no gzip", **JSON, **{"content-encoding": "gzip"})) as (url, _):
        assert failure(url, tmp_path).code == "prometheus/not-prometheus"


def test_plain_http_behind_https_is_told(tmp_path: Path) -> None:
    with answering(fixed(200, "")) as (url, _):
        finding = failure(url.replace("http", "https"), tmp_path)
    assert finding.code == "prometheus/no-tls"
    assert finding.help == f"try {url}"


def test_an_unknown_authority_is_told_with_what_to_name() -> None:
    error = httpx2.ConnectError("failed")
    error.__cause__ = ssl.SSLCertVerificationError(1, "unable to get local issuer certificate")
    error.__cause__.verify_message = "unable to get local issuer certificate"
    finding = failures.unreachable("https://prometheus.example", error).finding
    assert finding.code == "prometheus/untrusted"
    assert "unable to get local issuer certificate" in finding.title
    assert "ca_file" in finding.help


def test_an_endless_answer_is_cut_off() -> None:
    def endless(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        asked.end_headers()
        with suppress(OSError):
            while True:
                asked.wfile.write(b"[" * 65536)

    with answering(endless) as (url, _):  # type: ignore[arg-type]
        store = PrometheusStore(url, Access(), most_bytes=1 << 20)
        with pytest.raises(MeshscopeError) as caught:
            store.about()
        store.close()
    assert caught.value.finding.code == "prometheus/too-much"
    assert caught.value.finding.title == f"the answer of {url} is larger than 1 MiB: what it is"


def test_more_rows_than_any_mesh_has_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "MOST_ROWS", 3)
    rows = [{"metric": {"a": str(number)}, "value": [0, "1"]} for number in range(4)]
    with answering(scripted(["istio_requests_total"], lambda _: rows)) as (url, asked):
        finding = failure(url, tmp_path)
        limits = {httpx2.QueryParams(one.form)["limit"] for one in asked if "limit" in one.form}
    assert finding.code == "prometheus/too-much"
    assert "larger than 3 series: how much there is" in finding.title
    assert limits == {"4"}


def test_ten_million_series_are_counted_and_not_read(tmp_path: Path) -> None:
    with answering(scripted(["istio_requests_total"], lambda _: [{"metric": {}, "value": [0, "10000000"]}])) as (
        url,
        asked,
    ):
        finding = failure(url, tmp_path)
        queries = [httpx2.QueryParams(one.form)["query"] for one in asked if one.form]
    assert finding.code == "discover/too-many-series"
    assert "10,000,000 series" in finding.title
    assert queries == ["time()", "count(istio_requests_total)"]


def test_a_store_without_a_mesh_says_what_was_looked_for_and_what_is_there(tmp_path: Path) -> None:
    names = ["go_goroutines", "istio_tcp_sent_bytes_total", "up"]
    with answering(scripted(names)) as (url, _):
        finding = failure(url, tmp_path)
    assert (finding.code, finding.title) == ("discover/no-mesh", "Prometheus has no requests of a mesh")
    assert finding.why == (
        "looked for `istio_requests_total` (Istio) and `traces_span_metrics_calls_total` (OpenTelemetry span metrics) "
        "among its 3 metrics; the nearest are `istio_tcp_sent_bytes_total`"
    )
    assert "waypoint" in finding.help


def test_a_mesh_that_nobody_scrapes_any_more_is_told_from_none(tmp_path: Path) -> None:
    with answering(scripted(["istio_requests_total"])) as (url, _):
        finding = failure(url, tmp_path)
    assert finding.code == "discover/stale"
    assert finding.title == "`istio_requests_total` has no sample of the last 5 minutes"


def test_a_store_that_takes_no_post_is_asked_by_get(tmp_path: Path) -> None:
    reply = scripted([])

    def only_get(asked: BaseHTTPRequestHandler) -> Reply:
        if asked.command == "POST":
            return 405, {}, b"Method Not Allowed"
        asked.form = asked.path.partition("?")[2]  # type: ignore[attr-defined]
        asked.path = asked.path.partition("?")[0]
        return reply(asked)

    with answering(only_get) as (url, asked):
        assert failure(url, tmp_path).code == "discover/no-mesh"
    assert [one.command for one in asked][:2] == ["POST", "GET"]


def test_a_proxy_for_the_world_is_not_asked_for_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with answering(scripted([])) as (url, _):
        assert failure(url, tmp_path).code == "discover/no-mesh"
        assert failure(url.replace("127.0.0.1", "localhost"), tmp_path).code == "discover/no-mesh"


@pytest.mark.parametrize(
    ("address", "remedy"),
    [
        ("127.0.0.1:9090", "did you mean http://127.0.0.1:9090?"),
        ("ftp://prometheus", "did you mean http://prometheus?"),
        ("prometheus", "did you mean http://prometheus?"),
        ("http://", "write it as http://127.0.0.1:9090"),
        ("", "write it as http://127.0.0.1:9090"),
        ("http://prometheus:ninety", "write it as http://127.0.0.1:9090"),
        ("ftp://ann:s3cret@prometheus", "did you mean http://prometheus?"),
    ],
)
def test_what_is_no_address_is_told_with_the_one_that_was_meant(tmp_path: Path, address: str, remedy: str) -> None:
    finding = failure(address, tmp_path)
    assert (finding.code, finding.help) == ("prometheus/bad-address", remedy)
    assert "s3cret" not in str(finding)


def test_a_provider_that_nobody_brings_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with answering(scripted([])) as (url, asked):
        finding = failure(url, tmp_path, provider="istoi")
    assert asked == []
    assert (finding.code, finding.help) == ("mesh/unknown-provider", 'did you mean provider="istio"?')


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    occupied = tmp_path / "acme"
    occupied.mkdir()
    (occupied / "notes.txt").write_text("mine")
    for folder in (occupied, occupied / "notes.txt"):
        with pytest.raises(MeshscopeError) as caught:
            discover("http://127.0.0.1:1", "acme", folder)
        assert caught.value.finding.code == "new/occupied"
    assert (occupied / "notes.txt").read_text() == "mine"


def test_a_name_that_no_mesh_can_have_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as caught:
        discover("http://127.0.0.1:1", "Acme Mesh", tmp_path / "acme")
    assert caught.value.finding.help == 'write it as "acme-mesh"'


def test_who_asks_is_read_as_promtool_reads_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken\n")
    (tmp_path / "http.yml").write_text(
        "authorization: {credentials_file: token}\n"
        "tls_config: {insecure_skip_verify: true}\n"
        "http_headers: {X-Scope-OrgID: {values: [acme]}}\n"
    )
    with answering(scripted([])) as (url, asked), pytest.raises(MeshscopeError):
        discover(url, "acme", tmp_path / "acme", http_config=tmp_path / "http.yml")
    assert {one.headers["authorization"] for one in asked} == {"Bearer t0ken"}
    assert {one.headers["x-scope-orgid"] for one in asked} == {"acme"}
    found = access(tmp_path / "http.yml")
    assert not found.verified
    assert "t0ken" not in repr(found)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("basic_auth: {user: ann}\n", "has `user` in basic_auth, which is not understood here"),
        ("oauth2: {}\n", "has `oauth2`, which is not understood here"),
        ("- a\n", "has no keys and values"),
        ("basic_auth: ann\n", "has no keys and values in basic_auth"),
        ("{", "is no YAML: did not find expected node content (line 2)"),
        ("basic_auth: {}\nbasic_auth: {}\n", "is no YAML: `basic_auth` is there twice (line 2)"),
        ("{a: b}: c\n", "is no YAML: a key is no text (line 1)"),
        ("{}\n---\n{}\n", "has more than one document"),
        ("http_headers: {X-Org: acme}\n", "has no `values` for the header `X-Org`"),
        ("http_headers: {X-Org: {values: 5}}\n", "has no `values` for the header `X-Org`"),
    ],
)
def test_a_file_that_is_no_http_configuration_is_refused(tmp_path: Path, text: str, title: str) -> None:
    path = tmp_path / "http.yml"
    path.write_text(text)
    with pytest.raises(MeshscopeError) as caught:
        access(path)
    assert caught.value.finding.title == f"`{path}` {title}"


def test_a_credential_is_the_text_that_is_written(tmp_path: Path) -> None:
    """Go reads a bare word into a text: no octal number, no date, whatever a reader of YAML 1.1 makes of it."""
    path = tmp_path / "http.yml"
    for said in ("0123", "2024-13-45", "1.10", "on", "!!bool maybe", "!!int 'x'"):
        path.write_text(f"basic_auth: {{username: ann, password: {said}}}\n")
        assert access(path).basic == ("ann", said.rpartition(" ")[2].strip("'"))
    for said, verified in (("yes", False), ("True", False), ("no", True), ("false", True)):
        path.write_text(f"tls_config: {{insecure_skip_verify: {said}}}\n")
        assert access(path).verified is verified


def test_a_missing_file_of_credentials_and_a_bad_certificate_are_named(tmp_path: Path) -> None:
    for text, code in (
        ("basic_auth: {username: ann, password_file: none}\n", "access/unreadable"),
        ("tls_config: {ca_file: http.yml}\n", "access/bad-certificate"),
    ):
        (tmp_path / "http.yml").write_text(text)
        with pytest.raises(MeshscopeError) as caught:
            discover("http://127.0.0.1:1", "acme", tmp_path / "acme", http_config=tmp_path / "http.yml")
        assert caught.value.finding.code == code


def test_who_asks_is_read_from_variables_where_no_file_says_it() -> None:
    assert access_of({"PROMETHEUS_TOKEN": "t0ken"}).authorization == "Bearer t0ken"
    assert access_of({"PROMETHEUS_USERNAME": "ann", "PROMETHEUS_PASSWORD": "s3cret"}).basic == ("ann", "s3cret")
    assert not access_of({}).known


@pytest.mark.parametrize(
    ("text", "expected"),
    [("15d", 15), ("1y", 365), ("2w1d", 15), ("15d or 10GiB", 15), ("48h", 2), ("10GiB", None), ("", None)],
)
def test_retention_is_read_as_prometheus_writes_it(text: str, expected: int | None) -> None:
    assert retention(text) == (None if expected is None else expected * days)
