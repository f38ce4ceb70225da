"""The agent ends well: what is in flight is answered, what is new is to come back, and nothing keeps it."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from meshscope.feedback.credentials import Credentials, new_credential
from meshscope.findings import MeshscopeError
from meshscope.web.listening import listen
from meshscope.web.server import Running, application, serve
from tests.receiving.attacking import ALERTMANAGER, GOOD, alert, webhook
from tests.receiving.conftest import Agent, write_credentials
from tests.receiving.twin import TwinDesk
from tests.receiving.wire import read, request
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[2]


def test_what_is_in_flight_is_answered_and_what_is_new_is_to_come_back(agent: Agent) -> None:
    agent.desk.going.clear()
    kept = socket.create_connection(("127.0.0.1", agent.port), timeout=10)
    with kept, ThreadPoolExecutor(2) as others:
        answer = others.submit(agent.post, "alertmanager", GOOD)
        until(lambda: agent.desk.writing == 1)
        ending = others.submit(agent.running.end)
        until(lambda: agent.get("/readyz").statuses == [503])
        late = agent.post("alertmanager", webhook())
        assert late.reply.status == 503
        assert late.reply.headers["connection"] == "close"
        agent.desk.going.set()
        assert answer.result(10).reply.status == 200
        ending.result(10)
        assert not agent.running.alive
        assert kept.recv(10) == b""
    assert len(agent.desk.alerts) == 1
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", agent.port), timeout=1)


def test_a_page_that_never_ends_does_not_keep_the_agent_from_ending(tmp_path: Path) -> None:
    left = threading.Event()

    async def console(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"data: x\n\n", "more_body": True})
        await receive()
        while (await receive())["type"] != "http.disconnect":
            pass
        left.set()

    write_credentials(tmp_path / "c.toml", new_credential("shop", "falco")[1])
    desk = TwinDesk()
    running = Running(application(desk, Credentials(tmp_path / "c.toml"), console))
    with running, socket.create_connection(("127.0.0.1", running.port), timeout=10) as line:
        line.sendall(request("/stream", method="GET"))
        assert line.recv(1000)
        running.end()
        assert left.wait(5)
    desk.close()


def test_sigterm_under_load_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    token, entry = new_credential("shop", "alertmanager")
    write_credentials(tmp_path / "c.toml", entry)
    stored = tmp_path / "stored"
    stored.mkdir()
    command = [sys.executable, "-m", "tests.receiving.child", str(tmp_path / "c.toml"), str(stored), "0.02"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline())
        acked: list[str] = []
        told: set[int] = set()

        def load(number: int) -> None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as line:
                for step in range(100_000):
                    name = f"{number:08x}{step:08x}"
                    line.sendall(request(ALERTMANAGER, webhook(alert(fingerprint=name)), token))
                    data = b""
                    while not read(data):
                        got = line.recv(1 << 16)
                        if not got:
                            return
                        data += got
                    told.add(read(data)[0].status)
                    if read(data)[0].status == 200:
                        acked.append(name)

        with ThreadPoolExecutor(16) as senders:
            for number in range(16):
                senders.submit(load, number)
            until(lambda: len(acked) > 200, seconds=30)
            child.send_signal(signal.SIGTERM)
            assert child.wait(20) == 0
    assert told <= {200, 503}
    assert set(acked) <= {path.name for path in stored.iterdir()}


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_nobody_elsewhere_is_listened_to_without_tls(host: str) -> None:
    with pytest.raises(MeshscopeError) as refused:
        listen(host, 0)
    assert refused.value.finding.code == "web/no-tls"


def test_a_socket_that_others_reach_is_not_served_without_tls(agent: Agent) -> None:
    with socket.create_server(("0.0.0.0", 0)) as open_to_all, pytest.raises(MeshscopeError) as refused:
        serve(application(agent.desk, agent.credentials), open_to_all, stop=threading.Event())
    assert refused.value.finding.code == "web/no-tls"


def test_a_port_that_is_taken_is_said(agent: Agent) -> None:
    with pytest.raises(MeshscopeError) as refused:
        listen("127.0.0.1", agent.port)
    assert refused.value.finding.code == "web/cannot-listen"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_this_machine_may_be_named_by_its_name(host: str) -> None:
    with listen(host, 0) as listening:
        assert listening.getsockname()[1] > 0
