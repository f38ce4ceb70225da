"""What docs/own-mesh.md says can be typed, and is true."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from meshscope.adapters.stores.access import access
from meshscope.build.discovery import proposals
from meshscope.build.discovery.survey import MOST_SAMPLES
from meshscope.check.pages import catalogue
from meshscope.cli.main import meshscope
from meshscope.wiring.discover import ASK_SECONDS
from meshscope.wiring.rules import rules
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "own-mesh.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (meshscope .+)$", PAGE, flags=re.MULTILINE)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_has_the_verb_and_the_options_that_are_shown(line: str) -> None:
    verb, *arguments = shlex.split(line)[1:]
    assert isinstance(meshscope, click.Group)
    command = meshscope.get_command(click.Context(meshscope), verb)
    assert command is not None, verb
    command.make_parser(click.Context(command)).parse_args(list(arguments))


def test_commands_are_shown() -> None:
    assert len(COMMANDS) == 5


def test_each_code_is_one_that_can_be_explained() -> None:
    known = {rule.code for rule in rules()[0]} | set(catalogue())
    named = set(re.findall(r"`((?:discover|service|owner)/[a-z-]+)`", PAGE)) | {
        command.split()[-1] for command in COMMANDS if " explain " in command
    }
    assert len(named) >= 4
    assert named <= known


def test_every_option_that_is_named_is_one_of_new() -> None:
    new = meshscope.get_command(click.Context(meshscope), "new")  # type: ignore[attr-defined]
    options = {name for parameter in new.params for name in parameter.opts}
    named = set(re.findall(r"`(--[a-z-]+)`", PAGE))
    assert named
    assert named <= options


def test_the_definitions_that_are_shown_are_definitions() -> None:
    words = {}
    exec("from meshscope import *", words)
    for block in blocks("python"):
        exec(block, words)


def test_the_file_of_credentials_that_is_shown_is_understood(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t0ken")
    (shown,) = blocks("yaml")
    (tmp_path / "http.yml").write_text(shown)
    found = access(tmp_path / "http.yml")
    assert (found.authorization, found.headers) == ("Bearer t0ken", (("X-Scope-OrgID", "acme"),))


def test_the_numbers_are_those_of_the_code() -> None:
    assert f"({MOST_SAMPLES // 1_000_000} million a question)" in PAGE
    assert "has a minute" in PAGE
    assert ASK_SECONDS == 60
    figures = [f"{figure}" for figure in proposals.OBJECTIVES]
    assert f"{', '.join(figures[:-1])} and {figures[-1]}%" in PAGE
    assert proposals.SPARE * 2 == 1
