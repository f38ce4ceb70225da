"""All unit tests of one set of rules."""

from __future__ import annotations

from meshscope.artefacts.rules import RuleTest
from meshscope.build.proofs.alerts import alert_tests
from meshscope.build.proofs.burn import burn_tests
from meshscope.build.proofs.given_up import given_up_tests
from meshscope.build.proofs.outages import outage_tests
from meshscope.build.proofs.platform import platform_tests
from meshscope.build.proofs.synthetic import Bench
from meshscope.build.proofs.together import together_tests
from meshscope.build.proofs.traffic import traffic_tests
from meshscope.build.proofs.unattributed import unattributed_tests
from meshscope.build.rules.tuning import tuned_tests


def every_test(bench: Bench) -> tuple[RuleTest, ...]:
    """The test files of everything that can be proved."""
    services = (burn_tests, outage_tests, given_up_tests, traffic_tests, unattributed_tests, together_tests)
    every = (*services, platform_tests, alert_tests)
    return tuned_tests((test for tests in every for test in tests(bench)), bench.real.mesh)
