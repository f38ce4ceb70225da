"""A supervisor of real processes: replacements, crash loops, and an end that leaves nobody behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from meshscope.adapters.targets.processes import Processes
from meshscope.deploy import groups
from meshscope.deploy.groups import Member
from meshscope.deploy.plan import Instance, Outcome
from meshscope.deploy.supervisor import Supervisor, Workload
from meshscope.findings import MeshscopeError
from tests.targets.conftest import LEDGER, SLEEP, kill, pid_of, quarantine, soon

PARENT = """
import sys, time
from pathlib import Path
from meshscope.deploy.supervisor import Supervisor, Workload
from meshscope.model.services import Identity
workload = Workload(service=Identity("eu-1", "shop", "ledger"), command=lambda _: ["/bin/sleep", "600"], replicas=4)
with Supervisor(Path(sys.argv[1]), workload):
    time.sleep(600)
"""


def workload(command: Callable[[str], Sequence[str]] = lambda _: SLEEP, **more: int) -> Workload:
    return Workload(service=LEDGER, command=command, version="v1", **more)


@contextmanager
def running(folder: Path, wanted: Workload | None = None) -> Iterator[Processes]:
    """A supervisor at work, once all its instances run."""
    wanted = wanted or workload()
    with Supervisor(folder, wanted):
        target = Processes(folder)
        soon(lambda: ready(target) == wanted.replicas)
        yield target


def ready(target: Processes) -> int:
    return sum(1 for one in target.instances(LEDGER) if one.ready)


def runs(pid: int) -> bool:
    return groups.start_of(pid) != 0


def sessions() -> set[int]:
    """The sessions of every process that runs here."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(errors="replace").rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] not in "ZX":
            found.add(int(fields[3]))
    return found


def test_instances_are_named_as_pods_are_and_write_to_their_own_logs(tmp_path: Path) -> None:
    def command(name: str) -> Sequence[str]:
        return ["/bin/sh", "-c", 'echo "$0"; exec sleep 600', name]

    with running(tmp_path, workload(command, replicas=3)) as target:
        every = target.instances(LEDGER)
        stems = {one.name.rpartition("-")[0] for one in every}
        assert len(stems) == 1
        assert len(stems.pop()) == len("ledger-123456789")
        assert {len(one.name.rpartition("-")[2]) for one in every} == {5}
        for one in every:
            soon(lambda one=one: target.logs(one, 9) == (one.name,))


def test_a_hundred_kills_are_a_hundred_deaths_and_a_hundred_replacements(
    tmp_path: Path, record_property: Callable[[str, object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    dead: list[Instance] = []
    took: list[float] = []
    replaced: list[float] = []
    with running(tmp_path, workload(replicas=3)) as target:
        for _ in range(100):
            before = target.instances(LEDGER)
            receipt = target.apply(kill(before[0]))
            assert receipt.outcome is Outcome.DONE
            began = time.monotonic()
            soon(lambda: ready(target) == 3)
            replaced.append(time.monotonic() - began)
            now = target.instances(LEDGER)
            assert {one.uid for one in before[1:]} < {one.uid for one in now}
            dead.append(before[0])
            took.append(receipt.seconds)
        assert not {one.uid for one in dead} & {one.uid for one in target.instances(LEDGER)}
    assert len({one.uid for one in dead}) == len({one.name for one in dead}) == 100
    told = f"kill: {_percentiles(took)}; replaced: {_percentiles(replaced)}"
    record_property("latency", told)
    with capsys.disabled():
        sys.stdout.write(f"\n100 kills. {told}\n")


def _percentiles(seconds: list[float]) -> str:
    ordered = sorted(seconds)
    return ", ".join(f"p{share} {1000 * ordered[len(ordered) * share // 100]:.1f} ms" for share in (50, 99))


def test_whatever_ends_an_instance_it_is_replaced(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        for number in (signal.SIGTERM, signal.SIGSEGV, signal.SIGKILL):
            chosen = target.instances(LEDGER)[0]
            os.kill(pid_of(chosen), number)
            soon(lambda chosen=chosen: chosen.uid not in {one.uid for one in target.instances(LEDGER)})
            soon(lambda: ready(target) == 2)


def test_what_an_instance_started_ends_with_it(tmp_path: Path) -> None:
    with running(tmp_path, workload(lambda _: ["/bin/sh", "-c", "sleep 600 & sleep 600 & wait"])) as target:
        chosen, other = target.instances(LEDGER)
        soon(lambda: len(_family(pid_of(chosen))) == 3)
        family = _family(pid_of(chosen))
        assert target.apply(kill(chosen)).outcome is Outcome.DONE
        soon(lambda: not any(runs(pid) for pid in family))
        soon(lambda: len(_family(pid_of(other))) == 3)
        family = _family(pid_of(other))
    assert not any(runs(pid) for pid in family)


def _family(session: int) -> set[int]:
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(path.name)) == session and runs(int(path.name)):
                found.add(int(path.name))
        except ProcessLookupError:
            continue
    return found


def test_a_quarantined_one_is_kept_as_it_stands_until_the_end(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        chosen = target.instances(LEDGER)[0]
        assert target.apply(quarantine(chosen)).outcome is Outcome.DONE
        soon(lambda: ready(target) == 2)
        assert len(target.instances(LEDGER)) == 3
        assert Path(f"/proc/{pid_of(chosen)}/stat").read_text().rpartition(")")[2].split()[0] == "T"
    assert not runs(pid_of(chosen))
    assert groups.marks(tmp_path, LEDGER) == frozenset()


def test_leaving_ends_everybody_and_a_group_of_nobody_stays(tmp_path: Path) -> None:
    with running(tmp_path, workload(replicas=5)) as target:
        pids = [pid_of(one) for one in target.instances(LEDGER)]
    assert not any(runs(pid) for pid in pids)
    group = groups.read(tmp_path, LEDGER)
    assert group is not None
    assert (group.instances, group.replicas) == ((), 5)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV])
def test_instances_end_with_their_supervisor_however_that_ends_and_another_can_go_on(
    tmp_path: Path, number: int
) -> None:
    target = Processes(tmp_path)
    supervisor = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)])
    try:
        soon(lambda: ready(target) == 4)
        first, *_ = every = target.instances(LEDGER)
        assert target.apply(quarantine(first)).outcome is Outcome.DONE
        soon(lambda: ready(target) == 4)
        every = target.instances(LEDGER)
        assert len(every) == 5
    finally:
        supervisor.send_signal(number)
        supervisor.wait()
    soon(lambda: not {pid_of(one) for one in every} & sessions())
    assert target.instances(LEDGER) == ()
    assert target.apply(kill(every[1])).outcome is Outcome.GONE
    with running(tmp_path) as again:
        assert not {one.name for one in every} & {one.name for one in again.instances(LEDGER)}
        assert groups.marks(tmp_path, LEDGER) == frozenset()


