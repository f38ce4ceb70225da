"""Hooks that the agent's configuration lists by name; no address ever comes from an alert."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread

import httpx2

from meshscope.deploy.plan import Change, Outcome, Receipt, Verb
from meshscope.findings import Finding, MeshscopeError

_MOST_BYTES = 64 << 10
_MOST_TOKEN = 8 << 10
_GRACE_SECONDS = 0.5
_SEE_OTHER = 303
_HOST = re.compile(rb"[A-Za-z0-9._:-]+")
# Beside link-local ones, where clouds keep the credentials of their machines.
_METADATA = {ip_address("100.100.100.200"), ip_address("fd00:ec2::254")}


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """An address, and the file of the bearer token that it wants."""

    url: str
    token_file: Path | None = None


class Webhooks:
    """Calls the hooks in ``allowed``, each within ``seconds``.

    Raises `MeshscopeError` for an address that is none, that holds a secret, or to which it would send in plain text
    over a network.
    """

    def __init__(self, allowed: Mapping[str, Webhook], *, seconds: float = 10.0) -> None:
        self._allowed = {name: (hook, _address(name, hook.url)) for name, hook in allowed.items()}
        self._seconds = seconds

    def apply(self, change: Change) -> Receipt:
        """Call the hook that the change names, once; an answer that does not come leaves its end unknown."""
        began = time.monotonic()
        outcome, said = self._called(change)
        return Receipt(change=change, outcome=outcome, said=said, seconds=time.monotonic() - began)

    def _called(self, change: Change) -> tuple[Outcome, str]:
        known = self._allowed.get(change.subject)
        if change.verb is not Verb.CALL or known is None:
            return Outcome.REFUSED, "the agent's configuration lists no such hook"
        hook, address = known
        answers: SimpleQueue[tuple[Outcome, str]] = SimpleQueue()
        # A proxy that is set for the world does not know this machine.
        proxied = not _is_here(address.host)
        client = httpx2.Client(timeout=self._seconds, follow_redirects=False, trust_env=proxied)

        def run() -> None:
            try:
                with client:
                    answers.put(self._asked(client, hook, address, dict(change.arguments)))
            except Exception as error:
                answers.put((Outcome.UNKNOWN, f"it broke off: {type(error).__name__}"))

        # The client's own time starts anew with each byte, so that an answer could drip for ever; a name's look-up has
        # no time at all.
        Thread(target=run, name="webhook", daemon=True).start()
        try:
            return answers.get(timeout=self._seconds + _GRACE_SECONDS)
        except Empty:
            # Its connection with it, so that nothing waits for ever.
            client.close()
            return Outcome.UNKNOWN, f"no whole answer within {self._seconds:g} s"

    def _asked(
        self, client: httpx2.Client, hook: Webhook, address: httpx2.URL, told: Mapping[str, str]
    ) -> tuple[Outcome, str]:
        try:
            headers = _authorization(hook.token_file)
        except (OSError, ValueError) as error:
            return Outcome.REFUSED, f"its token can't be used: {getattr(error, 'strerror', None) or error}"
        if why := _leads_astray(address):
            return Outcome.REFUSED, why
        try:
            status = self._sent(client, address, headers, told)
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            # Nothing of the request was sent yet.
            return Outcome.REFUSED, f"it can't be reached: {error or 'no connection in time'}"
        except httpx2.HTTPError as error:
            return Outcome.UNKNOWN, f"no answer: {type(error).__name__}"
        return _judged(status)

    def _sent(
        self, client: httpx2.Client, address: httpx2.URL, headers: Mapping[str, str], told: Mapping[str, str]
    ) -> int:
        """The status of the answer."""
        end = time.monotonic() + self._seconds
        with client.stream("POST", address, headers=headers, json=told) as answer:
            # What it says besides its status is nothing to us, nor is how that ends.
            with suppress(httpx2.HTTPError):
                _let_out(answer, end)
            return answer.status_code


def _let_out(answer: httpx2.Response, end: float) -> None:
    """Let the other side say what it has to, within bounds: hanging up on it could break off what it does."""
    read = 0
    for chunk in answer.iter_raw():
        read += len(chunk)
        if read > _MOST_BYTES or time.monotonic() > end:
            return


def _judged(status: int) -> tuple[Outcome, str]:
    said = f"it answered {status}"
    if 200 <= status < 300:
        return Outcome.DONE, said
    if status >= 500 or status < 200 or status == _SEE_OTHER:
        # "See other" is how many say that it is done.
        return Outcome.UNKNOWN, said
    return Outcome.REFUSED, f"{said}, and redirects are not followed" if status < 400 else said


def _authorization(token_file: Path | None) -> dict[str, str]:
    """The header for a hook's token. Raises OSError, and ValueError for a file that holds none."""
    if token_file is None:
        return {}
    with token_file.open("rb") as stream:
        token = stream.read(_MOST_TOKEN).decode("ascii", errors="replace").strip()
    if not token or not token.isascii() or not token.isprintable():
        raise ValueError("its file holds no line of ASCII")
    return {"Authorization": f"Bearer {token}"}


def _leads_astray(address: httpx2.URL) -> str:
    """Why a name must not be called for where it leads; empty where it may, or where the configuration says where."""
    if _as_ip(address.host) is not None:
        return ""
    try:
        found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        # A proxy may know it; who connects will say so.
        return ""
    for *_, where in found:
        ip = _as_ip(str(where[0]))
        if ip is not None and (ip.is_link_local or ip in _METADATA):
            return f"its name leads to {ip}, where machines keep their credentials"
        if ip is not None and address.scheme == "http" and not ip.is_loopback:
            return f"its name leads to {ip}, and it would be called in plain text"
    return ""


def _is_here(host: str) -> bool:
    ip = _as_ip(host)
    return ip.is_loopback if ip is not None else host == "localhost"


def _as_ip(host: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def _address(name: str, url: str) -> httpx2.URL:
    try:
        address = httpx2.URL(url.strip())
    except (httpx2.InvalidURL, ValueError) as error:
        raise _bad(
            "agent/bad-hook", name, "is no address", f"{error}", "write it as https://ci.example/hook"
        ) from error
    if address.scheme not in ("http", "https") or not _HOST.fullmatch(address.raw_host):
        raise _bad(
            "agent/bad-hook", name, "is no address", "a hook is called by HTTP", "write it as https://ci.example/hook"
        )
    if address.userinfo:
        raise _bad(
            "agent/secret-in-hook",
            name,
            "has a user or a password in it",
            "whoever may read the configuration could call the hook",
            "write the secret to a file of its own, and name that as token_file",
        )
    if address.scheme != "https" and not _is_here(address.host):
        raise _bad(
            "agent/plain-hook",
            name,
            f"would be called in plain text at {address.host}",
            "its token would go over the network for everybody to read",
            "write an address that begins with https://",
        )
    return address


def _bad(code: str, name: str, what: str, why: str, help_: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(code=code, title=f"the hook `{name}` {what}", why=why, help=help_, subject=name)
    )  # fmt: skip
