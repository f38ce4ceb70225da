"""The files of groups: torn, foreign and hostile ones are said to be so, and lead nowhere."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshscope.adapters.targets.processes import Processes
from meshscope.deploy import groups
from meshscope.deploy.groups import Group, Member
from meshscope.deploy.plan import Change, Outcome, Verb
from meshscope.findings import MeshscopeError
from meshscope.model.services import Identity
from tests.targets.conftest import LEDGER

MEMBER = {"name": "ledger-1", "pid": 4_000_000, "start": 1}
GOOD = {"cluster": "eu-1", "namespace": "shop", "service": "ledger", "workload": "ledger", "instances": [MEMBER]}
GROUP = Group(
    cluster="eu-1", namespace="shop", service="ledger", workload="ledger", version="v2", replicas=2,
    instances=(Member(name="ledger-1", pid=7, start=8, version="v1", log="/a b", ready=False, started=1.5),),
)  # fmt: skip


def without(key: str) -> dict[str, object]:
    return {name: value for name, value in GOOD.items() if name != key}


def member(**more: object) -> dict[str, object]:
    return {**GOOD, "instances": [{**MEMBER, **more}]}


def refused(folder: Path) -> str:
    """What is said of the ledger's file, by which nothing may be done to anybody."""
    with pytest.raises(MeshscopeError) as error:
        groups.read(folder, LEDGER)
    assert error.value.finding.code == "target/bad-group"
    assert str(folder) in error.value.finding.title
    with pytest.raises(MeshscopeError):
        Processes(folder).instances(LEDGER)
    change = Change(verb=Verb.KILL, subject="ledger-1", service=LEDGER, precondition="x")
    assert Processes(folder).apply(change).outcome is Outcome.REFUSED
    return error.value.finding.title


def test_a_group_is_read_as_it_was_written(tmp_path: Path) -> None:
    groups.write(tmp_path, GROUP)
    assert groups.read(tmp_path, LEDGER) == GROUP
    groups.write(tmp_path, replace(GROUP, instances=()))
    assert groups.read(tmp_path, LEDGER) == replace(GROUP, instances=())
    assert [one.name for one in tmp_path.iterdir()] == ["shop.ledger.json"]


def test_who_ended_before_it_was_known_is_not_written(tmp_path: Path) -> None:
    (known,) = GROUP.instances
    groups.write(tmp_path, replace(GROUP, instances=(known, Member(name="ledger-2", pid=9, start=0))))
    assert groups.read(tmp_path, LEDGER) == GROUP


def test_a_group_of_another_cluster_is_none_of_this_one_s(tmp_path: Path) -> None:
    groups.write(tmp_path, GROUP)
    assert groups.read(tmp_path, Identity("us-1", "shop", "ledger")) is None
    assert groups.read(tmp_path, Identity("eu-1", "shop", "checkout")) is None
    assert groups.read(tmp_path / "no such folder", LEDGER) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        (json.dumps(GOOD)[:-9], "Unterminated"),
        ("\ufffe", "Expecting value"),
        ("[]", "has no keys"),
        ('"x"', "has no keys"),
        ("null", "has no keys"),
        ("[" * 100_000, "recursion"),
        ('{"instances": ' + "9" * 5000 + "}", "digits"),
        *((json.dumps(without(key)), f"has no `{key}`") for key in GOOD),
        (json.dumps({**GOOD, "cluster": 1}), "no text"),
        (json.dumps({**GOOD, "workload": "a\nb"}), "no text"),
        (json.dumps({**GOOD, "namespace": "other"}), "it is about eu-1/other/ledger"),
        (json.dumps({**GOOD, "replicas": -1}), "no whole number"),
        (json.dumps({**GOOD, "replicas": True}), "no whole number"),
        (json.dumps({**GOOD, "instances": {}}), "no list"),
        (json.dumps({**GOOD, "instances": "abc"}), "no list"),
        (json.dumps({**GOOD, "instances": [1]}), "has no keys"),
        (json.dumps({**GOOD, "instances": [MEMBER, MEMBER]}), "the same name"),
        (json.dumps({**GOOD, "instances": [MEMBER, {**MEMBER, "name": "b"}]}), "the same pid"),
        *((json.dumps(member(pid=pid)), "no whole number") for pid in (1, 0, -1, 2.5, "7", None, True, 1 << 40)),
        *((json.dumps(member(start=start)), "no whole number") for start in (0, -1, 1.0, "1", 1 << 64)),
        *((json.dumps(member(name=name)), "no instance's name")
          for name in ("", ".", "..", "../x", "a/b", "-rf", "a b", "a\0", "ä", "a\n", "x" * 300, 7)),
        *((json.dumps(member(log=log)), "no text") for log in ("a\0b", "a\nb", 7, "x" * 5000, "\ud800", "\u202e")),
        *((json.dumps(member(started=at)), "no time") for at in (True, "1", -1, 1e300, float("inf"), float("nan"))),
        (json.dumps(member(started=10**400)), "no time"),
        (json.dumps(member(started=-(10**400))), "no time"),
    ],
)  # fmt: skip
def test_a_file_that_is_torn_foreign_or_hostile_is_said_to_be(tmp_path: Path, text: str, why: str) -> None:
    groups.path_of(tmp_path, LEDGER).write_text(text, errors="surrogatepass")
    assert why in refused(tmp_path)


