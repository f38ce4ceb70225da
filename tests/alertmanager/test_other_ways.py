"""Mail, messages that bring no template file, and credentials beside the configuration, on a real Alertmanager."""

import email
import shutil
import socketserver
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.message import Message
from pathlib import Path

import pytest
import yaml
from alerting_lab import FAST, OURS, Alertmanager, Inbox, local

from meshscope.artefacts.documents import AlertmanagerConfig
from meshscope.artefacts.yaml import dump
from meshscope.build.alertmanager import alertmanager
from meshscope.build.fragment import fragment, secret_name
from meshscope.build.options import Emit
from meshscope.model.model import Model

pytestmark = pytest.mark.engines("alertmanager")

TICKET = {
    **OURS,
    "alertname": "ErrorBudgetBurn",
    "cluster": "eu-1",
    "namespace": "shop",
    "service": "catalog",
    "owner": "discovery",
    "severity": "ticket",
    "slo": "availability",
}
ANNOTATIONS = {
    "summary": "catalog loses its budget <slowly>",
    "description": "One request in a thousand fails.",
    "runbook_url": "https://runbooks.example/catalog.md",
    "dashboard_url": "https://grafana.example/d/slo",
    "incident_url": "https://console.example/incidents/shop/catalog",
    "definition": "services/discovery.py:12",
}
LINKS = (
    "<https://runbooks.example/catalog.md|Runbook>  <https://grafana.example/d/slo|Dashboard>  "
    "<https://console.example/incidents/shop/catalog|Incident>  `services/discovery.py:12`"
)


@dataclass
class MailServer:
    """Takes mail as any server does, and keeps it."""

    mails: list[Message] = field(default_factory=list)
    arrived: threading.Event = field(default_factory=threading.Event)
    server: socketserver.ThreadingTCPServer | None = None

    @property
    def smarthost(self) -> str:
        assert self.server is not None
        return f"127.0.0.1:{self.server.server_address[1]}"

    def open(self) -> None:
        box = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    verb = line[:4].upper()
                    if verb == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        text = b"".join(iter(self.rfile.readline, b".\r\n"))
                        box.mails.append(email.message_from_bytes(text))
                        box.arrived.set()
                    self.wfile.write(b"221 bye\r\n" if verb == b"QUIT" else b"250 fine\r\n")
                    if verb == b"QUIT":
                        return

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def post() -> Iterator[MailServer]:
    server = MailServer()
    server.open()
    yield server
    assert server.server is not None
    server.server.shutdown()
    server.server.server_close()


def test_an_owner_without_chat_reads_its_ticket_by_mail(
    start: Callable[..., Alertmanager], boutique: Model, inbox: Inbox, post: MailServer, tmp_path: Path
) -> None:
    config = alertmanager(local(boutique, inbox, tmp_path / "secrets", smarthost=post.smarthost), FAST)
    document = {**config.document, "global": {**config.document["global"], "smtp_require_tls": False}}
    running = start(replace(config, document=document))
    running.send(TICKET, annotations=ANNOTATIONS)
    assert post.arrived.wait(20)
    mail = post.mails[0]
    assert mail["To"] == "discovery@boutique.example"
    assert mail["Subject"] == "[ticket] ErrorBudgetBurn shop/catalog in eu-1, production"
    (html,) = [part.get_payload(decode=True).decode() for part in mail.walk() if part.get_content_type() == "text/html"]
    assert "<b>catalog loses its budget &lt;slowly&gt;</b>" in html
    assert '<a href="https://runbooks.example/catalog.md">Runbook</a>' in html
    assert "services/discovery.py:12" in html


def test_the_fragment_alone_tells_owners_what_and_where_without_any_file_of_templates(
    start: Callable[..., Alertmanager], boutique: Model, inbox: Inbox, tmp_path: Path
) -> None:
    secrets = tmp_path / "secrets"
    model = local(boutique, inbox, secrets)
    mounted = secrets / secret_name(model.mesh)
    mounted.mkdir()
    for file in [path for path in secrets.iterdir() if path.is_file()]:
        shutil.move(file, mounted / file.name)
    part = yaml.safe_load(dump(fragment(model, replace(FAST, emit=Emit.OPERATOR))))
    part["route"]["receiver"] = "theirs"
    part["receivers"].append({"name": "theirs"})
    running = start(AlertmanagerConfig(document=part))
    ticket = {**TICKET, "owner": "payments", "service": "ledger"}
    running.send(ticket, annotations=ANNOTATIONS)
    message = inbox.wait("#payments").body["attachments"][0]
    assert message["title"] == "[ticket] ErrorBudgetBurn shop/ledger in eu-1, production"
    assert message["text"].splitlines() == [
        f"*{ANNOTATIONS['summary']}*",
        ANNOTATIONS["description"],
        LINKS,
    ]
    running.send({**ticket, "severity": "page", "slo": "latency"}, annotations=ANNOTATIONS)
    page = inbox.wait("payments-primary").body
    assert page["payload"]["summary"] == "[page] ErrorBudgetBurn shop/ledger in eu-1, production"
    running.resolve(ticket)
    over = inbox.wait("#payments", lambda message: "resolved" in message.body["attachments"][0]["title"])
    assert over.body["attachments"][0]["text"].startswith("Over: *")


def test_credentials_in_a_folder_beside_the_configuration_are_found_by_an_alertmanager_that_starts_there(
    start: Callable[..., Alertmanager], boutique: Model, inbox: Inbox, tmp_path: Path
) -> None:
    # Alertmanager looks for most credential files below its working directory, for a bearer token beside its file.
    folder = tmp_path / "alertmanager"
    folder.mkdir()
    model = local(boutique, inbox, folder / "secrets")
    beside = replace(model, mesh=replace(model.mesh, secrets="secrets"))
    running = start(alertmanager(beside, FAST), cwd=folder)
    running.send({**TICKET, "owner": "payments", "severity": "page"}, {**TICKET, "owner": "payments", "slo": "latency"})
    inbox.wait("payments-primary")
    inbox.wait("#payments")
    assert inbox.wait("v1").headers["Authorization"] == "Bearer token-of-the-agent"


@pytest.mark.engines("amtool")
def test_two_hundred_owners_fit_into_the_fragment_too(
    boutique: Model, amtool: Callable[..., subprocess.CompletedProcess], tmp_path: Path
) -> None:
    one = boutique.owners[0]
    owners = tuple(
        replace(one, name=f"team-{number}", pager=f"pagerduty:team-{number}", chat=f"slack:#team-{number}")
        for number in range(200)
    )
    crowded = replace(boutique, owners=(*owners, *boutique.owners))
    part = yaml.safe_load(dump(fragment(crowded, FAST)))
    part["route"]["receiver"] = "theirs"
    part["receivers"].append({"name": "theirs"})
    path = tmp_path / "merged.yaml"
    path.write_text(dump(part))
    answer = amtool("check-config", str(path))
    assert answer.returncode == 0, answer.stdout
    assert path.stat().st_size < 768 << 10, "with room for what is there already, in a Secret of 1 MiB"
