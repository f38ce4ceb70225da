"""The real programs on what was built: a tier of collectors, Prometheus, Alertmanager, and the services."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from meshscope.build.collectors.site import HEALTH_PORT
from meshscope.demo.asking import ready
from meshscope.demo.local import Ports
from meshscope.demo.processes import Processes, last_words
from meshscope.demo.troupe import Engagement
from meshscope.findings import Finding, MeshscopeError


@dataclass(frozen=True, kw_only=True)
class Engines:
    """The programs that the live demo needs, and their versions by name."""

    otelcol: Path
    prometheus: Path
    promtool: Path
    alertmanager: Path
    versions: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Troupe:
    """The services that play: (process, host, port to be told at) by name; (namespace, host, port) of each proxy."""

    processes: Mapping[str, tuple[int, str, int]]
    scraped: Mapping[str, tuple[str, str, int]]


@dataclass(frozen=True, kw_only=True)
class Theatre:
    """Where programs run: the built tree, a folder for their data, and the ports."""

    tree: Path
    folder: Path
    listening: Ports
    engines: Engines
    processes: Processes

    def collector(self, tier: str, surroundings: Mapping[str, str]) -> None:
        """The collector of ``tier``, as built, in its environment."""
        config = self.tree / "collectors" / f"{tier}.yaml"
        self._start("the collector", self.engines.otelcol, f"--config={config}", environment=surroundings)
        self._wait("the collector", HEALTH_PORT, "/", self.listening.collector)

    def alertmanager(self) -> None:
        """Alertmanager, as built."""
        self._start(
            "Alertmanager",
            self.engines.alertmanager,
            f"--config.file={self.tree / 'alertmanager' / 'alertmanager.yaml'}",
            f"--storage.path={self.folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{self.listening.alertmanager}",
            "--cluster.listen-address=",
            "--log.level=warn",
        )
        self._wait("Alertmanager", self.listening.alertmanager, "/-/ready")

    def prometheus(self, history: Path) -> None:
        """Prometheus, as built, on the past in the file ``history``."""
        data = self.folder / "prometheus"
        self._remember(history, data)
        folder = self.tree / "prometheus"
        flags = [f"@{folder / 'flags'}"] if (folder / "flags").is_file() else []
        self._start(
            "Prometheus",
            self.engines.prometheus,
            f"--config.file={folder / 'prometheus.yaml'}",
            f"--storage.tsdb.path={data}",
            f"--web.listen-address=127.0.0.1:{self.listening.prometheus}",
            "--log.level=warn",
            *flags,
        )
        self._wait("Prometheus", self.listening.prometheus, "/-/ready")

    def services(self, engagement: Engagement) -> Troupe:
        """Every service as a process, and where each listens."""
        return hired(self.processes, self.folder, engagement)

    def _remember(self, history: Path, data: Path) -> None:
        """Make Prometheus's blocks of a past, and give back the room that its text took."""
        made = subprocess.run(  # noqa: S603 - an engine that wiring found
            [self.engines.promtool, "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=240h", "--quiet",
             str(history), str(data)],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        history.unlink()
        if made.returncode:
            shutil.rmtree(data, ignore_errors=True)
            raise MeshscopeError(
                Finding(
                    code="demo/no-past",
                    title="promtool does not take the made-up past",
                    why=made.stderr.strip() or made.stdout.strip(),
                    help="run `make engines` for a promtool that does",
                )
            )

    def _start(self, name: str, program: Path, *arguments: str, environment: Mapping[str, str] | None = None) -> None:
        self.processes.start(name, program, arguments, folder=self.folder, environment=environment)

    def _wait(self, name: str, port: int, path: str, host: str = "127.0.0.1") -> None:
        if ready(port, path, self.processes.look, host):
            return
        raise MeshscopeError(
            Finding(
                code="demo/not-ready",
                title=f"{name} does not get ready",
                why=f"it runs, and does not answer; the last that it said:\n{last_words(self.processes.log(name))}",
                help="run `meshscope demo` again when the machine is less busy",
            )
        )


def hired(processes: Processes, folder: Path, engagement: Engagement) -> Troupe:
    """Start a troupe: every service as a process, and where each listens. Raises `MeshscopeError` where one ends."""
    running = processes.start(
        "the services", Path(sys.executable), ["-m", "meshscope.demo.troupe"], folder=folder, talks=True
    )
    process = running.process
    assert process.stdin is not None  # noqa: S101 - it talks
    assert process.stdout is not None  # noqa: S101
    try:
        pickle.dump(engagement, process.stdin)
        process.stdin.close()
    except BrokenPipeError:
        process.wait()
    answer = process.stdout.readline()
    if not answer:
        process.wait()
        processes.look()
    told = json.loads(answer)
    return Troupe(
        processes={name: tuple(where) for name, where in told["processes"].items()},
        scraped={pod: tuple(where) for pod, where in told["scraped"].items()},
    )
