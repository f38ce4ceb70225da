"""Whole configuration documents: what Prometheus, Alertmanager, a collector tier and Grafana read.

A document is plain data (mappings, sequences, scalars) in the order in which a person should read it; `yaml.dump` and
`canonical_json` give its bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from meshscope.findings import Place

_HALF = re.compile("[\ud800-\udfff]")


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
    """One dashboard; ``name`` is its file's name, ``uid`` stands in links (empty: Grafana chooses one).

    ``folder`` is the folder of Grafana's in which it is shown, empty for the mesh's own. ``carried`` ones are as
    somebody else wrote them, in whatever schema that was; all others are in Grafana's current one.
    """

    name: str
    uid: str
    document: Mapping[str, object]
    folder: str = ""
    carried: bool = False
    origin: Place | None = field(default=None, compare=False)


def canonical_json(document: object) -> str:
    """``document`` as indented JSON in the order of its keys, ending in a newline."""
    text = json.dumps(document, ensure_ascii=False, indent=2) + "\n"
    # Half a pair of surrogates is JSON, and no UTF-8.
    return json.dumps(document, indent=2) + "\n" if _HALF.search(text) else text
