"""Stories about scrapes: targets that give no numbers, for each reason, and a gateway that is not seen."""

from __future__ import annotations

from meshscope.build.jobs import job
from meshscope.build.prometheus import PROXIES
from meshscope.build.proofs.platform_series import STEPS, Stories, Tellers, gauge
from meshscope.build.proofs.series import Series
from meshscope.build.proofs.synthetic import Bench


def _job(bench: Bench) -> str:
    return job(PROXIES, bench.real.mesh, bench.options)


def _target(job: str, namespace: str, pod: str, up: bool) -> Series:
    return gauge("up", "1" if up else "0", job=job, namespace=namespace, pod=pod, instance=f"{namespace}-{pod}")


def _proxies(job: str, down: int, of: int = 10) -> list[Series]:
    return [_target(job, "shop", f"cart-{number}", number >= down) for number in range(of)]


def _gateway(job: str, *up: bool) -> list[Series]:
    pods = (f"istio-ingressgateway-6c8d9f7b5c-b{end}" for end in ("x2kz", "lp9q", "t7wm"))
    return [_target(job, "istio-system", pod, each) for pod, each in zip(pods, up, strict=False)]


def _failing(bench: Bench) -> Stories:
    ours = _job(bench)
    among_many = [*_proxies(ours, 0, of=300), *_gateway(ours, False)]
    half = [*_proxies(ours, 0, of=300), *_gateway(ours, True, False)]
    # One of a gateway's three pods is too few for anybody to be told of it, unless what it answers is refused.
    third, well = ([*_proxies(ours, 0, of=300), *_gateway(ours, first, True, True)] for first in (False, True))
    workload = {"job": ours, "workload": "istio-system/istio-ingressgateway"}
    gateway, refused = {**workload, "reason": "down"}, {**workload, "reason": "refused"}
    return Stories(
        firing=[
            ("two of ten targets don't answer", _proxies(ours, 2), {"job": ours, "reason": "down"}, "20%"),
            ("one gateway among 300 proxies does not answer", among_many, gateway, "100%"),
            ("one of a gateway's two pods does not answer", half, gateway, "50%"),
            ("a pod answers more samples than it may", [*third, _answered(ours, "140000")], refused, "140000"),
        ],
        quiet=[
            ("one of ten targets doesn't answer", _proxies(ours, 1)),
            ("a neighbour's targets don't answer", _proxies("node-exporter", 10)),
            ("what a pod answers is taken", [*well, _answered(ours, "90000")]),
            ("one of a gateway's three pods does not answer at all", [*third, _answered(ours, "0")]),
            ("no series", []),
        ],
    )


def _answered(job: str, samples: str) -> Series:
    """How many samples the first pod of the gateway answered."""
    (pod,) = _gateway(job, True)
    return {**pod, "series": pod["series"].replace("up{", "scrape_samples_scraped{"), "values": f"{samples}x{STEPS}"}


def _unseen(bench: Bench) -> Stories:
    ours = _job(bench)
    namespace, name = next((gateway.namespace, gateway.name) for gateway in bench.real.gateways)
    pods = [f"{name}-6c8d9f7b5c-bx2kz", f"{name}-6c8d9f7b5c-blp9q"]
    dark = [_target(ours, namespace, pod, False) for pod in pods]
    proxies = _proxies(ours, 0, of=300)
    return Stories(
        firing=[
            (
                "no pod of a gateway answers",
                [*proxies, *dark],
                {"job": ours, "workload": f"{namespace}/{name}"},
                "",
            )
        ],
        quiet=[
            ("one of its two pods answers", [*proxies, dark[0], _target(ours, namespace, pods[1], True)]),
            ("whoever does not answer is no gateway", _proxies(ours, 10)),
            ("no series", []),
        ],
    )


SCRAPING: Tellers = {
    "ScrapeFailing": _failing,
    "GatewayTelemetryAbsent": _unseen,
}