def test_what_the_others_are_is_held_to_be_good(tmp_path: Path) -> None:
    groups.path_of(tmp_path, LEDGER).write_text(json.dumps({**GOOD, "added": {"later": [1]}}))
    found = groups.read(tmp_path, LEDGER)
    assert found is not None
    assert found.instances == (Member(name="ledger-1", pid=4_000_000, start=1),)


@pytest.mark.parametrize("kind", ["a pipe", "a folder", "a loop of links", "a device", "too large", "no text at all"])
def test_what_is_no_file_of_text_is_said_to_be_none_and_never_waited_for(tmp_path: Path, kind: str) -> None:
    path = groups.path_of(tmp_path, LEDGER)
    match kind:
        case "a pipe":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()
        case "a loop of links":
            path.symlink_to(path)
        case "a device":
            path.symlink_to("/dev/zero")
        case "too large":
            path.write_bytes(b" " * ((4 << 20) + 1))
        case _:
            path.write_bytes(bytes(range(256)))
    refused(tmp_path)


@pytest.mark.parametrize("mode", [0o666, 0o664, 0o646])
def test_a_file_that_others_may_write_is_not_believed(tmp_path: Path, mode: int) -> None:
    groups.write(tmp_path, GROUP)
    groups.path_of(tmp_path, LEDGER).chmod(mode)
    assert "others may write it" in refused(tmp_path)


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
                        [*GOOD, *MEMBER, "log", "ready", "started", "version"]), inner, max_size=6)))  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_whatever_is_json_is_a_group_or_said_to_be_none(tmp_path_factory: pytest.TempPathFactory, data: object) -> None:
    folder = tmp_path_factory.getbasetemp()
    groups.path_of(folder, LEDGER).write_text(json.dumps(data))
    with pytest.raises(MeshscopeError):
        groups.read(folder, LEDGER)
    groups.path_of(folder, LEDGER).write_text(json.dumps({**GOOD, "instances": [data]}))
    with pytest.raises(MeshscopeError):
        groups.read(folder, LEDGER)


@pytest.mark.parametrize("name", ["../x", "a/b", "\0", "", ".", "a.b", "Ledger", "-a", "a-", "x" * 64, "ledger\n"])
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    for service in (Identity("eu-1", "shop", name), Identity("eu-1", name, "ledger")):
        for ask in (Processes(tmp_path).instances, Processes(tmp_path).stopped):
            with pytest.raises(MeshscopeError):
                ask(service)
        change = Change(verb=Verb.KILL, subject="x", service=service, precondition="x")
        assert Processes(tmp_path).apply(change).outcome is Outcome.REFUSED


@pytest.mark.parametrize("name", ["../x", "a/b", "\0", "", ".", "..", "-a", "x" * 300])
def test_a_mark_for_what_is_no_instance_s_name_is_refused(tmp_path: Path, name: str) -> None:
    for change in (groups.mark, groups.unmark):
        with pytest.raises(MeshscopeError, match="no instance's name"):
            change(tmp_path, LEDGER, name)
    assert list(tmp_path.iterdir()) == []


