"""`go install`: for a module that builds just as it is served."""

from __future__ import annotations

from forge.bench import Bench
from forge.narrator import estimate
from forge.pins import Engine


def build(engine: Engine, bench: Bench) -> None:
    """Install the engine's commands at the pinned version into the bench's result."""
    _, version = engine.module.split("@")
    bench.run(
        "compiling",
        *("go", "install", "-trimpath", "-tags", ",".join(engine.tags), "-ldflags", engine.ldflags),
        *(f"{package}@{version}" for package in engine.programs.values()),
        expect=estimate(engine.estimate_seconds),
        GOBIN=str(bench.result / "bin"),
    )
