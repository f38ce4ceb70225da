"""The generated unit tests pass on real promtool, for each provider, environment and scale."""

from dataclasses import replace

import pytest

from meshscope.model.mesh import SeverityWords
from tests.rules.conftest import boutique, proof

pytestmark = pytest.mark.engines("promtool")


# In pairs, since each is a minute of promtool and none of the three decides what another does.
@pytest.mark.parametrize(
    ("provider", "environment", "scale"),
    [("istio", None, "1"), ("opentelemetry", "staging", "1"), ("istio", "staging", "1/20")],
)
def test_every_generated_test_passes(promtool, provider, environment, scale):
    done = promtool(proof(boutique(environment), provider, scale), "*.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_mesh_that_promises_nothing_passes_what_is_generated_for_it(promtool):
    model = boutique()
    made = proof(replace(model, services=tuple(replace(service, slos=()) for service in model.services)))
    done = promtool(made, "error_budget_*.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_stack_with_other_severity_words_gets_them_everywhere(promtool):
    model = boutique()
    mesh = replace(model.mesh, severities=SeverityWords(page="critical", ticket="warning"))
    made = proof(replace(model, mesh=mesh))
    assert 'severity: "page"' not in "".join(made.files.values())
    assert promtool(made, "lone*.yaml").returncode == 0