def test_a_mark_is_there_until_it_is_removed_and_never_follows_a_link(tmp_path: Path) -> None:
    groups.mark(tmp_path, LEDGER, "ledger-1")
    groups.mark(tmp_path, LEDGER, "ledger-1")
    assert groups.marks(tmp_path, LEDGER) == {"ledger-1"}
    assert (groups.unmark(tmp_path, LEDGER, "ledger-1"), groups.unmark(tmp_path, LEDGER, "ledger-1")) == (True, False)
    elsewhere = tmp_path / "elsewhere"
    (groups.path_of(tmp_path, LEDGER, "quarantine") / "ledger-2").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic links"):
        groups.mark(tmp_path, LEDGER, "ledger-2")
    assert not elsewhere.exists()


def test_writing_follows_no_link_that_somebody_put_there(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("whole")
    (tmp_path / "shop.ledger.json.new").symlink_to(elsewhere)
    groups.write(tmp_path, GROUP)
    assert (elsewhere.read_text(), groups.read(tmp_path, LEDGER)) == ("whole", GROUP)


@pytest.mark.parametrize(
    ("text", "why"),
    [(b"", "no reason given"), (b"  a drill\n", "a drill"), (b"\xff", "\ufffd"), (b"x" * 9_000_000, "x" * 200)],
)
def test_the_stop_file_s_text_is_the_reason(tmp_path: Path, text: bytes, why: str) -> None:
    assert groups.stopped(tmp_path, LEDGER) == ""
    groups.path_of(tmp_path, LEDGER, "stop").write_bytes(text)
    assert groups.stopped(tmp_path, LEDGER) == why


@pytest.mark.parametrize("kind", ["a pipe", "a folder", "a link to nothing", "a loop of links"])
def test_a_stop_file_that_can_not_be_read_stops_as_well(tmp_path: Path, kind: str) -> None:
    path = groups.path_of(tmp_path, LEDGER, "stop")
    match kind:
        case "a pipe":
            os.mkfifo(path)
        case "a folder":
            path.mkdir()
        case "a link to nothing":
            path.symlink_to("nothing")
        case _:
            path.symlink_to(path)
    assert "can't be read" in groups.stopped(tmp_path, LEDGER)
    assert Processes(tmp_path).stopped(LEDGER)


def test_a_folder_that_is_none_stops_everything(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "not a directory" in groups.stopped(tmp_path / "file", LEDGER)


def test_an_identity_is_a_process_s_for_as_long_as_it_runs() -> None:
    child = subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
    try:
        uid = groups.uid_of(child.pid)
        assert uid == f"{groups.boot()}-{child.pid}-{groups.start_of(child.pid)}"
        assert groups.runs(uid)
        for other in ("", "x", f"{uid}0", uid.replace(groups.boot(), "another"), f"{groups.boot()}-²-1", f"-{uid}"):
            assert not groups.runs(other), other
    finally:
        child.kill()
        child.wait()
    assert (groups.uid_of(child.pid), groups.runs(uid)) == ("", False)
    assert groups.uid_of(1 << 23) == ""


WRITER = """
import sys
from pathlib import Path
from meshscope.deploy import groups
from meshscope.deploy.groups import Group, Member
for turn in range(1, 1 << 30):
    members = tuple(Member(name=f"ledger-{n}", pid=2 + n, start=turn) for n in range(200))
    groups.write(Path(sys.argv[1]), Group(cluster="eu-1", namespace="shop", service="ledger", workload="ledger",
                                          replicas=200, instances=members))
"""


def test_a_reader_sees_a_whole_group_whenever_its_writer_is_killed(tmp_path: Path) -> None:
    turns: set[int] = set()
    for _ in range(3):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)])
        until = time.monotonic() + 10
        before = len(turns)
        while len(turns) < before + 3 and time.monotonic() < until:
            found = groups.read(tmp_path, LEDGER)
            if found is not None:
                (turn,) = {one.start for one in found.instances}
                assert len(found.instances) == 200
                turns.add(turn + 1_000_000 * before)
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        assert groups.read(tmp_path, LEDGER) is not None
