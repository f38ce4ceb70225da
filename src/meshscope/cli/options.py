"""Options that several verbs share, so that they mean the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from meshscope.build.options import Emit, Options, time_scale
from meshscope.wiring.discover import ASK_SECONDS

F = TypeVar("F", bound=Callable[..., object])


def house(command: F) -> F:
    """``--house``, ``--env`` and ``--load-seconds``: which definitions, and in which environment."""
    command = click.option(
        "--load-seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=60.0,
        show_default=True,
        metavar="N",
        help="How long reading the definitions may take.",
    )(command)
    command = click.option("--env", "environment", metavar="NAME", help="The environment to build for.")(command)
    return click.option(
        "--house",
        "root",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path("."),
        metavar="DIR",
        help="The folder of mesh.py (the current one).",
    )(command)


def how(command: F) -> F:
    """``--emit``, ``--time-scale``, ``--cluster``, ``--global``: what for, and how fast time runs."""
    command = click.option(
        "--global",
        "everywhere",
        is_flag=True,
        help="Of several clusters: one set of rules over the series of all, for Thanos or Mimir.",
    )(command)
    command = click.option("--cluster", default="", metavar="NAME", help="Of several clusters: one Prometheus's part.")(
        command
    )
    command = click.option(
        "--time-scale",
        "scale",
        default="1",
        metavar="1/20",
        help="Shorten every window, interval and pending time, for a demo or a test.",
    )(command)
    return click.option(
        "--emit",
        type=click.Choice([emit.value for emit in Emit]),
        default=Emit.FILES.value,
        show_default=True,
        help="Plain files, or objects of the Prometheus and OpenTelemetry operators.",
    )(command)


def strict(command: F) -> F:
    """``--strict``: warnings fail too."""
    return click.option("--strict", is_flag=True, help="Let warnings fail too.")(command)


def output_format(command: F) -> F:
    """``--format``: for a person, or for which program."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["text", "json", "sarif", "junit", "github"]),
        default="text",
        show_default=True,
        help="How the result is written to stdout.",
    )(command)


def asking(command: F) -> F:
    """``--http-config`` and ``--ask-seconds``: who asks a live Prometheus, and how long it may take."""
    command = click.option(
        "--ask-seconds",
        type=click.FloatRange(min=0, min_open=True),
        default=ASK_SECONDS,
        show_default=True,
        metavar="N",
        help="How long each question to that Prometheus may take.",
    )(command)
    return click.option(
        "--http-config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Who asks that Prometheus, in promtool's format.",
    )(command)


def tree(command: F) -> F:
    """``-o``: where the tree goes."""
    return click.option(
        "-o",
        "--output",
        "folder",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Where the tree goes (build/mesh in the house, or build/NAME with --env NAME; with --emit operator "
        "build/mesh.objects or build/NAME.objects).",
    )(command)


def tree_of(folder: Path | None, root: Path, environment: str | None, how: Options) -> Path:
    """Where the tree goes when nobody says so: in the house, one for each environment and cluster, objects apart."""
    if folder is not None:
        return folder
    part = "-global" if how.everywhere else f"-{how.cluster}" if how.cluster else ""
    apart = ".objects" if how.emit is Emit.OPERATOR else ""
    return root / "build" / f"{environment or 'mesh'}{part}{apart}"


def chosen(emit: str, scale: str, cluster: str = "", everywhere: bool = False) -> Options:
    """How to build. Raises `MeshscopeError` for a time scale that is none, and for one cluster that shall be all."""
    if cluster and everywhere:
        raise click.UsageError("--cluster is for one cluster, --global for all of them: say one of the two")
    return Options(emit=Emit(emit), time_scale=time_scale(scale), cluster=cluster, everywhere=everywhere)
