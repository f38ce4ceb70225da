"""The agent as a process of its own: its credentials, its configuration, and what it has written so far."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from meshscope.demo.asking import answers, ready
from meshscope.demo.processes import Processes, last_words
from meshscope.demo.workshop import LOOPBACK
from meshscope.feedback.credentials import new_credential
from meshscope.feedback.people import EVERY_OWNER, hashed
from meshscope.feedback.ports import Record
from meshscope.feedback.state import ALERT, INCIDENT, Happened, Incident, read_alert, read_incident
from meshscope.findings import Finding, MeshscopeError
from meshscope.wiring.reading import Reading

NAME, PERSON = "the agent", "demo"
_START = "from meshscope.cli import main; main()"
_READY = "/readyz"

_CONFIGURATION = """\
# The agent of the demo: everything on this machine.
listen = "{host}:{port}"
groups = "{groups}"
{prometheus}

[alertmanagers]
{alertmanager}

# What an owner would let run for a day before a cause counts as mended is five minutes here.
[times]
quiet_seconds = 300
reconcile_seconds = 15

# Where time runs faster an hour is soon over, and a person who plays acts more than a mesh does.
[limits]
service = 6
owner = 8
"""


@dataclass(kw_only=True)
class Agency:
    """One agent in ``folder``, at ``port``; the group of processes that it may act on lies in ``groups``."""

    folder: Path
    groups: Path
    port: int
    tokens: dict[str, str] = field(default_factory=dict)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(9))
    _seen: dict[str, int] = field(default_factory=dict)
    _reading: Reading | None = None

    @property
    def url(self) -> str:
        """Where its console is."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def issues(self) -> Path:
        """The git repository of its issues."""
        return self.folder / "issues"

    def prepare(self, prometheus: str, alertmanager: str) -> None:
        """Write its configuration and its credentials; an empty address is none."""
        self.folder.mkdir()
        self.groups.mkdir(exist_ok=True)
        text = _CONFIGURATION.format(
            host=LOOPBACK, port=self.port, groups=self.groups, prometheus=f"prometheus = {json.dumps(prometheus)}",
            alertmanager=f"alertmanager = {json.dumps(alertmanager)}" if alertmanager else "",
        )  # fmt: skip
        (self.folder / "agent.toml").write_text(text, encoding="utf-8")
        entries = ""
        for name in ("alertmanager", "falco"):
            self.tokens[name], entry = new_credential(name, name)
            entries += entry + "\n"
        self._private("credentials.toml", entries)
        row = {"name": PERSON, "role": "admin", "owners": [EVERY_OWNER], "password": hashed(self.password)}
        self._private(
            "people.toml", "[[people]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in row.items())
        )

    def _private(self, name: str, text: str) -> None:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text, encoding="utf-8")

    def begin(self, processes: Processes, tree: Path) -> None:
        """Start it on the bundle ``tree``; from then on ``processes`` is its supervisor."""
        arguments = ["-c", _START, "agent", "--bundle", str(tree), "--config", str(self.folder / "agent.toml")]
        processes.start(NAME, Path(sys.executable), arguments, folder=self.folder, kept=True)

    def wait(self, processes: Processes) -> None:
        """Wait until it takes alerts. Raises `MeshscopeError` where it does not get ready."""
        if not ready(self.port, _READY, processes.look):
            raise MeshscopeError(
                Finding(
                    code="demo/not-ready",
                    title=f"{NAME} does not get ready",
                    why=f"the last that it said:\n{last_words(processes.log(NAME))}",
                    help="run `meshscope demo` again when the machine is less busy",
                )
            )

    def answers(self) -> bool:
        """Whether it takes alerts now."""
        return answers(self.port, _READY)

    def happened(self) -> Iterator[tuple[Incident, Happened]]:
        """What its incidents' stories say since this was asked last."""
        for incident in self.incidents():
            told = self._seen.get(incident.id, 0)
            self._seen[incident.id] = len(incident.story)
            for one in incident.story[told:]:
                yield incident, one

    def incidents(self) -> list[Incident]:
        """Every incident as it is now, the oldest first."""
        return sorted(map(read_incident, self._heads(INCIDENT)), key=lambda one: one.opened)

    def knows(self, fingerprint: str) -> bool:
        """Whether an alert of that fingerprint was ever stored."""
        return any(read_alert(record).received.fingerprint == fingerprint for record in self._heads(ALERT))

    def _heads(self, kind: str) -> Sequence[Record]:
        if self._reading is None:
            self._reading = Reading(self.folder / "state")
        return self._reading.heads(kind)

    def issue_of(self, incident: Incident) -> str:
        """The text of the incident's issue; empty where it has none."""
        found = self.issues / incident.issue.ref if incident.issue is not None and incident.issue.ref else None
        return found.read_text(encoding="utf-8") if found is not None and found.is_file() else ""

    def send(self, sender: str, body: object, token: str | None = None) -> int:
        """Send it something as ``sender``; the status that it answers, 0 where it does not."""
        connection = HTTPConnection(LOOPBACK, self.port, timeout=5)
        try:
            headers = {
                "Authorization": f"Bearer {self.tokens[sender] if token is None else token}",
                "Content-Type": "application/json",
            }
            connection.request("POST", f"/v1/alerts/{sender}", json.dumps(body), headers)
            return connection.getresponse().status
        except (OSError, HTTPException):
            return 0
        finally:
            connection.close()
