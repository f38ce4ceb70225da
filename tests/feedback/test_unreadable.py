"""Records that can't be read: they stop no start, and nothing is done to their services until a person cleared them."""

import json
import math
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from meshscope.build.discovery.store import Answer, Question, Row
from meshscope.feedback.ports import Entry, LedgerError, Record
from meshscope.feedback.receiving import alertmanager
from meshscope.feedback.state import ALERT, INCIDENT, STOP, STORM
from meshscope.feedback.unreadable import UNREADABLE
from meshscope.findings import Finding
from meshscope.model.modes import Mode
from meshscope.wiring.ledgers import verified
from tests.feedback.world import FAST, World, alert, catalog, service, world

LEDGER = "eu-1/shop/ledger"
# Cut, of another version, no object, no JSON, no UTF-8, a number that was infinite, too deep.
BODIES = [b"", b'{"id":"led', b"{}", b"[]", b"null", b"\xff\xfe", b'{"key":1e999}', b"[" * 100_000]


def put(it: World, kind: str, subject: str, body: bytes, *, about: str = LEDGER, open_: bool = True) -> int:
    (record,) = it.ledger.append([Entry(kind=kind, subject=subject, body=body, about=about, open=open_)]).result()
    return record.number


def broken(it: World, name: str = "ledger") -> int:
    """Have the newest record of a service's incident be one that can't be read."""
    found = it.incident(name)
    return put(it, INCIDENT, f"{INCIDENT}:{found.id}", b'{"id":"cut', about=str(found.service))


def told(it: World, name: str) -> bool:
    """Whether an issue was opened about a service."""
    with it.agent.book.lock:
        return any(one.service.name == name and one.issue is not None for one in it.agent.book.incidents.values())


def failing(it: World, name: str = "ledger", *, fingerprint: str = "") -> str:
    """Have one instance of a service fail, and be told of it; its name."""
    first, *_ = it.pods.names(name)
    it.gauges.failing[first] = 1.0
    it.send(alert("LoneFailingInstance", name, pod=first, fingerprint=fingerprint))
    return first


@pytest.mark.parametrize("kind", [ALERT, INCIDENT, STORM, STOP])
@pytest.mark.parametrize("open_", [True, False])
@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_no_record_stops_a_start(tmp_path: Path, kind: str, open_: bool, body: bytes) -> None:
    with world(tmp_path, start=False) as it:
        put(it, kind, f"{kind}:x/y/1", body, open_=open_)
    for _ in range(2):
        with world(tmp_path) as it:
            it.send(alert("ErrorBudgetBurn", "payment"))
            it.until(lambda: told(it, "payment"))
            assert [one.name for one in it.agent.parts() if one.error] in ([], ["records"])


