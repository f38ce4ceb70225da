"""A real Alertmanager, and what it takes to send to it."""

from __future__ import annotations

import json
import subprocess
import time
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from tests.ports import free_port


def ask(url: str, document: object) -> None:
    """Post ``document``."""
    told = urllib.request.Request(url, json.dumps(document).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(told, timeout=5) as answer:
        answer.read()


def alertmanager(program: Path, folder: Path, config: Mapping[str, object], ends: ExitStack) -> str:
    """Start one; its address. It ends with ``ends``."""
    (folder / "alertmanager.yml").write_text(json.dumps(config))
    url = f"http://127.0.0.1:{free_port()}"
    log = ends.enter_context((folder / "alertmanager.log").open("w"))
    command = [
        program,
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
    ]
    process = ends.enter_context(subprocess.Popen(command, stdout=log, stderr=log))
    ends.callback(process.kill)
    for _ in range(400):
        with suppress(OSError), urllib.request.urlopen(f"{url}/-/ready", timeout=1):
            return url
        assert process.poll() is None, (folder / "alertmanager.log").read_text()
        time.sleep(0.05)
    raise AssertionError((folder / "alertmanager.log").read_text())
