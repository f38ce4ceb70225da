"""What is told of scrapes: only of our own jobs, so that a neighbour's target in the same Prometheus wakes nobody here.

A workload is what a pod's name begins with. Kubernetes ends the name of a Deployment's pod in two parts of the letters
below, a DaemonSet's in one, a StatefulSet's in a number (k8s.io/apimachinery, pkg/util/rand).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from meshscope.build.jobs import job, jobs
from meshscope.build.options import Options
from meshscope.build.prometheus import PROXIES
from meshscope.build.promql import marked, one_of, quoted
from meshscope.build.rules.annotations import Template
from meshscope.build.rules.reach import Reach, reach
from meshscope.build.rules.watch import Watch
from meshscope.model.model import Model
from meshscope.model.units import minutes

_LETTERS = "[bcdfghjklmnpqrstvwxz2456789]"
_POD = f"(.+?)(?:-{_LETTERS}{{6,10}})?-{_LETTERS}{{5}}|(.+)-[0-9]+"
_WHOSE = "{{ $labels.job }}{{ with $labels.workload }} in {{ . }}{{ end }}"
_BLIND = "Until it is mended what it would report is missing from every indicator: an outage may be told by nobody."


def scrape_watches(model: Model, options: Options) -> tuple[Watch, ...]:
    """Targets that give no numbers, each reason by itself, and a gateway of which nothing is known."""
    own, ours = reach(model.mesh), one_of("job", jobs(model, options))
    return (
        Watch(
            name="ScrapeFailing",
            expression=f"{marked(_down(own, ours), reason='down')} or {marked(_refused(own, ours), reason='refused')}",
            page=False,
            pending=10 * minutes,
            service="prometheus",
            summary=Template().chosen(
                "reason",
                {
                    "down": f"{{{{ $value | humanizePercentage }}}} of the targets of {_WHOSE} give no numbers",
                    "refused": f"Prometheus refuses what targets of {_WHOSE} answer",
                },
            ),
            description=Template().chosen(
                "reason",
                {
                    "down": "More than a tenth of a job, or half of one workload. What they would report is missing "
                    "from every indicator.",
                    "refused": "It answers, with {{ $value }} samples, and none is taken: most likely that is more "
                    f"than sample_limit allows, or a label is longer than its limit. {_BLIND}",
                },
            ),
        ),
        *_gateways(model, options),
    )


def _refused(own: Reach, ours: str) -> str:
    # Of a scrape that fails at a limit or in the middle Prometheus still says how many samples came (prometheus 3.16,
    # scrape/scrape.go); of one without an answer it says 0.
    samples = _by_workload(own, "scrape_samples_scraped", ours)
    down = f"{own.series('up', ours)} == 0"
    return f"max by ({own.labels('job', 'workload')}) ({samples} and on (cluster, job, instance) {down}) > 0"


def _down(own: Reach, ours: str) -> str:
    up, named = own.series("up", ours), _by_workload(own, "up", ours)
    job, workload = own.labels("job"), own.labels("job", "workload")
    by_job = f"sum by ({job}) ({up} == bool 0) / count by ({job}) ({up}) > 0.1"
    by_workload = f"sum by ({workload}) ({named} == bool 0) / count by ({workload}) ({named}) >= 0.5"
    return f"{by_job} or ({by_workload} unless on ({job}) ({by_job}))"


def _gateways(model: Model, options: Options) -> tuple[Watch, ...]:
    # Among hundreds of proxies a gateway is no tenth of anything, and nobody else sees what arrives at the front door.
    if not model.gateways:
        return ()
    own, proxies = reach(model.mesh), f"job={quoted(job(PROXIES, model.mesh, options))}"
    where: dict[str, list[str]] = {}
    for gateway in model.gateways:
        where.setdefault(gateway.namespace, []).append(re.escape(gateway.name))
    up = " or ".join(
        _by_workload(own, "up", proxies, f"namespace={quoted(namespace)}", f"pod=~{quoted(_pods(names))}")
        for namespace, names in sorted(where.items())
    )
    return (
        Watch(
            name="GatewayTelemetryAbsent",
            expression=f"max by ({own.labels('job', 'workload')}) ({up}) == 0",
            page=True,
            pending=5 * minutes,
            service="telemetry",
            summary="Nothing is known of gateway {{ $labels.workload }}: none of its targets can be scraped",
            description=f"It may be down, or only unseen. {_BLIND}",
        ),
    )


def _pods(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(names))})(?:-.+)?"


def _by_workload(own: Reach, metric: str, *matchers: str) -> str:
    """``metric`` with a label ``workload``: namespace and what the pod's name begins with; empty for what is no pod."""
    joined = f'label_join({own.series(metric, *matchers)}, "workload", "/", "namespace", "pod")'
    shortened = f'label_replace({joined}, "workload", "$1$2", "workload", {quoted(_POD)})'
    return f'label_replace({shortened}, "workload", "", "workload", "/")'
