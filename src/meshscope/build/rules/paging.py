"""The alerts that wake somebody about a service, and how other rules read them back."""

from __future__ import annotations

from meshscope.build.ours import our_labels
from meshscope.build.promql import one_of, quoted, selector
from meshscope.model.mesh import Mesh

ERROR_BUDGET_BURN = "ErrorBudgetBurn"
OUTAGE = "Outage"
NOTHING_SUCCEEDS = "NothingSucceeds"
CALLERS_GIVE_UP = "CallersGiveUp"
SERVICE_PAGES = (ERROR_BUDGET_BURN, OUTAGE, NOTHING_SUCCEEDS, CALLERS_GIVE_UP)


def service_pages(mesh: Mesh, *matchers: str) -> str:
    """The pages about services that fire now: series of ``ALERTS``, narrowed by ``matchers``.

    The severity tells a burn rate's pages from its tickets, which have the same name.
    """
    return _of_pages("ALERTS", mesh, 'alertstate="firing"', *matchers)


def pages_since(mesh: Mesh, *matchers: str) -> str:
    """Since when each page about a service holds, in seconds since 1970: series of ``ALERTS_FOR_STATE``."""
    return _of_pages("ALERTS_FOR_STATE", mesh, *matchers)


def _of_pages(metric: str, mesh: Mesh, *matchers: str) -> str:
    """``metric`` of the pages about services."""
    ours = (f"{name}={quoted(value)}" for name, value in our_labels(mesh).items())
    severity = f"severity={quoted(mesh.severities.page)}"
    return selector(metric, one_of("alertname", SERVICE_PAGES), severity, *ours, *matchers)
