"""What was acknowledged is there, in its order, and nobody changed it; both ledgers behave alike."""

import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from click.testing import CliRunner

from meshscope.adapters.ledgers.sqlite import SqliteLedger
from meshscope.adapters.memory.ledger import MemoryLedger
from meshscope.cli.ledger import command as ledger_command
from meshscope.cli.verify import command as verify_command
from meshscope.feedback.ports import Entry, Ledger, LedgerError
from meshscope.findings import MeshscopeError
from meshscope.wiring.clock import SystemClock
from meshscope.wiring.ledgers import ANCHORS, LEDGER, backed_up, open_ledger, restored, verified


def entry(subject: str, value: object = 0, *, kind: str = "alert", about: str = "", still_open: bool = True) -> Entry:
    return Entry(kind=kind, subject=subject, body=json.dumps(value).encode(), about=about, open=still_open)


@pytest.fixture(params=["sqlite", "memory"])
def ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    if request.param == "memory":
        yield MemoryLedger(clock=SystemClock())
        return
    with SqliteLedger(tmp_path / "l.sqlite", anchors=None, signer=None, clock=SystemClock()) as one:
        yield one


def own(records: object) -> list[str]:
    return [record.entry.subject for record in records if record.entry.kind != "epoch"]  # type: ignore[attr-defined]


def test_the_newest_record_of_a_subject_is_its_state_and_the_others_its_history(ledger: Ledger) -> None:
    ledger.append([entry("a", 1), entry("b", 1)]).result(5)
    ledger.append([entry("a", 2, still_open=False)]).result(5)
    assert [json.loads(one.entry.body) for one in ledger.history("a")] == [1, 2]
    assert own(ledger.heads("alert")) == ["a", "b"]
    assert own(ledger.heads("alert", open=True)) == ["b"]
    assert own(ledger.heads("alert", open=False)) == ["a"]
    assert own(ledger.records(0)) == ["a", "b", "a"]


def test_heads_are_paged_by_number_and_chosen_by_service(ledger: Ledger) -> None:
    ledger.append([entry(f"s{n}", about=f"shop/{n % 2}") for n in range(10)]).result(5)
    first = ledger.heads("alert", limit=4)
    assert own(first) == ["s9", "s8", "s7", "s6"]
    assert own(ledger.heads("alert", before=first[-1].number, limit=3)) == ["s5", "s4", "s3"]
    assert own(ledger.heads("alert", about="shop/1")) == ["s9", "s7", "s5", "s3", "s1"]


def test_many_threads_append_and_every_record_has_its_number(ledger: Ledger) -> None:
    with ThreadPoolExecutor(32) as pool:
        done = list(pool.map(lambda n: ledger.append([entry(f"t{n}")]).result(10)[0].number, range(400)))
    assert len(set(done)) == 400
    assert len(own(ledger.records(0, 1000))) == 400


def test_a_large_body_comes_back_as_it_was(ledger: Ledger) -> None:
    text = "".join(random.Random(1).choices("abc\u202e\U0001f600", k=20_000))
    ledger.append([entry("big", text)]).result(5)
    assert json.loads(ledger.history("big")[0].entry.body) == text


WRITER = """
import json, sys
from pathlib import Path
from meshscope.feedback.ports import Entry
from meshscope.wiring.ledgers import open_ledger
ledger = open_ledger(Path(sys.argv[1]))
number = 0
while True:
    waiting = []
    for _ in range(8):
        number += 1
        name = f"{sys.argv[2]}/{number}"
        waiting.append((name, ledger.append([Entry(kind="alert", subject=name, body=b"{}", open=True)])))
    for name, future in waiting:
        future.result(10)
        print(name, flush=True)
"""


