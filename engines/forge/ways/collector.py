"""The OpenTelemetry Collector's own builder, which writes the source of a collector out of a manifest."""

from __future__ import annotations

from string import Template

from forge.bench import Bench
from forge.narrator import estimate
from forge.pins import Engine


def build(engine: Engine, bench: Bench) -> None:
    """Write the collector's source out of the recipe's manifest.yaml and compile it."""
    tools = bench.folder / "tools"
    manifest = bench.folder / "manifest.yaml"
    manifest.write_text(
        Template((engine.folder / "manifest.yaml").read_text(encoding="utf-8")).substitute(engine.words),
        encoding="utf-8",
    )
    install = ("go", "install", "-trimpath", engine.module)
    bench.run("compiling the builder", *install, expect="less than a minute", GOBIN=str(tools))
    # Left to itself the builder resolves modules without -e and fails: some that only tests of dependencies import
    # are refused. Told to skip that, it writes no go.mod. So the manifest names as its Go a program that does nothing.
    bench.run("writing the collector's source", tools / "builder", "--skip-compilation", "--config", manifest)
    source = bench.folder / "source"
    # With -e it goes on without those.
    bench.run("resolving modules", "go", "mod", "tidy", "-e", cwd=source, expect="about a minute")
    (program,) = engine.programs
    bench.run(
        "compiling",
        *("go", "build", "-trimpath", "-ldflags", engine.ldflags, "-o", bench.result / "bin" / program, "."),
        cwd=source,
        expect=estimate(engine.estimate_seconds),
    )
