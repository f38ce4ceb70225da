"""The receivers of a tier."""

from __future__ import annotations

from meshscope.build.collectors.site import (
    GRPC_PORT,
    HTTP_PORT,
    NODE,
    POD_BEFORE_PORT,
    STORAGE,
    Settings,
    Site,
    authenticator,
    server_tls,
)
from meshscope.model.pipelines import Tier
from meshscope.model.pipelines_receive import FileLogs, HostMetrics, KubeletStats, Listen, Otlp, Receiver
from meshscope.model.units import minutes, seconds

HOST_ROOT = "/hostfs"
_SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"

# File systems that the kernel makes up, and those that containers mount by the hundred.
_VIRTUAL = ("autofs", "binfmt_misc", "bpf", "cgroup2?", "configfs", "debugfs", "devpts", "devtmpfs", "fusectl",
            "hugetlbfs", "iso9660", "mqueue", "nsfs", "overlay", "proc", "procfs", "pstore", "rpc_pipefs",
            "securityfs", "selinuxfs", "squashfs", "sysfs", "tmpfs", "tracefs")  # fmt: skip


def receiver_id(receiver: Receiver, site: Site) -> str:
    """What the receiver is called in the configuration."""
    match receiver:
        case Otlp():
            return "otlp"
        case FileLogs():
            return site.name("file_log")
        case HostMetrics():
            return site.name("host_metrics")
        case KubeletStats():
            return site.name("kubelet_stats")


def receivers(site: Site) -> Settings:
    """Every receiver of the tier by its id."""
    return {receiver_id(receiver, site): _settings(receiver, site) for receiver in site.pipeline.receive}


def asked_of(site: Site) -> dict[str, Settings]:
    """The extensions with which receivers ask who sends."""
    return dict(
        authenticator(receiver.auth, "callers")
        for receiver in site.pipeline.receive
        if isinstance(receiver, Otlp) and receiver.auth is not None
    )


def _settings(receiver: Receiver, site: Site) -> Settings:
    match receiver:
        case Otlp():
            return _otlp(receiver, site)
        case FileLogs():
            return _file_logs(receiver)
        case HostMetrics():
            return _host_metrics(receiver, site)
        case KubeletStats():
            return {
                "collection_interval": site.duration(receiver.every),
                "auth_type": "serviceAccount",
                "endpoint": f"https://{NODE}:10250",
                "ca_file": f"{_SERVICE_ACCOUNT}/ca.crt",
                "metric_groups": ["node", "pod", "container"],
            }


def _otlp(receiver: Otlp, site: Site) -> Settings:
    # A wildcard of IPv4 listens at both families: Go's net opens [::] for it where the host has both.
    host = POD_BEFORE_PORT if receiver.listen is Listen.POD else "0.0.0.0"  # noqa: S104 - with TLS and authentication only
    guard: Settings = {}
    if receiver.tls is not None:
        guard["tls"] = server_tls(receiver.tls)
    if receiver.auth is not None:
        guard["auth"] = {"authenticator": authenticator(receiver.auth, "callers")[0]}
    # Senders keep a connection for long; told to renew it, they find collectors that were added meanwhile.
    age = {"max_connection_age": site.duration(5 * minutes), "max_connection_age_grace": site.duration(30 * seconds)}
    keepalive = {"keepalive": {"server_parameters": age}} if site.pipeline.tier is Tier.GATEWAY else {}
    return {
        "protocols": {
            "grpc": {"endpoint": f"{host}:{GRPC_PORT}", "max_recv_msg_size_mib": 16, **keepalive, **guard},
            "http": {"endpoint": f"{host}:{HTTP_PORT}", **guard},
        }
    }


def _file_logs(receiver: FileLogs) -> Settings:
    return {
        "include": list(receiver.include),
        "exclude": list(receiver.exclude),
        # With the places kept on disk nothing is read twice, and what was written while the collector was away is read.
        "start_at": "beginning",
        "storage": STORAGE,
        "include_file_path": True,
        "include_file_name": False,
        "retry_on_failure": {"enabled": True, "max_elapsed_time": "0s"},
        "operators": [{"type": "container", "id": "container"}],
    }


def _host_metrics(receiver: HostMetrics, site: Site) -> Settings:
    return {
        "collection_interval": site.duration(receiver.every),
        "root_path": HOST_ROOT,
        "scrapers": {
            "cpu": {},
            "load": {},
            "memory": {},
            "paging": {},
            "disk": {},
            "network": {},
            "filesystem": {
                "exclude_fs_types": {"fs_types": list(_VIRTUAL), "match_type": "regexp"},
                "exclude_mount_points": {
                    "mount_points": ["/dev/.*", "/proc/.*", "/run/.*", "/sys/.*", "/var/lib/kubelet/.*"],
                    "match_type": "regexp",
                },
            },
        },
    }