def test_a_supervisor_that_is_killed_as_it_starts_them_leaves_none(tmp_path: Path) -> None:
    for turn in range(8):
        folder = tmp_path / str(turn)
        supervisor = subprocess.Popen([sys.executable, "-c", PARENT, str(folder)])
        soon(lambda folder=folder: (folder / "shop.ledger.lock").exists())
        time.sleep(turn * 0.004)
        children = Path(f"/proc/{supervisor.pid}/task")
        begun = {int(pid) for task in children.iterdir() for pid in (task / "children").read_text().split()}
        supervisor.kill()
        supervisor.wait()
        soon(lambda begun=begun: not any(runs(pid) for pid in begun))


def test_a_second_supervisor_of_the_same_group_is_refused(tmp_path: Path) -> None:
    with running(tmp_path) as target:
        before = target.instances(LEDGER)
        with pytest.raises(MeshscopeError, match=r"another supervisor keeps the group of shop\.ledger"):
            Supervisor(tmp_path, workload()).__enter__()
        assert target.instances(LEDGER) == before


def test_what_crashes_at_once_is_started_ever_more_slowly(tmp_path: Path) -> None:
    started: list[float] = []

    def command(_: str) -> Sequence[str]:
        started.append(time.monotonic())
        return ["/bin/false"]

    with Supervisor(tmp_path, workload(command, replicas=1)):
        soon(lambda: len(started) == 5)
    pauses = [after - before for before, after in pairwise(started)]
    assert pauses[-1] > 0.8, "0.1, 0.2, 0.4, 0.8 seconds"


def test_a_program_that_is_not_there_is_said_in_the_log(tmp_path: Path) -> None:
    with Supervisor(tmp_path, workload(lambda _: [str(tmp_path / "none")], replicas=1)):
        soon(lambda: any("can't be started" in log.read_text() for log in (tmp_path / "logs").iterdir()))


def test_a_command_that_can_not_be_said_ends_the_supervisor_and_everybody_and_is_raised(tmp_path: Path) -> None:
    names: list[str] = []

    def command(name: str) -> Sequence[str]:
        names.append(name)
        if len(names) > 1:
            raise RuntimeError("no more")
        return SLEEP

    supervisor = Supervisor(tmp_path, workload(command))
    supervisor.__enter__()
    soon(lambda: supervisor.trouble == "RuntimeError: no more")
    soon(lambda: Processes(tmp_path).instances(LEDGER) == ())
    with pytest.raises(RuntimeError, match="no more"):
        supervisor.__exit__(None, None, None)


def test_a_folder_that_is_gone_for_a_while_is_trouble_and_nobody_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "groups"
    with Supervisor(folder, workload()) as supervisor:
        target = Processes(folder)
        soon(lambda: ready(target) == 2)
        chosen, other = target.instances(LEDGER)
        folder.rename(tmp_path / "moved")
        os.kill(pid_of(chosen), signal.SIGKILL)
        soon(lambda: supervisor.trouble)
        (tmp_path / "moved").rename(folder)
        soon(lambda: ready(target) == 2)
        assert supervisor.trouble == ""
        assert other.uid in {one.uid for one in target.instances(LEDGER)}


def test_a_process_s_own_supervisor_is_never_hit_by_a_group_that_lists_it(tmp_path: Path) -> None:
    supervisor = subprocess.Popen([sys.executable, "-c", PARENT, str(tmp_path)])
    try:
        soon(lambda: ready(Processes(tmp_path)) == 4)
        group = groups.read(tmp_path, LEDGER)
        assert group is not None
        one = Member(name="ledger-x", pid=supervisor.pid, start=groups.start_of(supervisor.pid))
        assert one.alive
        told = Instance(service=LEDGER, name=one.name, uid=one.uid, workload="ledger")
        assert Processes(tmp_path).apply(kill(told)).outcome is Outcome.REFUSED
        assert supervisor.poll() is None
    finally:
        supervisor.kill()
        supervisor.wait()
