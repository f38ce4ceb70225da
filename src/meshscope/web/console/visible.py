"""Text from outside, made harmless and whole: what can't be seen is spelt out, secrets are masked, links go to the web.

Markup is the templates' matter: they escape everything.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterator
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from meshscope.feedback.prose import clean
from meshscope.feedback.redaction import redacted

_PLAIN = re.compile(r"[\n\t\x20-\x7e]*")
# Drawn as nothing, though Unicode calls them letters or marks: fillers, blanks, selectors of a variant.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_PILED = re.compile(r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{2})"
                    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")  # fmt: skip
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
_MARK = re.compile(r"`+|\*\*|\\.", re.DOTALL)
LONGEST = 4_000
"""What a page shows of one text, in characters."""
_LONGEST_ADDRESS = 2_000
_RUN = 300


def visible(text: str) -> str:
    r"""``text`` with controls, direction marks and what is drawn as nothing spelt out: ``\u202e``."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(map(_shown, _PILED.sub(r"\1", text)))


def _shown(character: str) -> str:
    if character in "\n\t" or " " <= character < "\x7f":
        return character
    kind = unicodedata.category(character)
    if kind[0] == "C" or kind in ("Zl", "Zp") or _UNSEEN.match(character):
        number = ord(character)
        return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
    return " " if kind == "Zs" else character


def outside(text: str, most: int = LONGEST) -> str:
    """Text of a label, an annotation or a log without secrets, cut after ``most`` characters."""
    near = shortened(text, 4 * most)
    told = redacted(near)
    if not near.isascii() or not near.isprintable():
        # What can't be seen may have stood within a secret; then the text is shown without it.
        plain = clean(near)
        masked = redacted(plain)
        told = masked if masked != plain else told
    return told if len(told) <= most else f"{told[: most - 1]}…"


def shortened(text: str, most: int) -> str:
    """``text`` cut at a space after about ``most`` characters, so that no half of a secret is left, and no work."""
    if len(text) <= most:
        return text
    near = max(0, most - _RUN)
    return f"{text[:near]}{text[near:most].rpartition(' ')[0]} …"


def prose(text: str) -> Markup:
    """The house's own sentences, in which names stand in back-ticks and what matters between stars."""
    parts = list(_parts(text))
    stars = sum(1 for part in parts if part is None)
    told: list[str] = []
    opened = False
    for part in parts:
        if part is not None:
            told.append(part)
            continue
        stars -= 1
        # A pair of stars that nothing closes is only stars.
        told.append("</strong>" if opened else "<strong>" if stars else "**")
        opened = not opened and stars > 0
    return Markup("".join(told))  # noqa: S704 - every part was escaped


def _parts(text: str) -> Iterator[str | None]:
    """What a sentence is made of, escaped, from left to right in one go; None for each pair of stars."""
    marks = list(_MARK.finditer(text))
    closing: dict[str, list[int]] = {}
    for number, mark in enumerate(marks):
        if mark[0][0] == "`":
            closing.setdefault(mark[0], []).append(number)
    at = number = 0
    while number < len(marks):
        mark = marks[number]
        number += 1
        yield _literal(text[at : mark.start()])
        at = mark.end()
        if mark[0] == "**":
            yield None
        elif mark[0][0] == "\\":
            yield _literal(mark[0][1])
        else:
            later = closing[mark[0]]
            follows = bisect_left(later, number)
            if follows == len(later):
                yield _literal(mark[0])
                continue
            end = marks[later[follows]]
            yield f"<code>{_literal(_unpadded(text[at : end.start()]))}</code>"
            at, number = end.end(), later[follows] + 1
    yield _literal(text[at:])


def _literal(text: str) -> str:
    return str(escape(visible(text)))


def _unpadded(code: str) -> str:
    padded = code.startswith(" ") and code.endswith(" ") and code.strip() != ""
    return code[1:-1] if padded else code


def web_address(text: str) -> str:
    """``text`` where it is an address of the web that hides nothing and holds no secret; empty else."""
    if not text or len(text) > _LONGEST_ADDRESS or visible(text) != text or re.search(r"[\s\\<>\"'`]", text):
        return ""
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return ""
    fit = known and _HOST.fullmatch(parts.netloc) and redacted(text) == text
    return text if fit else ""
