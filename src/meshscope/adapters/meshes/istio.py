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

An answer that is torn after its headers keeps their code, and only its flags tell (Envoy at 0034b6fd,
envoy/stream_info/stream_info.h ``LateUpstreamReset``; envoy#32016 and istio#40639 have 200 UR, envoy#9242 200 UT).
`FLAGS` says of each flag what it means whatever the code is. A connection that was upgraded has code 101 and ends with
one of its two connections, so with UC or DC: it is well however it ends, and its duration is nobody's latency. Over
HTTP/2 it has 101 too (Envoy, source/common/http/utility.h ``transformUpgradeResponseFromH2toH1``).

A request without a route (NR, code 404) or whose route leads to no cluster (NC, code 503) has no upstream cluster, so
that istio_stats (``populatePeerInfo``) knows no namespace: it writes ``unknown``, and the Host header as service and as
service name; releases before 1.23 did the same where no endpoint answered (istio#49842, mended by istio/proxy#5617;
istio#28387, #29354). A route of REGISTRY_ONLY or ALLOW_ANY changes the name to BlackHoleCluster or PassthroughCluster,
while ``destination_service`` still is the host. At gateways and inbound sidecars the host is not looked at (istio at
00a258fa, pilot/pkg/model/telemetry.go ``disableHostHeaderFallback``), at waypoints it is (``waypointStatsConfig``).
"""

from collections.abc import Mapping

from meshscope.model.provider import Discovery, Labels, MeshProvider, Scrape, Unattributed
from meshscope.model.services import DataPlane
from meshscope.model.slo import Side
from meshscope.model.units import ms

_ENVOY_BOUNDS = (
    "0.5", "1", "5", "10", "25", "50", "100", "250", "500", "1000", "2500", "5000", "10000", "30000", "60000",
    "300000", "600000", "1800000", "3600000",
)  # fmt: skip

# What each flag says of a request (Envoy: names in source/common/stream_info/utility.h at 02c062b5, meanings in
# envoy/stream_info/stream_info.h at 0034b6fd, who sets them in source/common/router/router.cc at 001b1c0c and in
# source/common/http/conn_manager_impl.cc). Envoy's own answers have codes that count by themselves, until a mapper of
# local replies rewrites them: then the flag still tells.
FLAGS: Mapping[str, tuple[str, ...]] = {
    # Nobody was reached: no route, cluster, healthy host, connection or address, or the proxy's own filter is not
    # configured yet.
    "nowhere": ("NR", "NC", "UH", "UF", "DF", "NFCF"),
    # The answer broke off: reset by the connection (UC), the server (UR) or the proxy (LR), not valid HTTP (UPE), not
    # complete in time (UT, UMSDR), or the proxy, short of memory, ended the stream (OM).
    "torn": ("UC", "UR", "LR", "UPE", "UT", "UMSDR", "OM"),
    # The client ended it.
    "gone": ("DC", "DR"),
    # Nothing that its code and gRPC status don't say. URX and UO stand beside an answer that came whole and that the
    # retry policy would have asked for again (404, 429; or another attempt's, where requests are hedged); where none
    # came, a 5xx and the reason of the reset do. DPE and IH are the client's wrong request: 400, or code 0.
    # RL, UAEX, FI, DI, DO and UDO are what somebody's policy does; UAEX and RLSE, set where the authorizer or limiter
    # fails too, have the code that is configured for that. SI and DT end what is silent or old, whoever was silent. LH
    # is a health check's own answer, RFCF a cache's.
    "as its code": (
        "URX", "UO", "DPE", "IH", "RL", "RLSE", "UAEX", "FI", "DI", "DO", "UDO", "SI", "DT", "LH", "RFCF",
    ),
}  # fmt: skip


def _any(kind: str) -> str:
    """A regular expression for flags one of which at least is of ``kind``."""
    return f"(.+,)?({'|'.join(FLAGS[kind])})(,.+)?"


_GRPC_FAILED = "2|4|12|13|14|15"
_GONE = "({0})(,({0}))*".format("|".join(FLAGS["gone"]))
_ANSWERED = f'response_code!~"5..|0|101",grpc_response_status!~"{_GRPC_FAILED}"'

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
        f'response_code!~"5..|0|101",grpc_response_status=~"{_GRPC_FAILED}"',
        f'{_ANSWERED},response_flags=~"{_any("nowhere")}"',
    ),
    torn=f'{_ANSWERED},response_flags=~"{_any("torn")}",response_flags!~"{_any("nowhere")}"',
    given_up=f'response_code="0",response_flags=~"{_GONE}"',
    upgraded='response_code="101"',
    succeeded=f'{_ANSWERED},response_flags!~"{_any("torn")}",response_flags!~"{_any("nowhere")}"',
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
        "failed, torn after its headers": {"response_code": "200", "grpc_response_status": "", "response_flags": "UC"},
        "failed, torn before the client hung up": {
            "response_code": "200",
            "grpc_response_status": "",
            "response_flags": "UR,DC",
        },
        "failed without a host, though its code was rewritten": {
            "response_code": "404",
            "grpc_response_status": "",
            "response_flags": "UH,URX",
        },
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
        "ignored, since its retries ran out on an answer that came whole": {
            "response_code": "404",
            "grpc_response_status": "",
            "response_flags": "URX",
        },
        "ignored, since it was upgraded before its connection ended": {
            "response_code": "101",
            "grpc_response_status": "",
            "response_flags": "UC",
        },
        "torn": {"response_code": "200", "grpc_response_status": "", "response_flags": "UR"},
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
