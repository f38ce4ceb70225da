"""Commands: what the configuration lists, and nothing that an alert could make of it; nothing is left running."""

import json
import os
import sys
import time
from pathlib import Path

import pytest

from meshscope.adapters.hands.commands import Commands
from meshscope.deploy import groups
from meshscope.deploy.plan import Change, Outcome, Receipt, Verb
from meshscope.findings import MeshscopeError
from tests.targets.conftest import soon

PRINT = [
    sys.executable,
    "-c",
    "import json, os, sys; print(json.dumps([sys.argv[1:], sorted(os.environ), os.getcwd()]))",
]
SHELL = ["/bin/sh", "-c"]


def run(name: str, **arguments: str) -> Change:
    return Change(verb=Verb.RUN, subject=name, arguments=arguments)


def shell(line: str, *, seconds: float = 20.0, **arguments: str) -> Receipt:
    """What comes of a line for the shell, which the configuration lists."""
    return Commands({"x": [*SHELL, line]}, seconds=seconds).apply(run("x", **arguments))


def test_a_listed_command_gets_names_as_words_and_a_clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "x")
    words = [*PRINT, "--of={namespace}/{service}", "{instance}", "{owner}", "{", "{}", "$HOME", "*", "a b"]
    arguments = {"namespace": "shop", "service": "ledger", "instance": "ledger-5f-x", "owner": "pay", "more": "\0"}
    receipt = Commands({"drain": words}).apply(run("drain", **arguments))
    assert receipt.outcome is Outcome.DONE
    told, environment, folder = json.loads(receipt.said)
    assert told == ["--of=shop/ledger", "ledger-5f-x", "pay", "{", "{}", "$HOME", "*", "a b"]
    assert set(environment) - {"LC_CTYPE"} == {"PATH", "LC_ALL"}
    assert folder == "/"


@pytest.mark.parametrize(
    "value",
    [
        "-rf", "--help", "-", "a b", "a;b", "a|b", "a&b", "$(x)", "${x}", "`x`", "a\nb", "a\n", "\n", "\0", "a\0b", "",
        " ", "a" * 300, "\u202e", "ä", "{service}", "{owner}", "../x", "/etc/passwd", "a/b", "a\\b", "a'b", 'a"b', "~",
        "*", "?", "@x", "#", "%s", "=x", ".", "..", "\u2212rf", "\uff0drf", "\x7f", "\x1b[31m", "\ud800",
    ],
)  # fmt: skip
@pytest.mark.parametrize("hole", ["service", "namespace", "instance", "owner"])
def test_a_word_that_a_program_could_misread_is_refused_and_nothing_runs(tmp_path: Path, value: str, hole: str) -> None:
    ran = tmp_path / "ran"
    hand = Commands({"drain": [*SHELL, f"touch {ran}; echo {{{hole}}}"]})
    receipt = hand.apply(run("drain", **{"service": "a", hole: value}))
    assert receipt.outcome is Outcome.REFUSED
    assert hole in receipt.said
    assert not ran.exists()


@pytest.mark.parametrize("value", ["ledger", "ledger-5f7c-x2x2x", "a.b", "A_1", "0", "x" * 253])
def test_a_name_is_a_word_for_a_shell_too(value: str) -> None:
    receipt = shell("echo {service}", service=value)
    assert (receipt.outcome, receipt.said) == (Outcome.DONE, value)


def test_what_is_not_listed_is_refused_whatever_it_is_called(tmp_path: Path) -> None:
    hand = Commands({"drain": ["/bin/true"]})
    for name in ("/bin/true", "true", "Drain", "drain ", "", "drain\0", "../drain"):
        receipt = hand.apply(run(name))
        assert (receipt.outcome, receipt.said) == (
            Outcome.REFUSED, "the agent's configuration lists no such command",
        )  # fmt: skip
    assert hand.apply(Change(verb=Verb.KILL, subject="drain")).outcome is Outcome.REFUSED
    assert hand.apply(run("drain")).outcome is Outcome.DONE


def test_what_a_command_needs_and_the_alert_does_not_name_is_said() -> None:
    receipt = shell("echo {instance}", service="a")
    assert (receipt.outcome, receipt.said) == (Outcome.REFUSED, "the alert names no instance")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([], "no list of words"),
        ("/bin/true", "no list of words"),
        ([7], "no list of words"),
        (["/bin/true", "a\0b"], "no list of words"),
        (["true"], "no program's path"),
        (["./true"], "no program's path"),
        ([""], "no program's path"),
        (["/bin/{service}"], "no program's path"),
        (["{service}"], "no program's path"),
        (["/bin/echo", "{pod}"], "which nothing fills in"),
        (["/bin/echo", "x{alertname}"], "which nothing fills in"),
    ],
)
def test_a_command_that_can_not_be_one_is_refused_before_any_alert_comes(words: list[str], what: str) -> None:
    with pytest.raises(MeshscopeError, match=what) as error:
        Commands({"fine": ["/bin/true"], "drain": words})
    assert error.value.finding.code == "agent/bad-command"
    assert "`drain`" in error.value.finding.title


