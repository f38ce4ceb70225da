"""Counters that are born failing, on a running Prometheus: only there a reload renames series as it really does."""

import json
import os
import re
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from meshscope.artefacts import yaml
from meshscope.build.options import Options
from meshscope.build.rules.files import rule_files
from meshscope.wiring.providers import provider
from tests.rules.playing import mesh, reported, service

pytestmark = pytest.mark.engines("prometheus")

# Five minutes are 15 seconds, and half a minute between evaluations 1.5 seconds.
SCALED = Options(time_scale=Fraction(1, 20))
BORN, GROWN = 50, 4000


class Proxy:
    """A sidecar that is scraped: it answers ten requests a second, and has failed ``failed`` of them at once."""

    def __init__(self, callee: str) -> None:
        self.failed = 0
        self._callee, self._begun = callee, time.monotonic()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = proxy.text().encode()
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def text(self) -> str:
        whose = {"destination_service": f"{self._callee}.web", "destination_service_name": self._callee}
        counters = [reported(str(int(10 * (time.monotonic() - self._begun))), **whose)]
        if self.failed:
            counters.append(reported(str(self.failed), response_code="503", response_flags="UF", **whose))
        lines = "".join(f"{one['series']} {one['values']}\n" for one in counters)
        # Prometheus adds them itself.
        return re.sub(r'\b(job|instance)="[^"]*",', "", lines)


@contextmanager
def running(program: Path, folder: Path, config: Path) -> Iterator[tuple[int, Callable[[str], float]]]:
    """The process of a Prometheus, and what asks it a query that gives one number (0 where it gives none)."""
    written = folder / "prometheus.log"
    with written.open("wb") as log:
        process = subprocess.Popen(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--web.listen-address=127.0.0.1:0",
            ],
            stdout=log,
            stderr=log,
        )
        try:
            address = listening(process, written)
            until(lambda: ready(address), 60)
            yield process.pid, lambda query: asked(address, query)
        finally:
            process.terminate()
            process.wait(30)


def listening(process: subprocess.Popen[bytes], log: Path) -> str:
    """The address that it says it listens on."""
    for _ in range(600):
        for line in log.read_text().splitlines():
            if "Listening on" in line and "address=" in line:
                return line.rpartition("address=")[2].strip()
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def ready(address: str) -> bool:
    try:
        urllib.request.urlopen(f"http://{address}/-/ready", timeout=10).close()
    except urllib.error.URLError:
        return False
    return True


def asked(address: str, query: str) -> float:
    url = f"http://{address}/api/v1/query?" + urllib.parse.urlencode({"query": query})
    with urllib.request.urlopen(url, timeout=30) as answer:
        result = json.load(answer)["data"]["result"]
    return float(result[0]["value"][1]) if result else 0.0


def configuration(folder: Path, proxies: dict[str, Proxy], renamed: str = "") -> str:
    """Each proxy is a job of its own; what that of ``renamed`` reports gets one more label."""
    more = {"metric_relabel_configs": [{"target_label": "zone", "replacement": "a"}]}
    return yaml.dump(
        {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(folder / "rules.yaml")],
            "scrape_configs": [
                {
                    "job_name": name,
                    "honor_labels": True,
                    "static_configs": [{"targets": [proxy.address]}],
                    **(more if name == renamed else {}),
                }
                for name, proxy in proxies.items()
            ],
        }
    )


def until(what: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it takes too long"
        time.sleep(0.5)


def test_a_reload_that_renames_every_series_makes_no_failure_out_of_nothing(engine, tmp_path):
    chosen, _ = provider("istio", None)
    model = mesh(service("stays"), service("renamed"))
    files = [file for file in rule_files(model, chosen, SCALED) if file.name in ("objectives", "slo")]
    groups = [
        {"name": group.name, "interval": group.interval, "rules": [rule.document() for rule in group.rules]}
        for file in files
        for group in file.groups
    ]
    (tmp_path / "rules.yaml").write_text(yaml.dump({"groups": groups}))
    proxies = {name: Proxy(name) for name in ("stays", "renamed")}
    proxies["renamed"].failed = 1
    config = tmp_path / "prometheus.yaml"
    config.write_text(configuration(tmp_path, proxies))
    counted = 'sum(sum_over_time(slo:errors:rate5m{service="%s"}[5m])) * 1.5'
    try:
        with running(engine("prometheus"), tmp_path, config) as (process, ask):
            # Long enough for five minutes ago to be known.
            until(lambda: ask('count_over_time(slo:events:rate5m{service="renamed"}[5m])') >= 14, 90)
            proxies["stays"].failed = BORN
            # Nearly all of what it has failed is of the last minutes: as a first value it would not look wrong.
            proxies["renamed"].failed += GROWN
            until(lambda: ask(counted % "renamed") > 0, 20)
            config.write_text(configuration(tmp_path, proxies, renamed="renamed"))
            os.kill(process, signal.SIGHUP)
            until(lambda: ask('count(istio_requests_total{zone="a",response_code="503"})') == 1, 30)
            # Twice five minutes later nothing of it is left in any rate.
            time.sleep(32)
            assert ask(counted % "stays") == pytest.approx(BORN, rel=0.15)
            assert GROWN * 0.3 < ask(counted % "renamed") <= GROWN * 1.2
            assert ask('max_over_time(scrape_series_added{job="renamed"}[1m])') == 2
    finally:
        for proxy in proxies.values():
            proxy.server.shutdown()
            proxy.server.server_close()
