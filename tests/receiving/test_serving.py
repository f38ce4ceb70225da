"""The server answers when it is on disk, says 503 to what passes, and ends what never ends."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from meshscope.feedback.credentials import Credentials, new_credential
from meshscope.web.bounds import Bounds
from meshscope.web.server import Running, application
from tests.receiving.attacking import ALERTMANAGER, GOOD, alert, webhook
from tests.receiving.conftest import QUICK, Agent, body, starts, write_credentials
from tests.receiving.twin import FULL, TwinDesk
from tests.receiving.wire import exchange, request
from tests.waiting import until


@contextlib.contextmanager
def agent_of(folder: Path, bounds: Bounds) -> Iterator[Agent]:
    yield from starts(folder, bounds)


def test_an_answer_comes_when_the_alert_is_on_disk_and_not_before(agent: Agent) -> None:
    agent.desk.going.clear()
    with ThreadPoolExecutor(1) as other:
        answer = other.submit(agent.post, "alertmanager", GOOD)
        time.sleep(0.2)
        assert not answer.done()
        assert not agent.desk.taken
        agent.desk.going.set()
        assert answer.result().reply.body == b'{"stored":1}'
    assert agent.desk.taken[0].tenant == "shop"


def test_a_redelivered_alert_is_stored_once(agent: Agent) -> None:
    assert agent.post("alertmanager", GOOD).reply.body == b'{"stored":1}'
    assert agent.post("alertmanager", GOOD).reply.body == b'{"stored":0}'
    assert len(agent.desk.alerts) == 1


def test_the_desk_gets_the_body_as_it_was_sent_and_what_was_left_out(agent: Agent) -> None:
    text = body("alertmanager-truncated.json")
    agent.post("alertmanager", text)
    assert agent.desk.taken[0].raw == text
    assert agent.desk.taken[0].truncated == 2


def test_the_tenant_is_the_credentials(agent: Agent) -> None:
    agent.post("alertmanager", GOOD, token=agent.tokens["other"])
    assert [taken.tenant for taken in agent.desk.taken] == ["other-tenant"]


def test_a_ledger_that_can_not_write_is_told_as_something_that_passes(agent: Agent) -> None:
    agent.desk.ledger.error = FULL
    heard = agent.post("alertmanager", GOOD)
    assert (heard.reply.status, heard.reply.headers["retry-after"]) == (503, "1")
    assert not heard.closed
    agent.desk.ledger.error = None
    assert agent.post("alertmanager", GOOD).reply.status == 200


def test_a_fault_in_the_desk_is_told_as_something_that_passes(agent: Agent) -> None:
    agent.desk.ledger.error = RuntimeError("a fault")
    assert agent.post("alertmanager", GOOD).reply.status == 503
    assert agent.get("/healthz").reply.status == 200


def test_a_ledger_that_takes_too_long_is_told_in_time_and_its_write_goes_on(tmp_path: Path) -> None:
    with agent_of(tmp_path, replace(QUICK, store_seconds=0.2)) as agent:
        agent.desk.going.clear()
        assert agent.post("alertmanager", GOOD).reply.status == 503
        agent.desk.going.set()
        until(lambda: len(agent.desk.alerts) == 1)
        assert agent.post("alertmanager", GOOD).reply.body == b'{"stored":0}'


def test_whoever_goes_before_the_answer_harms_nobody(agent: Agent) -> None:
    agent.desk.going.clear()
    with socket.create_connection(("127.0.0.1", agent.port)) as line:
        line.sendall(request(ALERTMANAGER, GOOD, agent.tokens["alertmanager"]))
        until(lambda: agent.desk.writing)
    agent.desk.going.set()
    until(lambda: len(agent.desk.alerts) == 1)
    assert agent.post("alertmanager", GOOD).reply.status == 200


def test_bodies_beyond_what_is_held_at_once_are_to_come_back(tmp_path: Path) -> None:
    with agent_of(tmp_path, replace(QUICK, held_bytes=200_000, body_seconds=5.0)) as agent:
        large = webhook(alert(annotations={"a": "x" * 150_000}))
        half = request(ALERTMANAGER, large, agent.tokens["alertmanager"])
        with socket.create_connection(("127.0.0.1", agent.port)) as line:
            line.sendall(half[:140_000])
            until(lambda: agent.post("alertmanager", large).reply.status == 503)
            line.sendall(half[140_000:])
            assert b" 200 " in line.recv(1000)
        assert agent.post("alertmanager", large).reply.status == 200


def test_a_body_beyond_the_cap_is_told_before_it_is_read(tmp_path: Path) -> None:
    with agent_of(tmp_path, replace(QUICK, body_bytes=1000)) as agent:
        token = agent.tokens["alertmanager"]
        head = request(ALERTMANAGER, b"", token, headers=[("Content-Length", "1001")])
        assert agent.send(head).reply.status == 413
        assert agent.post("alertmanager", webhook(alert(annotations={"a": "x" * 1000}))).reply.status == 413
        chunked = head.replace(b"Content-Length: 1001", b"Transfer-Encoding: chunked")
        assert agent.send(chunked + b"3e9\r\n" + b" " * 1001 + b"\r\n").reply.status == 413


def test_a_connection_is_kept_after_a_refusal_whose_body_was_passed_over(agent: Agent) -> None:
    sent = request(ALERTMANAGER, webhook(alert(annotations={"a": "x" * 500_000})), "msk_0_0")
    good = request(ALERTMANAGER, GOOD, agent.tokens["alertmanager"])
    heard = agent.send(sent, good, answers=2)
    assert heard.statuses == [401, 200]


def test_more_than_so_many_connections_end_the_one_that_is_silent_the_longest(tmp_path: Path) -> None:
    bounds = replace(QUICK, connections=8, header_seconds=20.0)
    with agent_of(tmp_path, bounds) as agent, contextlib.ExitStack() as ends:
        lines = []
        for _ in range(30):
            lines.append(ends.enter_context(socket.create_connection(("127.0.0.1", agent.port))))
            lines[-1].sendall(b"POST /v1/al")
        assert agent.post("alertmanager", GOOD).reply.status == 200
        lines[0].settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert lines[0].recv(100) == b""


def test_where_all_connections_are_busy_a_new_one_is_to_come_back(tmp_path: Path) -> None:
    bounds = replace(QUICK, connections=4, store_seconds=10.0)
    with agent_of(tmp_path, bounds) as agent, ThreadPoolExecutor(4) as others:
        agent.desk.going.clear()
        bodies = [webhook(alert(fingerprint=f"{number:016x}")) for number in range(4)]
        answers = [others.submit(agent.post, "alertmanager", one) for one in bodies]
        until(lambda: agent.desk.writing == 4)
        heard = agent.get("/healthz")
        # Who sends into a connection that is closed already may be reset before it reads why.
        assert heard.statuses == [503] or (heard.closed and not heard.statuses)
        agent.desk.going.set()
        assert [answer.result().reply.status for answer in answers] == [200] * 4


def test_hundreds_of_connections_that_say_nothing_keep_nobody_from_being_served(agent: Agent) -> None:
    with contextlib.ExitStack() as ends:
        for number in range(600):
            line = ends.enter_context(socket.socket())
            line.setblocking(False)
            line.connect_ex(("127.0.0.1", agent.port))
            if number % 100 == 99:
                assert agent.post("alertmanager", GOOD).reply.status == 200


def test_a_reader_that_does_not_read_is_ended(agent: Agent) -> None:
    with socket.socket() as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        line.connect(("127.0.0.1", agent.port))
        line.setblocking(False)
        wanted = request("/metrics", method="GET")
        end = time.monotonic() + 15
        with contextlib.suppress(ConnectionError):
            while time.monotonic() < end:
                with contextlib.suppress(BlockingIOError):
                    line.send(wanted)
                    continue
                time.sleep(0.05)
        assert time.monotonic() < end, "it was never ended"
        assert agent.get("/healthz").reply.status == 200


def test_an_idle_connection_is_kept_for_a_while_and_then_ended(agent: Agent) -> None:
    sent = request("/healthz", method="GET")
    heard = agent.send(sent, 0.3, sent, answers=3)
    assert heard.statuses == [200, 200]
    assert heard.closed


def test_everything_else_is_the_consoles(tmp_path: Path) -> None:
    asked: list[str] = []

    async def console(scope, receive, send) -> None:
        asked.append(scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    write_credentials(tmp_path / "c.toml", new_credential("shop", "falco")[1])
    desk = TwinDesk()
    app = application(desk, Credentials(tmp_path / "c.toml"), console)
    with Running(app) as running:
        for path in ("/", "/incidents/x", "/v1/alerts", "/healthz", "/metrics", "/v1/alerts/x"):
            exchange(running.port, [request(path, method="GET")])
    desk.close()
    assert asked == ["/", "/incidents/x", "/v1/alerts"]


def test_a_console_that_breaks_leaves_the_receivers_alone(tmp_path: Path) -> None:
    async def console(scope, receive, send) -> None:
        raise RuntimeError("a fault")

    token, entry = new_credential("shop", "alertmanager")
    write_credentials(tmp_path / "c.toml", entry)
    desk = TwinDesk()
    with Running(application(desk, Credentials(tmp_path / "c.toml"), console)) as running:
        assert exchange(running.port, [request("/", method="GET")]).reply.status == 500
        assert exchange(running.port, [request(ALERTMANAGER, GOOD, token)]).reply.status == 200
    desk.close()
