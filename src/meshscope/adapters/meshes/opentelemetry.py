"""OpenTelemetry span metrics, taken by our own collector's span_metrics connector before any sampling.

Labels are what Prometheus makes of span attributes. Only server spans name the service that answers, so the server's
side is the only one that can be seen. Failed is the span's status, which the semantic conventions set for 5xx and for
the gRPC statuses 2, 4, 12, 13, 14 and 15.
"""

from meshscope.adapters.meshes.opentelemetry_names import SPELLINGS, UNDERSCORED
from meshscope.model.provider import Discovery, MeshProvider
from meshscope.model.services import DataPlane
from meshscope.model.slo import Side
from meshscope.model.units import minutes, ms

PROVIDER = MeshProvider(
    name="opentelemetry",
    title="OpenTelemetry span metrics",
    requests="traces_span_metrics_calls_total",
    latency="traces_span_metrics_duration_milliseconds",
    latency_unit=1 * ms,
    bounds=tuple(bound * ms for bound in (5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000)),
    free_bounds=True,
    labels=UNDERSCORED.labels,
    promoted=(
        "k8s.cluster.name",
        "service.namespace",
        "service.name",
        "service.version",
        "k8s.deployment.name",
        "k8s.pod.name",
    ),
    failed=('status_code="STATUS_CODE_ERROR"',),
    succeeded='status_code!="STATUS_CODE_ERROR"',
    reporters={
        (Side.SERVER, DataPlane.SIDECAR): "SPAN_KIND_SERVER",
        (Side.SERVER, DataPlane.WAYPOINT): "SPAN_KIND_SERVER",
    },
    instance_reporter="SPAN_KIND_SERVER",
    samples={
        "good": {"status_code": "STATUS_CODE_UNSET"},
        "failed with status error": {"status_code": "STATUS_CODE_ERROR"},
        "ignored, since it was said to be well": {"status_code": "STATUS_CODE_OK"},
        "elsewhere": {"span_kind": "SPAN_KIND_CLIENT"},
    },
    idle=5 * minutes,
    # Server spans do not name their caller; the service graph connector pairs them, by name alone.
    discovery=Discovery(
        graph=("traces_service_graph_request_total", "client", "server"),
        namespaces=UNDERSCORED.namespaces,
        jobs=UNDERSCORED.jobs,
        # Where nobody says one, Kubernetes' own word for it.
        assumed="default",
        others={
            "SPAN_KIND_CONSUMER": "takes messages",
            "SPAN_KIND_PRODUCER": "sends messages",
            "SPAN_KIND_CLIENT": "",
            "SPAN_KIND_INTERNAL": "",
        },
        spellings=SPELLINGS,
    ),
)
