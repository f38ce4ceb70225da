"""Somebody who receives what Alertmanager sends, and what it takes to run one."""

import json
import logging
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from meshscope.artefacts.documents import AlertmanagerConfig
from meshscope.artefacts.files import File
from meshscope.artefacts.yaml import dump
from meshscope.build.alertmanager import AGENT_TOKEN, DEADMAN_URL, alertmanager, credentials
from meshscope.build.assemble import assemble
from meshscope.build.options import Options
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider
from meshscope.wiring.load import load

LOG = logging.getLogger("inbox")
ROOT = Path(__file__).resolve().parents[2]
AS_WRITTEN = Options()
FAST = Options(time_scale=Fraction(1, 60))
# Prometheus looks for targets five seconds after its start, however fast its windows are: time is no faster than that.
SLOWER = Options(time_scale=Fraction(1, 20))

# The labels of every alert of the reference mesh, and of no other alert.
OURS = {"meshscope": "boutique", "environment": "production"}


def house(environment: str | None = None) -> Model:
    model = load(ROOT, environment).model
    assert model is not None
    return model


@dataclass(frozen=True)
class Message:
    """Something that a receiver got: when (monotonic seconds), on which path, and its body."""

    at: float
    path: str
    body: dict
    headers: Mapping[str, str]

    def __str__(self) -> str:
        body = self.body
        if self.path.startswith("/pagerduty"):
            return f"PagerDuty {body['routing_key']}: {body['event_action']} {body['payload']['summary']}"
        if self.path.startswith("/slack"):
            return f"Slack {body['channel']}: {body['attachments'][0]['title']}"
        names = [f"{a['status']} {a['labels']['alertname']} {a['labels'].get('stage', '')}" for a in body["alerts"]]
        return f"{self.path.strip('/')}: {', '.join(names)}"


