"""A real Prometheus that scrapes a small shop and runs one rule from two files."""

import http.server
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

EXPORTED = b"""\
# TYPE orders_total counter
orders_total{shop="eu",state="done"} 5
orders_total{shop="us",state="done"} 7
orders_total{shop="us",state="lost"} 2
# TYPE queue_length gauge
queue_length{shop="eu",pod="a"} 3
queue_length{shop="eu",pod="b"} -4
queue_length{shop="us",pod="c"} 0
# TYPE build_info gauge
build_info{version="1.2"} 1
# TYPE istio_request_duration_milliseconds histogram
istio_request_duration_milliseconds_bucket{le="50",reporter="source"} 1
istio_request_duration_milliseconds_bucket{le="250",reporter="source"} 2
istio_request_duration_milliseconds_bucket{le="+Inf",reporter="source"} 2
istio_request_duration_milliseconds_sum{reporter="source"} 100
istio_request_duration_milliseconds_count{reporter="source"} 2
"""
CONFIG = """\
global: {scrape_interval: 200ms, evaluation_interval: 200ms}
scrape_configs: [{job_name: shop, static_configs: [{targets: ["127.0.0.1:%d"]}]}]
rule_files: [rules/*.yaml]
"""
RULES = """\
groups: [{name: %s, rules: [{record: "shop:orders:rate5m", expr: "sum by (shop) (rate(orders_total[5m]))"}]}]
"""


class Exporter(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.end_headers()
        self.wfile.write(EXPORTED)

    def log_message(self, *_: object) -> None:
        pass


def free() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


@pytest.fixture
def url(tmp_path: Path, engine: Callable[[str], Path]) -> Iterator[str]:
    """A real Prometheus that scrapes a shop and has loaded one recording rule from two files."""
    exporter = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Exporter)
    threading.Thread(target=exporter.serve_forever, daemon=True).start()
    home, port = tmp_path / "prometheus", free()
    (home / "rules").mkdir(parents=True)
    (home / "prometheus.yaml").write_text(CONFIG % exporter.server_port)
    for name in ("new", "old"):
        (home / "rules" / f"{name}.yaml").write_text(RULES % name)
    arguments = ["--config.file=prometheus.yaml", f"--web.listen-address=127.0.0.1:{port}", "--storage.tsdb.path=data"]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen([str(engine("prometheus")), *arguments], cwd=home, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        waited(address, "orders_total", home / "log")
        yield address
    finally:
        server.terminate()
        server.wait(30)
        exporter.shutdown()
        exporter.server_close()


def waited(address: str, metric: str, log: Path) -> None:
    for _ in range(600):
        with suppress(OSError), urllib.request.urlopen(f"{address}/api/v1/label/__name__/values", timeout=5) as answer:
            if metric.encode() in answer.read():
                return
        time.sleep(0.1)
    raise AssertionError(log.read_text())
