"""Templates in texts that people write: whose they are, told from the words between their braces.

Many programs have templates in double braces, and most texts that hold some are finished: an annotation of Prometheus,
a message of Alertmanager. What Helm would fill in is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Literals and comments as text/template/parse/lex.go of Go 1.26 reads them; braces within them end nothing.
_LITERAL = r'"(?:[^"\\\n]|\\.)*"|`[^`]*`|\'(?:[^\'\\\n]|\\.)+\'|/\*.*?\*/'
_ACTION = re.compile(rf"\{{\{{((?>{_LITERAL}|(?!\}}\}}).)*+)\}}\}}", re.DOTALL)
_WORD = re.compile(r"(?<![\w.$])[A-Za-z_]\w*")
# Objects and functions of Helm 4 (pkg/engine/funcs.go, engine.go) that nobody else's templates have. Labels of
# Prometheus and Alertmanager are plain texts, and nothing is asked of those.
_OBJECT = re.compile(r"\.(?:Values|Release|Chart|Capabilities|Files|Template)\.\w")
_FUNCTIONS = frozenset({"include", "tpl", "required", "lookup", "toYaml", "fromYaml", "nindent", "indent"})


@dataclass(frozen=True)
class Action:
    """What stands in one pair of double braces, ``at`` which index of the text: its code without literals.

    ``nested`` where a literal holds such braces, for whoever reads the text next.
    """

    at: int
    code: str
    nested: bool

    @property
    def words(self) -> frozenset[str]:
        """The keywords, functions and bare names in it; fields and variables are none."""
        return frozenset(_WORD.findall(self.code))

    @property
    def is_helm(self) -> bool:
        """Whether Helm would fill it in."""
        return self.nested or bool(_OBJECT.search(self.code)) or not self.words.isdisjoint(_FUNCTIONS)


def actions(text: str) -> Iterator[Action]:
    """Everything in double braces in ``text``."""
    for found in _ACTION.finditer(text):
        literals = re.findall(_LITERAL, found[1], re.DOTALL)
        yield Action(
            found.start(),
            re.sub(_LITERAL, '""', found[1], flags=re.DOTALL),
            any("{{" in one for one in literals if not one.startswith("/*")),
        )


def without_actions(text: str) -> str:
    """``text`` with nothing where an action is."""
    return _ACTION.sub("", text)


def helm_line(written: Iterator[tuple[int, str]]) -> int:
    """The line of the first thing that Helm would fill in, of texts with the lines on which they begin; else 0."""
    for line, text in written:
        for action in actions(text):
            if action.is_helm:
                return line + text.count("\n", 0, action.at)
    return 0
