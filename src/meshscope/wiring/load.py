"""Load a house's definitions in a child process, so that whatever they do, this process lives to tell.

The child sees a fixed environment (no locale, time zone, hash seed or variable of the caller gets in), may not open a
socket, start a process or write a file, and is killed with its whole process group when it does not end.
"""

from __future__ import annotations

import os
import pickle
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from meshscope.findings import Finding, MeshscopeError, Place
from meshscope.model.model import Model

LOAD_SECONDS = 60.0
_MEMORY_BYTES = 8 << 30


@dataclass(frozen=True, kw_only=True)
class House:
    """A loaded folder of definitions: the model (None where findings prevent one), what was found, what was read."""

    root: Path
    model: Model | None
    findings: tuple[Finding, ...]
    inputs: tuple[tuple[str, str], ...]


def load(root: Path, environment: str | None = None, *, seconds: float = LOAD_SECONDS) -> House:
    """The definitions below ``root`` in ``environment``, read within ``seconds``.

    Raises `MeshscopeError` where there is no house; everything that is wrong inside one is a finding.
    """
    root = root.resolve()
    if not (root / "mesh.py").is_file():
        raise MeshscopeError(
            Finding(
                code="load/no-house",
                title=f"there is no mesh.py in {root}",
                why="a house is a folder with mesh.py and, beside it, services/, alerts/, dashboards/, collectors/",
                help="run `meshscope new NAME` to write one, or name its folder with --house DIR",
            )
        )
    answer, end = _ask(root, environment, seconds)
    if answer is None:
        return House(root=root, model=None, findings=(_broken_off(end, seconds),), inputs=())
    model, findings, inputs = pickle.loads(answer)  # noqa: S301 - written by our own child
    return House(root=root, model=model, findings=tuple(findings), inputs=tuple(inputs))


@dataclass(frozen=True)
class _End:
    """How the child ended: which file it read last and at which line, whether in time, and with what status."""

    last: str
    line: int
    in_time: bool
    status: int | None


def _ask(root: Path, environment: str | None, seconds: float) -> tuple[bytes | None, _End]:
    reader, writer = os.pipe()
    traced, trace = os.pipe()
    command = [sys.executable, "-s", "-P", "-X", "utf8", "-B", "-m", "meshscope.wiring.child"]
    # Just before its time is up, the child says where it is.
    limits = [str(_MEMORY_BYTES), str(max(seconds * 0.8, seconds - 0.5))]
    try:
        with subprocess.Popen(  # noqa: S603 - our own interpreter
            [*command, str(writer), str(trace), str(root), environment or "", *limits],
            cwd=root,
            env=_environment(),
            pass_fds=(writer, trace),
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr.fileno() if _has_file(sys.stderr) else subprocess.DEVNULL,
            start_new_session=True,
        ) as child:
            os.close(writer)
            os.close(trace)
            try:
                answer, last, in_time = _listen(reader, seconds)
            finally:
                _end(child)
        return answer, _End(last, _line(os.read(traced, 1 << 16), last), in_time, child.returncode)
    finally:
        os.close(reader)
        os.close(traced)


def _line(trace: bytes, path: str) -> int:
    """The innermost line of ``path`` in a trace of Python's fault handler, most recent call first; 0 where none is."""
    match = re.search(rf'File "{re.escape(path)}", line (\d+)', trace.decode(errors="replace")) if path else None
    return int(match[1]) if match else 0


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "SYSTEMROOT") if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TZ": "UTC", "PYTHONHASHSEED": "0"}


def _has_file(stream: object) -> bool:
    try:
        return stream.fileno() >= 0  # type: ignore[attr-defined, no-any-return]
    except (AttributeError, OSError, ValueError):
        return False


def _listen(reader: int, seconds: float) -> tuple[bytes | None, str, bool]:
    """The child's answer, the file it read last, and whether it ended in time.

    Each message is a line ``file PATH`` or ``answer LENGTH`` followed by that many bytes.
    """
    last = ""
    received = bytearray()
    end = time.monotonic() + seconds
    length: int | None = None
    while length is None or len(received) < length:
        left = end - time.monotonic()
        if left <= 0 or not select.select([reader], [], [], left)[0]:
            return None, last, False
        chunk = os.read(reader, 1 << 20)
        if not chunk:
            return None, last, True
        received += chunk
        while length is None and b"\n" in received:
            line, _, rest = received.partition(b"\n")
            word, _, said = line.decode().partition(" ")
            received = bytearray(rest)
            if word == "answer":
                length = int(said)
            else:
                last = said
    return bytes(received), last, True


def _end(child: subprocess.Popen[bytes]) -> None:
    with suppress(subprocess.TimeoutExpired):
        child.wait(timeout=0.2)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _ending(status: int | None) -> str:
    """``status`` in words: how a process ended."""
    if status is not None and status < 0:
        return f"killed by {signal.Signals(-status).name}"
    return f"exit code {status}"


def _broken_off(end: _End, seconds: float) -> Finding:
    place = Place(end.last, end.line or 1, 1, end.line, 1) if end.last else None
    where = f"`{end.last}`" if end.last else "loading"
    if end.in_time:
        return Finding(
            code="load/died",
            title=f"{where} ended the process that reads definitions ({_ending(end.status)})",
            place=place,
            why="definitions are values; a definition that exits, crashes or runs out of memory leaves none",
            help="look for what ends Python, calls into C or takes all memory at the top level of that file",
        )
    return Finding(
        code="load/never-ends",
        title=f"{where} is not read within {seconds:g} seconds",
        place=place,
        why="definitions are values: they are read in a moment, or something in them waits or loops; it was killed",
        help="look for a loop, a sleep or a lock at the top level of that file; --load-seconds allows more",
    )
