"""A real Prometheus on this machine: started, asked about itself, and ended."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.traffic import STEP, engines
from meshscope.demo.workshop import free_ports

_SAMPLE = re.compile(r'^(\w+)(?:\{rule_group="([^"]*);([^"]*)"\})? (\S+)$', re.MULTILINE)
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What Prometheus says of itself at one moment; the mappings are by rule group."""

    at: float
    cpu_seconds: float
    samples_loaded: float
    series: float
    resident_bytes: float
    iterations: dict[str, float]
    missed: dict[str, float]
    last_seconds: dict[str, float]
    intervals: dict[str, float]
    failures: float


@dataclass
class Server:
    """A running Prometheus."""

    process: subprocess.Popen[bytes]
    address: str
    config: Path
    targets: Sequence[str]

    def use(self, rules: str | None) -> None:
        """Evaluate the rule files that the pattern ``rules`` names, None for no rules; returns when they are loaded."""
        self.config.write_text(_config(self.targets, rules), encoding="utf-8")
        request = urllib.request.Request(f"http://{self.address}/-/reload", method="POST")
        try:
            urllib.request.urlopen(request, timeout=300).close()  # noqa: S310
        except urllib.error.HTTPError as error:
            raise SystemExit(f"Prometheus refuses the rules: {error.read().decode()}") from error

    def reading(self) -> Reading:
        """What it says of itself now."""
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=60) as answer:
            return read(answer.read().decode(), at=time.monotonic(), cpu_seconds=cpu_seconds(self.process.pid))

    def api(self, path: str) -> Any:
        """``data`` of an answer of the API."""
        with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}", timeout=300) as answer:
            return json.load(answer)["data"]

    def number(self, query: str) -> float:
        """The value of a query that gives one number; 0 where it gives none."""
        result = self.api("query?" + urllib.parse.urlencode({"query": query}))["result"]
        return float(result[0]["value"][1]) if result else 0.0


def read(metrics: str, *, at: float, cpu_seconds: float) -> Reading:
    """A reading of the text of Prometheus's own metrics."""
    plain: dict[str, float] = {}
    groups: dict[str, dict[str, float]] = {}
    for name, _, group, value in _SAMPLE.findall(metrics):
        if group:
            groups.setdefault(name, {})[group] = float(value)
        else:
            plain[name] = float(value)
    return Reading(
        at=at,
        cpu_seconds=cpu_seconds,
        samples_loaded=plain.get("prometheus_engine_query_samples_total", 0.0),
        series=plain["prometheus_tsdb_head_series"],
        resident_bytes=plain["process_resident_memory_bytes"],
        iterations=groups.get("prometheus_rule_group_iterations_total", {}),
        missed=groups.get("prometheus_rule_group_iterations_missed_total", {}),
        last_seconds=groups.get("prometheus_rule_group_last_duration_seconds", {}),
        intervals=groups.get("prometheus_rule_group_interval_seconds", {}),
        failures=sum(groups.get("prometheus_rule_evaluation_failures_total", {}).values()),
    )


def cpu_seconds(pid: int) -> float:
    """What the process itself has used so far, in user and kernel, to the hundredth of a second."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


@contextmanager
def workplace() -> Iterator[Path]:
    """A temporary folder on a disk: /tmp may be memory, which is what is measured."""
    folder = os.environ.get("TMPDIR", "/var/tmp")  # noqa: S108 - TemporaryDirectory makes its own in it
    with TemporaryDirectory(prefix="meshscope-bench-", dir=folder) as own:
        yield Path(own)


@contextmanager
def running(folder: Path, targets: Sequence[str]) -> Iterator[Server]:
    """A Prometheus over ``folder``/data that scrapes ``targets`` every 30 seconds and evaluates nothing yet."""
    address = f"127.0.0.1:{free_ports(1)[0]}"
    config = folder / "prometheus.yaml"
    config.write_text(_config(targets, None), encoding="utf-8")
    command = [
        str(program()),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--storage.tsdb.retention.time=40d",
        # Nothing is compacted while it is measured: the blocks are what compaction leaves.
        "--storage.tsdb.min-block-duration=2h",
        "--storage.tsdb.max-block-duration=2h",
        f"--web.listen-address={address}",
        "--web.enable-lifecycle",
        "--log.level=warn",
    ]
    with (folder / "prometheus.log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:  # noqa: S603
        try:
            _wait_until_ready(process, address, folder / "prometheus.log")
            yield Server(process=process, address=address, config=config, targets=targets)
        finally:
            process.terminate()


def program() -> Path:
    """The Prometheus that `make engines` built, else the one on PATH. Raises SystemExit where there is none."""
    cached = engines() / "bin" / "prometheus"
    found = str(cached) if cached.is_file() else shutil.which("prometheus")
    if found is None:
        raise SystemExit("prometheus is not here: run `make engines`")
    return Path(found)


def _config(targets: Sequence[str], rules: str | None) -> str:
    labelled = [
        {"targets": [address], "labels": {"__metrics_path__": f"/{path}"}}
        for address, _, path in (target.partition("/") for target in targets)
    ]
    config: dict[str, object] = {
        "global": {"scrape_interval": f"{STEP}s", "scrape_timeout": f"{STEP}s", "evaluation_interval": f"{STEP}s"},
        "rule_files": [rules] if rules else [],
        # What a proxy reports comes with the labels of its pod, which a scrape in a cluster would add.
        "scrape_configs": [{"job_name": "mesh-proxies", "honor_labels": True, "static_configs": labelled}],
    }
    return json.dumps(config)


def _wait_until_ready(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"http://{address}/-/ready", timeout=10).close()
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
        else:
            return
    raise SystemExit(f"Prometheus ended with {process.returncode}: {log.read_text(errors='replace')[-2000:]}")
