"""The templates in an alert's labels and annotations: what they call, and which labels they show.

Functions: https://prometheus.io/docs/prometheus/latest/configuration/template_reference/ (template/template.go), and
those of Go's text/template.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

FUNCTIONS = frozenset(
    {"query", "first", "label", "value", "strvalue", "args", "reReplaceAll", "safeHtml", "match", "title", "toUpper",
     "toLower", "graphLink", "tableLink", "sortByLabel", "stripPort", "stripDomain", "humanize", "humanize1024",
     "humanizeDuration", "humanizePercentage", "humanizeTimestamp", "toTime", "toDuration", "now", "pathPrefix",
     "externalURL", "parseDuration", "urlQueryEscape",
     "and", "or", "not", "len", "index", "slice", "print", "printf", "println", "html", "js", "urlquery", "call",
     "eq", "ne", "lt", "le", "gt", "ge"}
)  # fmt: skip
_WORDS = frozenset({"if", "else", "end", "range", "with", "define", "template", "block", "break", "continue", "nil",
                    "true", "false", "in"})  # fmt: skip
_VARIABLES = frozenset({"labels", "externalLabels", "externalURL", "value"})
_ACTION = re.compile(r"\{\{-?(?P<said>.*?)-?\}\}", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"|`[^`]*`')
_TOKEN = re.compile(r"(?<!\w)[$.]?[A-Za-z_]\w*(?:\.\w+)*|\$(?=\W|$)")
_SHOWN = re.compile(r'(\$labels|\$?\.Labels)(?:\.(\w+)|\s+"([^"]+)")')
_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_OPENS = re.compile(r"\s*(if|with|range|define|block)\b")
_ANEW = frozenset({"range", "with", "define"})
_ENDS = re.compile(r"\s*end\b")


def wrong(text: str) -> Iterator[str]:
    """What Prometheus would refuse in a template, in words."""
    if text.count("{{") != text.count("}}"):
        yield "{{ and }} don't pair"
        return
    own = set(re.findall(r"\$(\w+)\s*(?:,|:?=)", text)) | set(re.findall(r",\s*\$(\w+)\s*:=", text))
    depth = 0
    for said in _actions(text):
        depth += bool(_OPENS.match(said)) - bool(_ENDS.match(said))
        for token in _TOKEN.findall(_STRING.sub(" ", said)):
            if token.startswith("$"):
                name = token[1:].partition(".")[0]
                if name and name not in _VARIABLES | own:
                    yield f"there is no variable ${name}"
            elif not token.startswith(".") and token.partition(".")[0] not in FUNCTIONS | _WORDS:
                yield f"there is no function {token}"
    if depth:
        yield "a block has no end" if depth > 0 else "an end has no block"


def shown(text: str) -> Iterator[str]:
    """The labels that a template shows, but for those that it asks for before (``if``, ``with``).

    Within ``range`` and ``with`` the dot is something else, the result of a query for example.
    """
    open_blocks: list[str] = []
    found: list[str] = []
    asked: set[str] = set()
    for said in _actions(text):
        opens = _OPENS.match(said)
        labels = list(_labels(said, dot=not _ANEW.intersection(open_blocks)))
        if opens:
            asked.update(labels)
            open_blocks.append(opens[1])
        elif _ENDS.match(said) and open_blocks:
            open_blocks.pop()
        found += labels
    yield from dict.fromkeys(label for label in found if label not in asked)


def _actions(text: str) -> Iterator[str]:
    for found in _ACTION.finditer(text):
        yield _COMMENT.sub(" ", found["said"])


def _labels(said: str, *, dot: bool) -> Iterator[str]:
    for root, plain, indexed in _SHOWN.findall(said):
        if dot or root != ".Labels":
            yield plain or indexed
