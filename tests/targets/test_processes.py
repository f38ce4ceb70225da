"""The very process that was chosen is signalled, or none: real processes of every kind, and whoever may not be hit."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from meshscope.adapters.targets.processes import Processes
from meshscope.deploy import groups
from meshscope.deploy.groups import Group, Member
from meshscope.deploy.plan import Change, Instance, Outcome, Receipt, Verb
from meshscope.findings import MeshscopeError
from tests.targets.conftest import LEDGER, soon

Breed = Callable[[str], Member]
NOBODY = 65534


def group(*members: Member) -> Group:
    return Group(cluster="eu-1", namespace="shop", service="ledger", workload="ledger", instances=members)


def apply(folder: Path, verb: Verb, member: Member, **more: float) -> Receipt:
    change = Change(verb=verb, subject=member.name, service=LEDGER, precondition=member.uid)
    return Processes(folder, **more).apply(change)


def state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.parametrize(
    "code",
    [
        "",
        "import signal; [signal.signal(one, signal.SIG_IGN) for one in (15, 1, 2, 3)]",
        "import threading, time; [threading.Thread(target=time.sleep, args=(600,)).start() for _ in range(20)]",
        "import ctypes; ctypes.CDLL(None).prctl(15, b') Z 1 (')",
    ],
    ids=["idle", "deaf", "threads", "a name like a line of stat"],
)
@pytest.mark.parametrize("still", [False, True])
def test_a_process_of_any_kind_is_dead_when_it_is_said_to_be(
    bred: Breed, tmp_path: Path, code: str, still: bool
) -> None:
    member = bred(code)
    if still:
        os.kill(member.pid, signal.SIGSTOP)
    groups.write(tmp_path, group(member))
    receipt = apply(tmp_path, Verb.KILL, member)
    assert (receipt.outcome, receipt.said) == (Outcome.DONE, "")
    assert not member.alive

    assert os.waitid(os.P_PID, member.pid, os.WEXITED | os.WNOWAIT).si_status == signal.SIGKILL


def test_a_process_that_got_the_number_of_another_is_not_hit(bred: Breed, tmp_path: Path) -> None:
    other = bred("")
    old = Member(name="ledger-1", pid=other.pid, start=other.start - 1)
    groups.write(tmp_path, group(old))
    assert Processes(tmp_path).instances(LEDGER) == ()
    for verb in (Verb.KILL, Verb.QUARANTINE):
        assert apply(tmp_path, verb, old).outcome is Outcome.GONE
    assert state(other.pid) == "S"
    assert groups.marks(tmp_path, LEDGER) == frozenset()


def test_a_process_that_gets_the_number_between_two_looks_is_not_hit(
    bred: Breed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The number can't be given anew at will: its handle is swapped for that of the process that would have got it.
    chosen, other = bred(""), bred("")
    groups.write(tmp_path, group(chosen))
    real = os.pidfd_open

    def swapped(pid: int) -> int:
        handle = real(other.pid)
        os.kill(pid, signal.SIGKILL)
        soon(lambda: not chosen.alive)
        return handle

    monkeypatch.setattr(os, "pidfd_open", swapped)
    assert apply(tmp_path, Verb.KILL, chosen).outcome is Outcome.GONE
    assert other.alive


@pytest.mark.parametrize("verb", [Verb.KILL, Verb.QUARANTINE])
def test_a_zombie_does_not_run(bred: Breed, tmp_path: Path, verb: Verb) -> None:
    member = bred("")
    groups.write(tmp_path, group(member))
    assert [one.uid for one in Processes(tmp_path).instances(LEDGER)] == [member.uid]
    os.kill(member.pid, signal.SIGKILL)
    soon(lambda: state(member.pid) == "Z")
    assert Processes(tmp_path).instances(LEDGER) == ()
    assert groups.uid_of(member.pid) == ""
    assert apply(tmp_path, verb, member).outcome is Outcome.GONE
    assert groups.marks(tmp_path, LEDGER) == frozenset()


def test_a_process_whose_first_thread_ended_runs_on_and_can_be_killed(bred: Breed, tmp_path: Path) -> None:
    member = bred(
        "import ctypes, os, threading, time\n"
        "threading.Thread(target=time.sleep, args=(600,)).start()\n"
        "def end():\n"
        "    print('ready', flush=True)\n"
        "    ctypes.CDLL(None).syscall({'x86_64': 60}.get(os.uname().machine, 93), 0)\n"
        "end()"
    )
    soon(lambda: state(member.pid) == "Z")
    groups.write(tmp_path, group(member))
    assert len(Processes(tmp_path).instances(LEDGER)) == 1
    assert apply(tmp_path, Verb.KILL, member).outcome is Outcome.DONE
    assert not member.alive


def test_one_that_takes_longer_to_die_is_unknown_and_gone_when_it_is_asked_again(bred: Breed, tmp_path: Path) -> None:
    # The system has to take these pages from it before it is gone.
    member = bred("held = bytearray(96 << 20); held[::4096] = b'x' * len(held[::4096])")
    groups.write(tmp_path, group(member))
    receipt = apply(tmp_path, Verb.KILL, member, seconds=0.0)
    assert (receipt.outcome, receipt.said) == (Outcome.UNKNOWN, "it was killed and is not gone after 0 s")
    soon(lambda: not member.alive)
    assert apply(tmp_path, Verb.KILL, member).outcome is Outcome.GONE


def test_a_quarantined_one_stands_still_and_its_mark_was_there_before_it_did(
    bred: Breed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = bred("import threading, time; [threading.Thread(target=time.sleep, args=(9,)).start() for _ in range(9)]")
    groups.write(tmp_path, group(member))
    real, seen = signal.pidfd_send_signal, []

    def sent(handle: int, number: int) -> None:
        seen.append((number, state(member.pid), set(groups.marks(tmp_path, LEDGER))))
        real(handle, number)

    monkeypatch.setattr(signal, "pidfd_send_signal", sent)
    assert apply(tmp_path, Verb.QUARANTINE, member).outcome is Outcome.DONE
    assert seen == [(0, "S", set()), (signal.SIGSTOP, "S", {member.name})]
    assert state(member.pid) == "T"
    os.kill(member.pid, signal.SIGCONT)
    soon(lambda: state(member.pid) == "S")
    assert apply(tmp_path, Verb.QUARANTINE, member).outcome is Outcome.DONE
    assert state(member.pid) == "T"


def test_without_its_mark_nothing_is_stopped(bred: Breed, tmp_path: Path) -> None:
    member = bred("")
    groups.write(tmp_path, group(member))
    groups.path_of(tmp_path, LEDGER, "quarantine").write_text("a file where a folder should be")
    receipt = apply(tmp_path, Verb.QUARANTINE, member)
    assert receipt.outcome is Outcome.REFUSED
    assert state(member.pid) == "S"
    with pytest.raises(MeshscopeError, match="not a directory"):
        Processes(tmp_path).instances(LEDGER)


def test_a_mark_that_may_have_been_seen_leaves_the_outcome_unknown(
    bred: Breed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    member = bred("")
    groups.write(tmp_path, group(member))

    def full(_: int) -> None:
        raise OSError(28, "no space left on device")

    monkeypatch.setattr(os, "fsync", full)
    receipt = apply(tmp_path, Verb.QUARANTINE, member)
    assert (receipt.outcome, "no space left" in receipt.said) == (Outcome.UNKNOWN, True)
    assert groups.marks(tmp_path, LEDGER) == frozenset()
    assert state(member.pid) == "S"


@pytest.mark.parametrize("whose", ["the agent's own", "its parent's", "one of its process group"])
def test_the_agent_does_nothing_to_itself_nor_to_what_it_was_started_with(tmp_path: Path, whose: str) -> None:
    child = subprocess.Popen(["/bin/sleep", "600"])
    try:
        pid = {"the agent's own": os.getpid(), "its parent's": os.getppid()}.get(whose, child.pid)
        member = Member(name="me", pid=pid, start=groups.start_of(pid))
        groups.write(tmp_path, group(member))
        for verb in (Verb.KILL, Verb.QUARANTINE):
            receipt = apply(tmp_path, verb, member)
            assert (receipt.outcome, "the agent does nothing to itself" in receipt.said) == (Outcome.REFUSED, True)
        assert child.poll() is None
        assert groups.marks(tmp_path, LEDGER) == frozenset()
    finally:
        child.kill()
        child.wait()


def test_a_process_that_no_group_lists_is_never_touched(bred: Breed, tmp_path: Path) -> None:
    listed, other = bred(""), bred("")
    assert apply(tmp_path, Verb.KILL, other).outcome is Outcome.REFUSED, "there is no group at all"
    groups.write(tmp_path, group(listed))
    receipt = apply(tmp_path, Verb.KILL, other)
    assert (receipt.outcome, receipt.said) == (
        Outcome.REFUSED, "it runs, and no group lists it for eu-1/shop/ledger",
    )  # fmt: skip
    first = Change(verb=Verb.KILL, subject="init", service=LEDGER, precondition=groups.uid_of(1))
    assert Processes(tmp_path).apply(first).outcome is Outcome.REFUSED
    assert listed.alive
    assert other.alive


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user may look into."""
    folder = Path(tempfile.mkdtemp())
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("verb", [Verb.KILL, Verb.QUARANTINE])
def test_a_process_of_another_user_is_refused_and_bears_no_mark(bred: Breed, verb: Verb) -> None:
    member = bred("")
    with open_folder() as folder:
        groups.write(folder, group(member))
        child = os.fork()
        if child == 0:
            status = 99
            try:
                os.setresuid(NOBODY, NOBODY, NOBODY)
                receipt = apply(folder, verb, member)
                status = 0 if (receipt.outcome, receipt.said) == (
                    Outcome.REFUSED, "it belongs to another user",
                ) else 1  # fmt: skip
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert groups.marks(folder, LEDGER) == frozenset()
    assert state(member.pid) == "S"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
