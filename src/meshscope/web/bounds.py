"""How much of anything a stranger may make us hold, and for how long."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Sizes in bytes, times in seconds. A body that is too large is lost for good: Alertmanager drops it at a 413."""

    body_bytes: int = 32 << 20
    """Of one body."""
    inflated_bytes: int = 4 << 20
    """Of one body that was sent compressed, before that: a few bytes of a stranger's would cost thousands of ours."""
    held_bytes: int = 128 << 20
    """Of all bodies at once; beyond it senders are told to come back."""
    header_bytes: int = 32 << 10
    connections: int = 512
    pipelined: int = 16
    """Requests that wait for the answer to one before them, on one connection."""
    header_seconds: float = 10.0
    body_seconds: float = 10.0
    idle_seconds: float = 75.0
    """A connection that is kept, between two requests."""
    linger_seconds: float = 2.0
    """For a body that nobody wants any more, so that its sender still reads the answer."""
    write_seconds: float = 30.0
    """For a reader that does not read."""
    store_seconds: float = 2.0
    """From a body that was read to its alerts on disk; then its sender is told to come back."""
    passwords: int = 16
    """Passwords that wait to be hashed."""
    grace_seconds: float = 10.0
    """For requests in flight, once the agent is told to end."""


BOUNDS = Bounds()
"""What holds where nothing else is said."""
