"""Real collectors on built configurations, and a store that keeps what they send."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from collecting_lab import Running, Sink, house, surroundings, tiers, write

from meshscope.artefacts.documents import CollectorConfig
from meshscope.model.model import Model


@pytest.fixture(scope="session")
def boutique() -> Model:
    """The reference mesh as it stands."""
    return house()


@pytest.fixture
def sink() -> Iterator[Sink]:
    """An open store."""
    store = Sink()
    store.open()
    yield store
    store.close()


@pytest.fixture
def start(engine: Callable[[str], Path], tmp_path: Path, sink: Sink) -> Iterator[Callable[..., Running]]:
    """Starts a collector on a configuration; ended with the test."""
    with ExitStack() as ends:

        def run(config: CollectorConfig, program: str = "otelcol", flags: tuple[str, ...] = (), **more: str) -> Running:
            folder = tmp_path / config.name
            running = Running(
                engine(program), write(config, folder), surroundings(folder, sink, **more), folder / "collector.log"
            )
            running.flags = flags
            ends.callback(running.end)
            running.start()
            return running

        yield run


@pytest.fixture
def gateway(start: Callable[..., Running], boutique: Model) -> Running:
    """The reference mesh's gateway tier, twenty times as fast."""
    return start(tiers(boutique)["gateway"])