@pytest.mark.parametrize("verb", [Verb.KILL, Verb.QUARANTINE])
def test_a_user_s_group_can_not_have_root_signal_or_read_what_is_another_s(
    bred: Breed, tmp_path: Path, verb: Verb
) -> None:
    (tmp_path / "secret").write_text("a secret\n")
    bare = bred("")
    member = Member(name=bare.name, pid=bare.pid, start=bare.start, log="secret")
    groups.write(tmp_path, group(member))
    told = Instance(service=LEDGER, name=member.name, uid=member.uid, workload="ledger")
    assert Processes(tmp_path).logs(told, 9) == ("a secret",)
    os.chown(groups.path_of(tmp_path, LEDGER), NOBODY, NOBODY)
    assert apply(tmp_path, verb, member).outcome is Outcome.REFUSED
    assert Processes(tmp_path).logs(told, 9) == ()
    assert state(member.pid) == "S"


def test_without_handles_left_nobody_is_said_to_be_gone(bred: Breed, tmp_path: Path) -> None:
    member = bred("")
    groups.write(tmp_path, group(member))
    target = Processes(tmp_path)
    assert target.instances(LEDGER)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 20, limits[1]))
        with suppress(OSError):
            while True:
                opened.append(os.open("/dev/null", os.O_RDONLY))
        with pytest.raises(MeshscopeError):
            target.instances(LEDGER)
        refused = apply(tmp_path, Verb.KILL, member)
        os.close(opened.pop())
        # Enough to read the group's file, and none to look at the process beside the handle.
        late = apply(tmp_path, Verb.KILL, member)
    finally:
        for handle in opened:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert (refused.outcome, late.outcome) == (Outcome.REFUSED, Outcome.REFUSED)
    assert member.alive


