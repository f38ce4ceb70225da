"""Whose connection it is: a stranger's gives way where there is no room, and never one whose caller is known."""

from __future__ import annotations

from starlette.types import Scope

KNOWN = "meshscope.known"
"""The extension of a request by which it is said that its caller showed who they are, by calling `TELL` of it."""
TELL = "tell"


def known(scope: Scope) -> None:
    """Say that whoever asks is known, by a credential or a session: from now on the connection keeps its place."""
    tell = scope.get("extensions", {}).get(KNOWN, {}).get(TELL)
    if tell is not None:
        tell()
