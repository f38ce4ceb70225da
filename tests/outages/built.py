"""What the real command makes of a house, read as its users' programs read it: rules, scrapes and routes, no more."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.houses import House as Folder
from tests.outages.rows import Row

REFERENCE = Path(__file__).resolve().parents[2]
_PERIOD = """from meshscope import days

period = {} * days
"""
# Where one Prometheus has the series of every cluster.
ALL_CLUSTERS = "*"
# prometheus-operator's names for what Alertmanager calls otherwise (v1alpha1, pkg/alertmanager/amcfg.go).
_OPERATOR = {"sourceMatch": "source_matchers", "targetMatch": "target_matchers"}


@dataclass(frozen=True)
class Variant:
    """One way in which a house is built."""

    house: str
    provider: str
    period: int
    emit: str
    environment: str
    cluster: str

    @classmethod
    def of(cls, row: Row) -> Variant:
        """The one that a row asks for."""
        return cls(row.house.name, row.provider, row.period, row.emit, row.environment, row.cluster)

    def __str__(self) -> str:
        more = [part.replace(ALL_CLUSTERS, "all") for part in (self.environment, self.cluster) if part]
        return "-".join([self.house, self.provider, f"{self.period}d", self.emit, *more])


@dataclass(frozen=True, kw_only=True)
class Built:
    """A built house: its rule groups, how proxies are scraped, Alertmanager's configuration, what was said of it."""

    variant: Variant
    root: Path
    groups: tuple[dict[str, Any], ...]
    proxy_labels: Mapping[str, str]
    kept_metrics: str
    external_labels: Mapping[str, str]
    dropped_labels: str
    alertmanager: dict[str, Any]
    said: str


def build(variant: Variant, source: Path, folder: Path) -> Built:
    """Copy the house from ``source``, with the row's provider and period, and run ``meshscope build``."""
    root = folder / str(variant)
    shutil.copytree(source, root, ignore=shutil.ignore_patterns("healthy.toml", "__pycache__"))
    (root / "period.py").write_text(_PERIOD.format(variant.period), encoding="utf-8")
    house = Folder(root)
    if variant.provider != "istio":
        mesh = (root / "mesh.py").read_text(encoding="utf-8")
        (root / "mesh.py").write_text(mesh.replace('provider="istio"', f'provider="{variant.provider}"'))
    where = [*(["--env", variant.environment] if variant.environment else [])]
    only = ["--cluster", variant.cluster] if variant.cluster else []
    only = ["--global"] if variant.cluster == ALL_CLUSTERS else only
    made = house.run("build", "-o", str(root / "out"), "--emit", variant.emit, *where, *only)
    assert made.returncode == 0, f"{variant} does not build:\n{made.stdout}{made.stderr}"
    reader = _from_objects if variant.emit == "operator" else _from_files
    return Built(variant=variant, root=root, said=made.stdout + made.stderr, **reader(root / "out"))


def checked(built: Built) -> str:
    """What ``meshscope check`` says of the house."""
    done = Folder(built.root).run("check", *(["--env", built.variant.environment] if built.variant.environment else []))
    return done.stdout + done.stderr


def _from_files(tree: Path) -> dict[str, Any]:
    prometheus = _load(tree / "prometheus" / "prometheus.yaml")
    proxies = next((job for job in prometheus["scrape_configs"] if job.get("metrics_path") == "/stats/prometheus"), {})
    fixed = _replaced(proxies.get("relabel_configs", ()), "target_label")
    drops = [rule["regex"] for rule in prometheus["alerting"].get("alert_relabel_configs", ())]
    return {
        "groups": _groups(_load(path) for path in sorted((tree / "prometheus" / "rules").glob("*.yaml"))),
        "proxy_labels": {"job": proxies.get("job_name", ""), **fixed},
        "kept_metrics": _kept(proxies.get("metric_relabel_configs", ()), "source_labels"),
        "external_labels": prometheus["global"].get("external_labels", {}),
        "dropped_labels": "|".join(drops),
        "alertmanager": _load(tree / "alertmanager" / "alertmanager.yaml"),
    }


