"""Who is told: PagerDuty, Slack, the dead-man's switch and a mail server in one, on this machine.

Each answers as the real one does; what came is put into one queue, in the words of a person.
"""

from __future__ import annotations

import json
import queue
import socketserver
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler
from typing import Any

from meshscope.demo.listening import PatientServer, PatientWebServer
from meshscope.demo.workshop import LOOPBACK

PAGER, CHAT, MAIL, DEADMAN = "pager", "chat", "mail", "dead-man"
PAGER_PATH, CHAT_PATH, DEADMAN_PATH = "/pagerduty", "/slack", "/deadman"
_WAYS = {PAGER_PATH: PAGER, CHAT_PATH: CHAT, DEADMAN_PATH: DEADMAN}


@dataclass(frozen=True)
class Message:
    """Something that somebody got: when (seconds since the epoch), by which way, who, a title, whether it is over.

    Messages of one ``thread`` are about one thing: a pager adds the later ones to the first.
    """

    at: float
    way: str
    who: str
    title: str
    over: bool
    thread: str = ""


@dataclass
class Receiver:
    """Listens at two ports of this machine, for requests and for mail, and keeps what came."""

    messages: queue.SimpleQueue[Message] = field(default_factory=queue.SimpleQueue)
    heartbeats: int = 0
    _servers: list[socketserver.BaseServer] = field(default_factory=list)

    def open(self, port: int, mail_port: int) -> None:
        """Begin to listen."""
        receiver = self

        class Web(_Web):
            took = receiver

        class Post(_Post):
            took = receiver

        web = PatientWebServer((LOOPBACK, port), Web)
        mail = PatientServer((LOOPBACK, mail_port), Post)
        for server in (web, mail):
            self._servers.append(server)
            threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        for server in self._servers:
            server.shutdown()
            server.server_close()
        self._servers.clear()

    def take(self, way: str, body: Mapping[str, Any]) -> None:
        """Keep a body that came by ``way``; a heartbeat is only counted."""
        if way == DEADMAN:
            self.heartbeats += 1
            return
        self.messages.put(_READ[way](time.time(), body))


class _Web(BaseHTTPRequestHandler):
    """Answers as PagerDuty (202) or as a webhook does."""

    took: Receiver
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        way = _WAYS.get(self.path.split("?")[0])
        if way is None:
            self.send_error(404)
            return
        self.took.take(way, json.loads(body))
        answer = b'{"status":"success"}' if way == PAGER else b"ok"
        self.send_response(202 if way == PAGER else 200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing: what came is told elsewhere."""


class _Post(socketserver.StreamRequestHandler):
    """As much of SMTP as it takes to be given a mail."""

    took: Receiver

    def handle(self) -> None:
        self._say("220 127.0.0.1 ready")
        to: list[str] = []
        while line := self.rfile.readline(1000).decode(errors="replace").strip():
            verb = line.split(" ")[0].upper()
            if verb == "RCPT":
                to.append(line.partition("<")[2].partition(">")[0])
            if verb == "DATA":
                self._say("354 go on")
                self._take(to)
                to = []
            self._say("221 bye" if verb == "QUIT" else "250 ok")
            if verb == "QUIT":
                return

    def _take(self, to: list[str]) -> None:
        lines: list[bytes] = []
        while (line := self.rfile.readline(10_000)) not in (b".\r\n", b""):
            lines.append(line)
        subject = str(message_from_bytes(b"".join(lines), policy=policy.default)["Subject"])
        over = subject.startswith("[resolved]")
        for who in to:
            self.took.messages.put(Message(time.time(), MAIL, who, subject, over))

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


def _page(at: float, body: Mapping[str, Any]) -> Message:
    title = str(body.get("payload", {}).get("summary", ""))
    return Message(at, PAGER, body["routing_key"], title, body["event_action"] == "resolve", str(body["dedup_key"]))


def _chat(at: float, body: Mapping[str, Any]) -> Message:
    title = str(body["attachments"][0]["title"])
    return Message(at, CHAT, body["channel"], title, title.startswith("[resolved]"))


_READ = {PAGER: _page, CHAT: _chat}
