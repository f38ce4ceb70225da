"""Wait for what happens in its own time."""

import time
from collections.abc import Callable
from typing import Any

PATIENCE = 20.0


def until(true: Callable[[], Any], what: str = "what is waited for", seconds: float = PATIENCE) -> Any:
    """What ``true`` returns as soon as it is something."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"not within {seconds:g} seconds: {what}"
        time.sleep(0.01)
    return found
