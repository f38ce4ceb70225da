"""What goes wrong between us and a store of metrics, told to the person who named it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import httpx2

from meshscope.build.discovery.names import shown
from meshscope.findings import Finding, MeshscopeError

_FORWARD = "kubectl -n NAMESPACE port-forward svc/prometheus 9090, then --from http://127.0.0.1:9090"


def unreachable(url: str, error: httpx2.TransportError) -> MeshscopeError:
    """No connection, or one that broke."""
    causes = list(_causes(error))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return _failure(
            "prometheus/unknown-host",
            f"nobody knows the machine of {url}",
            "its name has no address here; names like prometheus.monitoring.svc exist only inside their cluster",
            f"check the name, or from outside the cluster: {_FORWARD}",
        )
    verification = next((cause for cause in causes if isinstance(cause, ssl.SSLCertVerificationError)), None)
    if verification is not None:
        return _failure(
            "prometheus/untrusted",
            f"the certificate of {url} is not trusted: {verification.verify_message}",
            "whoever answers there can't prove to be who you named, and would be sent your credentials",
            "name the authority that signed it: tls_config: {ca_file: ca.pem} in the file of --http-config",
        )
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return _failure(
            "prometheus/no-tls",
            f"{url} does not speak TLS",
            "the port answers, but not with a TLS handshake: it may expect plain HTTP",
            f"try {url.replace('https://', 'http://', 1)}",
        )
    refused = any(isinstance(cause, ConnectionRefusedError) for cause in causes)
    return _failure(
        "prometheus/unreachable",
        f"nothing answers at {url}: {'the connection is refused' if refused else _last_word(causes)}",
        "no program listens on that port of that machine" if refused else "the connection could not be made, or broke",
        f"is Prometheus running, and on that port? In a cluster: {_FORWARD}",
    )


def slow(url: str, purpose: str, seconds: float) -> MeshscopeError:
    """No answer in time."""
    return _failure(
        "prometheus/slow",
        f"{url} has not answered within {seconds:g} seconds: {purpose}",
        "it is busy, or the question is large for it; a store that is asked twice only gets slower",
        "wait until it is less busy, or allow more with --ask-seconds",
    )


def refused(url: str, status: int, known: bool) -> MeshscopeError:
    """It does not answer just anybody."""
    if status == 401 and not known:
        return _failure(
            "prometheus/unauthorized",
            f"{url} wants to know who asks (status 401)",
            "it answers only those who name themselves",
            "put basic_auth or authorization into a file like promtool's and name it with --http-config, "
            "or set PROMETHEUS_TOKEN",
        )
    return _failure(
        "prometheus/unauthorized",
        f"{url} does not let you ask (status {status})",
        "it knows the credentials and forbids the question" if status == 403 else "the credentials are not accepted",
        "check the credentials in --http-config or PROMETHEUS_TOKEN: they need no more than reading",
    )


def moved(url: str, where: str) -> MeshscopeError:
    """It answers with another address, mostly that of a login page."""
    return _failure(
        "prometheus/moved",
        f"{url} sends everybody on to {where}",
        "a login page stands before it, or it has moved; credentials are not sent to another address unasked",
        "name the address behind the login page, or the new one",
    )


def not_prometheus(url: str, what: str) -> MeshscopeError:
    """Something else listens there."""
    return _failure(
        "prometheus/not-prometheus",
        f"{url} answers {what}, not as Prometheus's API does",
        "it may be a login page, Grafana, or a page of Prometheus below its address",
        "name the address under which /api/v1/query is found, without /graph or /query at its end; "
        "behind a path, with the path: https://example.org/prometheus",
    )


def unavailable(url: str, status: int, said: str) -> MeshscopeError:
    """It is there, and can't answer now."""
    return _failure(
        "prometheus/unavailable",
        f"{url} can't answer now (status {status}{f': {said}' if said else ''})",
        "it is starting, overloaded, or something that it needs is down",
        "see whether /-/ready says that it is ready, and try again",
    )


def failed(url: str, purpose: str, said: str) -> MeshscopeError:
    """It understood, and says that it can't."""
    return _failure(
        "prometheus/query-failed",
        f"{url} could not be asked {purpose}: {said}",
        "this is what it says itself of the question",
        "where it speaks of too many samples or of time, ask the Prometheus of one cluster or one that is less busy",
    )


def too_much(url: str, purpose: str, limit: str) -> MeshscopeError:
    """More than anybody could use."""
    return _failure(
        "prometheus/too-much",
        f"the answer of {url} is larger than {limit}: {purpose}",
        "a mesh of 10,000 services answers in less: a label of many values may stand where a service's name should",
        "name the Prometheus of one cluster instead of one that gathers them all",
    )


def bad_address(url: str, help_: str) -> MeshscopeError:
    """What was named is no address."""
    return _failure(
        "prometheus/bad-address",
        f"`{url.rpartition('@')[2]}` is no address of a Prometheus",
        "an address begins with http:// or https:// and names a machine",
        help_,
    )


def _failure(code: str, title: str, why: str, help_: str) -> MeshscopeError:
    # What a server says is part of some titles, and as long as it likes.
    return MeshscopeError(Finding(code=code, title=shown(title, 400), why=why, help=help_))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _last_word(causes: list[BaseException]) -> str:
    said = next((str(cause) for cause in reversed(causes) if str(cause)), type(causes[0]).__name__)
    return f"{said[:1].lower()}{said[1:]}"
