"""The memory of a process and all that it starts: proportional set size, so that what they share counts once."""

from __future__ import annotations

import re
import subprocess
import time
from contextlib import suppress
from pathlib import Path

_PROC = Path("/proc")
_EVERY_SECONDS = 0.05
_PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)


def peak_mib(process: subprocess.Popen[bytes]) -> float:
    """Watch ``process`` until it ends: the largest sum over its tree, in MiB. Needs Linux's /proc."""
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(map(_pss_kib, tree(process.pid))))
        time.sleep(_EVERY_SECONDS)
    return peak / 1024


def tree(pid: int) -> list[int]:
    """``pid`` and all its descendants that live now."""
    found = [pid]
    for parent in found:
        with suppress(OSError):
            for thread in (_PROC / str(parent) / "task").iterdir():
                found += map(int, (thread / "children").read_text().split())
    return found


def _pss_kib(pid: int) -> int:
    with suppress(OSError):
        said = _PSS.search((_PROC / str(pid) / "smaps_rollup").read_text())
        return int(said[1]) if said else 0
    return 0
