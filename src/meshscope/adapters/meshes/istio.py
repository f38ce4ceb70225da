"""Istio: what sidecars, gateways and waypoints report.

Names and labels from istio/proxy's metric templates and Istio's own dashboards (1.31); boundaries are Envoy's
defaults. The caller's side can't use ``destination_cluster`` or ``destination_workload``: they are ``unknown`` for a
request that reached nobody, which is the very failure that only the caller sees. So a service's cluster is the
scrape's own label.
"""

from meshscope.model.provider import Discovery, Labels, MeshProvider, Scrape
from meshscope.model.services import DataPlane
from meshscope.model.slo import Side
from meshscope.model.units import ms

_ENVOY_BOUNDS = (
    "0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "30000", "60000",
    "300000", "600000", "1800000", "3600000",
)  # fmt: skip

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
    ),
    failed=(
        'response_code=~"5..|0",response_flags!="DC"',
        'response_code!~"5..|0",grpc_response_status=~"2|4|12|13|14|15"',
    ),
    succeeded='response_code!~"5..|0",grpc_response_status!~"2|4|12|13|14|15"',
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
        "failed with gRPC status 14": {"response_code": "200", "grpc_response_status": "14", "response_flags": "-"},
        "ignored, since the client hung up": {
            "response_code": "0",
            "grpc_response_status": "",
            "response_flags": "DC",
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
