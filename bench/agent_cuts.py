"""The agent, killed at random moments while alerts come in: nothing acknowledged is lost, nothing is done twice."""

from __future__ import annotations

from pathlib import Path

from bench.figures import Figure, Goal
from bench.prometheus import workplace
from bench.talk import Talk
from tests.agent.cuts import Figures, run_cuts

CUTS = Goal(name="kill9_cuts", unit="kills", goal=500, better="higher")
LOST = Goal(name="kill9_lost", unit="alerts", goal=0)
DOUBLED = Goal(name="kill9_doubled", unit="acts, deaths, incidents or comments", goal=0)

_CUTS = 500
_SEED = 20_261_127


def survived(talk: Talk) -> list[Figure]:
    """What is lost or done twice when the agent is killed again and again."""
    with workplace() as folder:
        return figures(cut(_CUTS, folder, talk))


def cut(count: int, folder: Path, talk: Talk) -> Figures:
    """Kill an agent that works in ``folder`` so many times."""
    talk.say(f"agent: killed {count:,} times while alerts come in")
    outcome = run_cuts(count, folder, _SEED)
    talk.say(f"agent: killed {count:,} times, after {outcome.seconds:.0f} s")
    return outcome


def figures(outcome: Figures) -> list[Figure]:
    """The figures of so many kills."""
    what = (
        f"kill -9 at a random moment of an agent's start or work, seed {_SEED}, one ledger on a disk and one troupe of "
        f"real processes for all; {outcome.acknowledged:,} alerts were answered 200 and {outcome.untaken:,} requests "
        f"cut off, {outcome.acts:,} acts"
    )
    return [
        CUTS.measured(outcome.cuts, what),
        LOST.measured(outcome.lost, f"{what}; answered 200, and not in the ledger as told last, or without an end"),
        DOUBLED.measured(
            outcome.doubled, f"{what}; acts beyond one an instance, deaths without one, things told twice"
        ),
    ]
