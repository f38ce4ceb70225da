"""An issue as a file of Markdown: what it says of itself, the body, and below its mark the comments.

What people wrote stands below the mark and is kept as it is, byte for byte; the rest is ours and is written anew.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from meshscope.feedback.ports import Comment
from meshscope.feedback.prose import escaped, line
from meshscope.feedback.tracking import marker, refused

LARGEST = 4 << 20
OURS = "meshscope"
_HINT = (
    "_To answer, write at the end of this file a line `## Comment by YOUR NAME`, below it what you have to say, and "
    "save the file._"
)
_FIELD = re.compile(r"([a-z_]{1,40}):[ \t]*(.*)")
_AGENTS = re.compile(r"## Comment ([0-9]{1,9}) by meshscope")
_PERSONS = re.compile(r"#{1,6}[ \t]+comment[ \t]+by[ \t]+(.{1,200})", re.IGNORECASE)
_FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")


@dataclass(frozen=True, kw_only=True)
class Page:
    """An issue's file in parts: ``more`` are lines of its head that people added, ``tail`` is all below the mark."""

    title: str
    open: bool
    labels: tuple[str, ...]
    opened: str
    updated: str
    body: str
    more: tuple[str, ...] = ()
    tail: str = ""


def written(page: Page, key: str, secret: bytes) -> bytes:
    """The file's content."""
    head = [
        "---",
        f"title: {json.dumps(page.title, ensure_ascii=False)}",
        f"state: {'open' if page.open else 'closed'}",
        f"labels: {json.dumps(list(page.labels), ensure_ascii=False)}",
        f"opened: {page.opened}",
        f"updated: {page.updated}",
        *page.more,
        "---",
    ]
    parts = ("\n".join(head), f"# {escaped(page.title)}", page.body, _HINT, marker(key, secret))
    text = "\n\n".join(parts) + "\n" + page.tail
    return text.encode("utf-8", "replace")


def read(content: bytes, key: str, secret: bytes, path: str) -> Page:
    """The file in parts. Raises `TrackerError` with the place for what is no issue of ours any more."""
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _nonsense(path, content[: error.start].count(b"\n") + 1, "it is not UTF-8") from error
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        raise _nonsense(path, 1, "it does not begin with `---`")
    end = next((number for number, one in enumerate(lines[1:200], 1) if one.rstrip() == "---"), 0)
    if not end:
        raise _nonsense(path, 1, "no second `---` ends its head")
    mark = marker(key, secret)
    below = next((number for number, one in enumerate(lines[end:], end) if one.rstrip() == mark), 0)
    if not below:
        raise _nonsense(path, len(lines), "the line that marks it as ours is missing or was changed")
    page = _head(lines[1:end], path)
    return replace(page, body=_body(lines[end + 1 : below]), tail="\n".join(lines[below + 1 :]))


def _head(lines: Sequence[str], path: str) -> Page:
    told: dict[str, str] = {}
    more: list[str] = []
    for number, one in enumerate(lines, 2):
        field = _FIELD.fullmatch(one.rstrip())
        if field is None or field[1] not in ("title", "state", "labels", "opened", "updated"):
            more.append(one)
        elif field[1] == "state" and field[2] not in ("open", "closed"):
            raise _nonsense(path, number, "its state is neither `open` nor `closed`")
        else:
            told[field[1]] = field[2]
    if "state" not in told:
        raise _nonsense(path, 1, "its head does not say its `state`")
    labels = _json(told.get("labels", ""))
    return Page(
        title=str(_json(told.get("title", "")) or told.get("title", "")),
        open=told["state"] == "open",
        labels=tuple(map(str, labels)) if isinstance(labels, list) else (),
        opened=told.get("opened", ""),
        updated=told.get("updated", ""),
        body="",
        more=tuple(more),
    )


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _body(lines: Sequence[str]) -> str:
    text = "\n".join(lines).strip().removesuffix(_HINT).strip()
    heading, _, rest = text.partition("\n")
    return rest.strip() if heading.startswith("# ") else text


def comments(tail: str, key: str, secret: bytes) -> tuple[Comment, ...]:
    """The comments below the mark: ours by their own marks, people's by their headings."""
    found: list[Comment] = []
    counted: dict[tuple[str, str], int] = {}
    for author, number, body in _sections(tail.split("\n"), key, secret):
        if number:
            if all(one.number != number for one in found):
                found.append(Comment(number=number, body=body, author=OURS))
        elif body:
            # Where it stands may change when others write above it; which one it is of those that are alike may not.
            same = counted[author, body] = counted.get((author, body), 0) + 1
            uid = sha256(f"{key}\n{author}\n{same}\n{body}".encode("utf-8", "replace")).hexdigest()[:32]
            found.append(Comment(number=0, body=body, signed=author, uid=uid))
    return tuple(found)


def _sections(lines: Sequence[str], key: str, secret: bytes) -> Iterator[tuple[str, int, str]]:
    """Author, number (0: a person's) and text of each section, in order."""
    known = {one.rstrip() for one in lines if one.startswith("<!-- meshscope:")}
    author: str | None = None
    start = at = 0
    fence = ""
    while at < len(lines):
        one = lines[at].rstrip()
        ours = _AGENTS.fullmatch(one)
        end = _end(lines, at, marker(key, secret, int(ours[1])), known) if ours and int(ours[1]) else 0
        person = None if fence else _PERSONS.fullmatch(one)
        if (end or person) and author is not None:
            yield author, 0, "\n".join(lines[start:at]).strip()
            author = None
        if ours and end:
            yield OURS, int(ours[1]), "\n".join(lines[at + 1 : end]).strip()
            at, fence = end, ""
        elif person:
            author, start, fence = line(person[1], 80) or "somebody", at + 1, ""
        else:
            fence = _fence(fence, one)
        at += 1
    if author is not None:
        yield author, 0, "\n".join(lines[start:]).strip()


def _end(lines: Sequence[str], at: int, mark: str, known: set[str]) -> int:
    """Where the comment of ours that begins at ``at`` ends; 0 where somebody only wrote a heading like ours."""
    if mark not in known:
        return 0
    for number in range(at + 1, len(lines)):
        one = lines[number].rstrip()
        if one == mark:
            return number
        if one == lines[at].rstrip():
            return 0
    return 0


def _fence(fence: str, text: str) -> str:
    """The fence that is open after a line."""
    if not fence:
        opened = _FENCE.match(text)
        return opened[1] if opened else ""
    closing = text.strip()
    return "" if closing.startswith(fence) and not closing.strip(fence[0]) else fence


def with_comment(page: Page, comment: Comment, key: str, secret: bytes) -> Page:
    """The page with a comment of ours at its end."""
    tail = page.tail if not page.tail or page.tail.endswith("\n") else f"{page.tail}\n"
    heading = f"## Comment {comment.number} by {OURS}"
    return replace(page, tail=f"{tail}\n{heading}\n\n{comment.body}\n\n{marker(key, secret, comment.number)}\n")


def _nonsense(path: str, number: int, what: str) -> Exception:
    return refused(
        "tracker/unreadable-issue",
        f"{path}:{number} is no issue of ours any more: {what}",
        why="what people wrote is never overwritten, so this issue stays as it is until somebody has mended it",
        help=f"mend it, or bring it back with `git checkout -- {path}`; moved away, it is opened anew",
    )
