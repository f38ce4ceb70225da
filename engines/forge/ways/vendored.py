"""A module of our own that requires the engine, with files put where the engine's module lacks them."""

from __future__ import annotations

from forge.bench import Bench
from forge.narrator import estimate
from forge.pins import Engine


def build(engine: Engine, bench: Bench) -> None:
    """Copy the engine's sources beside a module of our own, fill the gaps, and compile its commands."""
    source = bench.folder / "source"
    source.mkdir()
    imports = "".join(f'import _ "{package}"\n' for package in engine.programs.values())
    # Commands can't be imported for real; a file that no build includes still says that they are needed.
    (source / "tools.go").write_text(f"//go:build tools\n\npackage tools\n\n{imports}", encoding="utf-8")
    bench.run("beginning a module", "go", "mod", "init", f"meshscope.invalid/{engine.name}", cwd=source)
    bench.run("requiring the pinned version", "go", "mod", "edit", f"-require={engine.module}", cwd=source)
    bench.run("resolving modules", "go", "mod", "tidy", cwd=source, expect="less than a minute")
    # With -e it goes on without the files that are to be filled in.
    bench.run("copying the sources beside", "go", "mod", "vendor", "-e", cwd=source)
    for name in engine.placeholders:
        placeholder = source / "vendor" / name
        placeholder.parent.mkdir(parents=True, exist_ok=True)
        placeholder.touch()
    bench.run(
        "compiling",
        *("go", "build", "-mod=vendor", "-trimpath", "-tags", ",".join(engine.tags), "-ldflags", engine.ldflags),
        *("-o", f"{bench.result / 'bin'}/", *engine.programs.values()),
        cwd=source,
        expect=estimate(engine.estimate_seconds),
    )
