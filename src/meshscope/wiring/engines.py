"""Find the real programs that judge: the engine cache first, then PATH, each of a version that judges rightly."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from meshscope.adapters.engines.amtool import Amtool
from meshscope.adapters.engines.otelcol import Otelcol
from meshscope.adapters.engines.program import version_of
from meshscope.adapters.engines.promtool import PromtoolConfig, PromtoolRules, PromtoolTests
from meshscope.check.engine import MINIMUM, Absent, Engine
from meshscope.findings import MeshscopeError


def cache_folder() -> Path:
    """Where programs are kept between runs: MESHSCOPE_CACHE, else the user's cache."""
    own = os.environ.get("MESHSCOPE_CACHE")
    shared = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return (Path(own) if own else Path(shared) / "meshscope").expanduser().absolute()


def engines() -> tuple[tuple[Engine, ...], tuple[Absent, ...]]:
    """The engines that can be asked, and those that can't, with the reason."""
    present: list[Engine] = []
    absent: list[Absent] = []
    promtool, version = found("promtool")
    if promtool is not None:
        present += [
            PromtoolRules(program=promtool, version=version),
            PromtoolConfig(program=promtool, version=version),
            PromtoolTests(program=promtool, version=version, proved=cache_folder() / "proved"),
        ]
    else:
        absent.append(Absent(name="promtool", why=version))
    amtool, version = found("amtool")
    if amtool is not None:
        present.append(Amtool(program=amtool, version=version))
    else:
        absent.append(Absent(name="amtool", why=version))
    builds = [(program, said) for program, said in map(found, ("otelcol", "otelcol-logs")) if program is not None]
    if builds:
        programs, versions = zip(*builds, strict=True)
        present.append(Otelcol(programs=programs, version=" and ".join(versions)))
    else:
        absent.append(Absent(name="otelcol", why=found("otelcol")[1]))
    return tuple(present), tuple(absent)


def found(name: str) -> tuple[Path | None, str]:
    """The program called ``name`` and its version; None and the reason where there is none that will do."""
    cached = cache_folder() / "engines" / "bin" / name
    on_path = shutil.which(name)
    candidates = [cached] if cached.is_file() else [Path(on_path)] if on_path else []
    for program in candidates:
        try:
            version = version_of(program)
        except MeshscopeError as error:
            return None, error.finding.title
        if at_least(version, MINIMUM[name]):
            return program, version
        return None, f"{program} is {version or 'of no version'}, and {MINIMUM[name]} is needed"
    return None, "not found on PATH"


def at_least(version: str, minimum: str) -> bool:
    """Whether a dotted version is ``minimum`` or newer; ``3.0.0-rc.1`` counts as 3.0.0."""

    def numbers(text: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", re.split(r"[^\d.]", text)[0])]

    return numbers(version) >= numbers(minimum)
