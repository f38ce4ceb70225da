"""A mesh of a few services, and what its proxies report, written out; promtool plays it to the rules.

What a proxy reports stands here as it is scraped: no series comes from the code that writes the rules.
"""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from meshscope.artefacts import yaml
from meshscope.build.options import Options
from meshscope.build.rules.files import rule_files
from meshscope.model.model import Model
from meshscope.model.people import Owner
from meshscope.model.services import DataPlane, Direction, Gateway, Service
from meshscope.model.slo import SLO, Availability, Latency
from meshscope.model.units import days, ms, percent
from meshscope.wiring.providers import provider
from tests.rules.conftest import boutique

OWNER = Owner(name="web", issues="github:web/web")
AVAILABLE = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
FAST = SLO(name="latency", of=Latency(under=250 * ms), objective=99 * percent, over=30 * days)
WAYPOINT = DataPlane.WAYPOINT
INGRESS = Gateway(name="istio-ingressgateway", namespace="istio-system", direction=Direction.INGRESS)


def service(name: str, *slos: SLO, **more: object) -> Service:
    """A service of namespace ``web`` in cluster ``c1``, with an availability where no SLO is given."""
    return Service(name=name, namespace="web", cluster="c1", owner=OWNER, slos=slos or (AVAILABLE,), **more)  # type: ignore[arg-type]


def mesh(*services: Service) -> Model:
    """A mesh in which ``front`` and the gateway call every one of ``services``."""
    front, gateway = service("front"), replace(INGRESS, cluster="c1")
    everyone = (front, *services)
    calls = [(caller.identity, one.identity) for caller in (gateway, front) for one in everyone if one is not caller]
    return replace(
        boutique(),
        services=tuple(sorted(everyone, key=lambda one: one.identity)),
        gateways=(gateway,),
        externals=(),
        calls=tuple(sorted(calls)),
        alerts=(),
        foreign=(),
    )


def reported(values: str, metric: str = "istio_requests_total", **labels: str) -> dict[str, str]:
    """What the sidecar of ``front`` reports of requests that are answered with 200, but for ``labels``."""
    every = {
        "reporter": "source",
        "cluster": "c1",
        "job": "mesh-proxies",
        "instance": "10.0.0.1:15090",
        "namespace": "web",
        "pod": "front-1",
        "source_workload": "front",
        "source_canonical_service": "front",
        "source_workload_namespace": "web",
        "destination_service_namespace": "web",
        "response_code": "200",
        "response_flags": "-",
        "grpc_response_status": "",
        **labels,
    }
    return {
        "series": metric + "{" + ",".join(f'{name}="{text}"' for name, text in every.items()) + "}",
        "values": values,
    }


def to(name: str, values: str, metric: str = "istio_requests_total", **labels: str) -> dict[str, str]:
    """The same of requests to service ``name``, which the proxy knows."""
    whose = {"destination_service": f"{name}.web.svc.cluster.local", "destination_service_name": name}
    return reported(values, metric, **(whose | labels))


def unknown(host: str, values: str, metric: str = "istio_requests_total", **labels: str) -> dict[str, str]:
    """The same of requests to ``host``, of which the proxy knows no cluster."""
    whose = {"destination_service": host, "destination_service_name": host, "destination_service_namespace": "unknown"}
    return reported(values, metric, **(whose | labels))


@dataclass(frozen=True, kw_only=True)
class Play:
    """What is scraped, ``step`` apart, and which samples (as written, value) each (query, moment) must give."""

    model: Model
    inputs: Sequence[dict[str, str]]
    expected: Mapping[tuple[str, str], Mapping[str, float]]
    step: str = "15s"
    every: str = "30s"
    files: Sequence[str] = ("objectives", "slo")
    options: Options = field(default_factory=Options)
    beside: Sequence[Model] = ()
    """Whose rules the same Prometheus has besides."""

    def run(self, promtool: Path, folder: Path, name: str = "istio") -> None:
        """Play it; raises AssertionError with what promtool says where something else comes out."""
        chosen, _ = provider(name, None)
        assert chosen is not None
        groups = [
            replace(group, name=f"{model.mesh.environment}:{group.name}")
            for model in (self.model, *self.beside)
            for file in rule_files(model, chosen, self.options)
            if file.name in self.files
            for group in file.groups
        ]
        document = {
            "groups": [
                {"name": group.name, "interval": self.every, "rules": [rule.document() for rule in group.rules]}
                for group in groups
            ]
        }
        (folder / "rules.yaml").write_text(yaml.dump(document))
        cases = [
            {
                "expr": query,
                "eval_time": at,
                "exp_samples": [{"labels": of, "value": value} for of, value in out.items()],
            }
            for (query, at), out in self.expected.items()
        ]
        test = {
            "rule_files": ["rules.yaml"],
            "evaluation_interval": self.every,
            "group_eval_order": [group.name for group in groups],
            "fuzzy_compare": True,
            "tests": [{"interval": self.step, "input_series": list(self.inputs), "promql_expr_test": cases}],
        }
        (folder / "play.yaml").write_text(yaml.dump(test))
        done = subprocess.run(
            [promtool, "test", "rules", folder / "play.yaml"], capture_output=True, text=True, timeout=600, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
