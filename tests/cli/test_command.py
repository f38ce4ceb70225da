"""The command as a whole: how it starts, speaks, fails and ends."""

import os
import pty
import signal
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import click
import pytest

from meshscope.cli.main import VERBS, meshscope
from tests.houses import MESHSCOPE, House, small


def test_help_loads_no_verb_and_nothing_that_a_verb_needs() -> None:
    script = "import sys; from meshscope.cli.main import run; run(['--help']); print([*sys.modules], file=sys.stderr)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stderr
    for name in ("rich", "yaml", "promql_parser", "jsonschema", "grafanalib", "meshscope.build", "meshscope.wiring"):
        assert f"'{name}" not in loaded, name


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_a_module_whose_help_begins_with_its_line(verb: str) -> None:
    # The agent is a face of its own, beside the command line.
    module = "meshscope.web.command" if verb == "agent" else f"meshscope.cli.{verb}"
    command = import_module(module).command
    assert isinstance(command, click.Command)
    assert command.name is not None
    assert VERBS[verb].endswith(".")
    with click.Context(meshscope) as context:
        assert command.get_short_help_str(200)
        assert meshscope.get_command(context, verb) is command


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("chekc",), "there is no command `chekc`; did you mean `check`?"),
        (("build", "--emit", "helm"), "'helm' is not one of 'files', 'operator'"),
        (("check", "--format", "xml"), "'xml' is not one of"),
        (("build", "--load-seconds", "0"), "0.0 is not in the range"),
        (("new",), "Missing argument"),
        (("new", "alert"), "`new alert` needs a name"),
        (("new", "dashbord", "x"), "did you mean `dashboard`?"),
        (("new", "ci", "jenkins"), "there is a pipeline for github and gitlab, not for `jenkins`"),
    ],
)
def test_a_command_that_makes_no_sense_ends_with_2_and_says_what_would(
    arguments: tuple[str, ...], said: str, good: House
) -> None:
    ended = good.run(*arguments, status=2)
    assert said in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("scale", ["0", "2", "-1/20", "1/0", "fast"])
def test_a_time_scale_that_is_none_is_refused(scale: str, good: House) -> None:
    assert f"`{scale}` is no time scale" in good.run("build", "--time-scale", scale, status=1).stderr


def test_an_environment_that_is_not_there_is_said_with_those_that_are(good: House) -> None:
    said = good.run("build", "--env", "prod", status=1).stderr
    assert "there is no environment `prod`" in said
    assert 'write prod = Environment(name="prod") in mesh.py' in said


def test_an_interrupted_command_ends_with_130_and_leaves_nothing(tmp_path: Path) -> None:
    house = small(tmp_path, services__slow="import time\ntime.sleep(60)\n")
    running = subprocess.Popen([MESHSCOPE, "build"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    time.sleep(1.5)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=10)
    assert running.returncode == 130
    assert said.lstrip("\n") == "interrupted; what was there before is as it was\n"
    assert not (house.root / "build").exists()


def test_a_reader_that_has_enough_is_no_error(good: House) -> None:
    ended = subprocess.run(
        f"{MESHSCOPE} explain | head -1", cwd=good.root, shell=True, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0
    assert ended.stderr == ""


def test_a_fault_of_our_own_is_no_traceback_unless_it_is_asked_for(good: House) -> None:
    script = (
        "import sys, meshscope.wiring.building as building; from meshscope.cli.main import run\n"
        "import meshscope.cli.build as verb\n"
        "def fail(*_, **__): raise KeyError('nobody thought of this')\n"
        "verb.build = fail; sys.exit(run(['build']))"
    )
    ended = subprocess.run([sys.executable, "-c", script], cwd=good.root, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert ended.stderr.startswith("error[meshscope/fault]: meshscope fails: KeyError: 'nobody thought of this'\n")
    assert "Traceback" not in ended.stderr
    traced = {**os.environ, "MESHSCOPE_TRACE": "1"}
    ended = subprocess.run([sys.executable, "-c", script], cwd=good.root, env=traced, capture_output=True, text=True)
    assert "Traceback" in ended.stderr


def test_a_terminal_that_lacks_letters_gets_their_numbers(tmp_path: Path) -> None:
    house = small(tmp_path, services__bad="x = (  # ü\n")
    assert "# \\xfc" in house.run("build", status=1, extra={"PYTHONIOENCODING": "ascii"}).stderr


def on_a_terminal(house: House, *arguments: str, **environment: str) -> str:
    """Everything that a command writes to a terminal."""
    leader, follower = pty.openpty()
    kept = {"PATH": os.environ["PATH"], "TERM": "xterm-256color", **house.environment}
    with subprocess.Popen(
        [MESHSCOPE, *arguments],
        cwd=house.root,
        env={**kept, **environment},
        stdin=follower,
        stdout=follower,
        stderr=follower,
    ) as running:
        os.close(follower)
        said = b""
        while chunk := _read(leader):
            said += chunk
        running.wait(timeout=60)
    os.close(leader)
    return said.decode().replace("\r\n", "\n")


def _read(leader: int) -> bytes:
    try:
        return os.read(leader, 4096)
    except OSError:
        return b""


def test_colours_are_for_terminals_that_want_them(wrong: House) -> None:
    red = "\x1b[31m\x1b[1merror[slo/off-bucket]"
    assert red in on_a_terminal(wrong, "check")
    assert "\x1b[" not in on_a_terminal(wrong, "check", NO_COLOR="1")
    assert "\x1b[" not in on_a_terminal(wrong, "check", TERM="dumb")
    assert "\x1b[" not in wrong.run("check", status=1).stdout


def test_a_definition_can_not_steer_the_terminal(tmp_path: Path) -> None:
    house = small(tmp_path, services__bad="x = 1 / 0  # \x1b]0;owned\x07 \u202e\n")
    said = house.run("build", status=1).stderr
    assert "\x1b" not in said
    assert "\x07" not in said
    assert "\u202e" not in said
