"""All services of the demo: binds their ports, then makes processes of them, which share what was loaded before.

Run as ``python -m meshscope.demo.troupe``. It reads an `Engagement` from stdin and answers with one line of JSON, where
each process and proxy listens. Each pod of the service that is going to fail is a process of its own, under a
supervisor: one that dies or is quarantined is replaced by another with a name of its own, and the group's file and
Prometheus's targets say so. When any other process dies, it says which and why, and ends with all others.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import os
import pickle
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from meshscope.demo.directions import Followed
from meshscope.demo.history import History
from meshscope.demo.script import Player, Script, pod_name
from meshscope.demo.service import Process, Stage
from meshscope.demo.sidecar import Sidecar
from meshscope.deploy import groups
from meshscope.deploy.groups import Group, Member
from meshscope.deploy.tether import tie

_PR_SET_NAME = 15
_LAST_LINES = 8
_LOOK_SECONDS = 0.02
# So many deaths within so many seconds are no replacement any more but a loop.
_DEATHS, _WITHIN = 6, 10.0


@dataclass(frozen=True, kw_only=True)
class Engagement:
    """What a troupe is asked to play: where telemetry goes, where directions come from, and folders.

    ``targets`` is the file of Prometheus's that lists proxies, whose pods change; nothing where it is not there.
    """

    script: Script
    collector: str
    time_scale: float
    logs: Path
    history: History
    directions: Path
    groups: Path
    targets: Path


@dataclass(kw_only=True)
class _Act:
    """One process that is going to be: its player, the names of its pods by their place, and the ports bound for it."""

    name: str
    player: Player
    names: dict[str, str]
    listening: Mapping[str, socket.socket]
    scraped: Mapping[str, socket.socket]
    told: socket.socket
    alone: bool = False
    """Whether it is one pod under the supervisor."""
    pid: int = 0
    started: float = 0.0

    @property
    def called(self) -> str:
        """What the process is called: its pod, where it is one."""
        return next(iter(self.names.values())) if self.alone else self.player.identity.name

    def close(self) -> None:
        """Leave the ports to the process that plays."""
        for listener in (*self.listening.values(), *self.scraped.values(), self.told):
            listener.close()


@dataclass(kw_only=True)
class _Troupe:
    """Everything that plays, and what is needed to replace one of it."""

    engagement: Engagement
    acts: list[_Act]
    stage: Stage
    sidecars: dict[str, Sidecar]
    running: dict[int, _Act] = field(default_factory=dict)
    kept: dict[int, _Act] = field(default_factory=dict)
    """What is quarantined, and stands still."""
    deaths: list[float] = field(default_factory=list)
    fresh: count[int] = field(default_factory=lambda: count(100))


def main() -> int:
    """Play until asked to end; 1 when a process died that nobody replaces."""
    engagement: Engagement = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent
    acts = [act for player in engagement.script.players for act in _acts(player, engagement.script)]
    pods = {place: port.getsockname() for act in acts for place, port in act.listening.items()}
    sidecars = {name: Sidecar(act.player, name) for act in acts for name in act.listening}
    scraped = {name: port.getsockname() for act in acts for name, port in act.scraped.items()}
    engagement.history.write(engagement.script, sidecars, scraped)
    stage = Stage(
        script=engagement.script, pods=pods, collector=engagement.collector, time_scale=engagement.time_scale,
        directions=engagement.directions,
    )  # fmt: skip
    # What was loaded is shared with every process for as long as nobody writes to it, nor the collector of garbage.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    troupe = _Troupe(engagement=engagement, acts=acts, stage=stage, sidecars=sidecars)
    try:
        for act in acts:
            _play(act, troupe)
        _tell(troupe)
        print(json.dumps(_answer(acts)), flush=True)  # noqa: T201 - the answer to our parent
        for act in acts:
            if not act.alone:
                act.close()
        return _watch(troupe)
    finally:
        _end(troupe)


def log_of(logs: Path, name: str) -> Path:
    """Where the process called ``name`` writes what goes wrong."""
    return logs / f"{name.replace('/', '-')}.log"


def _acts(player: Player, script: Script) -> list[_Act]:
    proxied = player.reports or (player.counts_calls and player.identity.namespace)

    def act(name: str, pods: tuple[str, ...], *, alone: bool) -> _Act:
        return _Act(
            name=name, player=player, names={pod: pod for pod in pods}, listening={pod: _port() for pod in pods},
            scraped={pod: _port() for pod in pods} if proxied else {}, told=_port(), alone=alone,
        )  # fmt: skip

    if player.identity == script.target:
        return [act(pod, (pod,), alone=True) for pod in player.pods]
    return [act(player.name, player.pods, alone=False)]


def _port() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def _answer(acts: list[_Act]) -> dict[str, object]:
    return {
        "processes": {act.name: [act.pid, *act.told.getsockname()] for act in acts},
        "scraped": {
            pod: [act.player.identity.namespace, *port.getsockname()]
            for act in acts
            for pod, port in act.scraped.items()
        },
    }


def _play(act: _Act, troupe: _Troupe) -> None:
    """Fork the process of ``act``, which is tied to us when this returns; in the process itself it never does."""
    parent = os.getpid()
    reading, writing = os.pipe()
    # Opened here, so that it is there however early the process ends.
    log = os.open(log_of(troupe.engagement.logs, act.called), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    act.started = time.time()
    act.pid = os.fork()
    if act.pid:
        os.close(log)
        os.close(writing)
        # Nobody hears of it before: one that is stopped untied would outlive us.
        os.read(reading, 1)
        os.close(reading)
        troupe.running[act.pid] = act
        return
    status = 1
    try:
        tie(parent)
        os.close(reading)
        os.close(writing)
        _be_called(act.player.identity.name)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(log, 1)
        os.dup2(log, 2)
        for other in troupe.acts:
            if other is not act:
                other.close()
        process = Process(act.player, act.names, troupe.stage, troupe.sidecars)
        asyncio.run(process.run(act.listening, act.scraped, act.told))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _be_called(name: str) -> None:
    """Be ``name`` in lists of processes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15])


