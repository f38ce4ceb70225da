"""A real Prometheus that knows a day of a mesh, and servers that are no Prometheus."""

from __future__ import annotations

import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from meshscope.adapters.memory.metric_store import Counter
from tests.discovery.world import World, world
from tests.ports import free_port

# How long ago there is a sample. They stand close only where a question looks: around the begin of each window,
# for as long as the tests may take, and in the minutes before and, for the same time, after the world was written.
_BEGINS = {window + 240 - step for window in (86400, 21600, 3600) for step in range(0, 1500, 240)}
_AGES = sorted({64800, 43200, 10800, 7200, *_BEGINS, *range(-1200, 840, 60)}, reverse=True)


def openmetrics(counters: Iterable[Counter], now: float) -> Iterator[str]:
    """A day of the counters' samples, as promtool reads them for a backfill."""
    for counter in counters:
        labels = ",".join(f'{name}="{_escaped(value)}"' for name, value in counter.labels.items())
        for age in _AGES:
            if counter.until <= age <= counter.since or (age < 0 and not counter.until):
                yield f"{counter.metric}{{{labels}}} {counter.rate * (200000 - age):.6f} {now - age:.3f}\n"
    yield "# EOF\n"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


@contextmanager
def serving(program: Path, promtool: Path, folder: Path, counters: Iterable[Counter], *more: str) -> Iterator[str]:
    """The address of a Prometheus whose blocks hold ``counters``."""
    folder.mkdir()
    (folder / "samples.txt").write_text("".join(openmetrics(counters, time.time())), encoding="utf-8")
    blocks = [promtool, "tsdb", "create-blocks-from", "openmetrics", folder / "samples.txt", folder / "data"]
    subprocess.run(blocks, check=True, capture_output=True)
    (folder / "prometheus.yml").write_text("{}\n")
    port = free_port()
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        *more,
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            _wait(f"http://127.0.0.1:{port}/-/ready", server, folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(10)
            server.kill()


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    for _ in range(300):
        with suppress(OSError), opener.open(address, timeout=1):
            return
        assert server.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


@pytest.fixture(scope="session")
def the_world() -> World:
    return world()


@pytest.fixture(scope="session")
def _servers() -> Iterator[tuple[ExitStack, list[str]]]:
    with ExitStack() as stack:
        yield stack, []


@pytest.fixture
def prometheus(
    engine: Callable[[str], Path],
    _servers: tuple[ExitStack, list[str]],
    the_world: World,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """The address of one real Prometheus for all tests, with a day of the world behind it."""
    stack, started = _servers
    if not started:
        folder = tmp_path_factory.mktemp("prometheus") / "server"
        kept = "--storage.tsdb.retention.time=40d"
        server = serving(engine("prometheus"), engine("promtool"), folder, the_world.counters, kept)
        started.append(stack.enter_context(server))
    return started[0]
