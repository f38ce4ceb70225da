"""A real Alertmanager on the built configuration."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from alerting_lab import (
    FAST,
    Alertmanager,
    Exposed,
    Inbox,
    Prometheus,
    end,
    house,
    local,
    until_ready,
    write,
)

from meshscope.artefacts.documents import AlertmanagerConfig
from meshscope.build.alertmanager import alertmanager
from meshscope.model.model import Model
from tests.ports import free_port


@pytest.fixture(scope="session")
def boutique() -> Model:
    """The reference mesh as it stands."""
    return house()


@pytest.fixture(scope="session")
def staging() -> Model:
    """The reference mesh in its other environment."""
    return house("staging")


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """An open inbox."""
    box = Inbox()
    box.open()
    yield box
    box.close()


@pytest.fixture
def start(engine: Callable[[str], Path], tmp_path: Path) -> Iterator[Callable[..., Alertmanager]]:
    """Starts Alertmanager on a configuration; ended with the test."""
    program = engine("alertmanager")
    with ExitStack() as ends:

        def run(config: AlertmanagerConfig, cwd: Path | None = None) -> Alertmanager:
            path = write(config, tmp_path / "alertmanager")
            port = free_port()
            log = ends.enter_context((tmp_path / "alertmanager.log").open("w"))
            process = subprocess.Popen(
                [
                    program,
                    f"--config.file={path}",
                    f"--storage.path={tmp_path / 'data'}",
                    f"--web.listen-address=127.0.0.1:{port}",
                    "--cluster.listen-address=",
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=cwd or tmp_path,
            )
            ends.callback(end, process)
            running = Alertmanager(f"http://127.0.0.1:{port}", process)
            until_ready(running.url, process, tmp_path / "alertmanager.log")
            return running

        yield run


@pytest.fixture
def running(start: Callable[..., Alertmanager], boutique: Model, inbox: Inbox, tmp_path: Path) -> Alertmanager:
    """Alertmanager on the reference mesh's configuration, sixty times as fast, with every receiver at the inbox."""
    return start(alertmanager(local(boutique, inbox, tmp_path / "secrets"), FAST))


@pytest.fixture
def target() -> Iterator[Exposed]:
    """Something to scrape."""
    exposed = Exposed()
    exposed.open()
    yield exposed
    exposed.close()


@pytest.fixture
def prometheus(engine: Callable[[str], Path], tmp_path: Path) -> Iterator[Callable[..., Prometheus]]:
    """Starts Prometheus in the folder of its configuration, as the guide says; ended with the test."""
    program = engine("prometheus")
    with ExitStack() as ends:

        def run(folder: Path, port: int | None = None) -> Prometheus:
            port = port or free_port()
            log = ends.enter_context((tmp_path / "prometheus.log").open("w"))
            flags = ["@flags"] if (folder / "flags").exists() else []
            command = [program, "--config.file=prometheus.yaml", *flags]
            places = [f"--storage.tsdb.path={tmp_path / 'tsdb'}", f"--web.listen-address=127.0.0.1:{port}"]
            process = subprocess.Popen([*command, *places], stdout=log, stderr=subprocess.STDOUT, cwd=folder)
            ends.callback(end, process)
            until_ready(f"http://127.0.0.1:{port}", process, tmp_path / "prometheus.log")
            return Prometheus(f"http://127.0.0.1:{port}", process)

        yield run


@pytest.fixture
def amtool(engine: Callable[[str], Path]) -> Callable[..., subprocess.CompletedProcess]:
    """Runs amtool."""
    program = engine("amtool")
    return lambda *arguments: subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
