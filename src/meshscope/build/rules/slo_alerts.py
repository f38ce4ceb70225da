"""The alerts about every SLO: its budget burns or is spent, its service is out, its indicator is absent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from meshscope.artefacts.rules import Rule
from meshscope.build.boards import board_uid
from meshscope.build.options import Options
from meshscope.build.rules.absence import absence_expression
from meshscope.build.rules.annotations import (
    Template,
    absent_annotations,
    burn_annotations,
    nothing_succeeds_annotations,
    outage_annotations,
    spent_annotations,
)
from meshscope.build.rules.burn import BURNS, burn_condition, of_services
from meshscope.build.rules.outages import SINCE_GOOD, outage_condition, spent_condition
from meshscope.build.rules.paging import ERROR_BUDGET_BURN, NOTHING_SUCCEEDS, OUTAGE
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.units import minutes

ERROR_BUDGET_SPENT = "ErrorBudgetSpent"
INDICATOR_ABSENT = "IndicatorAbsent"
SYMPTOM = {"kind": "symptom"}
KEEP = {True: 5 * minutes, False: 15 * minutes}


def page_alerts(mesh: Mesh, options: Options) -> Iterable[Rule]:
    """Those that wake somebody, in the group of what they read."""
    yield _burn_alert(True, mesh, options)
    board, voice = board_uid(mesh, "slo"), Template()
    yield _alert(OUTAGE, outage_condition(options), True, outage_annotations(voice, mesh, board), mesh, options)
    quiet = nothing_succeeds_annotations(voice, mesh, board)
    yield _alert(NOTHING_SUCCEEDS, SINCE_GOOD, True, quiet, mesh, options)


def ticket_alerts(model: Model, options: Options) -> Iterable[Rule]:
    """Those that can wait for the morning."""
    mesh = model.mesh
    if mesh.severities.wakes:
        yield _burn_alert(False, mesh, options)
    if model.periods:
        spent = spent_annotations(Template(), mesh, board_uid(mesh, "slo"))
        yield _alert(ERROR_BUDGET_SPENT, spent_condition(model, options), False, spent, mesh, options)


def absence_alert(mesh: Mesh, options: Options) -> Rule:
    """Indicators of which nothing is known, and why."""
    return Rule(
        alert=INDICATOR_ABSENT,
        expr=absence_expression(),
        pending=options.duration(15 * minutes),
        labels={"severity": mesh.severities.ticket},
        annotations=absent_annotations(Template(), mesh, board_uid(mesh, "service")),
        origin=mesh.place,
    )


def _burn_alert(pages: bool, mesh: Mesh, options: Options) -> Rule:
    # Where nothing wakes anybody pages and tickets would be two rules of one name and one severity.
    burns = [burn for burn in BURNS if burn.pages is pages or not mesh.severities.wakes]
    said = burn_annotations(Template(), mesh, board_uid(mesh, "slo"))
    return _alert(ERROR_BUDGET_BURN, burn_condition(burns, options), pages, said, mesh, options)


def _alert(name: str, condition: str, pages: bool, said: Mapping[str, str], mesh: Mesh, options: Options) -> Rule:
    words = mesh.severities
    return Rule(
        alert=name,
        expr=of_services(condition),
        keep_firing_for=options.duration(KEEP[pages]),
        labels={"severity": words.page if pages else words.ticket, **SYMPTOM},
        annotations=dict(said),
        origin=mesh.place,
    )
