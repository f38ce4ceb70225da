"""The feedback agent as something that is watched: whether a mesh has one, and where its own numbers are."""

from __future__ import annotations

from dataclasses import dataclass

from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.modes import Mode

# Every alert about the agent itself begins with this. Such an alert is for people: the agent is not sent it, and
# never acts on it.
OWN_ALERTS = "MeshscopeAgent"
JOB = "agent"
# Why the agent does not take an alert though its sender did nothing wrong.
OWN_FAULTS = ("fault", "full", "ledger", "slow")


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where Prometheus asks the agent: ``https`` or ``http``, host and port, and the path of its numbers."""

    scheme: str
    target: str
    path: str


def has_agent(model: Model) -> bool:
    """Whether somebody counts on an agent: the mesh says where it is, or lets it do more to a service than observe."""
    mesh = model.mesh
    opted_in = any(service.mode not in (None, Mode.OBSERVE) for service in model.services)
    return bool(mesh.agent) and (opted_in or mesh.agent != Mesh.agent)


def endpoint(mesh: Mesh) -> Endpoint:
    """Where the agent of ``mesh`` shows its numbers: at the address to which alerts are sent."""
    scheme, _, rest = mesh.agent.rpartition("://")
    target, _, path = rest.partition("/")
    prefix = path.strip("/")
    return Endpoint(scheme=scheme or "http", target=target, path=f"/{prefix}/metrics" if prefix else "/metrics")
