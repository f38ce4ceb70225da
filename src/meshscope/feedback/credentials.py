"""Who may send alerts: a file of tokens' hashes, read again when it changes.

A token is 256 random bits, which nobody guesses however fast the hash is: a salted SHA-256 is enough, and quick enough
to stand before every request. A password may be a person's, so it is hashed with scrypt, once: what was right is
remembered, under a key of this process. Two hashes may be in force for one sender, so that a token can be changed
without an hour in which nobody is let in.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import os
import secrets
import stat
import threading
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import msgspec

from meshscope.feedback.receiving import PARSERS
from meshscope.findings import Finding, MeshscopeError

MOST_HEADER = 1024
_LOOK_SECONDS = 1.0
_MOST_FILE = 1 << 20
# 16 MiB and some 200 ms: what OWASP asks of scrypt at this size.
_COST, _BLOCK, _LANES = 1 << 14, 8, 5
_HOW = "make one with `meshscope agent --new-credential NAME --sender KIND`; it prints the token, and keeps its hash"

Name: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9]([a-z0-9._-]{0,61}[a-z0-9])?\Z")]
Sender: TypeAlias = Literal["alertmanager", "grafana", "falco"]
Scheme: TypeAlias = Literal["bearer", "basic"]


class _Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Name
    sender: Sender
    scheme: Scheme
    hash: str
    previous: str = ""
    hmac: str = ""
    previous_hmac: str = ""
    timestamp_header: Annotated[str, msgspec.Meta(pattern=r"\A([A-Za-z0-9-]{1,64})?\Z")] = ""


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    credential: list[_Entry] = []


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who sent a request: the tenant that its alerts belong to, and the secrets that its body must be signed with."""

    tenant: str
    sender: str
    hmac: tuple[bytes, ...] = field(default=(), repr=False)
    timestamp_header: bytes = b""


class Denied(Exception):
    """Nobody whom we know; ``reason`` is for the log and the metric, never for who asked."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class _Known:
    caller: Caller
    salt: bytes
    digest: bytes


@dataclass(frozen=True, kw_only=True)
class _Book:
    """What one version of the file says: tokens by their id, passwords by their user and kind of sender."""

    tokens: dict[str, _Known]
    passwords: dict[tuple[str, str], tuple[_Known, ...]]
    stamp: tuple[int, ...]


_NOBODY = _Known(caller=Caller(tenant="", sender=""), salt=bytes(16), digest=bytes(32))


class Credentials:
    """Those of the file at ``path``. A newer file that is wrong changes nothing; `problem` says what is wrong with it.

    Raises `MeshscopeError` for a file that can't be read, that everybody may read, or that lets nobody in.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._book = _read(path)
        self.problem = ""
        self._looked = time.monotonic()
        self._lock = threading.Lock()
        self._key = secrets.token_bytes(32)
        self._right: set[bytes] = set()

    def check(self, sender: str, authorization: bytes) -> Caller:
        """Who sends this header to the path of ``sender``. Raises `Denied`.

        For the scheme basic it may take a fifth of a second: `costly` says whether it will.
        """
        self._look()
        scheme, _, rest = authorization.partition(b" ")
        if len(authorization) > MOST_HEADER:
            raise Denied("malformed")
        if scheme.lower() == b"bearer":
            caller = self._token(rest.strip())
        elif scheme.lower() == b"basic":
            caller = self._password(sender, rest.strip())
        else:
            raise Denied("malformed" if authorization else "absent")
        if caller.sender != sender:
            raise Denied("other_sender")
        return caller

    def costly(self, sender: str, authorization: bytes) -> bool:
        """Whether `check` has to hash a password, so that it is better not done where others wait."""
        if authorization[:6].lower() != b"basic " or len(authorization) > MOST_HEADER:
            return False
        with self._lock:
            return self._mark(sender, authorization[6:].strip()) not in self._right

    def look(self) -> None:
        """Read the file again if it has changed, now."""
        self._looked = time.monotonic()
        try:
            if _stamp(os.stat(self._path)) == self._book.stamp and not self.problem:
                return
            book = _read(self._path)
        except MeshscopeError as error:
            self.problem = error.finding.title
        except OSError as error:
            self.problem = f"`{self._path}` can't be read: {error.strerror}"
        else:
            with self._lock:
                self._book, self.problem = book, ""
                self._right.clear()

    def _look(self) -> None:
        if time.monotonic() - self._looked >= _LOOK_SECONDS:
            self.look()

    def _token(self, token: bytes) -> Caller:
        parts = token.split(b"_", 2)
        if len(parts) != 3 or parts[0] != b"msk":
            raise Denied("malformed")
        known = self._book.tokens.get(parts[1].decode("latin-1"))
        # The same work for an id that nobody has: the time must not tell which ones there are.
        digest = hashlib.sha256((known or _NOBODY).salt + token).digest()
        if not hmac.compare_digest(digest, (known or _NOBODY).digest) or known is None:
            raise Denied("unknown")
        return known.caller

    def _password(self, sender: str, encoded: bytes) -> Caller:
        book = self._book
        try:
            user, colon, password = base64.b64decode(encoded, validate=True).partition(b":")
        except (binascii.Error, ValueError) as error:
            raise Denied("malformed") from error
        if not colon:
            raise Denied("malformed")
        some = book.passwords.get((user.decode("utf-8", "replace"), sender), ())
        mark = self._mark(sender, encoded)
        with self._lock:
            if mark in self._right and book is self._book and some:
                return some[0].caller
        good: _Known | None = None
        for one in some or (_NOBODY,):
            if hmac.compare_digest(_scrypt(password, one.salt), one.digest) and one is not _NOBODY:
                good = one
        if good is None:
            raise Denied("unknown")
        with self._lock:
            if book is self._book:
                self._right.add(mark)
        return good.caller

    def _mark(self, sender: str, encoded: bytes) -> bytes:
        return hmac.digest(self._key, sender.encode() + b" " + encoded, "sha256")


