"""What the demo tells its services while they play: who fails, and which revision is to run. One file, read by all."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

_LOOK_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class Directions:
    """Shares of requests that fail: by pod, and by revision (``shop/ledger@v1``); revisions to run, by service."""

    pods: Mapping[str, float] = field(default_factory=dict)
    revisions: Mapping[str, float] = field(default_factory=dict)
    released: Mapping[str, str] = field(default_factory=dict)

    def write(self, path: Path) -> None:
        """Let everybody know, in one step."""
        fresh = path.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(self)), encoding="utf-8")
        fresh.rename(path)


class Followed:
    """The directions as they stand, looked at as often as it takes to be followed at once."""

    def __init__(self, path: Path) -> None:
        """None yet."""
        self._path = path
        self._looked = 0.0
        self._stamp = 0
        self._now = Directions()

    def now(self) -> Directions:
        """What is to be done now."""
        moment = time.monotonic()
        if moment - self._looked >= _LOOK_SECONDS:
            self._looked = moment
            try:
                stamp = self._path.stat().st_mtime_ns
                if stamp != self._stamp:
                    self._now = Directions(**json.loads(self._path.read_text(encoding="utf-8")))
                    self._stamp = stamp
            except FileNotFoundError:
                pass
        return self._now

    def share(self, service: str, version: str, pod: str) -> float:
        """The share of its requests that ``pod`` is to fail."""
        directions = self.now()
        return max(directions.pods.get(pod, 0.0), directions.revisions.get(f"{service}@{version}", 0.0))
