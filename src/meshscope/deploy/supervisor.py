"""A supervisor of local processes: it keeps as many of a command as are wanted, and replaces what dies or is taken out.

It stands for a ReplicaSet: a replacement has a name and an identity of its own, and what is quarantined is kept as it
stands until the end. Its processes end with it, however it ends; what they started themselves, when they are ended.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from meshscope.deploy import groups, tether
from meshscope.deploy.groups import Group, Member
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.services import Identity

_LOOK_SECONDS, _SOON_SECONDS = 0.02, 0.004
# A workload whose processes die by themselves at once is started again ever more slowly.
_SHORT_LIFE, _FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 0.1, 10.0
# As Kubernetes names pods: nothing that makes a word, nothing that looks like something else.
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What is to run: ``command`` is given the name of an instance, and says what to start, by its path.

    ``workload`` is what instances are named after, the service where not said.
    """

    service: Identity
    command: Callable[[str], Sequence[str]]
    replicas: int = 2
    version: str = ""
    workload: str = ""


@dataclass(kw_only=True)
class _Child:
    process: subprocess.Popen[bytes]
    member: Member
    began: float
    pipe: BinaryIO
    """Ends when its program begins."""
    out: bool = False


class Supervisor:
    """Keeps the workload running while its context is open, and its group's file in ``folder`` true.

    Entering raises `MeshscopeError` where the group has a supervisor. Leaving ends everything, and raises what ended
    the supervisor before, if anything did. ``trouble`` says why it can't do its work for now; empty where it can.
    """

    def __init__(self, folder: Path, workload: Workload) -> None:
        """Nothing runs yet."""
        self.trouble = ""
        self._folder = folder
        self._workload = workload
        self._named = workload.workload or workload.service.name
        self._logs = folder / "logs"
        self._children: list[_Child] = []
        self._told = False
        self._crashes = 0
        self._not_before = 0.0
        self._error: BaseException | None = None
        self._lock = -1
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="supervisor", daemon=True)

    def __enter__(self) -> Supervisor:
        self._logs.mkdir(parents=True, exist_ok=True)
        self._lock = _locked(groups.path_of(self._folder, self._workload.service, "lock"))
        try:
            self._forget()
        except BaseException:
            os.close(self._lock)
            raise
        # A process is tied to the thread that starts it, which must live as long as this.
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join()
        os.close(self._lock)
        if self._error is not None:
            raise self._error

    def _forget(self) -> None:
        """Remove old marks: what was taken out before ended with the supervisor of that time."""
        for name in groups.marks(self._folder, self._workload.service):
            # A name that no instance can have is somebody else's.
            with suppress(MeshscopeError):
                groups.unmark(self._folder, self._workload.service, name)

    def _keep(self) -> None:
        try:
            while not self._ending.is_set():
                self._turn()
                self._ending.wait(_LOOK_SECONDS if all(one.member.start for one in self._children) else _SOON_SECONDS)
        except BaseException as error:
            self._error, self.trouble = error, f"{type(error).__name__}: {error}"
        finally:
            self._end()

    def _turn(self) -> None:
        """Bury what is dead, take out what is marked, start what is missing, and tell it."""
        try:
            self._bury()
            self._take_out()
            self._fill()
            self._take_in()
            if not self._told:
                self._tell()
            self.trouble = ""
        except (OSError, MeshscopeError) as error:
            # No room, no handles, a folder that is gone: it may be there again at the next look.
            self.trouble = str(error)

    def _bury(self) -> None:
        for child in [child for child in self._children if _ended(child.process)]:
            self._children.remove(child)
            self._told = False
            _end_session(child.process)
            child.pipe.close()
            status = child.process.wait()
            # Who was killed did not crash.
            if child.out or status == -signal.SIGKILL:
                continue
            if time.monotonic() - child.began >= _SHORT_LIFE:
                self._crashes = 0
            else:
                self._wait_a_while()

    def _take_out(self) -> None:
        marked = groups.marks(self._folder, self._workload.service)
        for child in self._children:
            if child.member.name in marked and not child.out:
                child.out, self._told = True, False

    def _take_in(self) -> None:
        """List those whose program began: one that is stopped before it is tied would outlive us."""
        for child in self._children:
            if not child.member.start and _ends(child.pipe):
                child.member = replace(child.member, start=groups.start_of(child.process.pid))
                self._told = False

    def _fill(self) -> None:
        while (
            sum(1 for child in self._children if not child.out) < self._workload.replicas
            and time.monotonic() >= self._not_before
            and not self._ending.is_set()
        ):
            try:
                self._children.append(self._begun())
            except OSError:
                self._wait_a_while()
                raise
            self._told = False

    def _wait_a_while(self) -> None:
        pause = min(_LONGEST_PAUSE, _FIRST_PAUSE * 2 ** min(self._crashes, 10))
        self._crashes += 1
        self._not_before = time.monotonic() + pause

    def _begun(self) -> _Child:
        name = f"{self._named}-{_hash(self._workload)}-{''.join(secrets.choice(_LETTERS) for _ in range(5))}"
        log = self._logs / f"{name}.log"
        reading, writing = os.pipe()
        pipe = os.fdopen(reading, "rb", buffering=0)
        words = [sys.executable, "-I", "-S", tether.__file__, str(os.getpid()), str(writing)]
        try:
            with os.fdopen(writing, "wb"), log.open("ab") as stream:
                process = subprocess.Popen(  # noqa: S603 - what whoever runs the supervisor names
                    [*words, *self._workload.command(name)], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
                    start_new_session=True, pass_fds=(writing,),
                )  # fmt: skip
        except BaseException:
            pipe.close()
            raise
        member = Member(
            name=name, pid=process.pid, start=0, version=self._workload.version, log=str(log.absolute()),
            started=time.time(),
        )  # fmt: skip
        return _Child(process=process, member=member, began=time.monotonic(), pipe=pipe)

    def _tell(self) -> None:
        workload, service = self._workload, self._workload.service
        group = Group(
            cluster=service.cluster, namespace=service.namespace, service=service.name, workload=self._named,
            version=workload.version, replicas=workload.replicas,
            instances=tuple(child.member for child in self._children),
        )  # fmt: skip
        groups.write(self._folder, group)
        self._told = True

    def _end(self) -> None:
        """End everything, what is quarantined too, and leave a group of nobody."""
        for child in self._children:
            _end_session(child.process)
        for child in self._children:
            child.process.wait()
            child.pipe.close()
        out = [child.member.name for child in self._children if child.out]
        self._children.clear()
        # Where the folder is gone nobody is left to be told.
        with suppress(OSError, MeshscopeError):
            self._tell()
            for name in out:
                groups.unmark(self._folder, self._workload.service, name)


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether it ended; its number stays its own, and its session's, until it is waited for."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _ends(pipe: BinaryIO) -> bool:
    """Whether nobody has the other end of a pipe, into which nothing is written."""
    poll = select.poll()
    poll.register(pipe, select.POLLIN)
    return bool(poll.poll(0))


def _end_session(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and what it started."""
    # Not yet waited for: the group's number can't be another's.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _hash(workload: Workload) -> str:
    """What instances of the same version have in common."""
    digest = hashlib.sha256(f"{workload.service} {workload.version}".encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:9])


def _locked(path: Path) -> int:
    """A handle that keeps others from supervising the group. Raises `MeshscopeError` where one does."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise MeshscopeError(
            Finding(
                code="target/supervised",
                title=f"another supervisor keeps the group of {path.stem}",
                why="two of them would overwrite each other's list, and what is on neither can't be dealt with",
                help="end the other one, or name another folder",
                subject=path.stem,
            )
        ) from error
    return handle
