"""Where the agent listens: on this machine alone, or in TLS."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from meshscope.findings import Finding, MeshscopeError

BACKLOG = 256


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Files in PEM form: our certificate and key; with ``client_ca``, who calls must show one that it signed."""

    certificate: Path
    key: Path
    client_ca: Path | None = None

    def context(self) -> ssl.SSLContext:
        """TLS 1.3 with these. Raises `MeshscopeError` for a file that can't be used."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.client_ca is not None:
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ValueError) as error:
            raise MeshscopeError(_bad_certificate(self, error)) from error
        return context


def listen(host: str, port: int, tls: Tls | None = None) -> socket.socket:
    """A socket that listens; port 0 takes any. Raises `MeshscopeError` where it can't, or may not without TLS."""
    if tls is None and not is_here(host):
        raise MeshscopeError(no_tls(host))
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listening = socket.socket(family, socket.SOCK_STREAM)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(BACKLOG)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise MeshscopeError(_cannot_listen(host, port, error)) from error
    return listening


def is_here(host: str) -> bool:
    """Whether only this machine can reach ``host``."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def no_tls(host: str) -> Finding:
    """Others can reach it, and could read what is sent."""
    return Finding(
        code="web/no-tls",
        title=f"`{host}` can be reached from elsewhere, and no certificate is named",
        why="tokens would go over the network for everybody to read, and whoever reads one is believed by the agent",
        help="name a certificate and its key, or listen at 127.0.0.1 behind a proxy that speaks TLS",
    )


def _bad_certificate(tls: Tls, error: Exception) -> Finding:
    named = ", ".join(f"`{path}`" for path in (tls.certificate, tls.key, tls.client_ca) if path)
    said = getattr(error, "strerror", None) or str(error)
    return Finding(
        code="web/bad-certificate",
        title=f"{named} can't be used for TLS: {said}",
        why="the agent shows the certificate to whoever calls, and proves with the key that it is its own",
        help="run `openssl x509 -noout -text -in FILE` on the certificate to see what it holds",
    )


def _cannot_listen(host: str, port: int, error: OSError) -> Finding:
    return Finding(
        code="web/cannot-listen",
        title=f"nobody can listen at {host}:{port}: {(error.strerror or str(error)).lower()}",
        why="senders reach the agent there, and a person its console",
        help="name another port, or end the program that has it: `ss -ltnp` shows which one",
    )