def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    dice = random.Random(7)
    for cut in range(25):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path), str(cut)], stdout=subprocess.PIPE, text=True
        )  # fmt: skip
        assert writer.stdout is not None
        acknowledged.add(writer.stdout.readline().strip())
        time.sleep(dice.uniform(0, 0.1))
        writer.send_signal(signal.SIGKILL)
        acknowledged |= set(writer.stdout.read().splitlines()[:-1])
        writer.wait()
    found = verified(tmp_path, None, lambda _: None)
    assert found.clean, found.findings
    with open_ledger(tmp_path) as ledger:
        stored = set()
        after = 0
        while page := ledger.records(after, 5000):
            stored |= set(own(page))
            after = page[-1].number
    assert acknowledged - {""} <= stored
    print(f"25 kills: {len(acknowledged):,} acknowledged, 0 lost")


def test_a_second_writer_is_refused_and_told_who_holds_it(tmp_path: Path) -> None:
    with open_ledger(tmp_path), pytest.raises(MeshscopeError) as refused:
        open_ledger(tmp_path)
    assert str(os.getpid()) in f"{refused.value.finding.title} {refused.value.finding.why}"


def test_a_ledger_that_is_locked_says_so_within_two_seconds_and_recovers(tmp_path: Path) -> None:
    with open_ledger(tmp_path) as ledger:
        ledger.append([entry("a")]).result(5)
        other = sqlite3.connect(tmp_path / LEDGER, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        began = time.monotonic()
        with pytest.raises(LedgerError):
            ledger.append([entry("b")]).result(5)
        print(f"said after {time.monotonic() - began:.2f} s")
        other.execute("ROLLBACK")
        other.close()
        ledger.append([entry("c")]).result(5)
        assert own(ledger.records(0)) == ["a", "c"]


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    path = tmp_path / "l.sqlite"
    with SqliteLedger(path, anchors=None, signer=None, clock=SystemClock(), most_pages=60) as ledger:
        kept = 0
        with pytest.raises(LedgerError):  # noqa: PT012 - how many fit is not known before
            for number in range(10_000):
                ledger.append([entry(f"s{number}", "x" * 400 + str(number))]).result(5)
                kept += 1
        assert len(own(ledger.records(0, 100_000))) == kept
    with SqliteLedger(path, anchors=None, signer=None, clock=SystemClock()) as ledger:
        ledger.append([entry("more")]).result(5)


def filled(state: Path) -> None:
    with open_ledger(state) as ledger:
        for number in range(20):
            ledger.append([entry(f"s{number}", number)]).result(5)


def test_one_flipped_bit_ends_no_verification(tmp_path: Path) -> None:
    state = tmp_path / "state"
    filled(state)
    whole = (state / LEDGER).read_bytes()
    chosen = random.Random(7)
    found = {"findings": 0, "clean": 0, "ledger/corrupt": 0}
    for _ in range(80):
        bit = chosen.randrange(8 * len(whole))
        torn = bytearray(whole)
        torn[bit // 8] ^= 1 << bit % 8
        (state / LEDGER).write_bytes(torn)
        try:
            told = "clean" if verified(state, None, lambda _: None).clean else "findings"
        except MeshscopeError as error:
            told = error.finding.code
        found[told] += 1
    # What is clean has its flipped bit in a page's unused part.
    assert found["findings"] > found["ledger/corrupt"]
    (state / LEDGER).write_bytes(whole)
    assert verified(state, None, lambda _: None).clean


TAMPERED: dict[str, Callable[[sqlite3.Connection], object]] = {
    "a changed body": lambda db: db.execute("UPDATE records SET body = '7', packed = 0 WHERE number = 5"),
    "a removed record": lambda db: db.execute("DELETE FROM records WHERE number = 5"),
    "a removed tail": lambda db: db.execute("DELETE FROM records WHERE number > 5"),
    "two that changed places": lambda db: db.executescript(
        "UPDATE records SET number = -1 WHERE number = 5; UPDATE records SET number = 5 WHERE number = 6;"
        "UPDATE records SET number = 6 WHERE number = -1"
    ),
    "a head that lies": lambda db: db.execute("UPDATE heads SET open = 0 WHERE subject = 's3'"),
}


@pytest.mark.parametrize("how", TAMPERED)
def test_whoever_rewrites_the_file_is_found_out(tmp_path: Path, how: str) -> None:
    filled(tmp_path)
    assert verified(tmp_path, None, lambda _: None).clean
    database = sqlite3.connect(tmp_path / LEDGER)
    database.executescript("DROP TRIGGER records_stay; DROP TRIGGER records_keep")
    TAMPERED[how](database)
    database.commit()
    database.close()
    assert not verified(tmp_path, None, lambda _: None).clean
    done = CliRunner().invoke(verify_command, ["ledger", str(tmp_path)], standalone_mode=False)
    assert (done.return_value, done.exception) == (1, None)
    assert "somebody changed it" in done.output


def test_the_command_says_how_much_of_a_ledger_is_protected(tmp_path: Path) -> None:
    filled(tmp_path)
    command = ["ledger", str(tmp_path)]
    done = CliRunner().invoke(verify_command, command, standalone_mode=False)
    assert (done.return_value, done.exception) == (0, None)
    assert re.fullmatch(
        r"21 records, \d+ anchors?; not protected yet: the last \d+ records?, of \d+ s\n"
        r"nobody changed what lies before the last anchor\n",
        done.output,
    )
    (anchors,) = tmp_path.glob("anchors*")
    anchors.write_bytes(b"")
    bare = CliRunner().invoke(verify_command, command, standalone_mode=False)
    told, judged = bare.output.splitlines()[-2:]
    assert told.startswith("21 records, 0 anchors; not protected yet: the last 21 records")
    assert judged == "no anchor protects any of it"


def test_records_can_t_be_changed_or_removed_by_accident(tmp_path: Path) -> None:
    filled(tmp_path)
    database = sqlite3.connect(tmp_path / LEDGER)
    for statement in ("UPDATE records SET kind = 'x'", "DELETE FROM records"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            database.execute(statement)
    database.close()


def test_a_forged_anchor_is_found_out(tmp_path: Path) -> None:
    filled(tmp_path)
    path = tmp_path / ANCHORS
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:-1], lines[-1].replace('"number":', '"number":1')]) + "\n")
    assert verified(tmp_path, None, lambda _: None).findings