def test_the_service_observes_until_a_person_clears_it_whatever_is_written_since(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        failing(it)
        it.until(lambda: len(it.pods.killed) == 1)
        it.settled()
    # Whatever still runs would write a newer one.
    with world(tmp_path, start=False) as it:
        number = broken(it)
    for start in range(3):
        with world(tmp_path) as it:
            failing(it, fingerprint=f"another-{start}")
            it.settled()
            it.until(lambda: it.incident("ledger").issue is not None)
            assert "unreadable" in {one.code for one in it.incident("ledger").decisions}
            assert it.pods.killed == []
            assert it.agent.mode_of(LEDGER) is Mode.OBSERVE
            assert it.agent.mode_of("eu-1/shop/payment") is Mode.ACT
            (found,) = it.agent.unreadable()
            assert (found.number, found.kind, found.about) == (number, INCIDENT, LEDGER)
            part = next(one for one in it.agent.parts() if one.name == "records")
            assert str(number) in part.error
            assert LEDGER in part.error
    with world(tmp_path) as it:
        it.agent.clear_unreadable(by="root")
        assert it.agent.unreadable() == []
        assert it.agent.mode_of(LEDGER) is Mode.ACT
    with world(tmp_path) as it:
        assert it.agent.unreadable() == []
        failing(it, fingerprint="at last")
        it.until(lambda: len(it.pods.killed) == 1)


def test_an_alert_whose_incident_cant_be_read_opens_another(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.send(alert("ErrorBudgetBurn", "ledger"))
        it.settled()
    with world(tmp_path, start=False) as it:
        broken(it)
    with world(tmp_path) as it:
        it.until(lambda: it.incident("ledger").firing)
        it.until(lambda: it.incident("ledger").issue is not None)


def test_what_it_may_have_done_counts_as_spent_for_owner_mesh_and_action(tmp_path: Path) -> None:
    most = FAST.caps.service
    known = catalog([service("ledger", owner="payments"), service("payment", owner="payments")])
    caps = replace(FAST.caps, every_seconds=0.0, owner=most, mesh=most)
    with world(tmp_path, known=known, start=False) as it:
        put(it, INCIDENT, f"{INCIDENT}:x", b"{}")
    with world(tmp_path, known=known, settings=replace(FAST, caps=caps)) as it:
        used = {one.what: one.used for one in it.agent.limits()}
        assert used == {"the mesh": most, "owner payments": most, f"service {LEDGER}": most} | {
            what: most for what in used if what.startswith("action")
        }
        failing(it, "payment")
        it.settled()
        assert {one.code for one in it.incident("payment").decisions} & {"cap_owner", "cap_mesh", "rate"}
        assert it.pods.killed == []


def test_a_stop_whose_record_cant_be_read_is_still_one(tmp_path: Path) -> None:
    with world(tmp_path) as it:
        it.agent.stop("shop/ledger", by="ada", why="it kills what should live")
        put(it, STOP, f"{STOP}:shop/ledger", b"\x00", about="")
    with world(tmp_path) as it:
        assert [(one.scope, one.by) for one in it.agent.stops()] == [("shop/ledger", "somebody")]
        failing(it)
        it.settled()
        assert it.pods.killed == []
        it.agent.start("shop/ledger", by="root")
    with world(tmp_path) as it:
        assert it.agent.stops() == []


def failed(_: Sequence[Entry]) -> Future[Sequence[Record]]:
    done: Future[Sequence[Record]] = Future()
    done.set_exception(LedgerError(Finding(code="ledger/full", title="the disk is full")))
    return done


def start(it: World) -> None:
    it.agent.start("all", by="root")


def clear(it: World) -> None:
    it.agent.clear_unreadable(by="root")


@pytest.mark.parametrize("lift", [start, clear])
def test_more_is_permitted_only_once_that_is_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lift: Callable[[World], None]
) -> None:
    with world(tmp_path, start=False) as it:
        it.agent.stop("all", by="ada", why="")
        put(it, INCIDENT, f"{INCIDENT}:x", b"{}")
    with world(tmp_path) as it:
        monkeypatch.setattr(it.ledger, "append", failed)
        with pytest.raises(LedgerError):
            lift(it)
        assert [one.scope for one in it.agent.stops()] == ["all"]
        assert len(it.agent.unreadable()) == 1


def test_less_is_permitted_at_once_whatever_the_ledger_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with world(tmp_path) as it:
        monkeypatch.setattr(it.ledger, "append", failed)
        with pytest.raises(LedgerError):
            it.agent.stop("shop/ledger", by="ada", why="")
        assert [one.scope for one in it.agent.stops()] == ["shop/ledger"]


def test_the_record_of_what_was_set_aside_may_be_unreadable_too(tmp_path: Path) -> None:
    with world(tmp_path, start=False) as it:
        put(it, UNREADABLE, f"{UNREADABLE}:{INCIDENT}:x", b"{")
    with world(tmp_path) as it:
        assert it.agent.mode_of(LEDGER) is Mode.OBSERVE
        it.agent.clear_unreadable(by="root")
    with world(tmp_path) as it:
        assert it.agent.mode_of(LEDGER) is Mode.ACT


# What a text and a number of somebody else's may be: each of them is accepted by JSON, and means something somewhere.
TEXTS = st.one_of(
    st.sampled_from(
        ["", "ledger", "shop", "eu-1", "inf", "NaN", "-1", "1e999", "0", "null", "\u0000", "a/b:c", "x" * 5_000]
    ),
    st.text(max_size=20),
)
NUMBERS = st.one_of(st.sampled_from([0.0, -0.0, 1.0, math.inf, -math.inf, math.nan, 5e-324, 1e308, -1.0]), st.floats())
LABELS = st.fixed_dictionaries(
    {"alertname": st.sampled_from(["LoneFailingInstance", "ErrorBudgetBurn", "Unknown", ""])},
    optional=dict.fromkeys(("cluster", "namespace", "service", "severity", "pod", "slo", "stage"), TEXTS),
)
NOTES = st.dictionaries(
    st.sampled_from(["instance_failing", "siblings_failing", "instance_requests", "siblings", "summary"]),
    st.one_of(TEXTS, NUMBERS.map(str)),
)
ALERTS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["firing", "resolved"]),
        "labels": LABELS,
        "annotations": NOTES,
        "fingerprint": st.sampled_from(["0123456789abcdef", "fedcba9876543210"]),
        "startsAt": st.sampled_from(["", "0001-01-01T00:00:00Z", "9999-12-31T23:59:60+23:59", "2026-11-29T10:00:00Z"]),
    }
)


@dataclass
class Hostile:
    """A store whose every answer is made up."""

    values: Sequence[float]
    texts: Sequence[str]

    def ask(self, question: Question, _: Decimal) -> Answer:
        rows = zip(self.texts, self.values, strict=False)
        return Answer(rows=tuple(Row({"pod": text, "version": ""}, value) for text, value in rows))


# Nothing is made smaller: each try takes a second, and says what it was.
@settings(
    max_examples=25, deadline=None, derandomize=True, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(
    bodies=st.lists(st.lists(ALERTS, min_size=1, max_size=3), min_size=1, max_size=3),
    values=st.lists(NUMBERS, min_size=4, max_size=4),
    texts=st.lists(TEXTS, min_size=1, max_size=1),
)
def test_whatever_is_accepted_and_answered_the_next_start_reads_it(
    bodies: list[list[dict[str, object]]], values: list[float], texts: list[str]
) -> None:
    with TemporaryDirectory() as place:
        folder = Path(place)
        for _ in range(2):
            with world(folder) as it:
                names = [*it.pods.names("ledger"), *texts]
                it.agent.tools.metrics = Hostile(values, names)
                assert list(it.agent.unreadable()) == []
                for alerts in bodies:
                    named = [{**one, "labels": _at_ledger(one, names)} for one in alerts]
                    told = json.dumps({"version": "4", "groupKey": "x", "alerts": named})
                    it.send(*alertmanager.read(told.encode()).received)
                it.settled()
                it.incidents()  # each is read
        assert [one.code for one in verified(folder, None, lambda _: None).findings] == ["ledger/unanchored"]


def _at_ledger(one: dict[str, Any], names: Sequence[str]) -> dict[str, str]:
    """The labels, of an instance that runs where they leave open which."""
    return {"cluster": "eu-1", "namespace": "shop", "service": "ledger", "pod": names[0], **one["labels"]}
