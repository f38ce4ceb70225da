"""Trackers that keep the same promises: one in memory, one in a folder, with git and without."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from meshscope.adapters.memory.tracker import MemoryForge, MemoryTracker
from meshscope.adapters.trackers.markdown import MarkdownTracker
from meshscope.feedback.ports import Draft, Tracker

SECRET = b"a secret of the tests"
WHERE = "github:acme/payments"


def draft(key: str = "ledger-1", title: str = "[page] shop/ledger: fails", body: str = "It fails.") -> Draft:
    """An issue."""
    return Draft(key=key, where=WHERE, title=title, body=body, labels=("meshscope", "page"))


@dataclass(frozen=True, kw_only=True)
class World:
    """Where issues live: ``start`` begins a tracker anew, ``say`` is a person's comment on the issue of a key."""

    start: Callable[[], Tracker]
    say: Callable[[str, str, str], None]
    count: Callable[[str], int]
    """How many issues bear a key."""


@pytest.fixture(params=["memory", "markdown", "markdown without git"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """A world for trackers, empty."""
    if request.param == "memory":
        forge = MemoryForge()
        return World(
            start=lambda: MemoryTracker(forge, secret=SECRET),
            say=lambda key, name, text: forge.say(WHERE, key, name, text),
            count=lambda key: len(forge.bearing(key)),
        )
    root = tmp_path / "issues"

    def say(key: str, name: str, text: str) -> None:
        with (root / "github/acme/payments" / f"{key}.md").open("a") as file:
            file.write(f"\n## Comment by {name}\n\n{text}\n")

    return World(
        start=lambda: MarkdownTracker(root, secret=SECRET, git=request.param == "markdown"),
        say=say,
        count=lambda key: len(list(root.rglob(f"*{key}*.md"))),
    )
