"""Local processes in groups as a deploy target: the very process that was chosen is signalled, or none.

A handle of the process (pidfd) is taken first and its identity compared after, so that a number that was given to
another process meanwhile can't be hit.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from meshscope.deploy import groups
from meshscope.deploy.groups import Group, Member
from meshscope.deploy.plan import Change, Instance, Outcome, Receipt, Verb
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.services import Identity

_LOG_BYTES = 64 << 10
_LONGEST_LINE = 2000
_LOOK_SECONDS = 0.002
_GONE = (Outcome.GONE, "it does not run any more")


class Processes:
    """The groups in ``folder``; a signalled process has ``seconds`` to be gone, by ``clock``, which only goes forward.

    Nothing is done to a process that no group lists for the service, that another user runs than the one whose file
    lists it (root may list any), or that is the agent, its parent or of its process group.
    """

    def __init__(self, folder: Path, *, seconds: float = 2.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._folder = folder
        self._seconds = seconds
        self._clock = clock

    def instances(self, service: Identity) -> tuple[Instance, ...]:
        """The instances of ``service`` that run now, by name. Raises `MeshscopeError` where it can't be asked."""
        group = groups.read(self._folder, service)
        if group is None:
            return ()
        out = groups.marks(self._folder, service)
        try:
            alive = [one for one in group.instances if one.alive]
        except OSError as error:
            raise _unasked(service, error) from error
        return tuple(
            Instance(
                service=service,
                name=one.name,
                uid=one.uid,
                workload=group.workload,
                version=one.version or group.version,
                ready=one.ready and one.name not in out,
                quarantined=one.name in out,
                started=one.started,
            )
            for one in sorted(alive, key=lambda one: one.name)
        )

    def logs(self, instance: Instance, lines: int) -> tuple[str, ...]:
        """The last ``lines`` that the instance wrote; none where it wrote none or can't be asked."""
        # A log is evidence, and what can't be had must not hold up an act.
        with suppress(MeshscopeError, OSError):
            group = groups.read(self._folder, instance.service)
            member = _named(group, instance.uid)
            if group is not None and member is not None and member.log and lines > 0:
                return _last(self._folder / member.log, lines, group.owner)
        return ()

    def stopped(self, service: Identity) -> bool:
        """Whether the service's stop file says that nothing may be done to it.

        Raises `MeshscopeError` for what is no service's name.
        """
        return bool(groups.stopped(self._folder, service))

    def apply(self, change: Change) -> Receipt:
        """Kill or quarantine the process that the change names, unless its service is stopped."""
        began = self._clock()
        try:
            outcome, said = self._applied(change)
        except (MeshscopeError, OSError) as error:
            # Whatever is raised was raised before anything was done.
            outcome, said = Outcome.REFUSED, _why(error)
        return Receipt(change=change, outcome=outcome, said=said, seconds=self._clock() - began)

    def _applied(self, change: Change) -> tuple[Outcome, str]:
        service = change.service
        if change.verb not in (Verb.KILL, Verb.QUARANTINE) or service is None or not change.precondition:
            return Outcome.REFUSED, "processes can be killed and quarantined, each by its identity"
        # Asked again, as late as can be: a person may have thrown the switch since the guards were asked.
        if why := groups.stopped(self._folder, service):
            return Outcome.REFUSED, f"{service} is stopped: {why}"
        group = groups.read(self._folder, service)
        member = _named(group, change.precondition)
        if group is None or member is None:
            if groups.runs(change.precondition):
                return Outcome.REFUSED, f"it runs, and no group lists it for {service}"
            return _GONE
        if member.name != change.subject:
            return Outcome.REFUSED, f"its group calls it {member.name}"
        try:
            handle = os.pidfd_open(member.pid)
        except ProcessLookupError:
            return _GONE
        try:
            return self._handled(change.verb, group, member, handle)
        finally:
            os.close(handle)

    def _handled(self, verb: Verb, group: Group, member: Member, handle: int) -> tuple[Outcome, str]:
        # Only now: a process that had this number before has none of this handle.
        if not member.alive:
            return _GONE
        try:
            if why := _untouchable(group, member.pid):
                return Outcome.REFUSED, why
        except (ProcessLookupError, FileNotFoundError):
            return _GONE
        if verb is Verb.QUARANTINE:
            return self._quarantined(group.identity, member, handle)
        return _sent(handle, signal.SIGKILL) or self._killed(handle)

    def _killed(self, handle: int) -> tuple[Outcome, str]:
        try:
            if _ended(handle, self._seconds):
                return Outcome.DONE, ""
        except OSError as error:
            return Outcome.UNKNOWN, f"it was killed, and whether it is gone can't be asked: {_why(error)}"
        return Outcome.UNKNOWN, f"it was killed and is not gone after {self._seconds:g} s"

    def _quarantined(self, service: Identity, member: Member, handle: int) -> tuple[Outcome, str]:
        # No signal at all, to know whether one may be sent before the mark is there.
        if (no := _sent(handle, 0)) is not None:
            return no
        # The mark first: a process that stands still and is not taken out would answer nobody.
        try:
            groups.mark(self._folder, service, member.name)
        except (MeshscopeError, OSError) as error:
            return self._unmarked(service, member, _why(error))
        if (no := _sent(handle, signal.SIGSTOP)) is not None:
            return no if no == _GONE else self._unmarked(service, member, no[1])
        try:
            return self._stilled(member, handle)
        except OSError as error:
            return Outcome.UNKNOWN, f"it is taken out, and whether it stands still can't be asked: {_why(error)}"

    def _stilled(self, member: Member, handle: int) -> tuple[Outcome, str]:
        until = self._clock() + self._seconds
        while not member.still:
            if _ended(handle, _LOOK_SECONDS):
                return _GONE
            if self._clock() > until:
                return Outcome.UNKNOWN, f"it is taken out, and does not stand still after {self._seconds:g} s"
        return Outcome.DONE, "it stands still and can be looked at"

    def _unmarked(self, service: Identity, member: Member, why: str) -> tuple[Outcome, str]:
        """The mark could not be written, or is to be no more; whoever saw it may have acted on it already."""
        try:
            seen = groups.unmark(self._folder, service, member.name)
        except (MeshscopeError, OSError) as error:
            return Outcome.UNKNOWN, f"{why}; its mark can't be removed: {_why(error)}"
        return (Outcome.UNKNOWN, f"{why}; its mark was there for a moment") if seen else (Outcome.REFUSED, why)


