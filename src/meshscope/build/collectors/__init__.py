"""Collector tiers: the configuration of each, and what is wrong between them."""

from __future__ import annotations

from meshscope.artefacts.documents import CollectorConfig
from meshscope.build.collectors.about import about, environment, host_folders
from meshscope.build.collectors.chains import collector_findings
from meshscope.build.collectors.site import Site
from meshscope.build.collectors.tier import document
from meshscope.build.options import Options
from meshscope.model.model import Model
from meshscope.model.pipelines import Pipeline, Tier
from meshscope.model.provider import MeshProvider

__all__ = ["collector_findings", "collectors"]


def collectors(model: Model, provider: MeshProvider, options: Options) -> tuple[CollectorConfig, ...]:
    """The configuration of every tier, in the order of their names."""
    return tuple(_config(Site(pipeline=pipeline, model=model, provider=provider, options=options))
                 for pipeline in model.pipelines)  # fmt: skip


def _config(site: Site) -> CollectorConfig:
    pipeline = site.pipeline
    made = document(site)
    return CollectorConfig(
        name=pipeline.name,
        mode=_mode(pipeline),
        document=made,
        replicas=pipeline.replicas,
        about=about(site, made),
        environment=environment(site, made),
        host_folders=host_folders(site),
        origin=pipeline.place,
    )


def _mode(pipeline: Pipeline) -> str:
    # Every gateway has a disk of its own, whose queue it finds again after a restart.
    return "daemonset" if pipeline.tier is Tier.NODE else "statefulset"