@pytest.mark.parametrize("harm", ["nothing", "zeros", "half"])
def test_a_file_that_is_no_ledger_any_more_is_refused_and_never_replaced(tmp_path: Path, harm: str) -> None:
    filled(tmp_path)
    path = tmp_path / LEDGER
    whole = path.read_bytes()
    path.write_bytes({"nothing": b"", "zeros": bytes(len(whole)), "half": whole[: len(whole) // 2]}[harm])
    before = path.read_bytes()
    with pytest.raises(MeshscopeError):
        open_ledger(tmp_path)
    assert path.read_bytes() == before


def test_a_restored_ledger_is_marked_until_a_person_clears_it(tmp_path: Path) -> None:
    state, copy = tmp_path / "state", tmp_path / "copy.sqlite"
    filled(state)
    with open_ledger(state) as ledger:
        assert backed_up(state, copy).head.number >= 20
        ledger.append([entry("later")]).result(5)
    with pytest.raises(MeshscopeError):
        restored(copy, state, None, "ada")
    (state / LEDGER).unlink()
    done = CliRunner().invoke(ledger_command, ["restore", str(copy), str(state)], standalone_mode=False)
    assert done.return_value == 0, done.output
    assert "observes only" in done.output
    with open_ledger(state) as ledger:
        assert ledger.restored
        ledger.clear_restored("ada")
        assert not ledger.restored
    with open_ledger(state) as ledger:
        assert not ledger.restored
        assert "later" not in own(ledger.records(0))


def test_a_commit_is_forced_to_the_disk(tmp_path: Path) -> None:
    """An acknowledged record whose page only the kernel has would survive kill -9, and not a power cut."""
    with open_ledger(tmp_path) as ledger:
        pen = ledger._pen._connection  # type: ignore[attr-defined]
        assert pen.execute("PRAGMA synchronous").fetchone()[0] == 2
        assert pen.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
