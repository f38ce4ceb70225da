"""Everything that is built from one model, before it becomes files or objects of an operator."""

from __future__ import annotations

from dataclasses import dataclass

from meshscope.artefacts.documents import AlertmanagerConfig, CollectorConfig, GrafanaDashboard, PrometheusConfig
from meshscope.artefacts.rules import RuleFile, RuleTest


@dataclass(frozen=True, kw_only=True)
class Artefacts:
    """What other programs are given to read; the order within each kind is the order in which it is written."""

    rules: tuple[RuleFile, ...]
    tests: tuple[RuleTest, ...]
    prometheus: PrometheusConfig
    alertmanager: AlertmanagerConfig
    collectors: tuple[CollectorConfig, ...] = ()
    dashboards: tuple[GrafanaDashboard, ...] = ()
