"""What was built, in a few lines that a newcomer understands."""

from __future__ import annotations

from meshscope.artefacts.artefacts import Artefacts
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
        _count(len(model.services), "service"),
        _count(len(model.calls), "call"),
        _count(sum(1 for _ in model.slos), "SLO"),
        _count(len(model.owners), "owner"),
    )
    made = (
        f"{_count(len(querying), 'querying rule')} ({len(querying)} at 10,000 services too)",
        _count(len(alerts), "alert"),
        _count(tests, "unit test"),
        _count(len(artefacts.dashboards), "dashboard"),
        _count(len(artefacts.collectors), "collector tier"),
    )
    return (f"{model.mesh.name}{where}: {', '.join(defined)}", f"-> {', '.join(made)}")


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