def new_credential(name: str, sender: str, scheme: Scheme = "bearer") -> tuple[str, str]:
    """A new token, or password, of 256 random bits, and the entry that lets ``sender`` in with it as tenant ``name``.

    For the scheme basic the user is the name. Raises `MeshscopeError` for a name or sender that can't be.
    """
    identity, salt = secrets.token_hex(8), secrets.token_bytes(16)
    secret = secrets.token_urlsafe(32)
    if scheme == "bearer":
        secret = f"msk_{identity}_{secret}"
        digest = hashlib.sha256(salt + secret.encode()).hexdigest()
        hashed = f"sha256${identity}${salt.hex()}${digest}"
    else:
        hashed = password_hash(secret)
    try:
        entry = msgspec.convert({"name": name, "sender": sender, "scheme": scheme, "hash": hashed}, _Entry)
    except msgspec.ValidationError as error:
        raise MeshscopeError(_bad_name(name, sender)) from error
    lines = [f"{key} = {json.dumps(value)}" for key, value in msgspec.to_builtins(entry).items() if value]
    return secret, "\n".join(["[[credential]]", *lines]) + "\n"


def password_hash(password: str) -> str:
    """What stands in the file for a password of a person's own choice."""
    salt = secrets.token_bytes(16)
    return f"scrypt${salt.hex()}${_scrypt(password.encode(), salt).hex()}"


def _scrypt(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=_COST, r=_BLOCK, p=_LANES, maxmem=64 << 20, dklen=32)


