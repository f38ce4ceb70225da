"""Text from outside, made harmless: whatever a label, an annotation or a log line says, it is only read.

It stands in a code span or a fence that is longer than any run of back-ticks in it, without what can't be seen and
without secrets, and never at the start of a line, where a forge would take ``/close`` for an order. A link goes where
the model says and nowhere else.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import quote, unquote, urlsplit

from meshscope.feedback.redaction import beginning, redacted

LONGEST_TITLE = 120
LONGEST_BODY = 60_000
LONGEST_SPAN = 300
LONGEST_LINE = 500
_LONGEST_ADDRESS = 2_000
# Of which no more is shown than the lengths above say; what is cut off is not even looked at.
_LONGEST_TEXT = 4_000
_MOST_LINES = 500

# Terminals' colours and titles, whole, so that no `[31m` is left of them.
_ESCAPE = re.compile(
    r"\x1b(?:\[[0-?]{0,64}[ -/]{0,8}[@-~]|\][^\x07\x1b\n]{0,512}(?:\x07|\x1b\\)|[@-Z\\^_])|\x9b[0-?]{0,64}[@-~]"
)
# Drawn as nothing, though Unicode does not call them so: fillers, joiners, selectors of a variant.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff\ufff9-\ufffc]"
)
_MARKS = re.compile(r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3,}")
_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# What starts a mention or a reference somewhere: @who, #12, !12, ~label, %milestone, &epic, $snippet, ^alert.
_SIGILS = re.compile(r"([@#!~%&$^])(?=[^\s.,;:)])")
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~&$^@=-])")
_SAFE_HOST = re.compile(r"[A-Za-z0-9.:-]+")


def clean(text: str) -> str:
    """``text`` without characters that can't be seen or that change how others are read."""
    text = _BREAKS.sub("\n", _ESCAPE.sub("", text))
    if not text.isascii():
        text = _MARKS.sub(lambda run: run[0][:2], _UNSEEN.sub("", text))
    return "".join(map(_seen, text))


def _seen(character: str) -> str:
    if " " <= character < "\x7f" or character == "\n":
        return character
    if character == "\t":
        return "    "
    kind = unicodedata.category(character)
    # Controls, formats (zero-width and bidi among them), surrogates, private and unassigned ones.
    return "" if kind[0] == "C" else " " if kind == "Zs" else character


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"


def line(text: str, most: int = LONGEST_SPAN) -> str:
    """``text`` in one line of at most ``most`` characters, clean and without secrets, but still Markdown."""
    # In one line first: a secret and what it is called may stand in two.
    return _cut(redacted(" ".join(clean(beginning(text.lstrip(), _LONGEST_TEXT)).split())), most)


def code(text: str, most: int = LONGEST_SPAN) -> str:
    """``text`` as a code span; a word about it where nothing is left of it."""
    text = line(text, most)
    if not text:
        return "(empty)"
    ticks = "`" * (_longest_run(text) + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{pad}{text}{pad}{ticks}"


def fence(lines: Iterable[str], most: int = 20_000) -> str:
    """Lines as a fenced block, each indented so that none starts with an order; of too many the last are kept."""
    text = "\n".join(clean(beginning(one, _LONGEST_TEXT)) for one in [*lines][-_MOST_LINES:])
    kept = [_cut(one.rstrip(), LONGEST_LINE) for one in redacted(text).split("\n")]
    size = dropped = 0
    for number in range(len(kept) - 1, -1, -1):
        size += len(kept[number]) + 3
        if size > most:
            dropped = number + 1
            break
    shown = [*([f"({dropped} lines before these are left out)"] if dropped else []), *kept[dropped:]]
    text = "\n".join(f"  {one}".rstrip() for one in shown)
    ticks = "`" * max(3, _longest_run(text) + 1)
    return f"{ticks}text\n{text}\n{ticks}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall(r"`+", text)), default=0)


def title(text: str) -> str:
    """``text`` as an issue's title: plain, at most 120 characters, mentioning and linking nothing."""
    return _cut(_broken(line(text, 4 * LONGEST_TITLE)), LONGEST_TITLE) or "(no title)"


def plain(text: str) -> str:
    """Words of a definition in a sentence: shown as they are, mentioning and linking nothing."""
    return escaped(_broken(line(text)))


def _broken(text: str) -> str:
    """``text`` that no forge takes for a mention, a reference, an address or an order."""
    text = re.sub(r"(?i)\b(www)\.", r"\1[.]", text.replace("`", "'").replace("://", "[:]//"))
    text = re.sub(r"(?i)\b(GH)-(?=\d)", r"\1 ", text)
    return _SIGILS.sub(r"\1 ", text).lstrip("/ ")


def escaped(text: str) -> str:
    """One line of plain text as Markdown that shows just that."""
    return _MARKUP.sub(r"\\\1", " ".join(clean(text).split()))


def link(label: str, address: str) -> str:
    """A link to an address that `within` or the model vouches for; empty where it is no address of the web."""
    if not _is_web(address):
        return ""
    # What has a meaning in Markdown, or in a forge, is spelt in another way; what is spelt so already stays.
    written = quote(address, safe="%/:?#=+,.~_-&!$[]") if not address.isascii() else address
    written = re.sub(r"[<>()\[\]\\`|\"'*;@^{}\s]", lambda found: quote(found[0], safe=""), written)
    safe = all(redacted(one) == one for one in (address, written, unquote(address)))
    return f"[{label}](<{written}>)" if safe else ""


def within(address: str, bases: Sequence[str]) -> str:
    """``address`` if it is below one of ``bases``, empty else: same scheme, host and port, and the path goes on."""
    if not _is_web(address):
        return ""
    parts = urlsplit(address)
    if any(step in ("..", ".") for step in re.split(r"[/\\]", unquote(unquote(parts.path)))):
        return ""
    for base in filter(_is_web, bases):
        home = urlsplit(base)
        path = home.path.rstrip("/")
        same = (parts.scheme, parts.netloc.lower()) == (home.scheme, home.netloc.lower())
        if same and (parts.path == path or parts.path.startswith(f"{path}/")):
            return address
    return ""


def _is_web(address: str) -> bool:
    if not address or len(address) > _LONGEST_ADDRESS or clean(address) != address or re.search(r"\s", address):
        return False
    try:
        parts = urlsplit(address)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return known and "\\" not in address and _SAFE_HOST.fullmatch(parts.netloc) is not None


def fitted(blocks: Iterable[str], ending: str = "") -> str:
    """Blocks of Markdown as one body of at most 60,000 characters. ``ending`` stays; what doesn't fit is counted."""
    whole = [block for block in blocks if block]
    room = LONGEST_BODY - len(ending) - 200
    kept: list[str] = []
    for block in whole:
        if len(block) + 2 > room:
            break
        room -= len(block) + 2
        kept.append(block)
    if len(kept) < len(whole):
        left = sum(map(len, whole[len(kept) :]))
        kept.append(f"_The rest, {left:,} characters, is more than a tracker takes: the console has all of it._")
    return "\n\n".join([*kept, *([ending] if ending else [])])