@pytest.mark.parametrize("program", ["none", "folder", "no program", "not allowed"])
def test_a_program_that_can_not_be_started_has_refused(tmp_path: Path, program: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "no program").write_text("x")
    (tmp_path / "no program").chmod(0o755)
    (tmp_path / "not allowed").write_text("x")
    receipt = Commands({"x": [str(tmp_path / program)]}).apply(run("x"))
    assert receipt.outcome is Outcome.REFUSED
    assert receipt.said.startswith("it can't be started: ")


@pytest.mark.parametrize(
    ("line", "outcome", "said"),
    [
        ("true", Outcome.DONE, ""),
        ("echo one; echo two", Outcome.DONE, "two"),
        ("echo one; echo; echo ' '", Outcome.DONE, "one"),
        ("echo out; echo no >&2; exit 3", Outcome.REFUSED, "it ended with 3: no"),
        ("exit 255", Outcome.REFUSED, "it ended with 255"),
        ("kill -9 $$", Outcome.UNKNOWN, "it was ended by signal 9"),
        ("echo half; kill -TERM $$", Outcome.UNKNOWN, "it was ended by signal 15: half"),
        (r"printf 'a\033[31mb\000c\n'", Outcome.DONE, "a [31mb c"),
        (r"printf '\377\376\n'", Outcome.DONE, "\ufffd\ufffd"),
        ("exec >&- 2>&-; exit 4", Outcome.REFUSED, "it ended with 4"),
        ("read line; echo \"[$line]\"", Outcome.DONE, "[]"),
    ],
)  # fmt: skip
def test_its_end_is_the_outcome_and_its_last_line_is_told(line: str, outcome: Outcome, said: str) -> None:
    receipt = shell(line)
    assert (receipt.outcome, receipt.said) == (outcome, said)


@pytest.mark.parametrize("end", ["exit 0", "exit 3"])
def test_however_much_it_writes_only_the_end_of_it_is_kept(end: str) -> None:
    receipt = shell(f"head -c 30000000 /dev/zero | tr '\\0' x; echo; echo the last; {end}")
    assert receipt.said.endswith("the last")
    assert len(receipt.said) < 400


def test_one_long_line_is_told_in_part() -> None:
    receipt = shell("head -c 30000000 /dev/zero | tr '\\0' x")
    assert (receipt.outcome, receipt.said) == (Outcome.DONE, "x" * 300)


def noted(folder: Path) -> list[int]:
    return [int(text) for path in folder.glob("pid*") for text in [path.read_text().strip()] if text]


@pytest.mark.parametrize(
    "line",
    [
        "sleep 600",
        "trap '' TERM INT HUP; while :; do sleep 600; done",
        "sleep 600 & echo $! > {folder}/pid2; wait",
        "while :; do echo flood; done",
        "exec >&- 2>&-; sleep 600",
        "kill -STOP $$",
    ],
)
def test_one_that_never_ends_is_killed_with_all_that_it_started_and_nobody_knows(tmp_path: Path, line: str) -> None:
    began = time.monotonic()
    receipt = shell(f"echo $$ > {tmp_path}/pid1; " + line.replace("{folder}", str(tmp_path)), seconds=0.4)
    assert receipt.outcome is Outcome.UNKNOWN
    assert receipt.said.startswith("it had not ended after 0.4 s and was killed")
    assert time.monotonic() - began < 20
    pids = noted(tmp_path)
    assert pids
    soon(lambda: not any(groups.start_of(pid) for pid in pids))


def test_what_it_leaves_running_ends_with_it_and_does_not_hold_it_up(tmp_path: Path) -> None:
    receipt = shell(f"sleep 600 & echo $! > {tmp_path}/pid; echo done", seconds=30.0)
    assert (receipt.outcome, receipt.said) == (Outcome.DONE, "done")
    assert receipt.seconds < 25
    (pid,) = noted(tmp_path)
    soon(lambda: not groups.start_of(pid))


def test_what_left_its_session_goes_on_and_holds_nothing_up(tmp_path: Path) -> None:
    flood = f"echo $$ > {tmp_path}/pid; while :; do echo flood; sleep 0.001; done"
    receipt = shell(f"setsid sh -c '{flood}' & while [ ! -s {tmp_path}/pid ]; do :; done; echo done", seconds=30.0)
    (pid,) = noted(tmp_path)
    try:
        assert receipt.outcome is Outcome.DONE
        assert receipt.seconds < 25
    finally:
        if groups.start_of(pid):
            os.killpg(pid, 9)


def test_each_call_runs_it_once(tmp_path: Path) -> None:
    for end in ("exit 0", "exit 1", "kill -9 $$", "sleep 600"):
        shell(f"echo once >> {tmp_path}/ran; {end}", seconds=0.5)
    assert (tmp_path / "ran").read_text() == "once\n" * 4


def test_it_opens_nothing_that_the_agent_has_open(tmp_path: Path) -> None:
    with (tmp_path / "secret").open("w") as secret:
        os.set_inheritable(secret.fileno(), True)
        receipt = shell("exec ls -l /proc/$$/fd | grep -c secret")
    assert receipt.said.endswith(": 0")
