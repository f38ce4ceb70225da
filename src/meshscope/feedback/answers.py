"""What people answer under an issue: a word at the start of a line, outside of quotes, code and comments.

Anybody can write there, so nothing that is written raises, everything has a size, and what is not quite clear is asked
about instead of being guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TypeAlias

from meshscope.feedback.prose import code, line

MOST_ANSWERS = 10
_MOST_CHARACTERS = 65_536
_MOST_WORDS = 300
_HOUR, _DAY = 3600, 86_400

_COMMAND = re.compile(r"/([A-Za-z][A-Za-z_-]{0,30})(?:[ \t]+(.*))?")
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
_REVISION = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._+/-]{0,98}[A-Za-z0-9])?")
_TEAM = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LENGTH = re.compile(r"([0-9]{1,5})[ \t]*(m|h|d|w)")
_SECONDS = {"m": 60, "h": _HOUR, "d": _DAY, "w": 7 * _DAY}
# Orders of forges that people write in comments; they are none of ours.
_FORGES = frozenset({
    "assign", "assign_reviewer", "award", "blocked_by", "board_move", "cc", "clone", "confidential",
    "copy_metadata", "create_merge_request", "done", "draft", "due", "duplicate", "epic", "estimate", "iteration",
    "label", "link", "lgtm", "lock", "milestone", "move", "parent", "promote_to", "reassign", "relabel", "relate",
    "remove_due_date", "reopen", "rerun", "retest", "shrug", "spend", "subscribe", "tableflip", "tag",
    "target_branch", "test", "title", "todo", "unassign", "unlabel", "unlink", "unlock", "unsubscribe", "weight",
    "wip", "zoom",
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Approve:
    """Yes to what waits."""


@dataclass(frozen=True, kw_only=True)
class Reject:
    """No to what waits."""


@dataclass(frozen=True, kw_only=True)
class Noise:
    """Nobody should have been called for this; ``why`` in the person's words, in one line."""

    why: str


@dataclass(frozen=True, kw_only=True)
class NotOurs:
    """Another team's: ``team`` is its name, which need not exist."""

    team: str


@dataclass(frozen=True, kw_only=True)
class Snooze:
    """Quiet for so many ``seconds``, between an hour and 30 days."""

    seconds: float


@dataclass(frozen=True, kw_only=True)
class FixedBy:
    """The revision that mends the cause."""

    revision: str


@dataclass(frozen=True, kw_only=True)
class Why:
    """Asks for every decision."""


@dataclass(frozen=True, kw_only=True)
class Close:
    """It is over."""


@dataclass(frozen=True, kw_only=True)
class Unclear:
    """What was written and can't be taken for an answer; ``did_you_mean`` is one that can, or empty."""

    text: str
    did_you_mean: str = ""

    @property
    def help(self) -> str:
        """What to say about it, as Markdown."""
        if self.did_you_mean:
            return f"Of {code(self.text, 100)}: did you mean {code(self.did_you_mean)}?"
        return f"{code(self.text, 100)} is none of the answers that the issue lists."


Answer: TypeAlias = Approve | Reject | Noise | NotOurs | Snooze | FixedBy | Why | Close | Unclear


def answers(comment_body: str) -> tuple[Answer, ...]:
    """The answers in a comment, in order and each once, ten at most. It never raises."""
    found: list[Answer] = []
    for text in _said(comment_body[:_MOST_CHARACTERS]):
        answer = _answer(text)
        if answer is not None and answer not in found:
            found.append(answer)
        if len(found) == MOST_ANSWERS:
            break
    if Approve() in found and Reject() in found:
        # Whichever was meant, the other one would be wrong.
        found = [one for one in found if not isinstance(one, Approve | Reject)]
        found.append(Unclear(text="/approve and /reject", did_you_mean="/reject"))
    return tuple(found)


def _said(body: str) -> Iterator[str]:
    """Lines that the writer shows to everybody as their own words."""
    fence, comment, quoted = "", False, False
    for text in re.split(r"\r\n?|\n", body):
        opened = _FENCE.match(text)
        if fence:
            closing = text.strip()
            if len(text) - len(text.lstrip(" ")) <= 3 and closing.startswith(fence) and not closing.strip(fence[0]):
                fence = ""
        elif comment:
            comment = "-->" not in text
        elif opened:
            fence, quoted = opened[1], False
        elif text.lstrip(" ").startswith(">"):
            quoted = True
        elif not text.strip():
            quoted = False
        elif text.startswith("/") and not quoted:
            yield text.rstrip()
            comment = _opens_comment(text)
        else:
            # A line right below a quote is shown as a part of it.
            comment = _opens_comment(text)


def _opens_comment(text: str) -> bool:
    start = text.rfind("<!--")
    return start >= 0 and "-->" not in text[start:]


def _answer(text: str) -> Answer | None:
    match = _COMMAND.fullmatch(text)
    if match is None:
        # A path, a regular expression, half a sentence: no answer was meant.
        first = text.split(maxsplit=1)[0]
        return _close_to(first, text) if "/" not in first[1:] else None
    name, rest = match[1].lower().replace("_", "-"), line(match[2] or "", _MOST_WORDS)
    if name in _READERS:
        return _READERS[name](rest) or Unclear(text=text[:200], did_you_mean=_EXAMPLES[name])
    if match[1].lower() in _FORGES:
        return None
    return _close_to(match[1], text) or Unclear(text=text[:200])


def _close_to(word: str, text: str) -> Unclear | None:
    bare = "".join(
        character for character in word.lower() if character.isascii() and (character.isalpha() or character == "-")
    )
    close = get_close_matches(bare, _READERS, n=1, cutoff=0.7)
    return Unclear(text=text[:200], did_you_mean=_EXAMPLES[close[0]]) if close else None


def _alone(answer: Answer) -> Callable[[str], Answer | None]:
    """An answer that takes no words: a condition behind it would be lost."""
    return lambda rest: answer if not rest else None


def _noise(rest: str) -> Answer | None:
    return Noise(why=rest) if rest else None


def _not_ours(rest: str) -> Answer | None:
    return NotOurs(team=rest) if _TEAM.fullmatch(rest) else None


def _snooze(rest: str) -> Answer | None:
    match = _LENGTH.fullmatch(rest)
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    return Snooze(seconds=float(seconds)) if _HOUR <= seconds <= 30 * _DAY else None


def _fixed_by(rest: str) -> Answer | None:
    return FixedBy(revision=rest) if _REVISION.fullmatch(rest) and ".." not in rest else None


_READERS: Mapping[str, Callable[[str], Answer | None]] = {
    "approve": _alone(Approve()),
    "reject": _alone(Reject()),
    "noise": _noise,
    "not-ours": _not_ours,
    "snooze": _snooze,
    "fixed-by": _fixed_by,
    "why": _alone(Why()),
    "close": _alone(Close()),
}
_EXAMPLES: Mapping[str, str] = {
    "approve": "/approve",
    "reject": "/reject",
    "noise": "/noise it mends itself within a minute",
    "not-ours": "/not-ours payments",
    "snooze": "/snooze 7d",
    "fixed-by": "/fixed-by v1.8.3",
    "why": "/why",
    "close": "/close",
}
