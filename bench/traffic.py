"""The traffic of a mesh, for the program that plays it to Prometheus: now, and as far back as rules read."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.mesh import ROOT, Shape

CLUSTER = "eu-1"
STEP = 30
BOUNDS = ("1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "+Inf")
# Services that fail one request in ten, so that some alerts fire; all others fail one in five thousand.
FAILING_EVERY = 1000
SLOS = ("availability", "latency")
PERIOD = "30d"
OBJECTIVE_BOUND = "250"

HOUR = 3600
DAY = 24 * HOUR
# Rules begin a little after the blocks end.
_MARGIN = 10 * 60
_LONGEST_GAP = 90
# By how much a counter of the past may be ahead of its rate: asked any sooner after its end, it would seem to go back.
_AHEAD = 10
_CONSTANT = re.compile(r"vector\((.+)\)")


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """A series that rules have written: every ``step`` seconds for the last ``span``, ``value`` give or take noise."""

    labels: Mapping[str, str]
    value: float
    step: int
    span: int
    noise: float = 0.1

    def line(self) -> str:
        """The series as the program reads it."""
        return json.dumps(
            {"labels": self.labels, "value": self.value, "noise": self.noise, "step": self.step, "span": self.span}
        )


@dataclass(frozen=True, kw_only=True)
class Past:
    """How far back raw series go: all of them ``shallow`` seconds, those in ``deep_bounds`` at callers ``deep``."""

    shallow: int
    deep: int
    deep_bounds: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Written:
    """What blocks hold."""

    series: int
    samples: int
    blocks: int
    seconds: float

    def __str__(self) -> str:
        """In a few words."""
        return f"{self.samples / 1e6:,.0f} million samples of {self.series:,} series in {self.blocks} blocks"


def compiled(folder: Path) -> Path:
    """The program: kept beside the engines, else compiled in ``folder``, for minutes, and kept. Raises SystemExit."""
    go = compiler()
    if go is None:
        raise SystemExit("bench/backfill is compiled by Go: put it on PATH, or run `make engines`")
    kept = engines() / f"backfill-{_digest(go)}" / "backfill"
    if kept.is_file():
        return kept
    # Only the first proxy: the usual list ends in `direct`, whose failure hides what the proxy said.
    said = subprocess.run([go, "env", "GOPROXY"], capture_output=True, check=True, text=True)  # noqa: S603
    environment = {**os.environ, "GOPROXY": re.split("[,|]", said.stdout.strip())[0], "GOTOOLCHAIN": "local"}
    program = folder / "backfill"
    made = subprocess.run(  # noqa: S603 - our own program
        [go, "build", "-buildvcs=false", "-o", program, "."],
        cwd=ROOT / "bench" / "backfill",
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise SystemExit(f"bench/backfill does not compile:\n{made.stderr}")
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Others may compile it at the same time: each puts a whole one there.
    with tempfile.NamedTemporaryFile(dir=kept.parent, prefix=".making-", delete=False) as fresh:
        fresh.write(program.read_bytes())
    whole = Path(fresh.name)
    whole.chmod(0o755)
    whole.replace(kept)
    return kept


def _digest(go: Path) -> str:
    """Of everything that decides what comes of compiling: the sources, and the compiler's version and machine."""
    version = subprocess.run([go, "version"], capture_output=True, check=True)  # noqa: S603
    every = hashlib.sha256(version.stdout)
    for path in sorted((ROOT / "bench" / "backfill").iterdir()):
        every.update(f"{path.name}\0".encode() + path.read_bytes())
    return every.hexdigest()[:12]


def compiler() -> Path | None:
    """The Go that `make engines` keeps, else the one on PATH; None where there is neither."""
    kept = sorted(engines().glob("go-*/go/bin/go"))
    found = shutil.which("go")
    return kept[-1] if kept else Path(found) if found else None


def engines() -> Path:
    """Where `make engines` keeps what it builds."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("MESHSCOPE_CACHE") or f"{home}/meshscope") / "engines"


def plan(shape: Shape, past: Past, until: int) -> dict[str, object]:
    """Who calls whom, how often, and how far back it is known; blocks end at ``until``, in Unix seconds."""
    callers: list[list[int]] = [[] for _ in shape.services]
    for caller, callee in shape.calls:
        callers[callee].append(caller)
    services = [
        {
            "namespace": node.namespace,
            "name": node.name,
            "rate": node.rate,
            "failing": failing(number),
            "median": 40,
            "callers": [
                {"namespace": shape.services[caller].namespace, "name": shape.services[caller].name}
                for caller in callers[number]
            ],
        }
        for number, node in enumerate(shape.services)
    ]
    return {
        "cluster": CLUSTER,
        "until": until,
        "step": STEP,
        "bounds": BOUNDS,
        "services": services,
        "shallow": past.shallow,
        "deep": past.deep,
        "deep_reporters": ["source"],
        "deep_bounds": past.deep_bounds,
    }


def failing(number: int) -> float:
    """The share of a service's requests that fail."""
    return 0.1 if number % FAILING_EVERY == 7 else 0.0002


