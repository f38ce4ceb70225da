"""The issue that somebody reads at night: what it says, always in the same way, and that nothing gets out of it."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshscope.feedback import comments
from meshscope.feedback.guards import GUARDS
from meshscope.feedback.issue import draft, storm_draft
from meshscope.feedback.ports import Draft
from meshscope.feedback.reasons import REASONS, reason
from meshscope.feedback.state import Act, Approval, Evidence, Incident, Key, Phase
from meshscope.feedback.tracking import marked, marker, unmarked
from tests.issue.hostile import HOSTILE
from tests.issue.incidents import (
    AT,
    CHECKOUT,
    LEDGER,
    SECRET,
    act,
    burn,
    decision,
    incident,
    member,
    mesh,
    numbers,
    samples,
)
from tests.issue.judge import judged
from tests.issue.test_prose import TEXTS

EXPECTED = Path(__file__).parent / "expected"
MESH = mesh()
CONSOLE = "https://meshscope.boutique.example"
CODES = frozenset({
    "observe_mode", "propose_mode", "not_opted_in", "stateful", "no_instance", "no_outlier", "numbers_unknown",
    "too_few_healthy", "dependency_fires", "rate", "cool_down", "cap_service", "cap_owner", "cap_mesh", "strikes",
    "freeze", "stopped", "needs_approval", "snoozed", "noise", "restored", "unreadable", "no_hand", "query_failed",
    "resolved_first",
    "unknown_service", "unknown_alert", "no_response", "own_alert", "folded", "repeated", "outcome_unknown", "gone",
    "expired", "rejected", "flapping",
})  # fmt: skip


def drafted(one: Incident, now: float = AT + 130) -> Draft:
    return draft(one, MESH, now=now, key=one.id, console=CONSOLE, secret=SECRET, where="github:boutique/payments")


def screen(one: Incident, now: float = AT + 130) -> str:
    """What is read without scrolling: the title and all before the first heading."""
    made = drafted(one, now)
    return f"{made.title}\n\n{made.body.partition('### ')[0]}"


@pytest.mark.parametrize("name", samples())
def test_an_issue_reads_as_expected(name: str, golden: Callable[[Path, str], None]) -> None:
    made = drafted(samples()[name])
    golden(EXPECTED / f"{name}.md", f"# {made.title}\n\nLabels: {', '.join(made.labels)}\n\n{made.body}\n")
    judged(made.body)


def test_comments_read_as_expected(golden: Callable[[Path, str], None]) -> None:
    seen = samples()
    mitigated, declined = seen["mitigated"], seen["declined"]
    texts = {
        "effect": comments.effect(mitigated, mitigated.acts[0]),
        "no effect": comments.effect(mitigated, act(effect="none", after=numbers(failing=0.98))),
        "recurrence": comments.recurrence(incident(reopened=2)),
        "closed": comments.closed(seen["resolved"]),
        "why": comments.why(declined),
        "why, where nothing was decided": comments.why(incident()),
    }
    golden(EXPECTED / "comments.md", "\n".join(f"# {name}\n\n{text}\n" for name, text in texts.items()))
    for text in texts.values():
        judged(text)


def test_a_storm_reads_as_expected(golden: Callable[[Path, str], None]) -> None:
    made = storm_draft(
        list(samples().values()),
        MESH,
        now=AT,
        key="storm-1",
        console=CONSOLE,
        secret=SECRET,
        where="github:boutique/platform",
    )
    golden(EXPECTED / "storm.md", f"# {made.title}\n\n{made.body}\n")
    assert made.where == "github:boutique/platform"
    judged(made.body)


def test_a_storm_of_thousands_fits() -> None:
    many = [incident(id=f"i-{number}") for number in range(3000)]
    made = storm_draft(many, MESH, now=AT, key="storm-1", console=CONSOLE, secret=SECRET, where="")
    assert "3,000 incidents" in made.title
    assert "the console has all of it" in made.body
    judged(made.body)


@pytest.mark.parametrize("name", samples())
def test_the_same_incident_gives_the_same_bytes_while_time_goes_by(name: str) -> None:
    one = samples()[name]
    again = msgspec.json.decode(msgspec.json.encode(one), type=Incident)
    assert drafted(one, AT + 130) == drafted(again, AT + 900)


def test_a_refusal_that_is_found_again_changes_nothing() -> None:
    one = samples()["declined"]
    before = drafted(one)
    first = one.decisions[0]
    one.decisions.append(msgspec.structs.replace(first, at=AT + 500, why="now 40% fail", numbers=numbers(AT + 499)))
    assert drafted(one, AT + 500) == before


def test_the_first_screen_says_what_users_feel_since_when_and_what_is_asked() -> None:
    text = screen(samples()["mitigated"])
    for said in (
        "— mitigated, cause open", "**Mitigated, cause open.** One instance of `shop/ledger` failed 100% of its",
        "requests from 2026-11-26 14:02:10 to 14:07:15 UTC (5 m 5 s)", "`v1.8.2`", "killed instance `ledger-7d9c`",
        "**It helped**",
        "`/fixed-by REV`", "[Runbook](<https://runbooks.boutique.example/ledger.md>)",
    ):  # fmt: skip
        assert said in text
    assert len(text) < 1600


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"revision": ""}, "nobody has told the agent which revision ran"),
        ({"revision_since": None}, "since when is not known"),
        ({"revision_since": AT - 900_000}, "Nothing that is known: revision `v1.8.2` was started"),
        ({"revision_since": AT + 60}, "came while it went on"),
        ({"revision": "v1.8.1, v1.8.2"}, "Compare them first"),
        ({"reopened": 1}, "**It is back.**"),
        ({"reopened": 23}, "**It is back for the 23rd time.**"),
        ({"folded_into": "db-1", "phase": Phase.CLOSED}, "Begin with incident `db-1`"),
        ({"snoozed_until": AT + 9000}, "Nothing before 2026-11-26 16:32:10 UTC: a person has snoozed it"),
        ({"noise": "it mends itself"}, "which a person called noise: `it mends itself`"),
        ({"security": True}, "**Act as for a breach.**"),
        ({"phase": Phase.RESOLVED}, "**Closed, though alerts of it still fire.**"),
        ({"phase": Phase.CLOSED}, "Nothing: it is closed."),
        ({"members": []}, "an alert fires, since 2026-11-26 14:02:15 UTC"),
        ({"members": [burn()]}, "breaks its promise of `availability` to its users, since 2026-11-26 14:04:00 UTC"),
        ({"acts": [act(outcome="", effect="", done_at=None)]}, "whether that worked is not known yet"),
        ({"acts": [act(outcome="unknown", effect="")]}, "It is not repeated. Look"),
        ({"acts": [act(outcome="gone", effect="")]}, "found it gone: by whom nobody can tell"),
        ({"acts": [act(outcome="refused", effect="", said="429")]}, "was refused: `429`. Nothing was changed."),
        ({"acts": [act(effect="none")]}, "**Take over now**: what the agent did has not helped"),
        ({"acts": [act(approved_by="ada")]}, "approved by `ada`"),
        ({"decisions": [decision(verdict="declined", code="newer_word")]}, "for a reason that has no words yet"),
        ({"decisions": [decision(action="open_issue", verdict="acted")]}, "Nothing but to open this issue"),
        ({"decisions": [decision(action="scale", verdict="declined", code="freeze")]}, "did not carry out `scale` on"),
    ],
)  # fmt: skip
def test_whatever_happened_is_said_in_words(change: dict[str, object], said: str) -> None:
    one = incident(**change)
    text = " ".join(drafted(one, AT + 130).body.split())
    assert said in text or said in text.replace("**What is asked of `payments`:** **Take over now.** ", "")
    judged(drafted(one).body)


def test_nobody_answered_in_time() -> None:
    one = samples()["asking"]
    assert "**A yes or a no before 2026-11-26 14:19:06 UTC**" in drafted(one).body
    assert "nobody answered before 2026-11-26 14:19:06 UTC" in drafted(one, AT + 2000).body


def test_every_code_of_a_guard_has_words_that_say_why_and_what_to_do() -> None:
    assert set(REASONS) >= CODES
    assert {code for code, _ in GUARDS} <= set(REASONS)
    for code, words in REASONS.items():
        for text in (words.why, words.help):
            assert text[0].isupper(), code
            assert text.endswith("."), code
            assert 10 < len(text) < 260, code
            judged(f"Because: {text}")
        assert words.passed, code
    assert reason("no such code").why


@pytest.mark.parametrize("code", REASONS)
def test_a_refusal_is_told_with_its_words(code: str) -> None:
    one = incident(decisions=[decision(verdict="declined", code=code, why="7 of 9")])
    assert REASONS[code].why in drafted(one).body
    assert REASONS[code].why in comments.why(one)


def test_links_come_from_the_model_or_lead_where_it_leads() -> None:
    evil = "https://evil.example/d/x"
    one = incident(members=[member(dashboard=evil, runbook=evil)])
    body = drafted(one).body
    assert "evil" not in body
    assert "[Runbook](<https://runbooks.boutique.example/ledger.md>)" in body
    assert "[Dashboard]" not in body


def hostile(text: str) -> Incident:
    """An incident all of whose words come from somebody hostile."""
    key = Key(text, text, text)
    return incident(
        id="ledger-1", service=key, owner=text, revision=text, fixed_by=text, noise=text, folded_into="",
        members=[
            member(
                name=text, severity=text, summary=text, slo=slo, pod=text, stage=text, definition=text, runbook=text,
                dashboard=f"https://grafana.boutique.example/{text}", service=key, alert=str(number),
                victim=number == 2,
            )
            for number, slo in enumerate((text, "", ""))
        ],
        victims=[key, CHECKOUT],
        decisions=[
            decision(action=action, verdict=verdict, code=code, why=text, target=text, plan=[text], passed=[text])
            for action, verdict, code in (("webhook", "declined", "rate"), (text, "proposed", text), (text, text, ""))
        ],
        acts=[act(action=text, target=text, said=text, replacement=text, approved_by=text, outcome=outcome)
              for outcome in ("", "done", "gone", "refused", "stopped", "expired", "unknown", text)],
        approvals=[Approval(token="t", alert="a", action=text, target=text, uid=text, at=AT, until=AT + 999)],
        evidence=[Evidence(at=AT, instance=text, lines=lines, digest=text) for lines in ([text, text], [])],
    )  # fmt: skip


def all_of(one: Incident) -> list[str]:
    return [
        drafted(one).body,
        storm_draft([one, one], MESH, now=AT, key="storm-1", console=CONSOLE, secret=SECRET, where="x").body,
        comments.recurrence(one), comments.closed(one), comments.why(one),
        *(comments.effect(one, each) for each in one.acts),
    ]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_nothing_gets_out_of_an_issue(text: str) -> None:
    one = hostile(text)
    for body in all_of(one):
        judged(body)
    title = drafted(one).title
    assert len(title) <= 120
    assert "\n" not in title
    assert all(label in ("meshscope", "noise") for label in drafted(one).labels) or text.isalpha()


@settings(max_examples=40, deadline=None)
@given(TEXTS, st.sampled_from(list(Phase)))
def test_nothing_gets_out_of_any_issue(text: str, phase: Phase) -> None:
    one = hostile(text)
    one.phase = phase
    for body in all_of(one):
        judged(body)


@settings(max_examples=30, deadline=None)
@given(st.floats(), st.floats(), st.integers(-(10**12), 10**12))
def test_no_number_and_no_time_is_too_strange(one: float, other: float, count: int) -> None:
    strange = numbers(one, requests=one, failing=other, siblings=count, siblings_requests=other, siblings_failing=one)
    told = incident(
        members=[member(since=one, until=other)], phase=Phase.MITIGATED, quiet_since=other, opened=one,
        revision_since=other, snoozed_until=one, decisions=[decision(at=one, numbers=strange)],
        acts=[act(at=other, done_at=one, before=strange, after=strange, replaced_at=one)],
    )  # fmt: skip
    for body in all_of(told):
        judged(body)


def test_evidence_of_any_size_fits_and_the_mark_stays() -> None:
    lines = ["x" * 500] * 2000
    one = incident(
        evidence=[Evidence(at=AT, instance=f"i{number}", lines=lines, digest="") for number in range(20)],
        members=[member(alert=str(number)) for number in range(5000)],
        acts=[
            Act(key=str(n), action="kill_instance", target="t" * 300, uid="u", at=AT, deadline=AT, alert="a")
            for n in range(500)
        ],
        decisions=[decision(action=f"a{n}", verdict="proposed", plan=["y" * 400] * 50) for n in range(200)],
    )
    body = drafted(one).body
    judged(body)
    assert marked(body, one.id, SECRET)


def test_a_mark_is_ours_alone() -> None:
    body = drafted(incident()).body
    key = incident().id
    assert marked(body, key, SECRET)
    assert not marked(body, key, b"another secret")
    assert not marked(body, "another-key", SECRET)
    assert not marked(body, key, SECRET, 1)
    assert marked(marker(key, SECRET, 1), key, SECRET, 1)
    assert not marked(f"`{marker(key, SECRET)}`", key, SECRET)
    assert marked(unmarked(body, key, SECRET), key, SECRET) is False


def test_the_digest_of_an_issue_is_that_of_its_words() -> None:
    texts = {name: hashlib.sha256(drafted(one).body.encode()).hexdigest() for name, one in samples().items()}
    assert len(set(texts.values())) == len(texts)
    assert LEDGER in MESH.services
