"""kill -9 at any moment under load: nothing that was acknowledged is lost, and nothing is done or told twice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agent.cuts import run_cuts

CUTS = 200


@pytest.mark.fault("F01")
def test_killed_at_random_under_load_it_loses_nothing_and_does_nothing_twice(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    figures = run_cuts(CUTS, tmp_path, 20261126)
    print(
        f"\nkill9_cuts {figures.cuts}\nkill9_lost {figures.lost}\nkill9_doubled {figures.doubled}\n"
        f"{figures.acknowledged:,} alerts acknowledged, {figures.untaken:,} requests cut off, {figures.acts} acts, "
        f"{figures.seconds:.0f} s"
    )
    figure(
        f"{figures.cuts} kills under load: {figures.acknowledged:,} alerts acknowledged, {figures.lost} of them lost, "
        f"{figures.acts} acts, {figures.doubled} doubled"
    )
    assert (figures.cuts, figures.lost, figures.doubled) == (CUTS, 0, 0)
    assert figures.acknowledged > CUTS
    assert figures.acts > CUTS / 10, "there is something that could have been doubled"