def test_with_more_than_a_thousand_handles_it_still_waits_for_the_death(bred: Breed, tmp_path: Path) -> None:
    member = bred("")
    groups.write(tmp_path, group(member))
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    opened: list[int] = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits[1]), limits[1]))
        opened += (os.open("/dev/null", os.O_RDONLY) for _ in range(1100))
        assert apply(tmp_path, Verb.KILL, member).outcome is Outcome.DONE
    finally:
        for handle in opened:
            os.close(handle)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", ()),
        (b"\n", ("",)),
        (b"one\r\ntwo", ("one", "two")),
        (b"\xff\xfe\x00\n", ("\ufffd\ufffd\x00",)),
        ("a\u2028b\x0bc\n".encode(), ("a\u2028b\x0bc",)),
        (b"x" * 9_000_000, ("x" * 2000,)),
        (b"x" * 9_000_000 + b"\nthe last\n", ("the last",)),
    ],
    ids=["empty", "blank", "crlf", "no text", "odd breaks", "one long line", "a line after a long one"],
)
def test_the_end_of_a_log_is_told_whatever_it_is(
    bred: Breed, tmp_path: Path, content: bytes, told: tuple[str, ...]
) -> None:
    bare = bred("")
    member = Member(name=bare.name, pid=bare.pid, start=bare.start, log="a.log")
    groups.write(tmp_path, group(member))
    (tmp_path / "a.log").write_bytes(content)
    assert Processes(tmp_path).logs(Processes(tmp_path).instances(LEDGER)[0], 50) == told


def test_a_log_that_would_never_answer_is_left_alone(bred: Breed, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for log in ("pipe", "/dev/zero", "/dev/tty", ".", "missing", "/proc/self/mem", "/dev/full"):
        bare = bred("")
        member = Member(name=bare.name, pid=bare.pid, start=bare.start, log=log)
        groups.write(tmp_path, group(member))
        assert Processes(tmp_path).logs(Processes(tmp_path).instances(LEDGER)[0], 50) == (), log


def test_an_instance_of_an_agent_that_was_interpreted_anew_has_the_same_identity(bred: Breed, tmp_path: Path) -> None:
    member = bred("")
    groups.write(tmp_path, group(member))
    code = "import sys; from meshscope.deploy import groups; print(groups.uid_of(int(sys.argv[1])))"
    told = subprocess.run([sys.executable, "-c", code, str(member.pid)], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == member.uid == Processes(tmp_path).instances(LEDGER)[0].uid
