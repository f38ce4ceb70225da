"""Traffic that a test works out by itself, played to the built rules by promtool."""

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from meshscope.artefacts import yaml
from meshscope.build.options import Options
from meshscope.build.rules.files import rule_files
from meshscope.model.model import Model
from meshscope.model.services import Service
from meshscope.model.slo import SLO
from meshscope.wiring.providers import provider
from tests.rules.conftest import boutique

Samples = Mapping[str, float]


@dataclass(frozen=True)
class Look:
    """At ``time``, ``expression`` has exactly these series, each with its value."""

    time: str
    expression: str
    found: Samples


def mesh_of(services: Iterable[Service]) -> Model:
    """A mesh of ``services`` and nothing else."""
    real = boutique()
    ordered = tuple(sorted(services, key=lambda service: service.identity))
    return replace(real, services=ordered, gateways=(), externals=(), calls=(), alerts=(), falco_rules=())


def service(name: str, *slos: SLO, cluster: str = "eu-1", **more: bool) -> Service:
    """A service in the namespace ``shop``."""
    return Service(name=name, namespace="shop", cluster=cluster, slos=slos, **more)


def counted(name: str, code: str, values: str, cluster: str = "eu-1") -> dict[str, str]:
    """Requests as the service's own sidecar reports them (nobody in the mesh calls it), in promtool's notation."""
    labels = (
        f'cluster="{cluster}",destination_service_namespace="shop",destination_service_name="{name}",'
        f'reporter="destination",response_code="{code}",response_flags="-",grpc_response_status=""'
    )
    return {"series": f"istio_requests_total{{{labels}}}", "values": values}


def fired(alerts: str, services: str, over: str) -> str:
    """1 for each service whose name matches and of which one of ``alerts`` fired in the last ``over``."""
    which = f'alertname=~"{alerts}",alertstate="firing",service=~"{services}"'
    return f"count by (service) (max_over_time(ALERTS{{{which}}}[{over}])) > bool 0"


def each(names: Iterable[str]) -> Samples:
    """What `fired` gives where each of ``names`` is told."""
    return {f'{{service="{name}"}}': 1.0 for name in names}


def play(
    promtool: Path,
    folder: Path,
    services: Iterable[Service],
    series: Iterable[Mapping[str, str]],
    looks: Iterable[Look],
    *,
    interval: str = "30s",
    every: str = "30s",
    more: tuple[str, ...] = (),
) -> None:
    """Let promtool evaluate the rules of a mesh of ``services`` over ``series``; fail where a look finds otherwise.

    ``more`` names rule files beside the constants and the SLOs' own.
    """
    istio, _ = provider("istio", None)
    assert istio is not None
    files = [
        file for file in rule_files(mesh_of(services), istio, Options()) if file.name in ("objectives", "slo", *more)
    ]
    groups = [group for file in files for group in file.groups]
    written = [
        {"name": group.name, "interval": group.interval, "rules": [rule.document() for rule in group.rules]}
        for group in groups
    ]
    (folder / "rules.yaml").write_text(yaml.dump({"groups": written}))
    told = [
        {
            "expr": look.expression,
            "eval_time": look.time,
            "exp_samples": [{"labels": labels, "value": value} for labels, value in look.found.items()],
        }
        for look in looks
    ]
    tests = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": every,
        "group_eval_order": [group.name for group in groups],
        "tests": [{"interval": interval, "input_series": list(series), "promql_expr_test": told}],
    }
    (folder / "tests.yaml").write_text(yaml.dump(tests))
    done = subprocess.run(
        [promtool, "test", "rules", folder / "tests.yaml"], capture_output=True, text=True, timeout=1800, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