def _from_objects(tree: Path) -> dict[str, Any]:
    rules = [_load(path)["spec"] for path in sorted((tree / "objects" / "rules").glob("*.yaml"))]
    monitors = [_load(path) for path in sorted((tree / "objects" / "monitors").glob("*.yaml"))]
    endpoints = [
        (monitor, endpoint)
        for monitor in monitors
        for endpoint in monitor["spec"].get("podMetricsEndpoints", ())
        if endpoint.get("path") == "/stats/prometheus"
    ]
    labels: dict[str, str] = {}
    kept = ""
    for monitor, endpoint in endpoints[:1]:
        meta = monitor["metadata"]
        # What the operator adds to every target of a PodMonitor (pkg/prometheus/promcfg.go, v0.93).
        labels = {
            "job": f"{meta['namespace']}/{meta['name']}",
            "container": "istio-proxy",
            "endpoint": endpoint["port"],
        }
        labels |= _replaced(endpoint.get("relabelings", ()), "targetLabel")
        kept = _kept(endpoint.get("metricRelabelings", ()), "sourceLabels")
    return {
        "groups": _groups(rules),
        "proxy_labels": labels,
        "kept_metrics": kept,
        "external_labels": {},
        "dropped_labels": "",
        "alertmanager": _merged(_load(tree / "alertmanager" / "alertmanagerconfig.yaml")),
    }


def _load(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _groups(files: Any) -> tuple[dict[str, Any], ...]:
    """Every group, those first of which the others read most: constants, and then what is counted."""
    groups = [group for file in files for group in file["groups"]]

    def order(group: Mapping[str, Any]) -> tuple[bool, int]:
        others = " ".join(str(rule["expr"]) for other in groups if other is not group for rule in other["rules"])
        return not constant(group), -sum(recorded in others for recorded in _recorded(group))

    return tuple(sorted(groups, key=order))


def _recorded(group: Mapping[str, Any]) -> set[str]:
    return {rule["record"] for rule in group["rules"] if "record" in rule}


def constant(group: Mapping[str, Any]) -> bool:
    """Whether all that a group does is to write constants."""
    return all(str(rule["expr"]).strip().startswith("vector(") and "record" in rule for rule in group["rules"])


def _replaced(relabels: Any, target: str) -> dict[str, str]:
    """Labels that every target gets alike."""
    return {
        rule[target]: rule["replacement"]
        for rule in relabels
        if "replacement" in rule
        and "$" not in rule["replacement"]
        and not rule.get("sourceLabels", rule.get("source_labels"))
    }


def _kept(relabels: Any, sources: str) -> str:
    return next(
        (rule["regex"] for rule in relabels if rule["action"] == "keep" and rule[sources] == ["__name__"]), ".*"
    )


def _merged(config: Mapping[str, Any]) -> dict[str, Any]:
    """An AlertmanagerConfig as the operator puts it below its own route, as the built README asks it to be run."""
    spec = _plain(config["spec"])
    route = {**spec["route"], "continue": True}
    return {
        "route": {"receiver": "null", "routes": [route]},
        "receivers": [{"name": "null"}, *spec["receivers"]],
        "inhibit_rules": spec.get("inhibit_rules", []),
        "time_intervals": spec.get("mute_time_intervals", []),
    }


def _plain(value: Any) -> Any:
    """The operator's way of writing in Alertmanager's own."""
    if isinstance(value, dict):
        if value.keys() == {"name", "matchType", "value"}:
            return f'{value["name"]}{value["matchType"]}"{value["value"]}"'
        return {_OPERATOR.get(key, _snake(key)): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list) else value


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda found: f"_{found[1].lower()}", key)
