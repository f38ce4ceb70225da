"""Run a program that ends when the process that started it does, however that ends.

Used as a script: ``tether.py PARENT PROGRAM ARGUMENT...``. It needs nothing but the standard library, so that it starts
in a moment; between fork and exec of a process with threads no Python code would be safe.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15


def tie(parent: int) -> None:
    """Have this process killed when ``parent``, which started it, ends; where the system can't, it lives on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            # It ended before we asked to be told.
            os.kill(os.getpid(), signal.SIGKILL)


def be_called(name: str) -> None:
    """Be ``name`` in lists of processes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15])


if __name__ == "__main__":
    tie(int(sys.argv[1]))
    os.execv(sys.argv[2], sys.argv[2:])  # noqa: S606 - our own arguments