@dataclass
class Inbox:
    """PagerDuty, Slack, the agent and the dead-man's switch in one: answers as they do, and keeps what came.

    ``invalid`` is a path on which it takes nothing, as for a key that is not valid any more.
    """

    invalid: str = ""
    messages: list[Message] = field(default_factory=list)
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.server_port}"

    def open(self, port: int = 0) -> None:
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if inbox.invalid and self.path.startswith(inbox.invalid):
                    self.send_error(400, "invalid key")
                    return
                inbox.messages.append(Message(time.monotonic(), self.path, body, dict(self.headers)))
                LOG.info("%s", inbox.messages[-1])
                answer = b'{"status":"success"}' if self.path.startswith("/pagerduty") else b"ok"
                self.send_response(202 if self.path.startswith("/pagerduty") else 200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()

    def to(self, whom: str) -> list[Message]:
        """What came for a pager's routing key, a channel (#...), or on a path."""
        return [
            message
            for message in list(self.messages)
            if whom in (message.body.get("routing_key"), message.body.get("channel"), message.path.split("/")[1])
        ]

    def wait(self, whom: str, wanted: Callable[[Message], bool] = lambda _: True, seconds: float = 20) -> Message:
        """The first message to ``whom`` that is wanted; fails when none comes in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for message in self.to(whom):
                if wanted(message):
                    return message
            time.sleep(0.05)
        pytest.fail(f"nothing came for {whom}; what came:\n" + "\n".join(map(str, self.messages)))


@dataclass
class Alertmanager:
    """A running Alertmanager to which alerts are sent as Prometheus does."""

    url: str
    process: subprocess.Popen

    @property
    def address(self) -> str:
        """Where it listens, as host:port."""
        return self.url.removeprefix("http://")

    def send(
        self,
        *alerts: Mapping[str, str],
        resolved: bool = False,
        annotations: Mapping[str, str] | None = None,
        age: timedelta = timedelta(minutes=1),
    ) -> None:
        """As Prometheus does; an alert older than its group's wait is told at once, without any (dispatch.go)."""
        now = datetime.now(UTC)
        started = now - age
        body = [
            {
                "labels": dict(labels),
                "annotations": dict(annotations or {"summary": f"{labels['alertname']} is firing"}),
                "startsAt": started.isoformat(),
                "endsAt": (now if resolved else now + timedelta(minutes=4)).isoformat(),
                "generatorURL": "http://prometheus.example/graph",
            }
            for labels in alerts
        ]
        self.ask("/api/v2/alerts", body)

    def resolve(self, *alerts: Mapping[str, str]) -> None:
        self.send(*alerts, resolved=True)

    def ask(self, path: str, body: object = None) -> object:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            text = answer.read()
        return json.loads(text) if text.startswith((b"{", b"[")) else text.decode()

    def state(self, **labels: str) -> dict:
        """The status of the one alert that has these labels."""
        alerts = [a for a in self.ask("/api/v2/alerts") if labels.items() <= a["labels"].items()]
        assert len(alerts) == 1, alerts
        return alerts[0]["status"]


@dataclass
class Prometheus:
    """A running Prometheus."""

    url: str
    process: subprocess.Popen

    def ask(self, path: str) -> dict:
        with urllib.request.urlopen(self.url + path, timeout=5) as answer:
            return json.load(answer)["data"]

    def wait(self, query: str, seconds: float = 20) -> list[dict]:
        """The first answer to a query that is not empty."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = self.ask("/api/v1/query?query=" + urllib.parse.quote(query))["result"]
            if found:
                return found
            time.sleep(0.1)
        pytest.fail(f"nothing for {query}")


@dataclass
class Exposed:
    """A target that Prometheus scrapes: what it says can be changed."""

    text: str = ""
    server: ThreadingHTTPServer | None = None

    @property
    def address(self) -> str:
        assert self.server is not None
        return f"127.0.0.1:{self.server.server_port}"

    def open(self) -> None:
        target = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = target.text.encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        if self.server:
            self.server.shutdown()
            self.server.server_close()


def local(model: Model, inbox: Inbox, folder: Path, **changes: object) -> Model:
    """``model`` with every receiver at the inbox, its credentials in ``folder``."""
    settings = {"secrets": str(folder), "pagerduty_url": f"{inbox.url}/pagerduty", "agent": inbox.url, "smarthost": ""}
    local = replace(model, mesh=replace(model.mesh, **{**settings, **changes}))
    folder.mkdir(exist_ok=True)
    for path in credentials(alertmanager(local, FAST)):
        name = path.rpartition("/")[2]
        system, _, whom = name.partition("-")
        text = {"pagerduty": whom, "slack": f"{inbox.url}/slack"}.get(system, "secret")
        (folder / name).write_text(text + "\n")
    (folder / DEADMAN_URL).write_text(f"{inbox.url}/deadman\n")
    (folder / AGENT_TOKEN).write_text("token-of-the-agent")
    return local


def at_home(model: Model, port: int, alertmanager: str = "127.0.0.1:9") -> Model:
    """``model`` with local processes instead of Kubernetes, and Prometheus at ``port``."""
    settings = {"discovery": "files", "prometheus": f"http://127.0.0.1:{port}", "alertmanagers": (alertmanager,)}
    return replace(model, mesh=replace(model.mesh, **settings))


def tree(model: Model, provider: MeshProvider, folder: Path, options: Options = AS_WRITTEN) -> Path:
    """Everything that is built, as files; the folder of Prometheus."""
    return lay(assemble(model, provider, options).files, folder)


def lay(files: Iterable[File], folder: Path) -> Path:
    """Write files below ``folder``; the folder of Prometheus."""
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
    return folder / "prometheus"


def write(config: AlertmanagerConfig, folder: Path) -> Path:
    """The configuration as files; the path of the main one."""
    (folder / "templates").mkdir(parents=True, exist_ok=True)
    for name, text in config.templates.items():
        (folder / "templates" / name).write_text(text)
    path = folder / "alertmanager.yaml"
    path.write_text(dump(config.document))
    return path


def until_ready(url: str, process: subprocess.Popen, log: Path) -> None:
    for _ in range(200):
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=1):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    pytest.fail(log.read_text())


def end(process: subprocess.Popen) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
