"""Who is told: a running Alertmanager gets the alerts as Prometheus sends them, and a local inbox takes its messages.

The configuration is the built one, but that each way to a person ends at the inbox and that its times are shorter, all
by the same factor. Stretches in which nothing changes are passed over once every group had its turn.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from tests.outages.firing import Labels, Moment
from tests.outages.rows import Row, seconds
from tests.ports import free_port

# One second is so many of the row's.
FASTER = 45
# After so many seconds of the row in which nothing changes every group has been told: the longest group_interval is 5m.
QUIET = 330
# Milliseconds that a group waits at least, as long as it waits at all: within them Alertmanager has to see what
# inhibits it, on a busy machine too. They are 45 seconds of the row.
LEAST_WAIT = 1000
_PAGERS = ("pagerduty_configs", "opsgenie_configs", "victorops_configs", "pushover_configs")
_PLACES = ("slack_configs", "email_configs", "msteams_configs", "msteamsv2_configs", "telegram_configs")
_TIMES = ("group_wait", "group_interval", "repeat_interval")


@dataclass(frozen=True, kw_only=True)
class Told:
    """Somebody was told at ``at`` (seconds of the row) of ``alerts``; a page only where it opens an incident."""

    at: float
    how: str
    who: str
    alerts: tuple[Mapping[str, str], ...]


@dataclass
class Inbox:
    """Takes what every Alertmanager sends: on which path, when (monotonic seconds), what."""

    messages: dict[str, list[tuple[float, str, dict[str, Any]]]] = field(default_factory=dict)
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.server_port}"

    def of(self, row: str) -> list[tuple[float, str, dict[str, Any]]]:
        """What came in the row's name."""
        return self.messages.get(row, [])


@contextmanager
def inbox() -> Iterator[Inbox]:
    """An open inbox, closed at the end."""
    box = Inbox()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            _, row, whom = self.path.split("/", 2)
            box.messages.setdefault(row, []).append((time.monotonic(), whom, body))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128
        daemon_threads = True

    box.server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=box.server.serve_forever, daemon=True).start()
    try:
        yield box
    finally:
        box.server.shutdown()
        box.server.server_close()


def tell(
    program: Path, config: Mapping[str, Any], row: Row, moments: Sequence[Moment], box: Inbox, folder: Path
) -> list[Told]:
    """Play what fires to an Alertmanager of its own; who was told of what, in order."""
    if not moments:
        return []
    folder.mkdir(parents=True)
    path = folder / "alertmanager.yaml"
    path.write_text(yaml.safe_dump(rewired(config, f"{box.url}/{row.name}"), sort_keys=False), encoding="utf-8")
    with running(program, path, folder) as url:
        clock = _play(url, row, moments)
    return _told(box.of(row.name), clock)


def rewired(config: Mapping[str, Any], url: str) -> dict[str, Any]:
    """The configuration with every receiver at ``url``/how/who, and times ``FASTER``."""
    made = {key: value for key, value in config.items() if key not in ("global", "templates", "receivers")}
    made["route"] = _faster(config["route"])
    made["receivers"] = [
        {"name": receiver["name"], "webhook_configs": [_webhook(f"{url}/{how}/{who}") for how, who in _ways(receiver)]}
        for receiver in config["receivers"]
    ]
    return made


def _webhook(url: str) -> dict[str, Any]:
    return {"url": url, "send_resolved": True, "max_alerts": 0}


def _ways(receiver: Mapping[str, Any]) -> list[tuple[str, str]]:
    """How and who a receiver tells: (page, team) for a pager, (ticket, team) for chat and mail; machines aside."""
    pages = [("page", _whom(one)) for kind in _PAGERS for one in receiver.get(kind, ())]
    tickets = [("ticket", _whom(one)) for kind in _PLACES for one in receiver.get(kind, ())]
    return sorted({*pages, *tickets})


def _whom(config: Mapping[str, Any]) -> str:
    """The team in a contact: houses name pager:TEAM, #TEAM and TEAM@..., so that one word stands for all of them."""
    if "channel" in config:
        return str(config["channel"]).lstrip("#")
    if "to" in config:
        return str(config["to"]).partition("@")[0]
    for key in ("routing_key_file", "api_key_file", "webhook_url_file"):
        if key in config:
            return str(config[key]).rpartition("/")[2].partition("-")[2]
    for key in ("routing_key", "api_key", "webhook_url"):
        if key in config:
            return str(config[key]["key"]).partition("-")[2]
    raise AssertionError(f"whom does this tell? {config}")


