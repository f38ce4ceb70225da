"""All unit tests of one set of rules."""

from __future__ import annotations

from meshscope.artefacts.rules import RuleTest
from meshscope.build.proofs.alerts import alert_tests
from meshscope.build.proofs.burn import burn_tests
from meshscope.build.proofs.given_up import given_up_tests
from meshscope.build.proofs.platform import platform_tests
from meshscope.build.proofs.synthetic import Bench
from meshscope.build.proofs.traffic import traffic_tests
from meshscope.build.proofs.unattributed import unattributed_tests
from meshscope.findings import Finding


def every_test(bench: Bench) -> tuple[tuple[RuleTest, ...], list[Finding]]:
    """The test files, and the alerts that can't be proved."""
    told, findings = alert_tests(bench)
    library = (burn_tests, given_up_tests, traffic_tests, unattributed_tests, platform_tests)
    return (*(test for tests in library for test in tests(bench)), *told), findings
