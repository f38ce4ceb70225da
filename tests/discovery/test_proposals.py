"""Numbers to start from: kept by what was measured, with room to spare, and proved by enough of it."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshscope.build.discovery import proposals
from meshscope.build.discovery.write import _rate as spelt
from meshscope.model.slo import Latency
from meshscope.model.units import days, ms

DAY = 1 * days


@pytest.mark.parametrize(
    ("requests", "failures", "objective"),
    [
        (1_000_000, 0, "99.9%"),
        (1_000_000, 500, "99.9%"),
        (1_000_000, 501, "99.5%"),
        (1_000_000, 2_500, "99.5%"),
        (1_000_000, 5_000, "99%"),
        (1_000_000, 25_000, "95%"),
        (1_000_000, 25_001, None),
        # Ten failures must have been allowed, or one more would decide.
        (10_000, 0, "99.9%"),
        (9_999, 0, "99.5%"),
        (1_999, 0, "99%"),
        (999, 0, "95%"),
        (199, 0, None),
        (0, 0, None),
    ],
)
def test_an_objective_is_the_highest_that_half_a_budget_would_have_kept(
    requests: float, failures: float, objective: str | None
) -> None:
    proposed = proposals.availability(requests, failures, 30 * days)
    assert (str(proposed.objective) if proposed else None) == objective


@pytest.mark.parametrize(
    ("under", "bound"),
    [
        ({50: 100_000, 100: 100_000}, 50),
        ({50: 99_499, 100: 99_500, 250: 100_000}, 100),
        ({50: 0, 100: 0, 250: 99_000}, None),
        # More within a bound than were answered: extrapolation differs from series to series.
        ({50: 100_004}, 50),
        ({}, None),
    ],
)
def test_a_threshold_is_the_lowest_within_which_nearly_all_were_answered(
    under: dict[int, float], bound: int | None
) -> None:
    proposed = proposals.latency(100_000, {limit * ms: count for limit, count in under.items()}, 30 * days)
    assert (proposed.of if proposed else None) == (Latency(under=bound * ms) if bound else None)


@pytest.mark.parametrize(
    ("kept", "period"), [(None, 30), (400, 30), (30, 30), (29, 28), (28, 28), (15, 14), (14, 14), (10, 7), (1, 7)]
)
def test_a_period_is_no_longer_than_samples_are_kept(kept: int | None, period: int) -> None:
    assert proposals.period(None if kept is None else kept * days) == period * days


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (1234.0, "1200 per_second"),
        (14.04, "14 per_second"),
        (0.5, "0.5 per_second"),
        (0.0994, "0.1 per_second"),
        (0.09, "5.4 per_minute"),
        (1 / 3600, "0.017 per_minute"),
        (0.00001, "0.0006 per_minute"),
    ],
)
def test_a_volume_has_two_digits_and_a_unit_that_can_be_read(rate: float, text: str) -> None:
    volume = proposals.volume(rate * 86400, DAY)
    assert volume is not None
    assert " ".join(spelt(volume)) == text


def test_no_request_is_no_volume() -> None:
    assert proposals.volume(0.0, DAY) is None


@given(st.floats(min_value=1e-6, max_value=1e9))
def test_a_volume_is_near_what_was_measured(requests: float) -> None:
    volume = proposals.volume(requests, DAY)
    assert volume is not None
    true = Decimal(requests) / 86400
    assert abs(volume.value - true) <= true * Decimal("0.06")
