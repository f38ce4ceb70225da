"""Groups of local processes that stand for the pods of a workload: files that a supervisor writes and a target reads.

A folder has one file of JSON for each group, ``<namespace>.<service>.json``, which its supervisor alone writes. Beside
it a person may put ``<namespace>.<service>.stop``, whose text is the reason why nothing may be done to the service, and
the target puts ``<namespace>.<service>.quarantine/<instance>`` for each instance that is to be taken out.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from meshscope.findings import Finding, MeshscopeError
from meshscope.model.services import Identity

_LARGEST = 4 << 20
_LONGEST_REASON = 200
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_INSTANCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,252}")
# What Linux allows at most: PID_MAX_LIMIT.
_MOST_PID = 1 << 22
_LATEST = 1e12


@dataclass(frozen=True, kw_only=True)
class Member:
    """One process: ``start`` is field 22 of /proc/PID/stat, ``started`` seconds since 1970, ``log`` its file."""

    name: str
    pid: int
    start: int
    version: str = ""
    log: str = ""
    ready: bool = True
    started: float = 0.0

    @property
    def uid(self) -> str:
        """What never comes back: the boot, the process id and when it started."""
        return f"{boot()}-{self.pid}-{self.start}"

    @property
    def alive(self) -> bool:
        """Whether that very process still runs; a zombie doesn't. Raises OSError where that can't be asked."""
        return self.start > 0 and start_of(self.pid) == self.start

    @property
    def still(self) -> bool:
        """Whether that very process was stopped and stands still. Raises OSError where that can't be asked."""
        found = _look(self.pid)
        return found is not None and found.start == self.start and found.state in "Tt"


@dataclass(frozen=True, kw_only=True)
class Group:
    """The processes of one service. ``owner`` is the user whose file it is; only a reader knows that."""

    cluster: str
    namespace: str
    service: str
    workload: str
    version: str = ""
    replicas: int = 1
    instances: tuple[Member, ...] = ()
    owner: int = field(default=-1, compare=False)

    @property
    def identity(self) -> Identity:
        """Whose processes they are."""
        return Identity(self.cluster, self.namespace, self.service)


def path_of(folder: Path, service: Identity, ending: str = "json") -> Path:
    """Where the group of ``service`` is written. Raises `MeshscopeError` for a name that could lead elsewhere."""
    for name in (service.namespace, service.name):
        # With a dot in one of them, two services could share a file.
        if not _LABEL.fullmatch(name):
            raise _bad(folder, f"{name!r} is no name of a namespace or service")
    return folder / f"{service.namespace}.{service.name}.{ending}"


def write(folder: Path, group: Group) -> None:
    """Write the group's file in one step, on disk when this returns; who ended unidentified is left out.

    Raises OSError.
    """
    path = path_of(folder, group.identity)
    content = asdict(group)
    del content["owner"]
    content["instances"] = [asdict(one) for one in group.instances if one.start > 0]
    fresh = path.with_name(f"{path.name}.new")
    with suppress(FileNotFoundError):
        fresh.unlink()
    # Made anew, so that a link that somebody put there leads nowhere.
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644), "w") as stream:
        json.dump(content, stream)
        stream.flush()
        os.fsync(stream.fileno())
    fresh.rename(path)
    _sync(folder)


def read(folder: Path, service: Identity) -> Group | None:
    """The group of ``service``; None where it has none. Raises `MeshscopeError` for a file that is not one."""
    path = path_of(folder, service)
    try:
        with regular(path) as stream:
            about, text = os.fstat(stream.fileno()), stream.read(_LARGEST + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _bad(path, _said(error)) from error
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _bad(path, "others may write it, and could name any process", f"run `chmod go-w {path}`")
    try:
        if len(text) > _LARGEST:
            raise ValueError("it is larger than 4 MiB")
        found = _group(json.loads(text), about.st_uid)
    except KeyError as error:
        raise _bad(path, f"it has no `{error.args[0]}`") from error
    except (ValueError, RecursionError) as error:
        raise _bad(path, str(error)) from error
    if (found.namespace, found.service) != (service.namespace, service.name):
        raise _bad(path, f"it is about {found.identity}")
    return found if found.cluster == service.cluster else None


def marks(folder: Path, service: Identity) -> frozenset[str]:
    """The names of the instances that are to be taken out. Raises `MeshscopeError` where that can't be read."""
    path = path_of(folder, service, "quarantine")
    try:
        return frozenset(os.listdir(path))
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise _bad(path, _said(error)) from error


def mark(folder: Path, service: Identity, instance: str) -> None:
    """Have an instance taken out of its group; on disk when this returns. Raises OSError, and for a bad name."""
    path = _mark(folder, service, instance)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o644)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    _sync(path.parent)
    _sync(folder)