def _stamp(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _read(path: Path) -> _Book:
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            if status.st_mode & (stat.S_IROTH | stat.S_IWOTH):
                raise MeshscopeError(_open_to_all(path))
            text = file.read(_MOST_FILE + 1)
    except OSError as error:
        raise MeshscopeError(_unreadable(path, (error.strerror or str(error)).lower())) from error
    if len(text) > _MOST_FILE:
        raise MeshscopeError(_unreadable(path, "it is larger than 1 MiB"))
    try:
        entries = msgspec.convert(tomllib.loads(text.decode()), _File).credential
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise MeshscopeError(_bad(path, str(error))) from error
    if not entries:
        raise MeshscopeError(_nobody(path))
    return _book(path, entries, _stamp(status))


def _book(path: Path, entries: Sequence[_Entry], stamp: tuple[int, ...]) -> _Book:
    book = _Book(tokens={}, passwords={}, stamp=stamp)
    for number, entry in enumerate(entries, start=1):
        where = f"entry {number} (`{entry.name}`)"
        if not entry.hash:
            raise MeshscopeError(_bad(path, f"{where} has no hash"))
        if entry.hmac and entry.sender != "grafana":
            raise MeshscopeError(_bad(path, f"{where} has `hmac`, and only Grafana signs what it sends"))
        if (entry.previous_hmac or entry.timestamp_header) and not entry.hmac:
            raise MeshscopeError(_bad(path, f"{where} says how bodies are signed, and has no `hmac`"))
        caller = Caller(
            tenant=entry.name,
            sender=entry.sender,
            hmac=tuple(one.encode() for one in (entry.hmac, entry.previous_hmac) if one),
            timestamp_header=entry.timestamp_header.lower().encode(),
        )
        hashes = list(_hashes(path, where, entry, caller))
        tokens = {identity: known for identity, known in hashes if identity}
        passwords = tuple(known for identity, known in hashes if not identity)
        if tokens.keys() & book.tokens.keys() or (passwords and (entry.name, entry.sender) in book.passwords):
            raise MeshscopeError(_bad(path, f"{where} is there twice"))
        book.tokens.update(tokens)
        if passwords:
            book.passwords[entry.name, entry.sender] = passwords
    return book


def _hashes(path: Path, where: str, entry: _Entry, caller: Caller) -> Iterator[tuple[str, _Known]]:
    for text in (entry.hash, entry.previous):
        if not text:
            continue
        kind, *parts = text.split("$")
        try:
            *identity, salt, digest = parts
            known = _Known(caller=caller, salt=bytes.fromhex(salt), digest=bytes.fromhex(digest))
        except ValueError as error:
            raise MeshscopeError(_bad(path, f"{where} has a hash that is none")) from error
        right = ("sha256", 1) if entry.scheme == "bearer" else ("scrypt", 0)
        named = all(identity)
        if (kind, len(identity)) != right or not named or len(known.digest) != 32 or len(known.salt) < 16:
            raise MeshscopeError(_bad(path, f"{where} has a hash that is none for the scheme {entry.scheme}"))
        yield "".join(identity), known


def _unreadable(path: Path, why: str) -> Finding:
    return Finding(
        code="credentials/unreadable",
        title=f"the credentials in `{path}` can't be read: {why}",
        why="whoever may send alerts stands there; without it anybody could, and the agent acts on what it is sent",
        help=_HOW,
    )


def _open_to_all(path: Path) -> Finding:
    return Finding(
        code="credentials/open-to-all",
        title=f"everybody on this machine may read or write `{path}`",
        why="it says who may send alerts, and may hold the secrets that Grafana signs with",
        help=f"run `chmod 600 {path}`; for a Secret of Kubernetes write `defaultMode: 0440`",
    )


def _nobody(path: Path) -> Finding:
    return Finding(
        code="credentials/none",
        title=f"`{path}` lets nobody in",
        why="the agent acts on what it is sent, so it takes nothing from who does not say who they are",
        help=_HOW,
    )


def _bad(path: Path, what: str) -> Finding:
    return Finding(
        code="credentials/bad-entry",
        title=f"`{path}` is not understood: {what}",
        why="an entry has name, sender, scheme and hash; a second hash in force is `previous`; for Grafana also hmac, "
        "previous_hmac and timestamp_header",
        help=_HOW,
    )


def _bad_name(name: str, sender: str) -> Finding:
    return Finding(
        code="credentials/bad-name",
        title=f"nobody can be called `{name}` and be a sender of kind `{sender}`",
        why="the name is the tenant of every alert that comes with the credential, and part of its key",
        help=f"write a name of small letters, digits, `-`, `.` and `_`, and one of {', '.join(PARSERS)}",
    )
