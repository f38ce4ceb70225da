"""People who sign in to the agent: who they are, what they may do, and for which teams they answer.

They stand in a TOML file, which is read again when it changes, so that somebody who leaves is out within a second:

    [[people]]
    name = "ada"
    role = "approver"            # viewer, approver or admin
    owners = ["payments"]        # for whom an approver answers; "*" is every team
    password = "scrypt$15$8$1$SALT$HASH"
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
import threading
import time
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from meshscope.feedback.desk import Role
from meshscope.findings import Finding, MeshscopeError

EVERY_OWNER = "*"
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?")
_KEYS = {"name", "role", "owners", "password"}
# A hash costs about 32 MiB and a tenth of a second.
_COST, _BLOCK, _PARALLEL = 15, 8, 1
_MEMORY = 512 * 1024 * 1024
_SIZE = 32
_LONGEST_PASSWORD = 1024
_LONGEST_FILE = 4 * 1024 * 1024
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who may sign in. ``stamp`` changes with the password, the role and the owners."""

    name: str
    role: Role
    owners: tuple[str, ...] = ()
    stamp: str = ""

    def may_answer(self, owner: str) -> bool:
        """Whether they may say yes or no to what is asked of the team ``owner``; an admin may for every one."""
        if self.role is Role.ADMIN:
            return True
        return self.role is Role.APPROVER and (EVERY_OWNER in self.owners or owner in self.owners)

    @property
    def may_stop(self) -> bool:
        """Whether they may stop the agent: the safe direction, so whoever may say no to an act may."""
        return self.role in (Role.APPROVER, Role.ADMIN)

    @property
    def may_start(self) -> bool:
        """Whether they may start what was stopped, and clear a restored ledger."""
        return self.role is Role.ADMIN


class People:
    """Everybody who may sign in, as a file has it now."""

    def __init__(self, path: Path) -> None:
        """Read ``path``. Raises `MeshscopeError` where that isn't a file of people."""
        self._path = path
        self._lock = threading.Lock()
        self._read_at = time.monotonic()
        self._seen = _signature(path)
        self._entries = _read(path)
        self._nobody = hashed(secrets.token_urlsafe(16))
        self.error: MeshscopeError | None = None
        """Why the file as it is now can't be used; those whom it named before are still known then."""

    def person(self, name: str) -> Person | None:
        """Who ``name`` is; None for nobody."""
        entry = self._current().get(name)
        return entry[0] if entry else None

    def sign_in(self, name: str, password: str) -> Person | None:
        """The person, if the password is theirs. It takes as long for nobody as for somebody."""
        person, known = self._current().get(name, (None, self._nobody))
        right = matches(password, known)
        return person if right else None

    def who(self, may: Callable[[Person], bool]) -> tuple[str, ...]:
        """The names of those who ``may`` do something, admins last."""
        able = [person for person, _ in self._current().values() if may(person)]
        return tuple(one.name for one in sorted(able, key=lambda one: (one.role is Role.ADMIN, one.name)))

    def _current(self) -> Mapping[str, tuple[Person, str]]:
        with self._lock:
            if time.monotonic() - self._read_at < _LOOK_SECONDS:
                return self._entries
            self._read_at = time.monotonic()
            try:
                seen = _signature(self._path)
                if seen != self._seen:
                    self._entries, self._seen, self.error = _read(self._path), seen, None
            except MeshscopeError as error:
                # A slip of the pen must not lock everybody out at night: the last good file goes on.
                self.error = error
            return self._entries


def hashed(password: str) -> str:
    """A password as the file has it. Raises `MeshscopeError` for one that is too short or too long."""
    if not 8 <= len(password) <= _LONGEST_PASSWORD:
        raise _bad("a password has between 8 and 1024 characters", "length is what makes a password hard to guess")
    salt = os.urandom(16)
    digest = _scrypt(password, salt, _COST, _BLOCK, _PARALLEL)
    return f"scrypt${_COST}${_BLOCK}${_PARALLEL}${_spelt(salt)}${_spelt(digest)}"


def matches(password: str, known: str) -> bool:
    """Whether ``password`` is the one whose hash is ``known``."""
    cost, block, parallel, salt, digest = _parts(known)
    given = _scrypt(password[:_LONGEST_PASSWORD], salt, cost, block, parallel)
    return hmac.compare_digest(given, digest) and len(password) <= _LONGEST_PASSWORD


def _scrypt(password: str, salt: bytes, cost: int, block: int, parallel: int) -> bytes:
    text = password.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(text, salt=salt, n=1 << cost, r=block, p=parallel, maxmem=_MEMORY, dklen=_SIZE)


def _parts(known: str) -> tuple[int, int, int, bytes, bytes]:
    name, cost, block, parallel, salt, digest = known.split("$")
    found = int(cost), int(block), int(parallel), base64.b64decode(salt), base64.b64decode(digest)
    in_reach = 14 <= found[0] <= 18 and 1 <= found[1] <= 16 and 1 <= found[2] <= 4
    if name != "scrypt" or not in_reach or len(found[3]) < 8 or len(found[4]) != _SIZE:
        raise ValueError("no hash that can be checked")
    return found


def _spelt(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _signature(path: Path) -> tuple[int, int, int]:
    try:
        seen = path.stat()
    except OSError as error:
        raise _bad(f"the file of people `{path}` can't be read", str(error)) from error
    return seen.st_mtime_ns, seen.st_size, seen.st_ino


def _read(path: Path) -> Mapping[str, tuple[Person, str]]:
    try:
        text = path.read_bytes()
        if len(text) > _LONGEST_FILE:
            raise _bad(f"`{path}` is no file of people", "it has more than 4 MiB")
        rows = tomllib.loads(text.decode()).get("people", [])
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _bad(f"the file of people `{path}` can't be read", str(error)) from error
    found: dict[str, tuple[Person, str]] = {}
    for number, row in enumerate(rows if isinstance(rows, list) else [rows], 1):
        person, known = _entry(row, f"person {number} of `{path}`")
        if person.name in found:
            raise _bad(f"{person.name} stands in `{path}` twice", "nobody could tell which role is meant")
        found[person.name] = person, known
    return found


def _entry(row: Any, which: str) -> tuple[Person, str]:
    if not isinstance(row, dict) or set(row) - _KEYS or not {"name", "role", "password"} <= set(row):
        raise _bad(f"{which} is not written as people are", f"each has {', '.join(sorted(_KEYS))} and nothing else")
    name, role, owners, password = row["name"], row["role"], row.get("owners", []), row["password"]
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _bad(f"{which} has no name that can be used", "a name has lower case letters, digits, dots and dashes")
    if role not in list(Role):
        raise _bad(f"the role of {name} is not known", f"roles are {', '.join(Role)}")
    if not isinstance(owners, list) or not all(isinstance(one, str) for one in owners):
        raise _bad(f"the owners of {name} are no list of names", "they are the teams for which an approver answers")
    try:
        _parts(password)
    except (ValueError, AttributeError, TypeError) as error:
        raise _bad(f"the password of {name} is no hash", "passwords are never written down as they are") from error
    stamp = hashlib.sha256(repr((password, role, sorted(owners))).encode()).hexdigest()[:16]
    return Person(name=name, role=Role(role), owners=tuple(owners), stamp=stamp), password


def _bad(title: str, why: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="agent/bad-people",
            title=title,
            why=why,
            help='write [[people]] with name = "ada", role = "approver", owners = ["payments"] and '
            'password = "scrypt$15$8$1$SALT$HASH"',
        )
    )
