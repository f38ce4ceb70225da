"""Whole configuration documents: what Prometheus, Alertmanager, a collector tier and Grafana read.

A document is plain data (mappings, sequences, scalars) in the order in which a person should read it; `yaml.dump` and
`canonical_json` give its bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from meshscope.findings import Place


@dataclass(frozen=True, kw_only=True)
class PrometheusConfig:
    """prometheus.yaml."""

    document: Mapping[str, object]
    origin: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class AlertmanagerConfig:
    """alertmanager.yaml; ``templates`` are its messages by file name, ``origins`` the owners that it tells."""

    document: Mapping[str, object]
    templates: Mapping[str, str] = field(default_factory=dict)
    origins: tuple[Place, ...] = field(default=(), compare=False)


@dataclass(frozen=True, kw_only=True)
class CollectorConfig:
    """One tier of collectors: ``mode`` is how Kubernetes runs it (daemonset, deployment or statefulset).

    ``about`` is the comment on top; ``environment`` says what each variable means that the document reads,
    ``host_folders`` which folders of its node a collector must see (here, there), read only.
    """

    name: str
    mode: str
    document: Mapping[str, object]
    replicas: int = 1
    about: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    host_folders: Mapping[str, str] = field(default_factory=dict)
    origin: Place | None = field(default=None, compare=False)


@dataclass(frozen=True, kw_only=True)
class GrafanaDashboard:
    """One dashboard in Grafana's current schema; ``name`` is its file's name, ``uid`` stands in links."""

    name: str
    uid: str
    document: Mapping[str, object]
    origin: Place | None = field(default=None, compare=False)


def canonical_json(document: object) -> str:
    """``document`` as indented JSON in the order of its keys, ending in a newline."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"
