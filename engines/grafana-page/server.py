"""A real Prometheus over a written past: blocks made by promtool, nothing scraped."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Prometheus:
    """A running server; each answer is the ``data`` of its API. Raises ValueError with what it says to a bad query."""

    address: str

    def at(self, query: str, moment: int) -> dict[str, Any]:
        """The answer at one moment."""
        return self._asked("query", query=query, time=moment)

    def over(self, query: str, start: int, end: int, step: int) -> dict[str, Any]:
        """The answer over a time."""
        return self._asked("query_range", query=query, start=start, end=end, step=step)

    def _asked(self, what: str, **parameters: str | int) -> dict[str, Any]:
        url = f"{self.address}/api/v1/{what}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310 - our own server
                data: dict[str, Any] = json.load(answer)["data"]
                return data
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error)["error"]) from None


@contextmanager
def prometheus(programs: Path, folder: Path, openmetrics: Iterable[str]) -> Iterator[Prometheus]:
    """A server that knows ``openmetrics`` and nothing else, until the block ends."""
    text, data, config = folder / "past.om", folder / "data", folder / "prometheus.yaml"
    with text.open("w") as stream:
        stream.writelines(openmetrics)
    blocks = ["tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=7d", text, data]
    subprocess.run([programs / "promtool", *blocks], check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    text.unlink()
    config.write_text("global: {scrape_interval: 15s}\n")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{free.getsockname()[1]}"
    flags = (f"--config.file={config}", f"--storage.tsdb.path={data}", "--storage.tsdb.retention.time=90d",
             f"--web.listen-address={listen}", "--log.level=error")  # fmt: skip
    with subprocess.Popen([programs / "prometheus", *flags]) as server:  # noqa: S603
        try:
            _wait(f"http://{listen}/-/ready", server)
            yield Prometheus(f"http://{listen}")
        finally:
            server.terminate()


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if server.poll() is not None:
            break
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own server
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Prometheus does not start")
