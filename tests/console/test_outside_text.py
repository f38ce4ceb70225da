"""Text from outside: what can't be seen is spelt out, secrets are masked, and nothing of it is markup or an address."""

import re
import unicodedata
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshscope.feedback.state import Key
from meshscope.web.console.rendering import Pages, badge, pretty, service_path
from meshscope.web.console.times import ago, clock, lasted, read, rough
from meshscope.web.console.visible import outside, prose, visible, web_address
from tests.issue.hostile import HOLDING, HOSTILE

PAGES = Pages()


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


@given(st.text())
def test_nothing_that_is_shown_is_unseen_or_turns_the_line_round(text: str) -> None:
    for character in visible(text):
        assert character in "\n\t" or unicodedata.category(character)[0] != "C"
        assert unicodedata.category(character) not in ("Zl", "Zp")


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126)))
def test_plain_text_is_shown_as_it_is(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\u202eb", "a\\u202eb"), ("\x1b[31mred", "\\u001b[31mred"), ("a\u200bb", "a\\u200bb"),
     ("\U000e0041", "\\U000e0041"), ("caf\u00e9 \u4f60\u597d", "caf\u00e9 \u4f60\u597d"), ("a\u00a0b", "a b"),
     ("\x00", "\\u0000")],
)  # fmt: skip
def test_what_cannot_be_seen_is_spelt_out(text: str, shown: str) -> None:
    assert visible(text) == shown


@given(st.text(alphabet=st.sampled_from("`*\\<>&\"' ab\n\u202e")))
def test_a_sentence_has_no_tags_but_those_of_ours(text: str) -> None:
    parser = Tags()
    parser.feed(str(prose(text)))
    assert set(parser.tags) <= {"code", "strong"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_only_read(text: str) -> None:
    parser = Tags()
    parser.feed(str(prose(text)))
    assert set(parser.tags) <= {"code", "strong"}
    assert web_address(text) in ("", text)


def test_a_sentence_shows_names_and_what_matters() -> None:
    assert str(prose("It killed `a-1`. **It `x` helped** \\*")) == (
        "It killed <code>a-1</code>. <strong>It <code>x</code> helped</strong> *"
    )
    assert str(prose("`` a`b ``")) == "<code>a`b</code>"


@pytest.mark.parametrize(("text", "secret"), HOLDING)
def test_a_secret_is_masked_however_it_is_hidden(text: str, secret: str) -> None:
    assert secret not in outside(text)


@pytest.mark.parametrize(
    "address",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", "/relative", "https://", "http://a b", "https://a\u202e.b",
     "https://user:pw@host/", "https://host:0/", "https://x/\"onclick=", "ftp://x", "https://[::1", "vbscript:x", "",
     "https://ho\\st/", "HTTPS:evil", "https://x/" + "a" * 3000],
)  # fmt: skip
def test_what_is_no_plain_address_of_the_web_is_no_link(address: str) -> None:
    assert web_address(address) == ""


@pytest.mark.parametrize("address", ["https://a.example/b?c=d#e", "http://127.0.0.1:9093/", "https://[::1]:8443/x"])
def test_addresses_of_the_web_are_links(address: str) -> None:
    assert web_address(address) == address


@given(st.text(), st.text())
def test_a_template_never_writes_what_it_is_given_as_markup(text: str, other: str) -> None:
    page = PAGES.render("sign_in.html", {"form": text, "name": other, "error": text + "<b>", "mesh": other,
                          "environment": text, "next": other, "plain": True})  # fmt: skip
    parser = Tags()
    parser.feed(page)
    assert "b" not in parser.tags
    assert parser.tags.count("input") == 4
    assert "script" not in parser.tags


def test_a_service_without_cluster_has_an_address_too() -> None:
    assert service_path(Key("", "shop", "ledger")) == "/services/-/shop/ledger"
    assert service_path(Key("eu 1", "a/b", "c?")) == "/services/eu%201/a%2Fb/c%3F"


def test_a_record_that_is_no_json_is_shown_as_it_is() -> None:
    assert pretty(b"\xff{") == "\ufffd{"
    assert pretty(b'{"a":1}') == '{\n  "a": 1\n}'
    deep = b"[" * 100_000
    assert pretty(deep) == deep.decode()


@pytest.mark.parametrize(("needs", "told"), [(0, "circle"), (3, ">3<"), (240, ">99<")])
def test_the_icon_shows_how_many_need_a_person(needs: int, told: str) -> None:
    assert told in badge(needs)
    assert re.fullmatch(r"<svg .*</svg>", badge(needs))


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0.0, "0 s"), (3.21, "3.2 s"), (59.6, "1 m"), (125, "2 m 5 s"), (3600, "1 h"), (90_000, "1 d 1 h"), (-5, "0 s"),
     (float("nan"), "?"), (9.97, "10.0 s")],
)  # fmt: skip
def test_lengths_of_time_have_two_units(seconds: float, told: str) -> None:
    assert lasted(seconds) == told


def test_moments_are_told_with_their_day_unless_it_is_today() -> None:
    now = 1_795_662_724.0
    assert (clock(now, now), clock(now - 86_400, now)) == ("03:12", "25 Nov 03:12")
    assert (clock(None, now), clock(float("inf"), now)) == ("not known", "not known")
    assert (ago(now - 200, now), ago(now + 200, now), ago(now - 3, now)) == ("3 min ago", "in 3 min", "just now")
    assert [rough(seconds) for seconds in (59, 60, 7199, 7200, 172_800)] == ["59 s", "1 min", "119 min", "2 h", "2 d"]


@pytest.mark.parametrize("text", ["", "yesterday", "0001-01-01T00:00:00Z", "2026-11-26T03:12:04", "2026-99-99T00:00Z"])
def test_a_moment_that_is_none_is_not_read(text: str) -> None:
    assert read(text) is None


def test_moments_of_senders_are_read() -> None:
    assert read("2026-11-26T03:12:04.123456789Z") == 1_795_662_724.0
    assert read("2026-11-26T04:12:04+01:00") == 1_795_662_724.0
