"""Text from outside does no harm, whatever it is."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshscope.feedback import prose
from meshscope.feedback.redaction import LONGEST, redacted
from tests.issue.hostile import HOLDING, HOSTILE
from tests.issue.judge import codes, judged

# Letters that are pieces of Markdown, of orders and of what can't be seen, more often than others.
TEXTS = st.text(
    st.one_of(st.sampled_from("`~@#/<>[]()!|*_\\\n\r\t &;:-=+.\u200b\u202e\x00\x1b\u2028"), st.characters()),
    max_size=300,
)


def test_there_are_enough_hostile_texts() -> None:
    assert len(set(HOSTILE)) >= 60


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_becomes_one_code_span(text: str) -> None:
    span = prose.code(text)
    tokens = judged(f"Instance {span} fails.")
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert len(codes(tokens)) == (0 if span == "(empty)" else 1)
    assert len(span) <= 3 * prose.LONGEST_SPAN + 4


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_lines_become_one_fence(text: str) -> None:
    block = prose.fence([text, "second", text])
    tokens = judged(f"Before.\n\n{block}\n\nAfter.")
    assert [token.type for token in tokens if token.level == 0 and token.type != "inline"] == [
        "paragraph_open", "paragraph_close", "fence", "paragraph_open", "paragraph_close",
    ]  # fmt: skip
    inner = block.split("\n")[1:-1]
    assert all(line.startswith("  ") or not line for line in inner)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_becomes_a_plain_title(text: str) -> None:
    title = prose.title(text)
    assert 0 < len(title) <= 120
    assert "\n" not in title
    assert "`" not in title
    judged(f"{prose.escaped(title)}")
    assert prose.title(title) == title or "…" in title


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_becomes_plain_words(text: str) -> None:
    tokens = judged(f"It says {prose.plain(text)} here.")
    assert not codes(tokens)
    assert all(child.type == "text" for token in tokens for child in token.children or ())


@given(TEXTS)
def test_any_text_becomes_one_code_span(text: str) -> None:
    span = prose.code(text)
    tokens = judged(f"Instance {span} fails.")
    shown = codes(tokens)
    assert shown == [prose.line(text)] or (span == "(empty)" and not shown)


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_any_lines_become_one_fence(lines: list[str]) -> None:
    tokens = judged(f"Before.\n\n{prose.fence(lines)}\n\nAfter.")
    assert [token.type for token in tokens if token.type == "fence"] == ["fence"]
    assert tokens[-2].content == "After."


@given(TEXTS)
def test_any_text_becomes_a_title_that_stays_the_same(text: str) -> None:
    title = prose.title(text)
    judged(prose.escaped(title))
    assert 0 < len(title) <= 120


@given(TEXTS)
def test_cleaning_and_masking_twice_is_the_same_as_once(text: str) -> None:
    once = prose.clean(text)
    assert prose.clean(once) == once
    masked = redacted(once)
    assert redacted(masked) == masked


@pytest.mark.parametrize(("text", "secret"), HOLDING)
def test_a_secret_is_masked_in_every_form(text: str, secret: str) -> None:
    for shown in (
        prose.code(text),
        prose.fence(text.split("\n")),
        prose.title(text),
        prose.line(text),
        prose.plain(text),
    ):
        assert secret not in shown
        assert "redacted" in shown


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/v1/entries?limit=10 200 12ms",
        "read tcp 10.0.3.7:41230->10.0.3.9:5432: connection reset by peer",
        "1795701730123456789",
        "2026-11-26T14:03:58.123456789Z",
        "trace_id=4bf92f3577b34da6a3ce929d0e0e4736",
        "registry.example/shop/ledger:v1.8.2@sha256:0123456789abcdef",
        "input_tokens 512, monkey: banana",
        "design=ok assigned: 12",
    ],
)
def test_what_is_no_secret_is_left_to_be_read(text: str) -> None:
    assert redacted(text) == text


def test_a_secret_below_its_name_is_masked_where_both_are_in_one_span() -> None:
    assert prose.code("password=\nhunter2pw") == "`password= [redacted]`"


def test_half_a_secret_at_the_cut_is_not_shown() -> None:
    token = "ghp_" + "a1B2" * 9
    for offset in range(60):
        text = "x" * (prose.LONGEST_SPAN - offset) + " " + token
        assert "a1B2" not in prose.code(text)
    for offset in range(0, 60, 7):
        assert "a1B2" not in redacted("x " * ((LONGEST - offset) // 2) + token + "y" * 10_000)


@pytest.mark.parametrize(
    "piece",
    ["a", "@", ":", "a@", "a.a", "://", "a:b@", "password=", "-----BEGIN A-----", "' ", "\x1b[", "`", "eyJ", "4"],
)
def test_a_long_text_costs_as_much_as_it_is_long(piece: str) -> None:
    text = piece * (400_000 // len(piece))
    start = time.process_time()
    prose.code(text)
    prose.fence([text])
    # A pattern that goes back and forth would take minutes.
    assert time.process_time() - start < 20


BASES = ("https://grafana.boutique.example/grafana", "https://meshscope.boutique.example")


@pytest.mark.parametrize(
    "address",
    [
        "https://grafana.boutique.example/grafana/d/x?var-pod=a&b=c#d",
        "https://GRAFANA.boutique.example/grafana",
        "https://meshscope.boutique.example",
        "https://meshscope.boutique.example/incidents?service=ledger",
    ],
)
def test_a_link_below_an_address_of_the_model_is_one(address: str) -> None:
    found = prose.within(address, BASES)
    assert found == address
    tokens = judged(prose.link("Dashboard", found), bases=("https://",))
    assert tokens[1].children is not None
    assert tokens[1].children[0].type == "link_open"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "https://grafana.boutique.example/grafanaevil",
        "https://grafana.boutique.example/",
        "https://grafana.boutique.example/grafana/../admin",
        "https://grafana.boutique.example/grafana/%2e%2e/admin",
        "https://grafana.boutique.example/grafana/%252e%252e/admin",
        "https://grafana.boutique.example/grafana/..%5cadmin",
        "https://grafana.boutique.example.evil.example/grafana/",
        "https://grafana.boutique.example@evil.example/grafana/",
        "https://a:b@meshscope.boutique.example/",
        "https://meshscope.boutique.example:8443/",
        "http://meshscope.boutique.example/",
        "https:\\\\meshscope.boutique.example/",
        "https://meshscope.boutique.example\\@evil.example/",
        "https://meshscope.boutique.example/a b",
        "https://meshscope.boutique.example/\n[x](https://evil.example)",
        "https://meshscope.boutique.example/\u202e",
        "//meshscope.boutique.example/",
        "javascript:alert(1)//https://meshscope.boutique.example/",
        "data:text/html,x",
        "https://[::1",
        "https://meshscope.boutique.example:99999/",
        "https://meshscope.boutique.example/" + "a" * 3000,
        "",
        "/incidents",
        *HOSTILE,
    ],
)
def test_any_other_link_is_none(address: str) -> None:
    assert prose.within(address, BASES) == ""


@given(TEXTS)
def test_whatever_is_below_a_base_stays_one_link(rest: str) -> None:
    address = prose.within(f"https://meshscope.boutique.example/{rest}", BASES)
    link = prose.link("Dashboard", address)
    if link:
        tokens = judged(f"{link} · end.")
        assert [child.type for child in tokens[1].children or ()] == ["link_open", "text", "link_close", "text"]


def test_a_link_that_holds_a_secret_is_left_out() -> None:
    assert prose.link("Dashboard", "https://meshscope.boutique.example/?token=hunter2pw") == ""


def test_a_body_that_is_too_long_is_cut_between_blocks_and_says_so() -> None:
    body = prose.fitted(["first", *(prose.fence(["x" * 400] * 40) for _ in range(10))], "the end")
    assert len(body) <= prose.LONGEST_BODY
    assert body.startswith("first\n\n```text\n")
    assert body.endswith("more than a tracker takes: the console has all of it._\n\nthe end")
    judged(body)


def test_of_too_many_lines_the_last_are_kept() -> None:
    block = prose.fence([f"line {number}" for number in range(10_000)], 1_000)
    assert "line 9999" in block
    assert "lines before these are left out" in block
    assert len(block) < 1_200
