"""Run a program that ends when the process that started it does, however that ends.

Used as a script: ``tether.py PARENT HANDLE PROGRAM ARGUMENT...``. It needs nothing but the standard library, so that it
starts in a moment; between fork and exec of a process with threads no Python code would be safe. HANDLE is the end of a
pipe that is closed when the program begins: from then on it is tied.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie(parent: int) -> None:
    """Have this process killed when ``parent``, which started it, ends; where the system can't, it lives on."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            # It ended before we asked to be told.
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    tie(int(sys.argv[1]))
    os.set_inheritable(int(sys.argv[2]), False)
    try:
        os.execv(sys.argv[3], sys.argv[3:])  # noqa: S606 - what the supervisor was told to run
    except OSError as error:
        sys.exit(f"{sys.argv[3]} can't be started: {error.strerror}")
