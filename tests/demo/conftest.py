"""A small house that the demo can play in a moment, and the demo as a person starts it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]

MESH = '''
from meshscope import (
    SLO, Availability, Calls, Direction, Env, Gateway, Mesh, Otlp, Owner, OwnerAttributes, Pipeline, Redact, Service,
    Tier, ToLogStore, ToTraceStore, days, percent, pipeline,
)

team = Owner(name="team", issues="github:acme/team", pager="pagerduty:team-primary")
good = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
back = Service(name="back", namespace="shop", owner=team, runbook="back.md", replicas=2, slos=(good,))
front = Service(name="front", namespace="shop", owner=team, runbook="front.md", replicas=1, slos=(good,))
door = Gateway(name="door", namespace="edge", direction=Direction.INGRESS, owner=team)
calls = Calls({door: (front,), front: (back,)})
mesh = Mesh(name="tiny", provider="istio", owner=team)


@pipeline
def gateway(mesh: Mesh) -> Pipeline:
    """All telemetry passes here."""
    return Pipeline(
        tier=Tier.GATEWAY,
        receive=(Otlp(),),
        enrich=(OwnerAttributes(),),
        redact=Redact(),
        send=(ToTraceStore(endpoint=Env("TRACES_ENDPOINT")), ToLogStore(endpoint=Env("LOGS_ENDPOINT"))),
    )
'''


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A house of two services behind a gateway."""
    house = tmp_path / "tiny"
    house.mkdir()
    (house / "mesh.py").write_text(MESH)
    return house


def processes_in(folder: Path) -> dict[int, str]:
    """Every process that works below ``folder``, with its name."""
    found = {}
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and Path(os.readlink(process / "cwd")).is_relative_to(folder):
                found[int(process.name)] = (process / "comm").read_text().strip()
        except OSError:
            continue
    return found


def soon(wanted: Callable[[], object], seconds: float = 120.0) -> bool:
    """Whether ``wanted`` becomes true in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if wanted():
            return True
        time.sleep(0.1)
    return False


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """Where a started demo makes its folder."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def demo(work: Path) -> Iterator[Start]:
    """Starts ``meshscope demo`` in a session of its own; ended with the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, house: Path = ROOT, **environment: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [Path(sys.executable).with_name("meshscope"), "demo", *arguments],
            cwd=house,
            env={**os.environ, "TMPDIR": str(work), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)


@pytest.fixture
def engines(engine: Callable[[str], Path]) -> Sequence[Path]:
    """The programs of the live part."""
    return [engine(name) for name in ("prometheus", "promtool", "alertmanager", "otelcol")]


@pytest.fixture
def sit(work: Path, tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Sits down at a terminal with the demo, with engines or without; ended with the test."""
    sitting: list[Terminal] = []

    def down(*arguments: str, engines: bool = False) -> Terminal:
        absent = {} if engines else {"PATH": "/usr/bin:/bin", "MESHSCOPE_CACHE": str(tmp_path / "empty")}
        command = str(Path(sys.executable).with_name("meshscope"))
        terminal = Terminal(command, "demo", *arguments, folder=ROOT, environment={"TMPDIR": str(work), **absent})
        sitting.append(terminal)
        return terminal

    yield down
    for terminal in sitting:
        terminal.close()
