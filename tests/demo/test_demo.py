"""The demo as a person sees it: with the real programs and without, interrupted, and with a program that dies."""

import os
import re
import signal
import subprocess
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from conftest import ROOT, Start, processes_in, soon
from terminal import Terminal

from meshscope.demo.reference import reference
from meshscope.wiring.importing import FOLDERS

pytestmark = pytest.mark.alone
LIVE = pytest.mark.engines("prometheus", "promtool", "alertmanager", "otelcol")


def folded(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_a_program_that_is_too_old_is_not_run(demo: Start, tiny: Path, tmp_path: Path) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    program = old / "prometheus"
    program.write_text("#!/bin/sh\necho 'prometheus, version 2.42.0 (branch: none)'\n")
    program.chmod(0o755)
    out, _ = demo(house=tiny, PATH=f"{old}:/bin", MESHSCOPE_CACHE=str(tmp_path / "empty")).communicate(timeout=300)
    assert f"prometheus: {program} is 2.42.0, and 3.11.0 is needed" in folded(out)


def test_no_live_starts_nothing(demo: Start, tiny: Path, work: Path) -> None:
    process = demo("--no-live", house=tiny)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert "the live part was not asked for" in out
    assert list(work.iterdir()) == []


@LIVE
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("calls = Calls({door: (front,), front: (back,)})", "", "nothing enters mesh `tiny`"),
        ("replicas=2", "replicas=1", "no service has two instances and an SLO"),
    ],
)
def test_a_house_that_can_t_be_played_is_built_and_checked_and_says_why(
    demo: Start, tiny: Path, work: Path, engines: Sequence[Path], before: str, after: str, said: str
) -> None:
    (tiny / "mesh.py").write_text((tiny / "mesh.py").read_text().replace(before, after))
    process = demo(house=tiny)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert said in folded(out)
    assert "BUILT" in out
    assert list(work.iterdir()) == []


@LIVE
def test_an_environment_of_the_house_s_own_is_never_run(
    demo: Start, tiny: Path, work: Path, engines: Sequence[Path]
) -> None:
    own = "from meshscope import Environment\nlocal = Environment(name='local', prometheus='https://real.example')\n"
    (tiny / "mesh.py").write_text((tiny / "mesh.py").read_text() + own)
    process = demo(house=tiny)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "error[demo/name-taken]" in out
    assert list(work.iterdir()) == []


def test_where_there_is_no_house_the_reference_mesh_is_shown(demo: Start, tmp_path: Path) -> None:
    empty = tmp_path / "nothing"
    empty.mkdir()
    process = demo("--no-live", house=empty)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert "meshscope demo: boutique (the reference mesh), 12 services" in out


def test_the_wheel_holds_the_reference_mesh_as_it_lies_here() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    house = {name for name in ("mesh.py", *FOLDERS) if (ROOT / name).exists()}
    assert included == {name: f"meshscope/demo/house/{name}" for name in house}
    assert reference() == ROOT


def test_a_house_with_an_error_is_not_shown(demo: Start, tiny: Path) -> None:
    (tiny / "mesh.py").write_text((tiny / "mesh.py").read_text().replace("99.9 * percent", "100 * percent"))
    process = demo(house=tiny)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "error[slo/" in out
    assert "Traceback" not in out


def in_order(out: str, *parts: str) -> None:
    """Every part stands in the output, each after the one before."""
    said, at = folded(out), 0
    for part in parts:
        found = re.compile(part).search(said, at)
        assert found is not None, f"{part!r} is missing or too early:\n{out}"
        at = found.end()


EVIDENCE = (
    r"kill_instance of ledger-\S+: decided, evidence gathered",
    r"evidence the last (\d+ lines of its log are|line of its log is) kept \(SHA-256 [0-9a-f]{12}\.\.\.\)",
    r"\| \S+ ERROR /ledger failed",
)
SCENES = (
    r"SCENE 1 one of 3 instances of shop/ledger fails",
    r"fault ledger-\S+ fails every request; its 2 siblings are well",
    r"agent kill_instance of ledger-\S+: done",
    r"agent ledger-\S+ is ready in place of ledger-\S+",
    r"demo ledger-\S+ is dead, its siblings live",
    r"agent quiet, and the cause is still there",
    r"issue \[page\] shop/ledger: .*? mitigated, cause open",
    r"SCENE 2 all instances of shop/ledger fail: revision v2 is bad",
    r"release v2 takes the place of v1; it fails every request",
    r"kill_instance of ledger-\S+: declined, no_outlier",
    r"since all 3 instances run v2, the oldest for [\d.]+ s: suspect that revision",
    r"demo nobody is killed",
    r"SCENE 3 Falco sees a shell in a container",
    r"agent quarantine of ledger-\S+: done",
    r"an issue is open for platform: github/boutique/platform/ledger-\S+\.md",
    r"issue \[security\] shop/ledger: terminal shell in container",
    r"SCENE 4 the fixed revision v3 is rolled out",
    r"agent revision v3 has run quiet for \S+: mended",
    r"agent the issue is closed, with the numbers",
    r"issue \[page\] shop/ledger: .*? resolved \| Over\.",
    r"\| - mended by revision v3",
    r"SCENE 5 somebody forges an alert, and kills the agent",
    r"is answered with a made-up token 401, with the token of Falco 401, and nothing is stored",
    r"kill -9 \d+: the agent is dead",
    r"supervisor the agent was killed by SIGKILL, and is started again as process \d+",
    r"the agent is back; (\d+) of \1 incidents are known; (\d+) acts on \2 instances, none of them twice",
    r"one fails: fault -> alert [\d.]+ s .*?-> killed [\d.]+ s .*?-> replaced [\d.]+ s",
    r"-> mitigated, cause open [\d.]+ s",
    r"the fix: release -> rolled out [\d.]+ s .*?-> issue closed [\d.]+ s",
)


