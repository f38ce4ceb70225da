"""The demo as a person sees it: with the real programs and without, interrupted, and with a program that dies."""

import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import Start, processes_in, soon

LIVE = pytest.mark.engines("prometheus", "promtool", "alertmanager", "otelcol")


def folded(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_without_engines_it_builds_and_checks_and_says_how_to_get_them(demo: Start, tmp_path: Path) -> None:
    process = demo(PATH="", MESHSCOPE_CACHE=str(tmp_path / "empty"))
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    assert "Traceback" not in out
    said = folded(out)
    first = said[: said.index("BUILT")]
    for name in ("otelcol", "prometheus", "alertmanager"):
        assert re.search(rf"{name}[^:]*: not found on PATH", first)
    assert "make engines" in first
    assert "12 services" in said
    assert re.search(r"(\d+) querying rules \(\1 at 10,000 services too\)", said)
    assert "no real program is here to judge" in said
    assert re.search(r"web/frontend availability: its owner is paged 1m \d+s after every request turns bad", said)


def test_a_program_that_is_too_old_is_not_run(demo: Start, tmp_path: Path) -> None:
    old = tmp_path / "bin"
    old.mkdir()
    program = old / "prometheus"
    program.write_text("#!/bin/sh\necho 'prometheus, version 2.42.0 (branch: none)'\n")
    program.chmod(0o755)
    out, _ = demo(PATH=f"{old}:/bin", MESHSCOPE_CACHE=str(tmp_path / "empty")).communicate(timeout=120)
    assert f"prometheus: {program} is 2.42.0, and 3.11.0 is needed" in folded(out)


def test_no_live_starts_nothing(demo: Start, tiny: Path, work: Path) -> None:
    process = demo("--no-live", house=tiny)
    out, _ = process.communicate(timeout=60)
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
    out, _ = process.communicate(timeout=60)
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
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "error[demo/name-taken]" in out
    assert list(work.iterdir()) == []


def test_a_house_with_an_error_is_not_shown(demo: Start, tiny: Path) -> None:
    (tiny / "mesh.py").write_text((tiny / "mesh.py").read_text().replace("99.9 * percent", "100 * percent"))
    process = demo(house=tiny)
    out, _ = process.communicate(timeout=60)
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


SCENES = (
    r"SCENE 1 one of 3 instances of shop/ledger fails",
    r"fault ledger-\S+ fails every request; its 2 siblings are well",
    r"agent kill_instance of ledger-\S+: done",
    r"agent ledger-\S+ is ready in place of ledger-\S+",
    r"demo ledger-\S+ is dead, its siblings live",
    r"agent quiet, and the cause is still there",
    r"SCENE 2 all instances of shop/ledger fail: a bad revision",
    r"kill_instance: declined, no_outlier",
    r"SCENE 3 Falco sees a shell in a container",
    r"agent quarantine of ledger-\S+: done",
    r"an issue is open: github/boutique/platform/ledger-\S+\.md",
    r"SCENE 4 the fixed revision v2 is rolled out",
    r"agent revision v2 has run quiet for \S+: mended",
    r"agent the issue is closed, with the numbers",
    r"SCENE 5 now you: forge an alert, kill the agent",
    r"a forged alert is answered 401, and nothing is stored",
    r"kill -9 of the agent",
    r"the agent is back; (\d+) of \1 incidents are known",
    r"one fails: fault -> acted [\d.]+ s .* -> replaced [\d.]+ s .* -> mitigated [\d.]+ s",
    r"the fix: rollout -> rolled [\d.]+ s .* -> closed [\d.]+ s",
)


@LIVE
def test_the_whole_story_is_told_and_nothing_is_left(demo: Start, work: Path, engines: Sequence[Path]) -> None:
    process = demo("--seconds", "100")
    out, _ = process.communicate(timeout=400)
    assert process.returncode == 0, out
    said = folded(out)
    assert "all in lengths of time alone" in said
    in_order(out, r"Prometheus LoneFailingInstance is pending", r"LoneFailingInstance fires, for the agent alone",
             r"kill_instance of ledger-\S+: done")  # fmt: skip
    in_order(out, *SCENES)
    assert "[page] ErrorBudgetBurn" in said, "people are told what users feel"
    panels = re.search(r"(\d+) of (\d+) panels of 5 dashboards have data", said)
    assert panels is not None
    assert panels[1] == panels[2], out
    assert re.search(r"traces kept, with (all )?[\d,]+ (of [\d,]+ )?failed spans", said), out
    assert re.search(r"\d+ card numbers were logged by mistake, none arrived", said), out
    assert re.search(r"\d{2,} generated unit tests passed", said), out
    assert processes_in(work) == {}
    assert list(work.iterdir()) == []


def test_without_engines_the_loop_is_played_on_recorded_alerts(demo: Start, work: Path, tmp_path: Path) -> None:
    process = demo(PATH="", MESHSCOPE_CACHE=str(tmp_path / "empty"))
    out, _ = process.communicate(timeout=120)
    assert process.returncode == 0, out
    in_order(out, r"NOT LIVE otelcol, prometheus, promtool, alertmanager: not found", r"RECORDED the alerts", *SCENES)
    assert processes_in(work) == {}
    assert list(work.iterdir()) == []


@LIVE
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_leaves_no_process_and_no_file(
    demo: Start, tiny: Path, work: Path, engines: Sequence[Path], ending: signal.Signals
) -> None:
    process = playing(demo, tiny, work)
    process.send_signal(ending)
    out, _ = process.communicate(timeout=20)
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
    assert soon(lambda: not processes_in(work), 10), processes_in(work)
    left = set(work.iterdir())
    assert left
    again = playing(demo, tiny, work)
    assert not left & set(work.iterdir())
    again.send_signal(signal.SIGINT)
    again.communicate(timeout=20)


@LIVE
@pytest.mark.parametrize(("victim", "said"), [("prometheus", "Prometheus was killed by SIGKILL"),
                                              ("front", "shop/front was killed by SIGKILL")])  # fmt: skip
def test_a_program_that_dies_is_said_and_ends_the_rest(
    demo: Start, tiny: Path, work: Path, engines: Sequence[Path], victim: str, said: str
) -> None:
    process = playing(demo, tiny, work)
    os.kill(next(pid for pid, name in processes_in(work).items() if name == victim), signal.SIGKILL)
    out, _ = process.communicate(timeout=20)
    assert process.returncode == 1, out
    assert "error[demo/died]" in out
    assert said in out
    assert "Traceback" not in out
    assert processes_in(work) == {}
    assert list(work.iterdir()) == []


def playing(demo: Start, house: Path, work: Path) -> "subprocess.Popen[str]":
    """A demo whose programs all run."""
    process = demo(house=house)
    running = soon(lambda: process.poll() is not None or "prometheus" in processes_in(work).values(), 60)
    if not running or process.poll() is not None:
        process.kill()
        pytest.fail(process.communicate()[0])
    return process
