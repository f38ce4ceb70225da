"""What a forge would make of a text: parsed as Markdown, it may only hold what we mean it to hold."""

import re
import unicodedata

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.issue.hostile import HOLDING

_BASES = (
    "https://grafana.boutique.example/", "https://meshscope.boutique.example/", "https://runbooks.boutique.example/",
)  # fmt: skip
_BLOCKS = {"paragraph", "heading", "bullet_list", "list_item", "table", "thead", "tbody", "tr", "th", "td"}
_INLINE = {
    "text",
    "code_inline",
    "softbreak",
    "strong_open",
    "strong_close",
    "em_open",
    "em_close",
    "link_open",
    "link_close",
}
_MARK = re.compile(r"<!-- meshscope:[a-z0-9-]{1,80}(:[0-9]+)?:[0-9a-f]{64} -->")
# What some forge makes a mention, a reference or a link of, outside of code.
_LIVE = re.compile(r"@\w|[#!~%&$^]\w|\bGH-\d|://|\bwww\.", re.IGNORECASE)


def judged(text: str, *, bases: tuple[str, ...] = _BASES) -> list[Token]:
    """The parsed text. Fails for anything in it that a reader, a browser or a forge could be harmed by."""
    assert len(text) <= 60_000
    assert text.encode("utf-8").decode("utf-8") == text
    for one in set(text):
        assert one in "\n" or unicodedata.category(one)[0] not in "C", f"{one!r} can't be seen"
        assert unicodedata.category(one) not in ("Zl", "Zp")
    for line in text.split("\n"):
        assert not line.startswith("/"), f"an order: {line[:80]}"
    for _, secret in HOLDING:
        assert secret not in text
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    for token in tokens:
        _block(token, bases)
    return tokens


def _block(token: Token, bases: tuple[str, ...]) -> None:
    if token.type == "fence":
        assert token.info.strip() == "text"
        assert token.level == 0
    elif token.type == "html_block":
        assert _MARK.fullmatch(token.content.strip()), token.content
    elif token.type == "inline":
        for child in token.children or ():
            _inline(child, bases)
    else:
        assert token.type.removesuffix("_open").removesuffix("_close") in _BLOCKS, token


def _inline(token: Token, bases: tuple[str, ...]) -> None:
    assert token.type in _INLINE, token
    if token.type == "link_open":
        assert str(token.attrs["href"]).startswith(bases), token.attrs
        assert set(token.attrs) == {"href"}
    if token.type == "text":
        assert not _LIVE.search(token.content), token.content


def codes(tokens: list[Token]) -> list[str]:
    """What stands in code spans and fences."""
    spans = [c.content for t in tokens for c in t.children or () if c.type == "code_inline"]
    return spans + [t.content for t in tokens if t.type == "fence"]