@LIVE
def test_the_whole_story_is_told_live_and_then_a_person_breaks_it(
    work: Path, engines: Sequence[Path], sit: Callable[..., Terminal]
) -> None:
    terminal = sit("--seconds", "100", engines=True)
    terminal.until("NOW YOU", 600)
    said = terminal.said
    assert "all in lengths of time alone" in said
    in_order(said, r"Prometheus LoneFailingInstance is pending", r"LoneFailingInstance fires, for the agent alone")
    in_order(said, *SCENES)
    in_order(said, *EVIDENCE)
    assert "[page] ErrorBudgetBurn" in said, "people are told what users feel"
    panels = re.search(r"(\d+) of (\d+) panels of 5 dashboards have data", said)
    assert panels is not None
    assert panels[1] == panels[2], terminal.text
    assert re.search(r"traces kept, with (all )?[\d,]+ (of [\d,]+ )?failed spans", said), terminal.text
    assert re.search(r"\d+ card numbers were logged by mistake, none arrived", said), terminal.text
    at = terminal.until(r"NOW YOU .*? Prometheus http://\S+ Alertmanager http://\S+ ledger meshscope verify ledger")
    terminal.press("1")
    for step in (r"ONE FAILS ledger-\S+, one of 3", r"agent kill_instance of ledger-\S+: done",
                 r"demo ledger-\S+ is dead, and ledger-\S+ in its place",
                 r"issue .*? mitigated, cause open"):  # fmt: skip
        at = terminal.until(step, 400, after=at)
    terminal.until(r"\d{2,} generated unit tests passed", 400)
    terminal.press("q")
    assert terminal.end() == 0, terminal.text
    assert processes_in(work) == {}
    assert list(work.iterdir()) == []


def test_without_engines_it_is_built_and_the_loop_played_on_recorded_alerts(
    demo: Start, work: Path, tmp_path: Path
) -> None:
    process = demo(PATH="", MESHSCOPE_CACHE=str(tmp_path / "empty"))
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0, out
    assert "Traceback" not in out
    said = folded(out)
    assert "make engines" in said[: said.index("BUILT")], "how to get them is said first"
    assert re.search(r"(\d+) querying rules \(\1 at 10,000 services too\)", said)
    assert "no real program is here to judge" in said
    assert re.search(r"web/frontend availability: its owner is paged 1m \d+s after every request turns bad", said)
    in_order(out, r"NOT LIVE otelcol, prometheus, promtool, alertmanager: not found", r"RECORDED the alerts",
             r"LOOK console http://\S+, sign in as demo with \S+ issues \S+", *SCENES)  # fmt: skip
    in_order(out, *EVIDENCE)
    assert "NOW YOU" not in out, "nobody sits there"
    assert processes_in(work) == {}
    assert list(work.iterdir()) == []


@LIVE
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_process_and_no_file(
    demo: Start, tiny: Path, work: Path, engines: Sequence[Path], ending: signal.Signals
) -> None:
    process = playing(demo, tiny, work)
    process.send_signal(ending)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 130, out
    assert "every process that was started is ended" in out
    assert processes_in(work) == {}
    assert list(work.iterdir()) == []


@LIVE
def test_a_demo_that_is_killed_leaves_no_process_and_the_next_one_removes_its_files(
    demo: Start, tiny: Path, work: Path, engines: Sequence[Path]
) -> None:
    process = playing(demo, tiny, work)
    process.kill()
    process.wait()
    assert soon(lambda: not processes_in(work)), processes_in(work)
    left = set(work.iterdir())
    assert left
    again = playing(demo, tiny, work)
    assert not left & set(work.iterdir())
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=300)


@LIVE
@pytest.mark.parametrize(("victim", "said"), [("prometheus", "Prometheus was killed by SIGKILL"),
                                              ("front", "shop/front was killed by SIGKILL")])  # fmt: skip
def test_a_program_that_dies_is_said_and_ends_the_rest(
    demo: Start, tiny: Path, work: Path, engines: Sequence[Path], victim: str, said: str
) -> None:
    process = playing(demo, tiny, work)
    os.kill(next(pid for pid, name in processes_in(work).items() if name == victim), signal.SIGKILL)
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 1, out
    assert "error[demo/died]" in out
    assert said in out
    assert "Traceback" not in out
    assert processes_in(work) == {}
    assert list(work.iterdir()) == []


def playing(demo: Start, house: Path, work: Path) -> "subprocess.Popen[str]":
    """A demo whose programs all run."""
    process = demo(house=house)
    running = soon(lambda: process.poll() is not None or "prometheus" in processes_in(work).values(), 240)
    if not running or process.poll() is not None:
        process.kill()
        pytest.fail(process.communicate()[0])
    return process
