"""Istio: what sidecars, gateways and waypoints report.

Names and labels from istio/proxy's metric templates and Istio's own dashboards (1.31); boundaries are Envoy's
defaults. The caller's side can't use ``destination_cluster`` or ``destination_workload``: they are ``unknown`` for a
request that reached nobody, which is the very failure that only the caller sees. So a service's cluster is the
scrape's own label.

Response flags are short names joined by commas (Envoy at 02c062b5, source/common/stream_info/utility.cc
``ResponseFlagUtils::toString``; the names are in utility.h). Code 0 is a request that ended without a status (Envoy at
1bcc420d, contrib/istio/filters/http/istio_stats/source/istio_stats.cc ``log``: ``responseCode().value_or(0)``; the
duration of such a request is recorded too). DC is written where the client's
connection ended, DR where the client reset the stream (HTTP/2 and gRPC, since envoy#32623 of March 2024; before that,
nothing was written for it: envoy#30323).

A request without a route (NR, code 404) or whose route leads to no cluster (NC, code 503) has no upstream cluster, so
that istio_stats (``populatePeerInfo``) knows no namespace: it writes ``unknown``, and the Host header as service and as
service name; releases before 1.23 did the same where no endpoint answered (istio#49842, mended by istio/proxy#5617;
istio#28387, #29354). A route of REGISTRY_ONLY or ALLOW_ANY changes the name to BlackHoleCluster or PassthroughCluster,
while ``destination_service`` still is the host. At gateways and inbound sidecars the host is not looked at (istio at
00a258fa, pilot/pkg/model/telemetry.go ``disableHostHeaderFallback``), at waypoints it is (``waypointStatsConfig``).
"""

from meshscope.model.provider import Discovery, Labels, MeshProvider, Scrape, Unattributed
from meshscope.model.services import DataPlane
from meshscope.model.slo import Side
from meshscope.model.units import ms

_ENVOY_BOUNDS = (
    "0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "30000", "60000",
    "300000", "600000", "1800000", "3600000",
)  # fmt: skip

_GRPC_FAILED = "2|4|12|13|14|15"
_GONE = "(DC|DR)(,(DC|DR))*"
_NOWHERE = "(.+,)?(NR|NC)(,.+)?"

PROVIDER = MeshProvider(
    name="istio",
    title="Istio",
    requests="istio_requests_total",
    latency="istio_request_duration_milliseconds",
    latency_unit=1 * ms,
    bounds=tuple(float(bound) * ms for bound in _ENVOY_BOUNDS),
    free_bounds=False,
    labels=Labels(
        cluster="cluster",
        namespace="destination_service_namespace",
        service="destination_service_name",
        reporter="reporter",
        workload="destination_workload",
        version="destination_version",
        pod="pod",
        caller_namespace="source_workload_namespace",
        caller="source_canonical_service",
        caller_workload="source_workload",
    ),
    failed=(
        'response_code=~"5.."',
        f'response_code="0",response_flags!~"{_GONE}"',
        f'response_code!~"5..|0",grpc_response_status=~"{_GRPC_FAILED}"',
        f'response_code!~"5..|0",grpc_response_status!~"{_GRPC_FAILED}",response_flags=~"{_NOWHERE}"',
    ),
    given_up=f'response_code="0",response_flags=~"{_GONE}"',
    succeeded=f'response_code!~"5..|0",grpc_response_status!~"{_GRPC_FAILED}",response_flags!~"{_NOWHERE}"',
    unattributed=Unattributed(
        namespace="unknown",
        host="destination_service",
        # Every scanner asks a gateway for what it has no route for; in gRPC that is status 12 (Envoy
        # source/common/grpc/status.cc), not 404. A route that leads to no cluster is the mesh's own fault.
        strays='reporter="source",response_code!~"5..|0",response_flags=~"(.+,)?NR(,.+)?"',
        callers=("source_canonical_service", "source_workload"),
    ),
    reporters={
        (Side.CLIENT, DataPlane.SIDECAR): "source",
        (Side.SERVER, DataPlane.SIDECAR): "destination",
        (Side.CLIENT, DataPlane.WAYPOINT): "waypoint",
        (Side.SERVER, DataPlane.WAYPOINT): "waypoint",
    },
    instance_reporter="destination",
    scrape=Scrape(port="http-envoy-prom", path="/stats/prometheus"),
    plaintext='connection_security_policy!="mutual_tls"',
    samples={
        "good": {"response_code": "200", "grpc_response_status": "", "response_flags": "-"},
        "failed with 503": {"response_code": "503", "grpc_response_status": "", "response_flags": "UF"},
        "failed without an answer": {"response_code": "0", "grpc_response_status": "", "response_flags": "URX"},
        "failed without an answer or a flag": {"response_code": "0", "grpc_response_status": "", "response_flags": "-"},
        "failed, after which the client hung up": {
            "response_code": "0",
            "grpc_response_status": "",
            "response_flags": "UC,DC",
        },
        "failed with gRPC status 14": {"response_code": "200", "grpc_response_status": "14", "response_flags": "-"},
        "failed without a route": {"response_code": "404", "grpc_response_status": "", "response_flags": "NR"},
        "failed without a cluster, known by its host alone": {
            "response_code": "503",
            "grpc_response_status": "",
            "response_flags": "NC",
            "destination_service_namespace": "unknown",
            "destination_service_name": "{service}.{namespace}.svc.cluster.local:8080",
            "destination_service": "{service}.{namespace}.svc.cluster.local:8080",
        },
        "failed without a host, known by a name without a namespace": {
            "response_code": "503",
            "grpc_response_status": "",
            "response_flags": "UH",
            "destination_service_namespace": "unknown",
            "destination_service_name": "{service}",
            "destination_service": "{service}",
            "source_workload_namespace": "{namespace}",
        },
        "given up": {"response_code": "0", "grpc_response_status": "", "response_flags": "DC"},
        "ignored, since the client hung up": {
            "response_code": "0",
            "grpc_response_status": "",
            "response_flags": "DC",
        },
        "ignored, since the client reset the stream": {
            "response_code": "0",
            "grpc_response_status": "",
            "response_flags": "DC,DR",
        },
        "ignored, since the request was wrong": {
            "response_code": "404",
            "grpc_response_status": "",
            "response_flags": "-",
        },
        "elsewhere": {"reporter": "destination"},
        "plaintext": {"connection_security_policy": "none"},
        "encrypted": {"connection_security_policy": "mutual_tls"},
    },
    outside=("PassthroughCluster", "BlackHoleCluster", "InboundPassthroughCluster", "unknown"),
    discovery=Discovery(
        callee_namespace="destination_workload_namespace",
        callee="destination_canonical_service",
        protocol="request_protocol",
        # Pod labels, where the scrape copies them: of Istio's own gateways, and of those made for a Gateway resource.
        gateways=('istio=~".*gateway"', 'gateway_networking_k8s_io_gateway_name!=""'),
        connections="istio_tcp_connections_opened_total",
    ),
)
