"""The words of definition files: everything that a person needs to describe a mesh, and nothing else."""

from meshscope.model import panels, queries
from meshscope.model.alerting import Alert, Severity, Where, alert
from meshscope.model.allowing import Allow
from meshscope.model.boards import dashboard
from meshscope.model.grafana import DataSource
from meshscope.model.library import OFF, LibraryAlert, Tuned
from meshscope.model.mesh import Environment, Mesh, SeverityWords
from meshscope.model.modes import Mode
from meshscope.model.people import Contacts, Hours, Owner
from meshscope.model.pipelines import Pipeline, Tier, pipeline
from meshscope.model.pipelines_access import BasicAuth, BearerToken, ClientTls, Env, SecretFile, ServerTls
from meshscope.model.pipelines_receive import FileLogs, HostMetrics, KubeletStats, Listen, Otlp
from meshscope.model.pipelines_send import Queue, ToLogStore, ToPrometheus, ToTier, ToTraceStore
from meshscope.model.pipelines_steps import KubernetesAttributes, OwnerAttributes, Redact, SpanMetrics, TailSampling
from meshscope.model.responses import kill_instance, open_issue, quarantine, run_command, webhook
from meshscope.model.security import FalcoRule
from meshscope.model.services import Calls, DataPlane, Direction, External, Gateway, Service
from meshscope.model.signals import AnyInstance, AnyService, Condition
from meshscope.model.slo import SLO, Availability, Latency, Side
from meshscope.model.units import days, hours, minutes, ms, per_minute, per_second, percent, seconds
from meshscope.model.versions import Versions

__all__ = [
    "OFF",
    "SLO",
    "Alert",
    "Allow",
    "AnyInstance",
    "AnyService",
    "Availability",
    "BasicAuth",
    "BearerToken",
    "Calls",
    "ClientTls",
    "Condition",
    "Contacts",
    "DataPlane",
    "DataSource",
    "Direction",
    "Env",
    "Environment",
    "External",
    "FalcoRule",
    "FileLogs",
    "Gateway",
    "HostMetrics",
    "Hours",
    "KubeletStats",
    "KubernetesAttributes",
    "Latency",
    "LibraryAlert",
    "Listen",
    "Mesh",
    "Mode",
    "Otlp",
    "Owner",
    "OwnerAttributes",
    "Pipeline",
    "Queue",
    "Redact",
    "SecretFile",
    "ServerTls",
    "Service",
    "Severity",
    "SeverityWords",
    "Side",
    "SpanMetrics",
    "TailSampling",
    "Tier",
    "ToLogStore",
    "ToPrometheus",
    "ToTier",
    "ToTraceStore",
    "Tuned",
    "Versions",
    "Where",
    "alert",
    "dashboard",
    "days",
    "hours",
    "kill_instance",
    "minutes",
    "ms",
    "open_issue",
    "panels",
    "per_minute",
    "per_second",
    "percent",
    "pipeline",
    "quarantine",
    "queries",
    "run_command",
    "seconds",
    "webhook",
]
