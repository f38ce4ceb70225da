"""What the feedback agent may do on its own."""

from __future__ import annotations

from enum import StrEnum


class Mode(StrEnum):
    """What the feedback agent may do on its own.

    Example::

        Service(name="ledger", namespace="shop", replicas=3, mode=Mode.ACT)
    """

    OBSERVE = "observe"
    """The issue tells what would have been done."""
    PROPOSE = "propose"
    """The issue asks a person to do it."""
    ASK = "ask"
    """The console asks a person for a yes, then it is done."""
    ACT = "act"
    """It is done, where every guard has nothing against it."""
