"""Memory is that of a process and of all that it starts."""

import subprocess
import sys

from bench.memory import peak_mib

HOLD = "import time; held = b'x' * (60 << 20); time.sleep(0.6)"
START = f"import subprocess, sys; held = b'x' * (60 << 20); subprocess.run([sys.executable, '-c', {HOLD!r}])"


def test_what_a_process_and_its_child_hold_at_once_is_summed() -> None:
    with subprocess.Popen([sys.executable, "-c", START]) as process:
        peak = peak_mib(process)
    assert 120 < peak < 200


def test_what_one_process_holds_is_counted_once() -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD]) as process:
        peak = peak_mib(process)
    assert 60 < peak < 110
