"""An act that a person has to say yes to, on the whole agent behind its console: one decision, by who may, in time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from meshscope.feedback.people import People
from meshscope.feedback.ports import Entry, LedgerError, Record
from meshscope.feedback.state import INCIDENT
from meshscope.findings import Finding
from meshscope.model.modes import Mode
from tests.console.conftest import Client, Site, served, written
from tests.feedback.world import FAST, World, alert, catalog, service, world


@dataclass(frozen=True)
class Asked:
    """An incident that waits for an answer, and the form that would give it."""

    it: World
    site: Site
    incident: str
    token: str

    def form(self, client: Client, answer: str = "yes") -> dict[str, str]:
        return {"form": client.form_secret("/incidents"), "token": self.token, "answer": answer}

    def say(self, client: Client, form: dict[str, str]) -> int:
        return client.post(f"/incidents/{self.incident}/answer", form).status

    @property
    def told(self) -> list[str]:
        return [one.entry.subject for one in self.it.ledger.heads("person")]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    people = People(written(tmp_path / "people.toml"))
    known = catalog([service("ledger", mode=Mode.ASK), service("frontend", mode=Mode.ASK, owner="platform")])
    with (
        world(tmp_path, known=known, settings=replace(FAST, call_seconds=20.0)) as it,
        served(it.agent, people, now=it.clock.now) as site,
    ):
        for pod in it.pods.names("ledger")[:1]:
            it.gauges.failing[pod] = 1.0
            for number in range(5):
                # However many alerts there are of one instance, a person is asked once.
                it.send(alert("LoneFailingInstance", "ledger", pod=pod, fingerprint=f"{number:016x}"))
        it.until(lambda: sum(bool(one.terminal) for one in it.alerts()) == 4)
        (approval,) = it.incident("ledger").approvals
        yield Asked(it, site, it.incident("ledger").id, approval.token)


@pytest.mark.fault("F26")
def test_a_double_click_and_a_replay_are_one_decision(asked: Asked, figure: Callable[[str], None]) -> None:
    clients = [asked.site.client("ada") for _ in range(2)] + [asked.site.client("ben")]
    forms = [(client, asked.form(client, answer)) for client in clients for answer in ("yes", "yes", "no", "yes")]
    statuses: list[int] = []
    threads = [threading.Thread(target=lambda one=one: statuses.append(asked.say(*one))) for one in forms]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    asked.it.settled()
    later = [asked.say(*forms[0]) for _ in range(3)]
    assert set(statuses) | set(later) <= {303}
    (approval,) = asked.it.incident("ledger").approvals
    deaths = len(asked.it.pods.killed)
    assert deaths == (approval.answer == "yes")
    people = [one for one in asked.it.ledger.records(0, 10_000) if one.entry.kind == "person"]
    assert [one.entry.subject for one in people] == [f"person:{approval.by}"]
    figure(
        f"{len(forms)} answers of 2 people at once and 3 replays: 1 decision ({approval.answer}, by {approval.by}), "
        f"{deaths} deaths, 1 record of who said it"
    )


@pytest.mark.fault("F26")
def test_who_may_not_says_nothing_and_a_link_is_no_yes(asked: Asked, figure: Callable[[str], None]) -> None:
    vera, stranger = asked.site.client("vera"), asked.site.client()
    assert asked.say(vera, asked.form(vera)) == 403
    assert stranger.post(f"/incidents/{asked.incident}/answer", {"token": asked.token, "answer": "yes"}).status == 303
    link = f"/incidents/{asked.incident}/answer?token={asked.token}&answer=yes"
    assert asked.site.client("ben").get(link).status in (404, 405)
    ben = asked.site.client("ben")
    assert ben.post(f"/incidents/{asked.incident}/answer", asked.form(vera)).status == 403, "a form of another session"
    assert [one.answer for one in asked.it.incident("ledger").approvals] == [""]
    assert asked.told == []
    assert asked.it.pods.killed == []
    figure("a viewer, a stranger, a link and another's form: 0 decisions")


@pytest.mark.fault("F26")
def test_a_yes_that_comes_too_late_is_none(asked: Asked, figure: Callable[[str], None]) -> None:
    ada = asked.site.client("ada")
    form = asked.form(ada)
    asked.it.clock.ahead += FAST.approval_seconds + 1
    asked.it.settled()
    assert asked.say(ada, form) == 303
    assert [one.answer for one in asked.it.incident("ledger").approvals] == ["expired"]
    assert {one.code for one in asked.it.alerts()} == {"expired", "repeated"}
    assert asked.it.pods.killed == []
    figure(f"a yes after {FAST.approval_seconds + 1:.0f} s, where {FAST.approval_seconds:.0f} s are given: 0 acts")


def test_a_yes_whose_intent_could_not_be_kept_may_be_given_again(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    it, append = asked.it, asked.it.ledger.append
    sick = threading.Event()

    def fails(entries: Sequence[Entry]) -> Future[Sequence[Record]]:
        # The answer itself is kept; the intent that follows is not.
        intent = any(b'"outcome":""' in one.body and one.kind == INCIDENT for one in entries)
        if not (intent and sick.is_set()):
            return append(entries)
        done: Future[Sequence[Record]] = Future()
        done.set_exception(LedgerError(Finding(code="ledger/full", title="the disk is full")))
        return done

    monkeypatch.setattr(it.ledger, "append", fails)
    sick.set()
    with pytest.raises(LedgerError):
        it.agent.answer(asked.incident, asked.token, yes=True, by="ada")
    assert it.pods.killed == []
    sick.clear()
    assert "acted" in it.agent.answer(asked.incident, asked.token, yes=True, by="ada")
    assert len(it.pods.killed) == 1
