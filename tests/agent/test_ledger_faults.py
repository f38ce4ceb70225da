"""The ledger is locked, full, torn, or of another time: senders are told to come back, or the agent does not start."""

from __future__ import annotations

import random
import shutil
import sqlite3
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from meshscope.adapters.ledgers import schema
from meshscope.feedback.state import Received, read_alert
from meshscope.findings import MeshscopeError
from meshscope.wiring.ledgers import LEDGER, open_ledger, verified
from tests.agent.posting import listening
from tests.agent.stage import Actor, Troupe, orders, shop
from tests.feedback.world import alert, world

SHOP = shop("ledger", "payment")


def numbered(number: int, padding: int = 0) -> Received:
    more = {"padding": "x" * padding} if padding else {}
    return alert("ErrorBudgetBurn", "payment", fingerprint=f"{number:016x}", number=str(number), **more)


@pytest.mark.fault("F12")
def test_a_locked_ledger_is_told_to_senders_and_the_agent_goes_on_by_itself(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    with world(tmp_path) as it, listening(it) as server:
        poster = server.poster()
        assert poster.post(numbered(0)) == 200
        it.settled()
        other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        told = []
        for number in (1, 2):
            began = time.monotonic()
            assert poster.post(numbered(number)) == 503
            told.append(time.monotonic() - began)
        assert poster.get("/readyz")[0] == 503
        assert poster.get("/healthz")[0] == 200
        other.execute("ROLLBACK")
        other.close()
        assert [poster.post(numbered(number)) for number in (1, 2, 3)] == [200, 200, 200]
        it.settled()
        assert sorted(one.received.labels["number"] for one in it.alerts()) == ["0", "1", "2", "3"]
        poster.close()
    figure(f"locked: 503 after {max(told):.2f} s at the most; unlocked: all taken when they were sent again, 0 lost")


@pytest.mark.fault("F12")
def test_what_was_taken_before_the_ledger_was_locked_is_decided_after_it(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    with world(tmp_path, start=False) as it:
        bad = it.pods.names("ledger")[0]
        it.gauges.failing[bad] = 1.0
        it.send(alert("LoneFailingInstance", "ledger", pod=bad))
        other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        it.agent.start_parts()
        time.sleep(2.5)
        assert it.pods.killed == [], "its intent can't be written"
        other.execute("ROLLBACK")
        other.close()
        it.settled()
        assert len(it.pods.killed) == 1
        assert [one.outcome for one in it.incident("ledger").acts] == ["done"]
    figure("locked for 2.5 s between acceptance and decision: 0 acts meanwhile, 1 afterwards, 1 terminal record")


@pytest.mark.fault("F13")
def test_a_full_disk_is_told_to_senders_and_nothing_is_written_in_part(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    taken: list[str] = []
    refused_in_a_row = number = 0
    with world(tmp_path, most_pages=150) as it, listening(it) as server:
        poster = server.poster()
        # One refusal is not the end: a smaller write than the one refused may still fit into pages already had.
        while refused_in_a_row < 10:
            status = poster.post(numbered(number, 500))
            assert status in (200, 503)
            refused_in_a_row = 0 if status == 200 else refused_in_a_row + 1
            if status == 200:
                taken.append(f"{number:016x}")
            number += 1
        assert taken
        assert poster.get("/healthz")[0] == 200
        poster.close()
    database = sqlite3.connect(tmp_path / "ledger.sqlite")
    assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    database.close()
    with world(tmp_path, pods=it.pods) as it:
        it.settled()
        assert {one.received.fingerprint for one in it.alerts()} == set(taken)
        it.send(numbered(number, 500))
        it.settled()
        assert len(it.alerts()) == len(taken) + 1
    figure(
        f"{len(taken)} taken, {number - len(taken)} refused with 503; with room again all that were taken are there "
        "and decided, none that was refused is, and more are taken"
    )


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an agent leaves that was killed at work: its state folder, the write-ahead log with it."""
    folder = tmp_path_factory.mktemp("left")
    with Troupe(folder / "groups", ("ledger",)) as troupe:
        actor = Actor(orders(folder / "agent", troupe, SHOP))
        for number in range(20):
            actor.send(numbered(number))
        actor.until(lambda look: all(one.terminal for one in look.alerts), "all is decided")
        actor.gone()
    state = folder / "agent" / "state"
    assert (state / f"{LEDGER}-wal").stat().st_size > 0
    return state


def flipped(path: Path, places: int, dice: random.Random) -> None:
    content = bytearray(path.read_bytes())
    for _ in range(places):
        content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


def cut(path: Path, share: float) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


HARMS: Mapping[str, Callable[[Path, random.Random], None]] = {
    **{f"{places} bits of the ledger": lambda state, dice, places=places: flipped(state / LEDGER, places, dice)
       for places in (1, 8, 64)},
    **{f"{places} bits of its log": lambda state, dice, places=places: flipped(state / f"{LEDGER}-wal", places, dice)
       for places in (1, 8, 64)},
    **{f"its log, cut at {share:.0%}": lambda state, dice, share=share: cut(state / f"{LEDGER}-wal", share)
       for share in (0.0, 0.3, 0.7, 0.95)},
    **{f"the ledger, cut at {share:.0%}": lambda state, dice, share=share: cut(state / LEDGER, share)
       for share in (0.0, 0.5, 0.9)},
    "no log": lambda state, dice: (state / f"{LEDGER}-wal").unlink(),
    "no ledger": lambda state, dice: (state / LEDGER).unlink(),
}  # fmt: skip


@pytest.mark.fault("F14")
def test_a_torn_ledger_is_refused_and_leads_to_the_backup_and_never_begins_anew(
    left: Path, tmp_path: Path, figure: Callable[[str], None]
) -> None:
    dice, refused, whole = random.Random(14), 0, 0
    for number, (name, harm) in enumerate([pair for pair in HARMS.items() for _ in range(5)]):
        state = tmp_path / str(number)
        shutil.copytree(left, state)
        harm(state, dice)
        before = {path.name: path.read_bytes() for path in state.iterdir() if path.name != f"{LEDGER}.lock"}
        try:
            with open_ledger(state) as ledger:
                kept = [read_alert(one) for one in ledger.heads("alert")]
        except MeshscopeError as error:
            refused += 1
            finding = error.finding
            assert "restore" in f"{finding.help} {finding.why}", (name, finding)
            after = {path.name: path.read_bytes() for path in state.iterdir() if path.name in before}
            assert after[LEDGER] == before[LEDGER] if LEDGER in before else LEDGER not in after, name
        else:
            # What was hit holds nothing.
            whole += 1
            assert len(kept) == 20, name
            assert all(one.terminal for one in kept), name
            assert verified(state, None, lambda _: None).clean, name
    assert refused > whole
    figure(f"{refused + whole} torn copies: {refused} refused with the way to the backup, {whole} whole, 0 begun anew")


@pytest.mark.fault("F15")
def test_an_older_ledger_is_taken_over_with_its_records_and_a_newer_one_refused(
    left: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, figure: Callable[[str], None]
) -> None:
    state = tmp_path / "state"
    shutil.copytree(left, state)
    with monkeypatch.context() as newer:
        newer.setattr(schema, "STEPS", {1: ["CREATE TABLE added (key TEXT PRIMARY KEY) WITHOUT ROWID"]})
        newer.setattr(schema, "TABLES", {**schema.TABLES, "added": "CREATE TABLE added (key TEXT)"})
        with open_ledger(state) as ledger:
            assert len(ledger.heads("alert")) == 20
    before = (state / LEDGER).read_bytes()
    with pytest.raises(MeshscopeError) as refused:
        open_ledger(state)
    assert refused.value.finding.code == "ledger/newer"
    assert (state / LEDGER).read_bytes() == before
    with monkeypatch.context() as newer:
        newer.setattr(schema, "STEPS", {1: ["CREATE TABLE added (key TEXT PRIMARY KEY) WITHOUT ROWID"]})
        with open_ledger(state) as ledger:
            assert len(ledger.heads("alert")) == 20
    figure("up: 20 of 20 alerts kept; down: refused, not a byte changed; up again: 20 of 20")
