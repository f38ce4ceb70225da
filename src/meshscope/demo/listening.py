"""Servers whose peers may be stopped in the midst of a sentence, as programs are when a demo ends."""

from __future__ import annotations

import socketserver
import sys
from http.server import HTTPServer
from typing import Any


class PatientServer(socketserver.ThreadingTCPServer):
    """A thread for each connection; nothing is said of one that its peer breaks."""

    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print what went wrong, unless it is the peer that went."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class PatientWebServer(PatientServer, HTTPServer):
    """The same, for HTTP."""
