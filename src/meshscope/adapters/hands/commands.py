"""Commands that the agent's configuration lists by name; nothing of an alert chooses or becomes a program."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from meshscope.deploy.plan import Change, Outcome, Receipt, Verb
from meshscope.findings import Finding, MeshscopeError

_HOLES = ("service", "namespace", "instance", "owner")
_HOLE = re.compile(r"\{([a-z_]+)\}")
# What names in Kubernetes and the model are made of: no option, no path, nothing that a shell would read.
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}")
_TAIL_BYTES = 64 << 10
_LONGEST_LINE = 300
_LOOK_SECONDS = 0.02
_DEATH_SECONDS = 2.0


class Commands:
    """Runs the commands in ``allowed``, each within ``seconds``, with ``{service}`` and so on filled in.

    A command's first word is the path of its program. It is given words, never a shell's line; an environment with
    nothing but a PATH; and a session of its own, which ends with it: what is to go on has to leave it (``setsid``).
    Raises `MeshscopeError` for a command that can't be one.
    """

    def __init__(self, allowed: Mapping[str, Sequence[str]], *, seconds: float = 60.0) -> None:
        for name, words in allowed.items():
            _check(name, words)
        self._allowed = {name: tuple(words) for name, words in allowed.items()}
        self._seconds = seconds

    def apply(self, change: Change) -> Receipt:
        """Run the command that the change names, once.

        One that ends with a status other than 0 has refused; one that has not ended in time is killed, and its outcome
        unknown, as it is where a signal ended it.
        """
        began = time.monotonic()
        outcome, said = self._run(change)
        return Receipt(change=change, outcome=outcome, said=said, seconds=time.monotonic() - began)

    def _run(self, change: Change) -> tuple[Outcome, str]:
        words = self._allowed.get(change.subject)
        if change.verb is not Verb.RUN or words is None:
            return Outcome.REFUSED, "the agent's configuration lists no such command"
        try:
            process = subprocess.Popen(  # noqa: S603 - the words of a configuration, and never a shell
                _filled(words, change.arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
                cwd="/", start_new_session=True, bufsize=0,
            )  # fmt: skip
        except _NotFilled as error:
            return Outcome.REFUSED, str(error)
        except OSError as error:
            return Outcome.REFUSED, f"it can't be started: {error.strerror}"
        try:
            return self._ended(process)
        except OSError as error:
            return Outcome.UNKNOWN, f"what became of it can't be asked: {error.strerror}"

    def _ended(self, process: subprocess.Popen[bytes]) -> tuple[Outcome, str]:
        in_time, tail = _watched(process, time.monotonic() + self._seconds)
        last = _last_line(tail)
        also = f": {last}" if last else ""
        status = process.returncode
        if not in_time or status is None:
            return Outcome.UNKNOWN, f"it had not ended after {self._seconds:g} s and was killed{also}"
        if status == 0:
            return Outcome.DONE, last
        if status < 0:
            return Outcome.UNKNOWN, f"it was ended by signal {-status}{also}"
        return Outcome.REFUSED, f"it ended with {status}{also}"


class _NotFilled(ValueError):
    """A word of a command that can't be filled in."""


def _filled(words: Sequence[str], arguments: Mapping[str, str]) -> list[str]:
    def value(hole: re.Match[str]) -> str:
        found = arguments.get(hole[1], "")
        if not found:
            raise _NotFilled(f"the alert names no {hole[1]}")
        if not _SAFE.fullmatch(found):
            raise _NotFilled(f"the {hole[1]} that the alert names is nothing that a program may be given")
        return found

    return [_HOLE.sub(value, word) for word in words]


def _watched(process: subprocess.Popen[bytes], until: float) -> tuple[bool, bytes]:
    """Whether it ended by ``until``, and the last that it wrote. Its session is gone when this returns."""
    assert process.stdout is not None  # noqa: S101 - it was asked for
    tail = b""
    with process.stdout as output:
        handle = output.fileno()
        os.set_blocking(handle, False)
        try:
            while not (in_time := _has_ended(process)) and time.monotonic() < until:
                tail = _more(handle, tail)
        finally:
            # It is waited for afterwards: until then the group's number can't be another's.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_DEATH_SECONDS)
        # What is left in the pipe, and no more: whoever left the session may write for ever.
        for _ in range(4):
            tail = _more(handle, tail, 0.0)
    return in_time, tail


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _more(handle: int, tail: bytes, seconds: float = _LOOK_SECONDS) -> bytes:
    """The end of what was read before and what comes within ``seconds``."""
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    if not poll.poll(1000 * seconds):
        return tail
    try:
        found = os.read(handle, _TAIL_BYTES)
    except BlockingIOError:
        return tail
    if not found:
        # Nobody holds the other end any more: there is nothing to wait for but its end.
        time.sleep(seconds)
    return (tail + found)[-_TAIL_BYTES:]


def _last_line(tail: bytes) -> str:
    lines = [line for line in tail.decode(errors="replace").splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    return "".join(one if one.isprintable() else " " for one in last).strip()[:_LONGEST_LINE]


def _check(name: str, words: Sequence[str]) -> None:
    """Raise `MeshscopeError` for what is no command."""
    if isinstance(words, str) or not words or not all(isinstance(word, str) and "\0" not in word for word in words):
        raise _bad(name, "is no list of words", 'write it as ["/path/of/program", "{service}"]')
    # So that neither a folder in a PATH nor an alert chooses what is run.
    if not os.path.isabs(words[0]) or _HOLE.search(words[0]):
        raise _bad(name, f"begins with `{words[0]}`, which is no program's path", "write the whole path of the program")
    for word in words:
        for hole in _HOLE.finditer(word):
            if hole[1] not in _HOLES:
                known = ", ".join(f"{{{one}}}" for one in _HOLES)
                raise _bad(name, f"has `{hole[0]}`, which nothing fills in", f"write one of {known}")


def _bad(name: str, what: str, help_: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="agent/bad-command",
            title=f"the command `{name}` {what}",
            why="the agent runs programs that its configuration lists, with names of the model as their words",
            help=help_,
            subject=name,
        )
    )
