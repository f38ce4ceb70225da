"""``python -m bench``: measure, write build/bench.json, print a table."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from bench.agent_accept import accepted
from bench.agent_action import acted
from bench.agent_attacks import attacked
from bench.agent_cuts import survived
from bench.agent_storm import stormed
from bench.building import built, counted, started
from bench.carrying import carried
from bench.console import painted
from bench.contest import matched
from bench.evaluation import evaluated
from bench.figures import Figure, as_json, as_table
from bench.gateway import sampled
from bench.outages import told
from bench.talk import Talk

MEASUREMENTS: Mapping[str, Callable[[Talk], list[Figure]]] = {
    "start": started,
    "rules": counted,
    "build": built,
    "evaluation": evaluated,
    "ratio": matched,
    "gateway": sampled,
    "accept": accepted,
    "action": acted,
    "storm": stormed,
    "kill9": survived,
    "attacks": attacked,
    "console": painted,
    "outages": told,
    "carried": carried,
}


def main(arguments: Sequence[str]) -> int:
    """Run what is asked for; 0 when it was measured, whether or not the goals are met."""
    # Ended like interrupted: whatever was started is ended too, and its folders are removed.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, signal.default_int_handler)
    options = _parse(arguments)
    talk = Talk(sys.stderr)
    figures = [figure for name in options.only or MEASUREMENTS for figure in MEASUREMENTS[name](talk)]
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(as_json(figures), encoding="utf-8")
    talk.say(f"wrote {options.out}")
    sys.stdout.write(as_table(figures))
    return 0


def _parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description="Measure how fast and how small meshscope is.")
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, metavar="NAME", help=", ".join(MEASUREMENTS))
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"), help="the file for the figures")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
