"""The alerts that come with every mesh, and how one is turned off or retuned, for the mesh or for one service."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from meshscope.model.alerting import Severity
from meshscope.model.units import Duration


class LibraryAlert(StrEnum):
    """Every alert that nobody has to write; those of services first, then those about the observability itself.

    Example::

        Service(name="ledger", namespace="shop", alerts={LibraryAlert.CALLERS_GIVE_UP: OFF})
    """

    CALLERS_GIVE_UP = "CallersGiveUp"
    ERROR_BUDGET_BURN = "ErrorBudgetBurn"
    ERROR_BUDGET_SPENT = "ErrorBudgetSpent"
    INDICATOR_ABSENT = "IndicatorAbsent"
    NOTHING_SUCCEEDS = "NothingSucceeds"
    OUTAGE = "Outage"
    TRAFFIC_GONE = "TrafficGone"
    UNATTRIBUTED_FAILURES = "UnattributedFailures"
    MANY_SERVICES_FAILING = "ManyServicesFailing"
    MESH_TRAFFIC_GONE = "MeshTrafficGone"
    PAGE_LEFT_OPEN = "PageLeftOpen"

    ALERTING_FAILING = "AlertingFailing"
    COLLECTOR_ABSENT = "CollectorAbsent"
    COLLECTOR_LOSING = "CollectorLosing"
    COLLECTOR_QUEUE_FULL = "CollectorQueueFull"
    COLLECTOR_REFUSING = "CollectorRefusing"
    GATEWAY_TELEMETRY_ABSENT = "GatewayTelemetryAbsent"
    MESH_TELEMETRY_ABSENT = "MeshTelemetryAbsent"
    MESHSCOPE_AGENT_FAILING = "MeshscopeAgentFailing"
    MESHSCOPE_AGENT_SILENT = "MeshscopeAgentSilent"
    RELOAD_FAILED = "ReloadFailed"
    RULE_EVALUATION_MISSED = "RuleEvaluationMissed"
    SCRAPE_FAILING = "ScrapeFailing"
    SCRAPE_REFUSED = "ScrapeRefused"
    TRACES_DROPPED_EARLY = "TracesDroppedEarly"
    WATCHDOG = "Watchdog"


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """How a library alert differs from what it is: how loud it is, and for how long its condition must hold first.

    What is not said stays. ``off`` leaves it out.

    Example::

        Mesh(name="boutique", provider="istio", alerts={LibraryAlert.TRAFFIC_GONE: Tuned(severity=Severity.TICKET)})
    """

    severity: Severity | None = None
    """How loud it is; not given, as it was."""
    pending: Duration | None = None
    """How long its condition must hold first; not given, as it was."""
    off: bool = False
    """Leaves it out."""


OFF = Tuned(off=True)
