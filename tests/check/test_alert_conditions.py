"""Alerts that fire always, never, twice or for one request: told by the numbers that a person would try."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from meshscope.adapters.engines.promtool import PromtoolTests
from meshscope.build.options import Options
from meshscope.build.proofs.bounds import Traffic, Truth, truth
from meshscope.check.judge import by_rules
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level
from meshscope.model.signals import AnyService
from meshscope.wiring.assembly import assembled, providers
from meshscope.wiring.rules import rules
from tests.houses import small

HEAD = "from meshscope import *  # noqa\n\n\n"
ALERT = '''\
@alert(severity=Severity.{severity}, {arguments})
def {name}({of}) -> Condition:
    """It asks something."""
    return {condition}
'''


def one(condition: str, name: str = "asked", severity: str = "TICKET", arguments: str = "pending=2 * minutes") -> str:
    of = "instance: AnyInstance" if "instance" in condition else "service: AnyService"
    return ALERT.format(condition=condition, name=name, severity=severity, arguments=arguments, of=of)


def said(folder: Path, *alerts: str) -> list[Finding]:
    """What the rules about alerts say of a house with these."""
    made = assembled(small(folder, alerts__some=HEAD + "\n\n".join(alerts)).root, None, Options())
    assert made.built is not None, made.findings
    assert made.house.model is not None
    assert made.provider is not None
    subject = Subject(
        model=made.house.model, provider=made.provider, artefacts=made.built.artefacts, providers=providers()
    )
    found = by_rules(subject, rules()[0])
    return [finding for finding in found if finding.code.startswith(("alert/", "plugin/"))]


def codes(folder: Path, *alerts: str) -> list[tuple[str, str]]:
    return [(finding.code, finding.level.word) for finding in said(folder, *alerts)]


@pytest.mark.parametrize(
    "condition",
    [
        "service.failure_ratio >= 0 * percent",
        "service.failure_ratio < 1 * percent",
        "0 * percent <= service.failure_ratio",
        "service.slow_ratio(over=250 * ms) <= 5 * percent",
        "service.requests > 0",
        "service.failures * 2 <= service.requests",
        "(service.failure_ratio >= 0 * percent) & (service.requests >= 0)",
        "(service.failure_ratio > 5 * percent) | (service.failure_ratio <= 5 * percent)",
        "instance.failure_ratio <= 5 * instance.siblings.failure_ratio + 5 * percent",
        "service.failure_ratio - 1 * percent < 0",
    ],
)
def test_an_alert_that_fires_without_a_fault_is_an_error_and_not_one_that_never_fires(
    condition: str, tmp_path: Path
) -> None:
    assert codes(tmp_path, one(condition)) == [("alert/always-fires", "error")]


@pytest.mark.parametrize(
    "condition",
    [
        "service.failure_ratio > 150 * percent",
        "service.failure_ratio < 0 * percent",
        "service.failure_ratio > 100 * percent",
        "service.requests < 0",
        "service.plaintext_ratio >= 2",
        "(service.failure_ratio > 150 * percent) | (service.requests < 0)",
        "(service.failure_ratio > 5 * percent) & (service.failure_ratio < 1 * percent)",
        "(service.failure_ratio > 5 * percent) & (5 * percent >= service.failure_ratio)",
        "((service.requests > 10) & (service.failure_ratio > 5 * percent)) & (service.requests < 5)",
        "service.failure_ratio + 2 < 1",
    ],
)
def test_an_alert_that_no_traffic_makes_fire_is_an_error(condition: str, tmp_path: Path) -> None:
    assert codes(tmp_path, one(condition)) == [("alert/never-fires", "error")]


def test_a_contradiction_is_told_with_both_of_its_halves(tmp_path: Path) -> None:
    (finding,) = said(tmp_path, one("(service.failure_ratio > 5 * percent) & (service.failure_ratio < 1 * percent)"))
    assert finding.title == "alert `asked` contradicts itself"
    assert finding.why == "service.failure_ratio > 0.05 and service.failure_ratio < 0.01 are never true at once"
    assert str(finding.place) == "alerts/some.py:4"


@pytest.mark.parametrize(
    "condition",
    [
        "service.failure_ratio > 5 * percent",
        "(service.failure_ratio > 5 * percent) & (service.failure_ratio < 50 * percent)",
        "(service.failure_ratio > 5 * percent) & (service.failure_ratio < 6 * percent)",
        "(service.failure_ratio >= 5 * percent) & (service.slow_ratio(over=250 * ms) <= 50 * percent)",
        "service.requests > 50",
        "service.requests < 5",
        "(service.requests > 2000) & (service.requests < 3000)",
        "service.failures > 3",
        "service.failures > service.requests * 0.3",
        "instance.failure_ratio > 5 * instance.siblings.failure_ratio + 5 * percent",
        "(service.failure_ratio > 90 * percent) | (service.plaintext_ratio > 1 * percent)",
    ],
)
def test_an_alert_that_depends_on_the_traffic_is_left_alone(condition: str, tmp_path: Path) -> None:
    assert codes(tmp_path, one(condition)) == []


TWIN = "service.failure_ratio > 5 * percent"


def test_two_alerts_that_ask_the_same_are_told_at_the_second(tmp_path: Path) -> None:
    (finding,) = said(tmp_path, one(TWIN, "first"), one("service.failures / service.requests > 0.05", "second"))
    assert (finding.code, finding.level) == ("alert/twin", Level.WARNING)
    assert finding.title == "alert `second` asks what `first` asks"


@pytest.mark.parametrize(
    "other",
    [
        one(TWIN, "second", severity="PAGE", arguments="at_least=50, pending=2 * minutes"),
        one(TWIN, "second", arguments="at_least=50, pending=2 * minutes"),
        one(TWIN, "second", arguments="where=Where(tier=1), pending=2 * minutes"),
        one("service.failure_ratio > 6 * percent", "second"),
        one("service.failure_ratio >= 5 * percent", "second"),
        one("instance.failure_ratio > 5 * percent", "second"),
    ],
)
def test_alerts_that_differ_are_no_twins(other: str, tmp_path: Path) -> None:
    assert codes(tmp_path, one(TWIN, "first"), other) == []


@pytest.mark.parametrize(
    ("condition", "severity", "arguments", "is_told"),
    [
        (TWIN, "PAGE", "pending=2 * minutes", True),
        (TWIN, "PAGE", "at_least=1, pending=0 * minutes", True),
        ("service.plaintext_ratio > 1 * percent", "PAGE", "pending=2 * minutes", True),
        (TWIN, "TICKET", "pending=2 * minutes", False),
        (TWIN, "PAGE", "at_least=20, pending=2 * minutes", False),
        (TWIN, "PAGE", "pending=5 * minutes", False),
        (f"({TWIN}) & (service.requests > 1)", "PAGE", "pending=2 * minutes", False),
        ("service.failures > 1", "PAGE", "pending=2 * minutes", False),
    ],
)
def test_a_page_on_one_request_of_one_is_told(
    condition: str, severity: str, arguments: str, is_told: bool, tmp_path: Path
) -> None:
    told = [("alert/pages-for-one", "warning")] if is_told else []
    assert codes(tmp_path, one(condition, severity=severity, arguments=arguments)) == told


@dataclass(frozen=True)
class Measured:
    """A service with plain numbers: what a condition's function does with them is Python's own arithmetic."""

    requests: Fraction
    failures: Fraction
    slow: Fraction

    @property
    def failure_ratio(self) -> Fraction:
        return self.failures / self.requests

    def slow_ratio(self, *, over: object) -> Fraction:
        return self.slow


Asked = Callable[[AnyService | Measured], object]
FACTORS = st.sampled_from([-2, -1, 0, 1, 2, 5])
LIMITS = st.sampled_from([-1, 0, 1, 2, 5])


@st.composite
def comparisons(draw: st.DrawFn) -> Asked:
    first, second, factor, limit = (draw(one) for one in (st.integers(0, 3), st.integers(0, 4), FACTORS, LIMITS))
    operator, turned = draw(st.sampled_from([">", ">=", "<", "<="])), draw(st.booleans())

    def ask(of: AnyService | Measured) -> object:
        values = (of.requests, of.failures, of.failure_ratio, of.slow_ratio(over=None), 0)  # type: ignore[arg-type]
        left, right = values[first] + values[second] * factor, limit
        left, right = (right, left) if turned else (left, right)
        return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[operator]  # type: ignore[operator]

    return ask


@st.composite
def conditions(draw: st.DrawFn) -> Asked:
    parts = draw(st.lists(comparisons(), min_size=1, max_size=3))
    both = draw(st.booleans())

    def ask(of: AnyService | Measured) -> object:
        made = parts[0](of)
        for part in parts[1:]:
            made = made & part(of) if both else made | part(of)  # type: ignore[operator]
        return made

    return ask


SHARES = st.fractions(0, 1, max_denominator=1000)
LEAST = Fraction(1, 300)


@given(conditions(), st.fractions(LEAST, 10**6), SHARES, SHARES)
@settings(max_examples=1500, deadline=None)
def test_what_is_said_to_hold_always_or_never_does(
    ask: Asked, requests: Fraction, failing: Fraction, slow: Fraction
) -> None:
    condition = ask(AnyService())
    any_traffic = truth(condition, Traffic(LEAST, healthy=False))  # type: ignore[arg-type]
    healthy = truth(condition, Traffic(LEAST, healthy=True))  # type: ignore[arg-type]
    held = ask(Measured(requests, requests * failing, slow))
    held_healthy = ask(Measured(requests, Fraction(0), Fraction(0)))
    assert any_traffic is Truth.DEPENDS or held is (any_traffic is Truth.ALWAYS)
    assert healthy is Truth.DEPENDS or held_healthy is (healthy is Truth.ALWAYS)


@pytest.mark.engines("promtool")
def test_alerts_with_two_limits_and_alerts_on_volume_alone_are_proved_by_unit_tests(
    tmp_path: Path, engine: Callable[[str], Path]
) -> None:
    promtool = PromtoolTests(program=engine("promtool"), version="3")
    asked = {
        "band": "(service.failure_ratio > 5 * percent) & (service.failure_ratio < 6 * percent)",
        "busy": "service.requests > 50",
        "lonely": "service.requests < 5",
    }
    house = small(tmp_path, alerts__some=HEAD + "\n\n".join(one(asked[name], name) for name in asked))
    house.run("build", "-o", "out", status=0)
    verdict = promtool.judge(tmp_path / "out", [f"prometheus/tests/{name}.yaml" for name in asked])
    assert len(verdict.cases) > 10
    assert verdict.complaints == ()