def unmark(folder: Path, service: Identity, instance: str) -> bool:
    """Remove an instance's mark; whether there was one. Raises OSError, and `MeshscopeError` for a bad name."""
    try:
        _mark(folder, service, instance).unlink()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def stopped(folder: Path, service: Identity) -> str:
    """Why nothing may be done to ``service``; empty where it may. A file that can't be read stops too.

    Raises `MeshscopeError` for a name that could lead elsewhere.
    """
    path = path_of(folder, service, "stop")
    try:
        with regular(path) as stream:
            text = stream.read(4 * _LONGEST_REASON).decode(errors="replace")
    except FileNotFoundError as error:
        # A link that leads nowhere is there.
        return f"{path} can't be read: {_said(error)}" if path.is_symlink() else ""
    except OSError as error:
        return f"{path} can't be read: {_said(error)}"
    return text.strip()[:_LONGEST_REASON] or "no reason given"


@contextmanager
def regular(path: Path) -> Iterator[BinaryIO]:
    """The file at ``path`` to read; never waits, as one that waits for a pipe would. Raises OSError for no file too."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError("it is no file")
        with os.fdopen(handle, "rb", closefd=False) as stream:
            yield stream
    finally:
        os.close(handle)


@cache
def boot() -> str:
    """What tells this boot of the machine from every other one. Raises `MeshscopeError` where nothing does."""
    path = Path("/proc/sys/kernel/random/boot_id")
    try:
        return path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise _bad(path, _said(error), "run groups of processes on Linux, with /proc") from error


def uid_of(pid: int) -> str:
    """The identity of the process that has the number ``pid`` now; empty where none runs. Raises OSError."""
    start = start_of(pid)
    return f"{boot()}-{pid}-{start}" if start else ""


def runs(uid: str) -> bool:
    """Whether the process of that identity runs, whoever lists it. Raises OSError."""
    pid = uid.removeprefix(f"{boot()}-").partition("-")[0]
    return pid.isascii() and pid.isdigit() and len(pid) < 10 and uid_of(int(pid)) == uid


def start_of(pid: int) -> int:
    """When the process ``pid`` started, in ticks since the boot; 0 where it doesn't run, or is a zombie.

    Raises OSError where that can't be asked.
    """
    found = _look(pid)
    # A leader that ended before its threads looks like a zombie, and the process goes on.
    return 0 if found is None or (found.state in "ZXx" and found.threads <= 1) else found.start


class _Stat(NamedTuple):
    state: str
    threads: int
    start: int


def _look(pid: int) -> _Stat | None:
    try:
        # Its name may hold anything, spaces and brackets too.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return _Stat(fields[0].decode(), int(fields[17]), int(fields[19]))


def _group(data: object, owner: int) -> Group:
    rows = _mapping(data)
    members = tuple(map(_member, _list(rows["instances"])))
    for what, values in (("name", [one.name for one in members]), ("pid", [one.pid for one in members])):
        if len(set(values)) < len(values):
            raise ValueError(f"two of its instances have the same {what}")
    return Group(
        cluster=_text(rows["cluster"]), namespace=_text(rows["namespace"]), service=_text(rows["service"]),
        workload=_text(rows["workload"]), version=_text(rows.get("version", "")),
        replicas=_whole(rows.get("replicas", 1), 0, 1_000_000), instances=members, owner=owner,
    )  # fmt: skip


def _member(data: object) -> Member:
    row = _mapping(data)
    started = row.get("started", 0.0)
    if isinstance(started, bool) or not isinstance(started, int | float) or not 0 <= started <= _LATEST:
        raise ValueError(f"{str(started)[:40]!r} is no time")
    return Member(
        name=_name(row["name"]), pid=_whole(row["pid"], 2, _MOST_PID), start=_whole(row["start"], 1, 1 << 63),
        version=_text(row.get("version", "")), log=_text(row.get("log", "")), ready=row.get("ready", True) is True,
        started=float(started),
    )  # fmt: skip


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{str(value)[:40]!r} has no keys and values")
    return value


def _list(value: object) -> Sequence[object]:
    if not isinstance(value, list):
        raise ValueError(f"{str(value)[:40]!r} is no list of instances")
    return value


def _whole(value: object, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{str(value)[:40]!r} is no whole number from {least} to {most}")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 4096 or not value.isprintable():
        raise ValueError(f"{str(value)[:40]!r} is no text of a line")
    return value


def _name(value: object) -> str:
    if not isinstance(value, str) or not _INSTANCE.fullmatch(value):
        raise ValueError(f"{str(value)[:40]!r} is no instance's name")
    return value


def _mark(folder: Path, service: Identity, instance: str) -> Path:
    path = path_of(folder, service, "quarantine")
    if not _INSTANCE.fullmatch(instance):
        raise _bad(path, f"{instance[:40]!r} is no instance's name")
    return path / instance


def _sync(folder: Path) -> None:
    """Make new names in ``folder`` outlive a loss of power."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _said(error: OSError) -> str:
    said = error.strerror or str(error)
    return f"{said[:1].lower()}{said[1:]}"


def _bad(path: Path, why: str, help_: str = "see that its supervisor runs and writes it") -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="target/bad-group",
            title=f"the group of processes in {path} can't be used: {why}",
            why="nothing is done to processes that nobody lists for sure",
            help=help_,
            subject=str(path),
        )
    )
