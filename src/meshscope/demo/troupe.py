"""All services of the demo: binds their ports, then makes a process of each, which share what was loaded before.

Run as ``python -m meshscope.demo.troupe``. It reads an `Engagement` from stdin and answers with one line of JSON, the
`Cast` as plain data. When a process dies, it says which and why, and ends with all others.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import pickle
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from meshscope.demo.history import History
from meshscope.demo.script import Player, Script
from meshscope.demo.service import Process, Stage
from meshscope.demo.sidecar import Sidecar
from meshscope.demo.tether import be_called, tie

_LAST_LINES = 8


@dataclass(frozen=True, kw_only=True)
class Engagement:
    """What a troupe is asked to play: where telemetry goes, and the folders of logs and of the made-up past."""

    script: Script
    collector: str
    time_scale: float
    logs: Path
    history: History


@dataclass(frozen=True, kw_only=True)
class _Act:
    """One process that is going to be: its player, and the ports that were bound for it."""

    player: Player
    listening: Mapping[str, socket.socket]
    scraped: Mapping[str, socket.socket]
    told: socket.socket

    def close(self) -> None:
        """Leave the ports to the process that plays."""
        for listener in (*self.listening.values(), *self.scraped.values(), self.told):
            listener.close()


def main() -> int:
    """Play until asked to end; 1 when a process died."""
    engagement: Engagement = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by our own parent
    acts = [_act(player) for player in engagement.script.players]
    pods = {name: port.getsockname() for act in acts for name, port in act.listening.items()}
    sidecars = {name: Sidecar(act.player, name) for act in acts for name in act.listening}
    scraped = {name: port.getsockname() for act in acts for name, port in act.scraped.items()}
    engagement.history.write(engagement.script, sidecars, scraped)
    stage = Stage(script=engagement.script, pods=pods, collector=engagement.collector, time_scale=engagement.time_scale)
    # What was loaded is shared with every process for as long as nobody writes to it, nor the collector of garbage.
    gc.collect()
    gc.freeze()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    running: dict[int, str] = {}
    try:
        for act in acts:
            running[_play(act, acts, stage, sidecars, engagement.logs)] = act.player.name
        print(json.dumps(_answer(acts, running)), flush=True)  # noqa: T201 - the answer to our parent
        for act in acts:
            act.close()
        return _watch(running, engagement.logs)
    finally:
        _end(running)


def log_of(logs: Path, name: str) -> Path:
    """Where the process called ``name`` writes what goes wrong."""
    return logs / f"{name.replace('/', '-')}.log"


def _act(player: Player) -> _Act:
    proxied = player.reports or (player.counts_calls and player.identity.namespace)
    return _Act(
        player=player,
        listening={pod: _port() for pod in player.pods},
        scraped={pod: _port() for pod in player.pods} if proxied else {},
        told=_port(),
    )


def _port() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0), backlog=128)


def _answer(acts: list[_Act], running: Mapping[int, str]) -> dict[str, object]:
    pids = {name: pid for pid, name in running.items()}
    return {
        "processes": {act.player.name: [pids[act.player.name], *act.told.getsockname()] for act in acts},
        "scraped": {
            pod: [act.player.identity.namespace, *port.getsockname()]
            for act in acts
            for pod, port in act.scraped.items()
        },
    }


def _play(act: _Act, acts: list[_Act], stage: Stage, sidecars: Mapping[str, Sidecar], logs: Path) -> int:
    """Fork the process of ``act`` and return its id; in the process itself this never returns."""
    parent = os.getpid()
    # Opened here, so that it is there however early the process ends.
    log = os.open(log_of(logs, act.player.name), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    pid = os.fork()
    if pid:
        os.close(log)
        return pid
    status = 1
    try:
        tie(parent)
        be_called(act.player.identity.name)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.dup2(log, 1)
        os.dup2(log, 2)
        for other in acts:
            if other is not act:
                other.close()
        asyncio.run(Process(act.player, stage, sidecars).run(act.listening, act.scraped, act.told))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(status)


def _watch(running: dict[int, str], logs: Path) -> int:
    pid, status = os.wait()
    name = running.pop(pid)
    code = os.waitstatus_to_exitcode(status)
    how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with status {code}"
    last = log_of(logs, name).read_text(errors="replace").splitlines()[-_LAST_LINES:]
    sys.stderr.write("\n".join([*last, f"{name} {how}\n"]))
    return 1


def _end(running: Mapping[int, str]) -> None:
    for pid in running:
        os.kill(pid, signal.SIGKILL)
    for pid in running:
        os.waitpid(pid, 0)


if __name__ == "__main__":
    sys.exit(main())