def layers(shape: Shape) -> Iterator[Recorded]:
    """What our rules have recorded and read again, as far back as they read it."""
    for number, node in enumerate(shape.services):
        for slo in SLOS:
            labels = {"cluster": CLUSTER, "namespace": node.namespace, "service": node.name, "slo": slo}
            rates = {"events": node.rate, "errors": node.rate * failing(number)}
            rates["good"] = rates["events"] - rates["errors"]
            for what, rate in rates.items():
                named = {"__name__": f"slo:{what}:rate5m", **labels}
                yield Recorded(labels=named, value=rate, step=30, span=HOUR + _MARGIN)
                named = {"__name__": "slo:rate5m:over2m", **labels, "of": f"{what}_sum"}
                yield Recorded(labels=named, value=4 * rate, step=120, span=6 * HOUR + _MARGIN)
                if what != "good":
                    named = {"__name__": f"slo:{what}:sum10m", **labels}
                    yield Recorded(labels=named, value=20 * rate, step=600, span=30 * DAY + 2 * _MARGIN)
            named = {"__name__": "slo:rate5m:over2m", **labels, "of": "errors_max"}
            yield Recorded(labels=named, value=rates["errors"], step=120, span=6 * HOUR + _MARGIN)
            period = {"__name__": "slo:errors:ratio_period1h", **labels, "period": PERIOD}
            yield Recorded(labels=period, value=failing(number), step=HOUR, span=2 * HOUR)


def constants(rules: Iterable[Mapping[str, object]]) -> Iterator[Recorded]:
    """The constants among ``rules``, as they stand before those are evaluated for the first time."""
    for rule in rules:
        constant = _CONSTANT.fullmatch(str(rule["expr"]))
        if constant is not None and "record" in rule:
            labels = {"__name__": str(rule["record"]), **rule.get("labels", {})}  # type: ignore[dict-item]
            yield Recorded(labels=labels, value=float(constant[1]), step=120, span=_MARGIN, noise=0)


def fill(
    program: Path, folder: Path, shape: Shape, past: Past, recorded: Iterable[Recorded], *, seconds: int
) -> tuple[Path, Written]:
    """Write the past into ``folder``/data as blocks that end ``seconds`` from now, and wait until that is past.

    Returns the plan, by which the present is served, and what was written.
    """
    until = (int(time.time()) + seconds) // STEP * STEP
    planned = folder / "plan.json"
    planned.write_text(json.dumps(plan(shape, past, until)), encoding="utf-8")
    lines = folder / "recorded.jsonl"
    with lines.open("w", encoding="utf-8") as stream:
        stream.writelines(f"{series.line()}\n" for series in recorded)
    begun = time.monotonic()
    made = subprocess.run(  # noqa: S603 - our own program
        [program, "write", "-plan", planned, "-recorded", lines, "-out", folder / "data"],
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode:
        raise SystemExit(f"bench/backfill write: {made.stderr}")
    said = json.loads(made.stdout)
    written = Written(
        series=said["series"], samples=said["samples"], blocks=said["blocks"], seconds=time.monotonic() - begun
    )
    late = time.time() - until
    # Windows bridge a short gap; after five minutes constants would be forgotten.
    if late > _LONGEST_GAP:
        raise SystemExit(f"the past took {written.seconds:.0f} s to write and ends {late:.0f} s ago: allow more time")
    time.sleep(max(0.0, _AHEAD - late))
    return planned, written


@contextmanager
def served(program: Path, planned: Path, targets: int) -> Iterator[Sequence[str]]:
    """Serve the present; the addresses (host:port/path) that Prometheus scrapes."""
    with subprocess.Popen(  # noqa: S603 - our own program
        [program, "serve", "-plan", planned, "-targets", str(targets)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None  # noqa: S101 - it is a pipe
            address = process.stdout.readline().strip()
            if not address:
                raise SystemExit("bench/backfill serve ended before it listened")
            yield [f"{address}/{number}" for number in range(targets)]
        finally:
            process.terminate()
