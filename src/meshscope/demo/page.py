"""How the demo looks: headed paragraphs, and a table of what happened when; in colours where a terminal wants them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from textwrap import wrap

import click

from meshscope.build.detection import spoken
from meshscope.model.units import Duration, exact

_HEAD = 12
WIDTH = 120
# Columns of the table: seconds here, seconds in the true build, who.
_HERE, _TRUE, _WHO = 12, 12, 11
# However narrow the terminal, so many letters stand beside the margin.
_NARROW = 30
GOOD, BAD, QUIET = "green", "red", "bright_black"


@dataclass(frozen=True)
class Page:
    """Writes paragraphs as they come: ``write`` takes a line, of ``width`` letters at most where text can be broken.

    ``begun`` is when it began, on the clock of time.monotonic().
    """

    write: Callable[[str], object]
    colour: bool = False
    width: int = WIDTH
    begun: float = field(default_factory=time.monotonic)

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
            for line in self._broken(text, _HEAD):
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

    def happened(
        self, when: float, scale: Fraction, who: str, text: str, colour: str | None = None, *, real: bool = False
    ) -> None:
        """One line of the table: ``when`` in seconds since the scene began, who is concerned, and what happened.

        What was there before it began is told as of its begin. What is ``real`` takes as long in the true build; where
        nothing is scaled, there is no column for that.
        """
        when = max(0.0, when)
        true = f"{'' if real else in_truth(when, scale):>{_TRUE}}" if scale != 1 else ""
        lead = _HERE + len(true) + 2 + _WHO
        margin = f"{when:>{_HERE - 2}.1f} s{self._painted(true, QUIET)}  {self._painted(f'{who:<{_WHO}}', colour)}"
        for line in self._broken(text, lead):
            self.write(margin + line)
            margin = " " * lead

    def quoted(self, texts: Iterable[str]) -> None:
        """What something said, below the line of the table that tells of it."""
        lead = " " * (_HERE + 2 + _WHO) + "| "
        for line in (line for text in texts for line in self._broken(text, len(lead))):
            self.write(self._painted(f"{lead}{line}", QUIET))

    def _broken(self, text: str, lead: int) -> list[str]:
        """The lines of ``text`` beside a margin of ``lead`` letters; a path or an address stays whole."""
        room = max(_NARROW, self.width - lead)
        return wrap(text, room, break_long_words=False, break_on_hyphens=False) or [""]

    def _painted(self, text: str, colour: str | None = None, *, bold: bool = False) -> str:
        return click.style(text, fg=colour, bold=bold or None) if self.colour and text else text


def in_truth(seconds: float, scale: Fraction) -> str:
    """What ``seconds`` here are without the time scale: ``2m 5s``."""
    return spoken(Duration(exact(round(seconds / float(scale)))))