def _watch(troupe: _Troupe) -> int:
    """Replace what dies or is taken out, and run the revision that is asked for; 1 when somebody else died."""
    followed = Followed(troupe.engagement.directions)
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid:
            troupe.kept.pop(pid, None)
            act = troupe.running.pop(pid, None)
            if act is not None:
                if not act.alone or _loops(troupe):
                    return _said(act, status, troupe.engagement.logs)
                _replace(act, troupe)
                _tell(troupe)
            continue
        if _taken_out(troupe) | _released(troupe, followed):
            _tell(troupe)
        time.sleep(_LOOK_SECONDS)


def _loops(troupe: _Troupe) -> bool:
    now = time.monotonic()
    troupe.deaths = [at for at in troupe.deaths if at > now - _WITHIN] + [now]
    return len(troupe.deaths) > _DEATHS


def _said(act: _Act, status: int, logs: Path) -> int:
    code = os.waitstatus_to_exitcode(status)
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    last = log_of(logs, act.called).read_text(errors="replace").splitlines()[-_LAST_LINES:]
    sys.stderr.write("\n".join([*last, f"{act.name} {how}\n"]))
    return 1


def _replace(act: _Act, troupe: _Troupe) -> None:
    """Have another pod in the place of the one that was there."""
    name = pod_name(act.player.workload, next(troupe.fresh))
    (place,) = act.names
    act.names = {place: name}
    troupe.sidecars[name] = Sidecar(act.player, name)
    _play(act, troupe)


def _taken_out(troupe: _Troupe) -> bool:
    """Replace each pod that is marked; whether there was one. It goes on standing where it stopped."""
    changed = False
    for act in [act for act in troupe.acts if act.alone]:
        if act.called in groups.marks(troupe.engagement.groups, act.player.identity) and act.pid not in troupe.kept:
            troupe.running.pop(act.pid, None)
            troupe.kept[act.pid] = replace(act, names=dict(act.names))
            _replace(act, troupe)
            changed = True
    return changed


def _released(troupe: _Troupe, followed: Followed) -> bool:
    """Replace pods of another revision than the one that is to run, one each time; whether there was one."""
    wanted = followed.now().released
    for act in troupe.acts:
        version = wanted.get(act.player.name)
        if act.alone and version is not None and act.player.version != version and act.pid in troupe.running:
            old = act.pid
            troupe.running.pop(old)
            act.player = replace(act.player, version=version)
            os.kill(old, signal.SIGKILL)
            os.waitpid(old, 0)
            _replace(act, troupe)
            return True
    return False


def _tell(troupe: _Troupe) -> None:
    """Write the group's file, and Prometheus's targets, as they are now."""
    alone = [act for act in troupe.acts if act.alone]
    if not alone:
        return
    player = alone[0].player
    everybody = [*alone, *troupe.kept.values()]
    groups.write(
        troupe.engagement.groups,
        Group(
            cluster=player.identity.cluster, namespace=player.identity.namespace, service=player.identity.name,
            workload=player.workload, version=player.version, replicas=len(alone),
            instances=tuple(_member(act, troupe.engagement.logs) for act in everybody),
        ),
    )  # fmt: skip
    _retarget(alone, troupe.engagement.targets)


def _member(act: _Act, logs: Path) -> Member:
    return Member(
        name=act.called, pid=act.pid, start=groups.start_of(act.pid), version=act.player.version,
        log=str(log_of(logs, act.called)), started=act.started,
    )  # fmt: skip


def _retarget(alone: list[_Act], targets: Path) -> None:
    if not targets.is_file():
        return
    names = {f"{host}:{port}": act.called for act in alone for one in act.scraped.values()
             for host, port in [one.getsockname()]}  # fmt: skip
    listed = json.loads(targets.read_text(encoding="utf-8"))
    for entry in listed:
        for address in entry["targets"]:
            if address in names:
                entry["labels"]["pod"] = names[address]
    fresh = targets.with_suffix(".new")
    fresh.write_text(json.dumps(listed, indent=2), encoding="utf-8")
    fresh.rename(targets)


def _end(troupe: _Troupe) -> None:
    pids = [*troupe.running, *troupe.kept]
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    for pid in pids:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    sys.exit(main())
