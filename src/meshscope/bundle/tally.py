"""What was built, in a few lines that a newcomer understands."""

from __future__ import annotations

from meshscope.artefacts.artefacts import Artefacts
from meshscope.findings import counted
from meshscope.model.model import Model


def tally(model: Model, artefacts: Artefacts) -> tuple[str, ...]:
    """How much was defined, and what it became."""
    rules = [rule for file in artefacts.rules for group in file.groups if not group.static for rule in group.rules]
    # The watchdog is a constant: it asks nothing.
    querying = [rule for rule in rules if not rule.expr.startswith("vector(")]
    alerts = {rule.alert for rule in rules if rule.alert}
    tests = sum(len(tests) for test in artefacts.tests if isinstance(tests := test.document.get("tests"), list | tuple))
    where = f" in {model.environment}" if model.environment else ""
    defined = (
        counted(len(model.services), "service"),
        counted(len(model.calls), "call"),
        counted(sum(1 for _ in model.slos), "SLO"),
        counted(len(model.owners), "owner"),
    )
    made = (
        f"{counted(len(querying), 'querying rule')} ({len(querying)} at 10,000 services too)",
        counted(len(alerts), "alert"),
        counted(tests, "unit test"),
        counted(len(artefacts.dashboards), "dashboard"),
        counted(len(artefacts.collectors), "collector tier"),
    )
    return (f"{model.mesh.name}{where}: {', '.join(defined)}", f"-> {', '.join(made)}")
