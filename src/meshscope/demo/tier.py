"""Which tier of collectors runs on this machine as it was built, and what its environment must say for that."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from meshscope.artefacts.documents import CollectorConfig
from meshscope.build.collectors.site import HTTP_PORT
from meshscope.demo.local import TOKEN, Ports
from meshscope.model.model import Model
from meshscope.model.pipelines import Pipeline, Tier
from meshscope.model.pipelines_access import Env
from meshscope.model.pipelines_receive import Otlp
from meshscope.model.pipelines_send import STORES, ToPrometheus


def chosen(model: Model) -> Pipeline | None:
    """The first gateway tier that needs nothing which only a cluster has; None where there is none."""
    return next((tier for tier in model.pipelines if not unfit(tier)), None)


def unfit(pipeline: Pipeline) -> str:
    """Why a tier can't run here as it was built; empty where it can."""
    if pipeline.tier is not Tier.GATEWAY:
        return "it needs Kubernetes"
    if any(isinstance(receiver, Otlp) and receiver.tls is not None for receiver in pipeline.receive):
        return "it needs certificates"
    for destination in pipeline.send:
        if not isinstance(destination, STORES):
            return "it sends to another tier"
        if destination.tls is not None:
            return "it needs certificates"
        # An address in the definition is somebody's real store.
        if not isinstance(destination.endpoint, Env):
            return f"it sends to {destination.endpoint}"
    return ""


def surroundings(tier: Pipeline, config: CollectorConfig, listening: Ports, folder: Path) -> Mapping[str, str]:
    """The environment of the collector of ``tier``: its own address, its folders, and stores on this machine."""
    found = dict.fromkeys(config.environment, TOKEN)
    for destination in tier.send:
        if isinstance(destination, STORES) and isinstance(destination.endpoint, Env):
            to_prometheus = isinstance(destination, ToPrometheus)
            url = listening.url(listening.prometheus if to_prometheus else listening.store)
            found[destination.endpoint.name] = f"{url}/api/v1/otlp" if to_prometheus else url
    return {
        **found,
        "MY_POD_IP": listening.collector,
        "STORAGE_DIRECTORY": str(folder / "queues"),
        "SECRETS_DIRECTORY": str(folder / "secrets"),
    }


def otlp_endpoint(tier: Pipeline | None, listening: Ports) -> str:
    """Where services send their telemetry; empty where nobody takes it."""
    takes = tier is not None and any(isinstance(receiver, Otlp) for receiver in tier.receive)
    return f"http://{listening.collector}:{HTTP_PORT}" if takes else ""