def _faster(route: Mapping[str, Any]) -> dict[str, Any]:
    made = dict(route)
    for key in _TIMES:
        if key in made:
            least = LEAST_WAIT if key == "group_wait" and seconds(made[key]) else 1
            made[key] = f"{max(int(seconds(made[key]) * 1000 / FASTER), least)}ms"
    if "routes" in made:
        made["routes"] = [_faster(inner) for inner in made["routes"]]
    return made


@contextmanager
def running(program: Path, config: Path, folder: Path) -> Iterator[str]:
    """An Alertmanager on a configuration; its address."""
    port = free_port()
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
                "--cluster.listen-address=",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            _until_ready(url, process, folder / "log")
            yield url
        finally:
            process.terminate()
            process.wait(20)


def _until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    raise AssertionError(f"Alertmanager does not start: {log.read_text()[-2000:]}")


@dataclass(frozen=True)
class _Tick:
    """At ``real`` (monotonic seconds) the row's time was ``at``; it goes no further than ``end``."""

    real: float
    at: float
    end: float


def _play(url: str, row: Row, moments: Sequence[Moment]) -> list[_Tick]:
    """Send each change, and wait for what it makes Alertmanager say."""
    silences = sorted(row.silences)
    changes = sorted({moment.at for moment in moments} | {at for at, _ in silences})
    fire = {moment.at: moment.alerts for moment in moments}
    now: frozenset[Labels] = frozenset()
    ticks: list[_Tick] = []
    for number, at in enumerate(changes):
        end = changes[number + 1] if number + 1 < len(changes) else row.lasts
        for matchers in (matchers for when, matchers in silences if when == at):
            _silence(url, matchers)
        ticks.append(_Tick(time.monotonic(), at, max(end, at)))
        if at in fire:
            _send(url, now - fire[at], over=True)
            _send(url, fire[at], over=False)
            now = fire[at]
        time.sleep(min(max(end - at, 0), QUIET) / FASTER)
    return ticks


def _send(url: str, alerts: frozenset[Labels], *, over: bool) -> None:
    now = datetime.now(UTC)
    body = [
        {
            "labels": dict(alert),
            # What began longer ago than its group waits is told at once, before anything can inhibit it.
            "startsAt": (now - timedelta(seconds=over)).isoformat(),
            "endsAt": (now if over else now + timedelta(hours=1)).isoformat(),
        }
        for alert in alerts
    ]
    if body:
        _post(f"{url}/api/v2/alerts", body)


def _silence(url: str, matchers: Sequence[str]) -> None:
    now = datetime.now(UTC)
    parts = [re.fullmatch(r'(\w+)="(.*)"', matcher) for matcher in matchers]
    body = {
        "matchers": [{"name": part[1], "value": part[2], "isRegex": False, "isEqual": True} for part in parts if part],
        "startsAt": now.isoformat(),
        "endsAt": (now + timedelta(hours=1)).isoformat(),
        "createdBy": "operator",
        "comment": "known",
    }
    _post(f"{url}/api/v2/silences", body)


def _post(url: str, body: object) -> None:
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        answer.read()


def _told(messages: Sequence[tuple[float, str, dict[str, Any]]], clock: Sequence[_Tick]) -> list[Told]:
    """Messages as people feel them.

    A pager makes one incident of a group (Alertmanager's dedup_key is the group's key, notify/pagerduty/pagerduty.go),
    and only a new incident wakes somebody; a chat shows every message.
    """
    open_incidents: set[tuple[str, str]] = set()
    found: list[Told] = []
    for real, whom, body in sorted(messages, key=lambda message: message[0]):
        how, _, who = whom.partition("/")
        incident = (whom, body["groupKey"])
        firing = tuple(alert["labels"] for alert in body["alerts"] if alert["status"] == "firing")
        if not firing:
            open_incidents.discard(incident)
        elif how != "page" or incident not in open_incidents:
            open_incidents.add(incident)
            found.append(Told(at=_row_time(real, clock), how=how, who=who, alerts=firing))
    return found


def _row_time(real: float, clock: Sequence[_Tick]) -> float:
    tick = next(tick for tick in reversed(clock) if tick.real <= real)
    return min(tick.at + (real - tick.real) * FASTER, tick.end)
