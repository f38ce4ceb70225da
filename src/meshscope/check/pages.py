"""The pages of our rules and a catalogue of every other finding, both read from the code, so that neither is old."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from meshscope.check.subject import Rule

_CODE = re.compile(r"[a-z]+/[a-z…]+(-[a-z…]+)*")
_MAYBE = re.compile(r'"[a-z]+/[a-z{]')
_TEXTS = ("title", "why", "help")
_HOME = Path(__file__).resolve().parent.parent
_INDEX = """\
# What meshscope checks

Each with a page: what it does, why it is bad, what to write instead. `meshscope explain CODE` prints it, as it does for
every other code that a finding has.

"""
_SUPPRESS = """\
## How to suppress
Write a comment on the definition's line, or by itself on the line above, with the last day on which it holds:
```python
# meshscope: allow {code} until 2027-01-31 why it can wait
```
After that day the finding is back. A file that can't have comments is excused in mesh.py:
```python
waiting = Allow(
    code="{code}",
    file="dashboards/disks.json",
    until="2027-01-31",
    reason="why it can wait",
)
```
"""


def page(rule: Rule) -> str:
    """The page of ``rule`` in Markdown."""
    return f"# {rule.code}\n\n{rule.page}\n\n{_SUPPRESS.format(code=rule.code)}"


def index(rules: Sequence[Rule]) -> str:
    """The list of all rules with their pages, in Markdown."""
    listed = (f"- [{rule.code}]({rule.code}.md): {summary(rule)[:1].lower()}{summary(rule)[1:]}\n" for rule in rules)
    return _INDEX + "".join(listed)


def summary(rule: Rule) -> str:
    """The first line of the page of ``rule``."""
    return rule.page.partition("\n")[0]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A finding that is no rule's: what it says, with … for what differs each time, of a program's name too."""

    code: str
    title: str
    why: str
    help: str


@cache
def catalogue() -> Mapping[str, Entry]:
    """Every code that our own program writes outside of the rules, with what it says the first time it is written."""
    found: dict[str, Entry] = {}
    for path in sorted(_HOME.rglob("*.py")):
        if "rules" not in path.relative_to(_HOME).parts[:2] and "check/rules" not in path.as_posix():
            text = path.read_text(encoding="utf-8")
            # To parse is slow, and most of our files have no finding.
            if _MAYBE.search(text):
                for entry in _written(ast.parse(text)):
                    found.setdefault(entry.code, entry)
    return {code: found[code] for code in sorted(found)}


def entry(code: str) -> Entry | None:
    """What is known of ``code``, which may be one of several that differ in a word: `engine/promtool`."""
    for each in catalogue().values():
        if re.fullmatch(re.escape(each.code).replace("…", "[a-z-]+?"), code):
            return each
    return None


def _written(tree: ast.Module) -> Iterator[Entry]:
    nodes = tuple(ast.walk(tree))
    constants = {
        node.targets[0].id: node.value
        for node in nodes
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    for call in (node for node in nodes if isinstance(node, ast.Call)):
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        if isinstance(call.func, ast.Name) and call.func.id == "Finding":
            said = named.get("code")
            texts = [_text(named.get(name)) for name in _TEXTS]
        else:
            said = call.args[0] if call.args else None
            by_name = [named[name] for name in _TEXTS if name in named]
            texts = [_text(argument) for argument in [*call.args[1:], *by_name][-3:]]
        if isinstance(said, ast.Name):
            said = constants.get(said.id, said)
        codes = [_text(part) for part in _either(said)]
        for code in codes:
            if _CODE.fullmatch(code) and len(texts) == 3:
                yield Entry(code=code, title=texts[0], why=texts[1], help=texts[2])


def _either(node: ast.expr | None) -> tuple[ast.expr, ...]:
    if isinstance(node, ast.IfExp):
        return node.body, node.orelse
    return (node,) if node is not None else ()


def _text(node: ast.expr | None) -> str:
    """A string as it is written, with … for each part that is computed."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(_text(part) for part in parts)
        case ast.BinOp(op=ast.Add(), left=left, right=right):
            return _text(left) + _text(right)
        case ast.IfExp(body=body):
            return _text(body)
        case None:
            return ""
    return "…"
