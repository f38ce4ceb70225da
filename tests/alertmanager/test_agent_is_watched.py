"""A real agent dies under a real Prometheus and a real Alertmanager: a person is woken, and the agent never told."""

import json
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from alerting_lab import FAST, ROOT, SLOWER, Alertmanager, Inbox, Message, Prometheus, at_home, end, local, tree

from meshscope.adapters.meshes import istio
from meshscope.build.alertmanager import AGENT_TOKEN, alertmanager
from meshscope.feedback.credentials import new_credential
from meshscope.feedback.state import read_alert
from meshscope.model.model import Model
from meshscope.wiring.building import build
from meshscope.wiring.reading import Reading
from tests.ports import free_port

SILENT = "MeshscopeAgentSilent observability/agent in eu-1, production"
OTHER = {
    "alertname": "PlaintextTraffic",
    "cluster": "eu-1",
    "namespace": "shop",
    "service": "cart",
    "severity": "ticket",
}


@dataclass
class AgentProcess:
    """`meshscope agent` as a person starts it, in ``folder``."""

    folder: Path
    port: int
    alertmanager: str

    @contextmanager
    def running(self) -> Iterator[subprocess.Popen]:
        """The process, ready; ended with the context unless it ended before."""
        (self.folder / "agent.toml").write_text(
            f'listen = "127.0.0.1:{self.port}"\nprometheus = ""\n\n'
            f'[alertmanagers]\nalertmanager = "{self.alertmanager}"\n\n[times]\nreconcile_seconds = 12\n'
        )
        with (self.folder / "agent.log").open("a") as log:
            command = [sys.executable, "-c", "from meshscope.cli import main; main()", "agent", "--bundle", "tree"]
            process = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=subprocess.STDOUT)
        try:
            self._until_ready(process)
            yield process
        finally:
            end(process)

    def _until_ready(self, process: subprocess.Popen) -> None:
        for _ in range(400):
            if process.poll() is not None:
                break
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=1):
                    return
            except OSError:
                time.sleep(0.05)
        pytest.fail((self.folder / "agent.log").read_text())

    def alerts(self) -> set[str]:
        """The names of every alert in its ledger."""
        found = [read_alert(record) for record in Reading(self.folder / "state").heads("alert")]
        return {alert.received.labels["alertname"] for alert in found}


def says(summary: str, action: str) -> Callable[[Message], bool]:
    return lambda message: (
        message.body["event_action"] == action and message.body["payload"]["summary"].endswith(summary)
    )


@pytest.mark.engines("prometheus", "alertmanager")
def test_a_person_is_woken_when_the_agent_is_dead_and_told_when_it_is_back_and_the_agent_hears_of_neither(
    boutique: Model,
    inbox: Inbox,
    start: Callable[..., Alertmanager],
    prometheus: Callable[..., Prometheus],
    tmp_path: Path,
) -> None:
    asked, own = free_port(), free_port()
    model = local(boutique, inbox, tmp_path / "secrets", agent=f"http://127.0.0.1:{own}")
    folder = tmp_path / "agent"
    folder.mkdir()
    token, entry = new_credential("alertmanager", "alertmanager")
    (tmp_path / "secrets" / AGENT_TOKEN).write_text(token)
    (folder / "credentials.toml").write_text(entry)
    (folder / "credentials.toml").chmod(0o600)
    assert build(ROOT, folder / "tree", None, SLOWER).manifest is not None
    manager = start(alertmanager(model, FAST))
    agent = AgentProcess(folder, own, manager.url)
    with agent.running() as process:
        placed = at_home(model, asked, manager.address)
        store = prometheus(tree(placed, istio.PROVIDER, tmp_path / "built", SLOWER), asked)
        (beats,) = store.wait('meshscope_agent_heartbeat_age_seconds{part="decide"}')
        assert (beats["metric"]["job"], beats["metric"]["cluster"]) == ("agent", "eu-1")
        assert store.wait('up{job="agent"} == 1')
        manager.send(OTHER)
        assert not any(SILENT in str(told) for told in inbox.to("platform-primary")), "it lives"
        process.send_signal(signal.SIGKILL)
        process.wait(10)
    page = inbox.wait("platform-primary", says(SILENT, "trigger"), 40)
    assert "The agent does not work: all is silent" in json.dumps(page.body)
    fired = {alert["labels"]["alertname"] for alert in manager.ask("/api/v2/alerts")}
    assert {"MeshscopeAgentSilent", "PlaintextTraffic"} <= fired
    with agent.running():
        inbox.wait("platform-primary", says(SILENT, "resolve"), 40)
        until = time.monotonic() + 20
        while "PlaintextTraffic" not in agent.alerts():
            assert time.monotonic() < until, "what fires is asked for, or sent again"
            time.sleep(0.1)
    assert not {name for name in agent.alerts() if name.startswith("MeshscopeAgent")}
