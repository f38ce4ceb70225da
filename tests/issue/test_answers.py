"""What people answer, and what only looks like an answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshscope.feedback.answers import (
    MOST_ANSWERS,
    Answer,
    Approve,
    Close,
    FixedBy,
    Noise,
    NotOurs,
    Reject,
    Snooze,
    Unclear,
    Why,
    answers,
)
from tests.issue.hostile import HOLDING, HOSTILE
from tests.issue.judge import judged
from tests.issue.test_prose import TEXTS


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("/approve", Approve()),
        ("/approve  ", Approve()),
        ("/Approve\r\n", Approve()),
        ("I looked.\n/reject", Reject()),
        ("/noise it mends itself", Noise(why="it mends itself")),
        ("/not-ours platform", NotOurs(team="platform")),
        ("/not_ours platform", NotOurs(team="platform")),
        ("/snooze 7d", Snooze(seconds=7 * 86_400)),
        ("/snooze 1h", Snooze(seconds=3600)),
        ("/snooze 90 m", Snooze(seconds=5400)),
        ("/snooze 30d", Snooze(seconds=30 * 86_400)),
        ("/snooze 2w", Snooze(seconds=14 * 86_400)),
        ("/fixed-by v1.8.3", FixedBy(revision="v1.8.3")),
        ("/fixed-by 75aab68", FixedBy(revision="75aab68")),
        ("/fixed-by release/2026.11+1", FixedBy(revision="release/2026.11+1")),
        ("/why", Why()),
        ("/close", Close()),
    ],
)
def test_an_answer_is_understood(text: str, answer: Answer) -> None:
    assert answers(text) == (answer,)


def test_answers_come_in_order_and_each_once() -> None:
    assert answers("/why\n/close\nthanks\n/why") == (Why(), Close())


@pytest.mark.parametrize(
    ("text", "mean"),
    [
        ("/aprove", "/approve"),
        ("/approve.", "/approve"),
        ("/approve if it is quiet", "/approve"),
        ("/app\u200brove", "/approve"),
        ("/approved", "/approve"),
        ("/snooze", "/snooze 7d"),
        ("/snooze 31d", "/snooze 7d"),
        ("/snooze 59m", "/snooze 7d"),
        ("/snooze forever", "/snooze 7d"),
        ("/snooze 99999w", "/snooze 7d"),
        ("/snooze \u0667d", "/snooze 7d"),
        ("/snooze -1d", "/snooze 7d"),
        ("/noise", "/noise it mends itself within a minute"),
        ("/not-ours", "/not-ours payments"),
        ("/not-ours @acme/payments", "/not-ours payments"),
        ("/not-ours " + "a" * 64, "/not-ours payments"),
        ("/fixed-by", "/fixed-by v1.8.3"),
        ("/fixed-by ../../x", "/fixed-by v1.8.3"),
        ("/fixed-by $(id)", "/fixed-by v1.8.3"),
        ("/fixed-by a b", "/fixed-by v1.8.3"),
        ("/fixed-by " + "a" * 101, "/fixed-by v1.8.3"),
        ("/fixedby v1", "/fixed-by v1.8.3"),
        ("/approve\n/reject", "/reject"),
        ("/restart ledger", ""),
    ],
)
def test_what_is_not_quite_an_answer_is_asked_about(text: str, mean: str) -> None:
    (found,) = answers(text)
    assert isinstance(found, Unclear)
    assert found.did_you_mean == mean
    judged(f"Not understood. {found.help}")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "please /approve",
        " /approve",
        "> /approve",
        "> quoted\n/approve",
        "    /approve",
        "`/approve`",
        "```\n/approve\n```",
        "```sh\n/approve",
        "````\n```\n/approve\n````",
        "~~~\n/approve\n```\n/approve\n~~~",
        "<!-- hidden\n/approve\n-->",
        "look <!-- \n/approve",
        "/var/log/ledger is full",
        "/etc/approve",
        "//approve",
        "/",
        "/ approve",
        "/assign @ada",
        "/label ~bug",
        "/cc @ada",
        "\uff0fapprove",
    ],
)
def test_what_is_no_answer_is_left_alone(text: str) -> None:
    assert answers(text) == ()


def test_after_a_fence_a_quote_and_a_comment_an_answer_is_one_again() -> None:
    assert answers("```\nx\n```\n/why\n\n> q\n\n/close\n<!-- x -->\n/snooze 1h") == (
        Why(),
        Close(),
        Snooze(seconds=3600.0),
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_comments_are_read_without_harm(text: str) -> None:
    for body in (text, f"/noise {text}", f"/not-ours {text}", f"/fixed-by {text}", f"/snooze {text}", f"/{text}"):
        found = answers(body)
        assert len(found) <= MOST_ANSWERS + 1
        for one in found:
            if isinstance(one, Unclear) and "\n" not in text:
                judged(f"Not understood. {one.help}")
            if isinstance(one, Noise):
                assert len(one.why) <= 300
                assert "\n" not in one.why


def test_a_secret_in_a_reason_is_masked() -> None:
    for text, secret in HOLDING:
        if "\n" not in text:
            (answer,) = answers(f"/noise {text}")
            assert isinstance(answer, Noise)
            assert secret not in answer.why


@given(
    st.lists(
        st.one_of(TEXTS, st.sampled_from(["/approve", "/noise x", "```", "> q", "<!--", "-->", "~~~", "/snooze 2d"]))
    )
)
def test_no_comment_raises_or_grows(lines: list[str]) -> None:
    found = answers("\n".join(lines))
    assert len(found) <= MOST_ANSWERS + 1
    assert not (Approve() in found and Reject() in found)
