"""How long a build takes and how much memory, by the installed command as a person runs it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from bench.figures import Figure, Goal
from bench.memory import peak_mib
from bench.mesh import EVERY_PERIOD, shape, write_house
from bench.querying import querying_rules
from bench.talk import Talk

LARGE = 10_000
SMALL = 1_000
SMALLEST = 10

SECONDS = Goal(name="build_10000_seconds", unit="seconds", goal=10)
MEMORY = Goal(name="build_10000_mib", unit="MiB", goal=1024)
NO_CHANGE = Goal(name="build_nochange_10000_seconds", unit="seconds", goal=2)
GROWTH = Goal(name="build_growth_1000_to_10000", unit="times the seconds", goal=11)
RULES = Goal(name="querying_rules_10000", unit="rules", goal=60)
START = Goal(name="start_seconds", unit="seconds", goal=0.25)

_RUNS = 3
_STARTS = 10


def command() -> Path:
    """The installed ``meshscope`` beside the Python that runs this."""
    return Path(sys.executable).parent / "meshscope"


def started(talk: Talk) -> list[Figure]:
    """How long ``meshscope --help`` takes."""
    talk.say(f"start: `meshscope --help`, {_STARTS} times")
    with _home() as environment:
        runs = [_timed(["--help"], Path.cwd(), environment) for _ in range(_STARTS + 1)][1:]
    return [START.measured(median(runs), f"median of {_STARTS} runs of `meshscope --help` after one to warm up")]


def built(talk: Talk) -> list[Figure]:
    """What a build of a large house costs, cold and when nothing changed, and how the cost grows."""
    with house(LARGE) as root:
        cold, memory = _cold(root, LARGE, talk), _memory(root, talk)
        talk.say("build: nothing changed")
        with _home() as environment:
            again = [_build(root, environment) for _ in range(_RUNS + 1)][1:]
    with house(SMALL) as root:
        small = _cold(root, SMALL, talk)
    drawn = shape(LARGE)
    what = (
        f"`meshscope build` of {LARGE:,} services, {len(drawn.calls):,} calls with a power law of fan-out and cycles, "
        f"{len(drawn.teams)} owners, two SLOs each, with the reference mesh's alerts, dashboards and collectors"
    )
    often = f"median of {_RUNS} runs"
    return [
        SECONDS.measured(cold, f"{what}; no output before, fresh HOME; {often}"),
        MEMORY.measured(memory, f"{what}; largest sum of proportional set sizes of its processes, read every 50 ms"),
        NO_CHANGE.measured(median(again), f"the same once more, with nothing changed; {often}"),
        GROWTH.measured(cold / small, f"{cold:.2f} s for {LARGE:,} services to {small:.2f} s for {SMALL:,}; {often}"),
    ]


def counted(talk: Talk) -> list[Figure]:
    """How many rules query, in a small and in a large mesh."""
    counts = []
    for size in (SMALLEST, LARGE):
        talk.say(f"rules: counting those that query, at {size:,} services")
        with house(size, periods=EVERY_PERIOD) as root, _home() as environment:
            _build(root, environment)
            counts.append(querying_rules(tree(root)))
    small, large = counts
    method = (
        f"rules with a vector selector, by promql-parser, in the tree of {LARGE:,} services with five periods; "
        f"{small} at {SMALLEST}, " + ("equal" if small == large else "NOT equal")
    )
    return [RULES.measured(large, method)]


@contextmanager
def house(
    size: int, *, callers: int | None = None, scrape_seconds: int = 15, periods: Sequence[int] = (30,)
) -> Iterator[Path]:
    """A house of ``size`` services in a temporary folder, whose SLOs are over ``periods`` (days) in turn."""
    with TemporaryDirectory(prefix="meshscope-bench-") as folder:
        root = Path(folder) / "house"
        write_house(root, shape(size, callers), scrape_seconds=scrape_seconds, periods=periods)
        yield root


def tree(root: Path) -> Path:
    """Where the tree of the house ``root`` is built."""
    return root.parent / "tree"


def build_tree(root: Path) -> Path:
    """Build the house ``root``; the folder of its tree."""
    with _home() as environment:
        _build(root, environment)
    return tree(root)


def _cold(root: Path, size: int, talk: Talk) -> float:
    runs = []
    for run in range(_RUNS):
        talk.say(f"build: {size:,} services, cold, {run + 1} of {_RUNS}")
        _forget(root)
        with _home() as environment:
            runs.append(_build(root, environment))
    return median(runs)


def _memory(root: Path, talk: Talk) -> float:
    talk.say("build: memory")
    _forget(root)
    with (
        _home() as environment,
        subprocess.Popen(  # noqa: S603 - our own command
            [command(), *_arguments(root)],
            cwd=root,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process,
    ):
        peak = peak_mib(process)
    if process.returncode:
        raise SystemExit(f"`meshscope build` ended with {process.returncode}")
    return peak


def _forget(root: Path) -> None:
    # The tree is moved away, not removed: to remove it is no part of a build, but busies the disk.
    if tree(root).exists():
        tree(root).rename(root.parent / f"old-{time.monotonic_ns()}")


def _build(root: Path, environment: dict[str, str]) -> float:
    return _timed(_arguments(root), root, environment)


def _arguments(root: Path) -> list[str]:
    return ["build", "--emit", "files", "-o", str(tree(root))]


@contextmanager
def _home() -> Iterator[dict[str, str]]:
    with TemporaryDirectory(prefix="meshscope-bench-home-") as home:
        yield {"HOME": home, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}


def _timed(arguments: list[str], where: Path, environment: dict[str, str]) -> float:
    begun = time.perf_counter()
    ended = subprocess.run(  # noqa: S603 - our own command
        [command(), *arguments], cwd=where, env=environment, capture_output=True, check=False
    )
    seconds = time.perf_counter() - begun
    if ended.returncode:
        said = ended.stderr.decode(errors="replace")[-2000:]
        raise SystemExit(f"`meshscope {' '.join(arguments)}` ended with {ended.returncode}:\n{said}")
    return seconds
