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
    """Half of a service's requests are given up by their callers."""
    ERROR_BUDGET_BURN = "ErrorBudgetBurn"
    """An SLO's error budget is spent too fast."""
    ERROR_BUDGET_SPENT = "ErrorBudgetSpent"
    """An SLO's error budget is spent."""
    INDICATOR_ABSENT = "IndicatorAbsent"
    """An SLO has no indicator."""
    NOTHING_SUCCEEDS = "NothingSucceeds"
    """With little traffic, nothing succeeds."""
    OUTAGE = "Outage"
    """Nearly all requests are bad."""
    TRAFFIC_GONE = "TrafficGone"
    """A service gets no traffic any more."""
    UNATTRIBUTED_FAILURES = "UnattributedFailures"
    """A caller fails, and nobody knows whom it called."""
    MANY_SERVICES_FAILING = "ManyServicesFailing"
    """Many services of an owner, or of a cluster, page at once."""
    MESH_TRAFFIC_GONE = "MeshTrafficGone"
    """Much of a cluster gets no traffic any more."""
    PAGE_LEFT_OPEN = "PageLeftOpen"
    """A page ended unseen, and is still open at the pager."""

    ALERTING_FAILING = "AlertingFailing"
    """People may not be told."""
    COLLECTOR_ABSENT = "CollectorAbsent"
    """No collector of a tier answers."""
    COLLECTOR_LOSING = "CollectorLosing"
    """Collectors refuse telemetry, fail to pass it on, or drop traces undecided."""
    COLLECTOR_QUEUE_FULL = "CollectorQueueFull"
    """A collector's queue is nearly full."""
    GATEWAY_TELEMETRY_ABSENT = "GatewayTelemetryAbsent"
    """Nothing is known of a gateway."""
    MESH_TELEMETRY_ABSENT = "MeshTelemetryAbsent"
    """Much of the mesh reports nothing."""
    MESHSCOPE_AGENT_FAILING = "MeshscopeAgentFailing"
    """The agent can't do all of its work."""
    MESHSCOPE_AGENT_SILENT = "MeshscopeAgentSilent"
    """The agent does not work."""
    RELOAD_FAILED = "ReloadFailed"
    """A program refuses its newest configuration."""
    RULE_EVALUATION_MISSED = "RuleEvaluationMissed"
    """Rules are late."""
    SCRAPE_FAILING = "ScrapeFailing"
    """Targets don't answer, or what they answer is not taken."""
    WATCHDOG = "Watchdog"
    """Always fires, for the dead-man's switch."""


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
