"""How the demo looks: headed paragraphs, and a table of what happened when; in colours where a terminal wants them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from textwrap import wrap

import click

from meshscope.build.detection import spoken
from meshscope.model.units import Duration, exact

_HEAD = 12
WIDTH = 120
# Columns of the table: seconds here, seconds in the true build, who.
_HERE, _TRUE, _WHO = 16, 12, 11
GOOD, BAD, QUIET = "green", "red", "bright_black"


@dataclass(frozen=True)
class Page:
    """Writes paragraphs as they come: ``write`` takes a line, of ``width`` letters at most where text can be broken."""

    write: Callable[[str], object]
    colour: bool = False
    width: int = WIDTH

    def title(self, text: str) -> None:
        """The first line."""
        self.write(self._painted(text, bold=True))

    def gap(self) -> None:
        """An empty line between what does not belong together."""
        self.write("")

    def said(self, head: str, texts: Iterable[str], colour: str | None = None) -> None:
        """A paragraph: a word in the margin, and each text on lines of its own beside it."""
        margin = self._painted(f"{head:<{_HEAD}}", colour, bold=True)
        for text in texts:
            for line in wrap(text, self.width - _HEAD, break_on_hyphens=False) or [""]:
                self.write(f"{margin}{line}")
                margin = " " * _HEAD

    def lines(self, texts: Iterable[str]) -> None:
        """Lines below a paragraph, as they are."""
        for text in texts:
            self.write(f"{' ' * _HEAD}{text}")

    def clock(self, scale: Fraction) -> None:
        """The head of the table of what happened."""
        head = f"WHEN{'here':>{_HERE - 4}}{'true build':>{_TRUE}}"
        self.write(self._painted(head, bold=True) + self._painted(f"  ({1 / scale} times as long)", QUIET))

    def happened(self, when: float, scale: Fraction, who: str, text: str, colour: str | None = None) -> None:
        """One line of the table: ``when`` in seconds since the fault, who is concerned, and what happened."""
        here = f"{when:>{_HERE - 2}.1f} s"
        true = self._painted(f"{in_truth(when, scale):>{_TRUE}}", QUIET)
        self.write(f"{here}{true}  {self._painted(f'{who:<{_WHO}}', colour)}{text}")

    def _painted(self, text: str, colour: str | None = None, *, bold: bool = False) -> str:
        return click.style(text, fg=colour, bold=bold or None) if self.colour else text


def in_truth(seconds: float, scale: Fraction) -> str:
    """What ``seconds`` here are without the time scale: ``2m 5s``."""
    return spoken(Duration(exact(round(seconds / float(scale)))))


def counted(number: int, what: str) -> str:
    """``1 note``, ``2 notes``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
