"""No attack makes the whole agent act, tell, call or fall; with the right token the same message would have killed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest

from tests.agent.attacks import Tried, attacked
from tests.receiving.attacks_bodies import BODY_ATTACKS
from tests.receiving.attacks_callers import CALLER_ATTACKS
from tests.receiving.attacks_values import VALUE_ATTACKS


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Tried]]:
    return attacked(tmp_path_factory.mktemp("attacked"))


def told(tried: Sequence[Tried], attacks: Sequence[object]) -> str:
    found = [one for one in tried if one.attack in attacks]
    took = sorted(one.seconds for one in found if not one.attack.slow)
    return (
        f"{len(found)} tried, {sum(1 for one in found if one.success)} succeeded; an answer takes "
        f"{took[len(took) // 2] * 1e3:.1f} ms, the slowest {took[-1] * 1e3:.0f} ms"
    )


def test_no_attack_succeeds(tried: Sequence[Tried]) -> None:
    succeeded = [f"{one.attack.name}: {one.success}" for one in tried if one.success]
    print(f"\nattacks_tried {len(tried)}\nattacks_succeeded {len(succeeded)}")
    assert len(tried) >= 150
    assert not succeeded, "\n".join(succeeded)


@pytest.mark.fault("F19")
def test_no_body_does_harm(tried: Sequence[Tried], figure: Callable[[str], None]) -> None:
    figure(told(tried, BODY_ATTACKS))


@pytest.mark.fault("F20")
def test_nobody_gets_in(tried: Sequence[Tried], figure: Callable[[str], None]) -> None:
    figure(told(tried, CALLER_ATTACKS))


@pytest.mark.fault("F22")
def test_no_value_leads_anywhere(tried: Sequence[Tried], figure: Callable[[str], None]) -> None:
    figure(told(tried, VALUE_ATTACKS))
