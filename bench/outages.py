"""How many ways to fail are known, and of how many the wrong people are told, or nobody."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.figures import Figure, Goal
from bench.prometheus import workplace
from bench.talk import Talk
from bench.traffic import engines
from tests.outages.playing import verdicts
from tests.outages.rows import read_rows

ROWS = Goal(name="outage_rows", unit="rows", goal=60, better="higher")
WRONG = Goal(name="outage_rows_wrong", unit="rows", goal=0)


def told(talk: Talk) -> list[Figure]:
    """The rows of tests/outages that are played, and those that are wrong."""
    rows = read_rows()
    talk.say(f"outages: playing {len(rows)} rows through promtool and Alertmanager")
    with workplace() as folder:
        played = verdicts(rows, _program("promtool"), _program("alertmanager"), folder)
    wrong = [verdict for verdict in played.values() if verdict.wrong]
    for verdict in wrong:
        talk.say(str(verdict))
    return figures(len(played), [verdict.row.name for verdict in wrong], len({row.way for row in rows}))


def figures(rows: int, wrong: list[str], ways: int) -> list[Figure]:
    """The figures of so many rows."""
    what = (
        f"{rows} rows of tests/outages, {ways} ways in which a mesh fails or is well, each as its proxies report it by "
        "their source: built by the real command, evaluated by promtool, told by a running Alertmanager"
    )
    harm = "somebody is not told in time, or somebody is told who must not be"
    named = f": {', '.join(wrong)}" if wrong else ""
    return [ROWS.measured(rows, what), WRONG.measured(len(wrong), f"{what}; one is wrong where {harm}{named}")]


def _program(name: str) -> Path:
    cached = engines() / "bin" / name
    found = str(cached) if cached.is_file() else shutil.which(name)
    if found is None:
        raise SystemExit(f"{name} is not here: run `make engines`")
    return Path(found)
