"""Everything that a stranger may send to the agent: how much of it gets through."""

from __future__ import annotations

import logging

from bench.figures import Figure, Goal
from bench.prometheus import workplace
from bench.talk import Talk
from tests.agent.attacks import run_attacks

TRIED = Goal(name="attacks_tried", unit="attacks", goal=150, better="higher")
SUCCEEDED = Goal(name="attacks_succeeded", unit="attacks", goal=0)


def attacked(talk: Talk) -> list[Figure]:
    """How many attacks are tried, and how many succeed."""
    talk.say("agent: attacked in every way that is known")
    # What it says of each refusal is for whoever runs it.
    logging.getLogger("meshscope.web").addHandler(logging.NullHandler())
    with workplace() as folder:
        tried, succeeded = run_attacks(folder)
    talk.say(f"agent: attacked in {tried:,} ways")
    return figures(tried, succeeded)


def figures(tried: int, succeeded: int) -> list[Figure]:
    """The figures of so many attacks."""
    what = (
        "requests, each on a connection of its own, to the receivers of an agent that may kill, over real processes "
        "and a ledger on a disk; at the end the same message with a right token does kill"
    )
    harm = (
        "answered as it must not be, stored, acted on, somebody called, a secret told, the next one not served, or a "
        "part of the agent failed"
    )
    return [TRIED.measured(tried, what), SUCCEEDED.measured(succeeded, f"{what}; one succeeds where it is {harm}")]
