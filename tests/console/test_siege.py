"""Hostile text on every page: it is read, and does nothing."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from meshscope.adapters.memory.ledger import MemoryLedger
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.people import People
from meshscope.feedback.state import incident_entry
from tests.console.besieging import MORE, hostile, storable
from tests.console.boutique_nights import NOW
from tests.console.conftest import Client, served
from tests.console.desk_twin import DeskTwin, Moment
from tests.issue.hostile import HOLDING, HOSTILE


class Elements(HTMLParser):
    """Every attribute of every element of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in [("", ""), *attrs]]


ALLOWED = {
    "a", "aside", "b", "body", "br", "button", "circle", "code", "datalist", "dd", "defs", "details", "dialog", "div",
    "dl", "dt", "form", "h1", "h2", "h3", "head", "header", "html", "input", "kbd", "label", "li", "link", "main",
    "meta", "nav", "ol", "option", "p", "path", "pre", "rect", "script", "section", "select", "small", "span",
    "strong", "summary", "svg", "symbol", "table", "tbody", "td", "th", "thead", "time", "title", "tr", "ul", "use",
}  # fmt: skip


@pytest.fixture(scope="module")
def besieged(known: Catalog, people_file: Path) -> Iterator[tuple[Client, list[str]]]:
    """A console whose ledger is full of hostile text, and the names of its incidents."""
    incidents = [hostile(text, number) for number, text in enumerate(storable((*HOSTILE, *MORE)))]
    incidents += [hostile(text, -number, names=False) for number, (text, _) in enumerate(HOLDING, 1)]
    ledger = MemoryLedger(Moment(NOW))
    ledger.append([incident_entry(one) for one in incidents]).result()
    with served(DeskTwin(catalog=known, ledger=ledger, now=lambda: NOW), People(people_file)) as site:
        yield site.client("root"), [one.id for one in incidents]


def test_hostile_text_stays_text_on_every_page(besieged: tuple[Client, list[str]]) -> None:
    client, names = besieged
    paths = [*(f"/incidents/{name}" for name in names), "/incidents", "/incidents?state=all", "/ledger", "/ledger/2",
             "/services", "/services/eu-1/shop/ledger"]  # fmt: skip
    for path in paths:
        answer = client.get(path)
        assert answer.status == 200, path
        page = answer.text
        seen = Elements()
        seen.feed(page)
        assert {tag for tag, _, _ in seen.attributes} <= ALLOWED, path
        assert page.count("<script") == 1
        for tag, name, value in seen.attributes:
            assert not re.match("on|style|srcdoc|http-equiv", name), (path, tag, name)
            assert name not in ("href", "src", "action") or re.match(r"/|\?|#|https?://", value or "/"), (path, value)
        assert not re.search("[\u200b-\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b-\x1f]", page), path
        assert len(page) < 3_000_000, path


def test_a_dashboard_of_another_host_is_no_link(besieged: tuple[Client, list[str]]) -> None:
    client, names = besieged
    for name in names[-20:]:
        page = client.get(f"/incidents/{name}").text
        found = re.search(r'<p class="links">(.*?)</p>', page, re.DOTALL)
        assert found is not None
        addresses = re.findall(r'<a href="([^"]+)"', found[1])
        assert addresses == ["https://github.com/boutique/runbooks/blob/main/ledger.md"], name


def test_a_secret_in_any_field_is_masked(besieged: tuple[Client, list[str]]) -> None:
    client, _ = besieged
    for number, (text, secret) in enumerate(HOLDING, 1):
        assert secret not in client.get(f"/incidents/ledger-hostile--{number}").text, text
    page = client.get("/incidents?state=all&owner=payments").text
    assert "[redacted]" in page
    assert [secret for _, secret in HOLDING if secret in page] == []
