"""What the feedback agent may do on its own."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """What the feedback agent may do on its own."""

    OBSERVE = "observe"
    PROPOSE = "propose"
    ASK = "ask"
    ACT = "act"
