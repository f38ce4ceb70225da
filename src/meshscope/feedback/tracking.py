"""What all trackers have in common: the mark that says an issue is ours, and which addresses and keys are none.

The mark is a comment of HTML that holds the issue's key and an HMAC of it, so that nobody who lacks the secret can make
an issue, or a comment of the agent, that passes for ours. Whoever reads one of our issues can copy its mark: of two
that bear the same one, the older is ours.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256

from meshscope.feedback.ports import TrackerError
from meshscope.feedback.prose import code
from meshscope.findings import Finding

_KEY = re.compile(r"[a-z0-9-]{1,80}")
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_SCHEME = re.compile(r"[a-z][a-z0-9]{0,19}")
_MOST_PARTS = 8


def marker(key: str, secret: bytes, number: int = 0) -> str:
    """The line that marks an issue's body (number 0), or the comment with that number."""
    of = f"{key}:{number}" if number else key
    return f"<!-- meshscope:{of}:{hmac.new(secret, of.encode(), sha256).hexdigest()} -->"


def marked(body: str, key: str, secret: bytes, number: int = 0) -> bool:
    """Whether a line of ``body`` is the mark of ``key``, made with ``secret``."""
    wanted = marker(key, secret, number).encode()
    lines = (line.strip().encode("utf-8", "replace") for line in body.split("\n"))
    return any(hmac.compare_digest(line, wanted) for line in lines)


def unmarked(body: str, key: str, secret: bytes, number: int = 0) -> str:
    """``body`` without its mark."""
    wanted = marker(key, secret, number)
    return "\n".join(line for line in body.split("\n") if line.strip() != wanted).strip()


def checked_key(key: str) -> str:
    """``key``, which can name a file everywhere. Raises `TrackerError` for one that can't."""
    if _KEY.fullmatch(key):
        return key
    raise refused(
        "tracker/bad-key",
        f"{code(key, 100)} can't mark an issue",
        why="a key names files and stands in marks: lower case letters, digits and dashes, at most 80",
        help="this is a fault of the program that made it",
    )


def parts_of(where: str) -> tuple[str, ...]:
    """``github:acme/payments`` in its parts, each fit to name a folder. Raises `TrackerError` for what is none."""
    scheme, colon, rest = where.partition(":")
    parts = rest.split("/")
    known = colon and _SCHEME.fullmatch(scheme) and len(parts) <= _MOST_PARTS
    if known and all(_PART.fullmatch(part) and ".." not in part and part.lower() != ".git" for part in parts):
        return (scheme, *parts)
    raise refused(
        "tracker/bad-address",
        f"{code(where, 200)} is no address of a tracker",
        why="an address is SCHEME:PLACE, its place made of letters, digits, dots, dashes and underscores between "
        "slashes, and it leads nowhere else",
        help='write the owner\'s `issues` as "github:acme/payments"',
    )


def checked_number(number: int) -> int:
    """``number``, which can count a comment of ours. Raises `TrackerError` for 0, a person's, and less."""
    if number >= 1:
        return number
    raise refused(
        "tracker/bad-number",
        f"a comment of ours has the number {number}",
        why="numbers tell which comments are written already, and begin at 1",
        help="this is a fault of the program that made it",
    )


def gone(where: str, key: str) -> TrackerError:
    """What is raised for an issue that somebody removed."""
    return refused(
        "tracker/gone",
        f"there is no issue {key} in {where}",
        why="somebody removed it since it was opened",
        help="nothing is to be done: it is opened again when it is brought up to date",
    )


def refused(family: str, title: str, *, why: str, help: str, definite: bool = True) -> TrackerError:  # noqa: A002
    """A `TrackerError`; ``definite`` where nothing was changed for sure."""
    error = TrackerError(Finding(code=family, title=title, why=why, help=help))
    error.definite = definite
    return error
