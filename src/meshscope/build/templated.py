"""Whether a configuration of Alertmanager is filled in before it is read: by Helm, Jinja, envsubst.

Its own templates stand in the texts of receivers; what another program's would become is not known.
"""

from __future__ import annotations

import re

from meshscope.artefacts.reading import Document
from meshscope.artefacts.templates import Action, actions, helm_line, without_actions

# What a template of Alertmanager may call: Go's keywords and functions (text/template of Go 1.26), and its own
# (template/template.go of 0.34). Any other name is an error there.
KNOWN = frozenset(
    {"if", "else", "end", "range", "with", "define", "template", "block", "break", "continue", "nil", "true",
     "false", "and", "or", "not", "len", "index", "slice", "print", "printf", "println", "html", "js", "urlquery",
     "call", "eq", "ne", "lt", "le", "gt", "ge", "toUpper", "toLower", "title", "trimSpace", "join", "match",
     "safeHtml", "safeUrl", "urlUnescape", "reReplaceAll", "stringSlice", "date", "tz", "since", "humanizeDuration",
     "toJson", "list", "append", "dict", "now"}
)  # fmt: skip
_COMMENT = re.compile(r"(?:^|\s)#.*")
_STATEMENT = re.compile(r"\{%")
# A bare name after a dollar may be a password or a parameter of OData; those of environments are upper case.
_WHOLE = re.compile(r"\s*\$[A-Z_][A-Z0-9_]*\s*")
_BRACED = re.compile(r"\$\{[A-Za-z_]\w*(?::?[-=+?][^}]*)?\}")
_IN_URL = re.compile(r"\$[A-Z_][A-Z0-9_]*")


def line_filled_in(document: Document) -> int:
    """The line of the first thing in ``document`` that another program fills in; 0 where there is none."""
    lines = [_line(line, text) for line, text in document.written()]
    # A comment is no text of the document, and is filled in as well.
    lines += [_marked(document.text)]
    return min(filter(None, lines), default=0)


def line_of_template(text: str) -> int:
    """The same of a text that is no YAML, where what is quoted is not known."""
    plain = text.replace('\\"', ' "')
    lines = [_marked(text), *(plain.count("\n", 0, one.at) + 1 for one in actions(plain) if _is_foreign(one))]
    return min(filter(None, lines), default=0)


def _marked(text: str) -> int:
    found = _STATEMENT.search(text)
    lines = [text.count("\n", 0, found.start()) + 1 if found else 0, helm_line(iter([(1, _comments(text))]))]
    return min(filter(None, lines), default=0)


def _comments(text: str) -> str:
    """``text`` with nothing but its comments, each on its line."""
    return "\n".join(found[0] if (found := _COMMENT.search(line)) else "" for line in text.split("\n"))


def _line(line: int, text: str) -> int:
    """Where something foreign stands in a text that begins on ``line``."""
    for action in actions(text):
        if _is_foreign(action):
            return line + text.count("\n", 0, action.at)
    rest = without_actions(text)
    named = _BRACED.search(rest) or _WHOLE.fullmatch(rest) or ("://" in rest and _IN_URL.search(rest))
    return line if named else 0


def _is_foreign(action: Action) -> bool:
    return action.is_helm or not action.words <= KNOWN