def _named(group: Group | None, uid: str) -> Member | None:
    return next((one for one in group.instances if one.uid == uid), None) if group else None


def _untouchable(group: Group, pid: int) -> str:
    """Why nothing may be done to a process that a group lists; empty where it may. Raises OSError."""
    if pid in (1, os.getpid(), os.getppid()) or os.getpgid(pid) == os.getpgrp():
        return "the agent does nothing to itself, nor to what it was started by or with"
    if group.owner not in (0, Path(f"/proc/{pid}").stat().st_uid):
        return "another user runs it than the one who wrote the group's file"
    return ""


def _sent(handle: int, number: int) -> tuple[Outcome, str] | None:
    """Send a signal; None where it was sent."""
    try:
        signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return _GONE
    except PermissionError:
        return Outcome.REFUSED, "it belongs to another user"
    return None


def _ended(handle: int, seconds: float) -> bool:
    """Whether the process ends within ``seconds``."""
    # Not select(): it takes no handle from 1024 on.
    poll = select.poll()
    poll.register(handle, select.POLLIN)
    return bool(poll.poll(1000 * seconds))


def _last(path: Path, lines: int, owner: int) -> tuple[str, ...]:
    with groups.regular(path) as stream:
        if owner not in (0, os.fstat(stream.fileno()).st_uid):
            return ()
        size = stream.seek(0, os.SEEK_END)
        # One byte more, to know whether the first line is whole.
        stream.seek(max(0, size - _LOG_BYTES - 1))
        content = stream.read(_LOG_BYTES + 1)
    if len(content) > _LOG_BYTES:
        _, newline, rest = content.partition(b"\n")
        content = rest if newline else content[1:]
    found = content.decode(errors="replace").removesuffix("\n").split("\n")
    return tuple(line.rstrip("\r")[:_LONGEST_LINE] for line in found[-lines:]) if content else ()


def _why(error: MeshscopeError | OSError) -> str:
    return str(error) if isinstance(error, MeshscopeError) else error.strerror or str(error)


def _unasked(service: Identity, error: OSError) -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="target/unasked",
            title=f"which processes of {service} run can't be asked: {_why(error)}",
            why="what can't be asked is not taken to be gone",
            help="see whether the agent has handles left and may read /proc: `ulimit -n`, `ls /proc`",
            subject=str(service),
        )
    )
