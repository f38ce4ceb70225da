"""The exporters of a tier, each with a queue on disk that batches what it sends.

Batching belongs into the queue: what the batch processor holds is acknowledged and only in memory. Measured with 500
accepted records and the collector killed: none of them arrived with the processor, all of them with the queue.
"""

from __future__ import annotations

from meshscope.build.collectors.site import (
    GRPC_PORT,
    STORAGE,
    Settings,
    Site,
    authenticator,
    client_tls,
    needs_whole_traces,
)
from meshscope.model.pipelines_access import Auth, Env
from meshscope.model.pipelines_receive import Signal
from meshscope.model.pipelines_send import Queue, Store, ToTier
from meshscope.model.units import Duration, minutes, ms, seconds

_MEBIBYTE = 1 << 20
# A gRPC server takes 4 MiB at most unless it is told otherwise, and refuses more for ever.
_BATCH_MIN, _BATCH_MAX = 256 << 10, 3 * _MEBIBYTE

_STORED_AS = {Signal.METRICS: "prometheus", Signal.TRACES: "traces", Signal.LOGS: "logs"}


def exporter_id(signal: Signal, site: Site) -> str:
    """What the exporter of ``signal`` is called in the configuration."""
    destination = site.pipeline.destination(signal)
    if not isinstance(destination, ToTier):
        return f"{site.name('otlp_http')}/{_STORED_AS[signal]}"
    kind = "load_balancing" if signal is Signal.TRACES and _balances(destination, site) else "otlp_grpc"
    return f"{site.name(kind)}/{destination.to.name}"


def exporters(site: Site) -> Settings:
    """Every exporter of the tier by its id."""
    made: Settings = {}
    for signal in site.signals:
        destination = site.pipeline.destination(signal)
        name = exporter_id(signal, site)
        if isinstance(destination, ToTier):
            balanced = name.startswith(site.name("load_balancing"))
            made[name] = _balanced(destination, site) if balanced else _forwarded(destination, site)
        elif destination is not None:
            made[name] = _stored(signal, destination, site)
    return made


def shown_to(site: Site) -> dict[str, Settings]:
    """The extensions with which exporters show who sends."""
    made: dict[str, Settings] = {}
    for signal in site.signals:
        destination = site.pipeline.destination(signal)
        if destination is not None and destination.auth is not None:
            name, settings = authenticator(destination.auth, _whose(signal, destination))
            made[name] = settings
    return made


def host_variable(to: str) -> str:
    """The variable that says where the collectors of the tier ``to`` are."""
    return f"{to.upper().replace('-', '_')}_HOST"


def _whose(signal: Signal, destination: ToTier | Store) -> str:
    return destination.to.name if isinstance(destination, ToTier) else _STORED_AS[signal]


def _balances(destination: ToTier, site: Site) -> bool:
    tier = next((other for other in site.model.pipelines if other.name == destination.to.name), None)
    return tier is not None and needs_whole_traces(tier)


def _forwarded(destination: ToTier, site: Site) -> Settings:
    return {
        # Resolved to every collector of the tier, and sent to them in turn.
        "endpoint": f"dns:///${{env:{host_variable(destination.to.name)}}}:{GRPC_PORT}",
        "balancer_name": "round_robin",
        "compression": "zstd",
        **_channel(destination),
        "timeout": site.duration(10 * seconds),
        **_kept(destination.queue, site),
    }


def _balanced(destination: ToTier, site: Site) -> Settings:
    return {
        "routing_key": "traceID",
        "resolver": {
            "dns": {
                "hostname": f"${{env:{host_variable(destination.to.name)}}}",
                "port": str(GRPC_PORT),
                "interval": site.duration(5 * seconds),
            }
        },
        "protocol": {
            "otlp": {
                "compression": "zstd",
                **_channel(destination),
                "timeout": site.duration(10 * seconds),
                # What fails comes back to the queue below, which is on disk and may choose another collector.
                "sending_queue": {"enabled": False},
                "retry_on_failure": {"enabled": False},
            }
        },
        "timeout": site.duration(30 * seconds),
        **_kept(destination.queue, site),
    }


def _channel(destination: ToTier) -> Settings:
    # Without TLS of its own the hop is guarded by the mesh's mutual TLS, which the collector doesn't see.
    tls = client_tls(destination.tls) if destination.tls is not None else {"insecure": True}
    return {"tls": tls, **_shown(destination.auth, destination.to.name)}


def _stored(signal: Signal, destination: Store, site: Site) -> Settings:
    endpoint = destination.endpoint
    tls = {"tls": client_tls(destination.tls)} if destination.tls is not None else {}
    # Samples of one series must arrive in order, or Prometheus refuses the older ones.
    consumers = 1 if signal is Signal.METRICS else 10
    return {
        "endpoint": str(endpoint) if isinstance(endpoint, Env) else endpoint.rstrip("/"),
        **tls,
        **_shown(destination.auth, _whose(signal, destination)),
        "timeout": site.duration(30 * seconds),
        **_kept(destination.queue, site, consumers),
    }


def _shown(auth: Auth | None, whose: str) -> Settings:
    return {"auth": {"authenticator": authenticator(auth, whose)[0]}} if auth is not None else {}


def _kept(queue: Queue, site: Site, consumers: int = 10) -> Settings:
    flush: Duration = 200 * ms
    return {
        "sending_queue": {
            "enabled": True,
            "storage": STORAGE,
            "sizer": "bytes",
            "queue_size": queue.mebibytes * _MEBIBYTE,
            "num_consumers": consumers,
            "batch": {"flush_timeout": site.duration(flush), "min_size": _BATCH_MIN, "max_size": _BATCH_MAX},
        },
        "retry_on_failure": {
            "enabled": True,
            "initial_interval": site.duration(1 * seconds),
            "max_interval": site.duration(1 * minutes),
            # For ever: what is full then is the queue, and its sender is told.
            "max_elapsed_time": "0s",
        },
    }
