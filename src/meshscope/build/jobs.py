"""The scrape jobs that are ours, as the label `job` of their series says: what is told of scrapes is told of these."""

from __future__ import annotations

from meshscope.build import agent
from meshscope.build.options import Emit, Options
from meshscope.build.prometheus import ALERTMANAGER, COLLECTORS, PROMETHEUS, PROXIES
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model


def job(name: str, mesh: Mesh, options: Options) -> str:
    """What the label `job` says of the job ``name``: itself, or under an operator namespace and name of its monitor.

    prometheus-operator sets the label to `<namespace>/<name>` of a PodMonitor without jobLabel (0.85,
    pkg/prometheus/promcfg.go, generatePodMonitorConfig).
    """
    return name if options.emit is Emit.FILES else f"{mesh.monitoring_namespace}/{mesh.name}-{name}"


def jobs(model: Model, options: Options) -> tuple[str, ...]:
    """Every job of ours. Prometheus's and Alertmanager's own are, but where an operator or a stack scrapes them."""
    mesh = model.mesh
    found = [job(PROXIES, mesh, options), job(COLLECTORS, mesh, options)]
    if options.emit is Emit.FILES and not mesh.stack:
        found += [PROMETHEUS, ALERTMANAGER]
    if agent.has_agent(model):
        # A ScrapeConfig's jobName is the label as it stands.
        found.append(agent.JOB)
    return tuple(found)
