"""The agent's configuration file: where it listens, whom it believes, what it may do. TOML, every key has a default."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from meshscope.feedback.calendar import span
from meshscope.feedback.settings import Caps, Outlier, Settings
from meshscope.findings import Finding, MeshscopeError

NAME = "agent.toml"
_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Tls:
    """Files of PEM: the server's certificate and key, and who signs callers' certificates, where those are wanted."""

    certificate: Path
    key: Path
    clients: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Hook:
    """A web hook that may be called: its address, and the file of the token that it wants."""

    url: str
    token_file: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """What a configuration file says; paths are absolute."""

    state: Path
    credentials: Path
    people: Path
    groups: Path
    issues: Path
    settings: Settings
    host: str = "127.0.0.1"
    port: int = 8443
    tls: Tls | None = None
    anchors: Path | None = None
    stop_file: Path | None = None
    most_bytes: int = 32 * _MIB
    prometheus: str | None = None
    """None: the one that the model names; empty: none is asked."""
    traces: str | None = None
    """The OTLP receiver of its own spans. None: the one that OpenTelemetry's environment names; empty: none."""
    alertmanagers: Mapping[str, str] = field(default_factory=dict)
    """The senders that are asked for what fires, by the name of their credential."""
    commands: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    hooks: Mapping[str, Hook] = field(default_factory=dict)


_PATHS = ("state", "credentials", "people", "groups", "issues")
_DEFAULTS = {
    "state": "state", "credentials": "credentials.toml", "people": "people.toml", "groups": "groups", "issues": "issues"
}  # fmt: skip


def configuration(path: Path) -> Configuration:
    """Read the configuration at ``path``. Raises `MeshscopeError` for what is wrong in it, with its place."""
    try:
        text = path.read_text(encoding="utf-8")
        data = tomllib.loads(text)
    except OSError as error:
        raise _bad(path, f"it can't be read: {error.strerror}", "name one with --config") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _bad(path, str(error), "mend it there; it is TOML") from error
    try:
        return _read(path.resolve().parent, dict(data), path)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise _bad(path, f"{type(error).__name__}: {error}", "compare it with docs/agent.md") from error


def defaults(folder: Path) -> Configuration:
    """The configuration of an agent that has none: everything lies in ``folder``."""
    return _read(folder.resolve(), {}, folder / NAME)


def _read(root: Path, data: dict[str, Any], path: Path) -> Configuration:
    paths = {name: root / str(data.pop(name, _DEFAULTS[name])) for name in _PATHS}
    settings = _settings(data.pop("limits", {}), data.pop("outlier", {}), data.pop("times", {}), path)
    if "freeze" in data:
        times = tuple(data.pop("freeze"))
        for time in times:
            _spanned(time, path)
        settings = replace(settings, freeze=times)
    host, _, port = str(data.pop("listen", "127.0.0.1:8443")).rpartition(":")
    tls = data.pop("tls", None)
    known = Configuration(
        **paths,
        host=host.strip("[]") or "127.0.0.1",
        port=int(port),
        tls=_tls(root, tls) if tls else None,
        anchors=_path(root, data.pop("anchors", None)),
        stop_file=_path(root, data.pop("stop_file", None)),
        most_bytes=int(data.pop("most_mib", 32)) * _MIB,
        prometheus=data.pop("prometheus", None),
        traces=data.pop("traces", None),
        alertmanagers=dict(data.pop("alertmanagers", {})),
        commands={name: tuple(map(str, words)) for name, words in data.pop("commands", {}).items()},
        hooks={
            name: Hook(url=hook["url"], token_file=_path(root, hook.get("token_file")))
            for name, hook in data.pop("hooks", {}).items()
        },
        settings=settings,
    )
    for unknown in data:
        raise _unknown(path, unknown, [*_PATHS, *(one.name for one in fields(Configuration)), "listen", "limits",
                                       "outlier", "times", "freeze", "most_mib"])  # fmt: skip
    return known


def _settings(limits: Mapping[str, Any], outlier: Mapping[str, Any], times: Mapping[str, Any], path: Path) -> Settings:
    known = Settings(caps=_filled(Caps(), limits, path), outlier=_filled(Outlier(), outlier, path))
    settings: Settings = _filled(known, times, path)
    return settings


def _filled(default: Any, values: Mapping[str, Any], path: Path) -> Any:
    names = {one.name: type(getattr(default, one.name)) for one in fields(default)}
    for name, value in values.items():
        if name not in names:
            raise _unknown(path, name, list(names))
        kind = names[name]
        fits = kind in (int, float) and isinstance(value, int | float) and not isinstance(value, bool)
        if not fits or value < 0 or (kind is int and not isinstance(value, int)):
            raise _bad(path, f"`{name}` is {value!r}, and has to be a number that is not negative", "mend it there")
    return replace(default, **{name: names[name](value) for name, value in values.items()})


def _tls(root: Path, table: Mapping[str, str]) -> Tls:
    return Tls(
        certificate=root / table["certificate"], key=root / table["key"], clients=_path(root, table.get("clients"))
    )


def _path(root: Path, name: str | None) -> Path | None:
    return root / name if name else None


def _unknown(path: Path, name: str, known: list[str]) -> MeshscopeError:
    near = get_close_matches(name, known, n=1)
    return _bad(path, f"there is no setting `{name}`", f"did you mean `{near[0]}`?" if near else "remove it")


def _spanned(time: str, path: Path) -> None:
    try:
        span(time)
    except MeshscopeError as error:
        raise _bad(path, error.finding.title, error.finding.help) from error


def _bad(path: Path, why: str, help_: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="agent/bad-configuration", title=f"the agent's configuration {path} can't be used", why=why, help=help_
        )
    )
