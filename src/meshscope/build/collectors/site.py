"""What every part of a collector's configuration is written from: the model, the time scale, the collector's words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from meshscope.build.options import Options
from meshscope.model.model import Model
from meshscope.model.pipelines import Pipeline
from meshscope.model.pipelines_access import BasicAuth, BearerToken, ClientTls, Secret, SecretFile, ServerTls
from meshscope.model.pipelines_receive import Signal
from meshscope.model.pipelines_send import ToTier
from meshscope.model.provider import MeshProvider
from meshscope.model.units import Duration
from meshscope.model.versions import numbers

Settings: TypeAlias = dict[str, object]

GRPC_PORT, HTTP_PORT, HEALTH_PORT, METRICS_PORT = 4317, 4318, 13133, 8888

# An address of IPv6 stands in brackets before a port; one of IPv4, or a name, may.
POD = "${env:MY_POD_IP}"
POD_BEFORE_PORT = f"[{POD}]"
NODE = "${env:MY_NODE_NAME}"
STORAGE_FOLDER = "${env:STORAGE_DIRECTORY:-/var/lib/otelcol}"
SECRETS_FOLDER = "${env:SECRETS_DIRECTORY:-/etc/otelcol/secrets}"
STORAGE = "file_storage"

_RELOAD: Mapping[str, object] = {"reload_interval": "10m"}

# Components have been renamed over time. The old name warns for some releases and then is refused, so the new one is
# written from the first release on in which it has been seen.
_RENAMED: Mapping[str, tuple[tuple[int, int, int], str]] = {
    "host_metrics": ((0, 155, 0), "hostmetrics"),
    "kubelet_stats": ((0, 155, 0), "kubeletstats"),
    "span_metrics": ((0, 155, 0), "spanmetrics"),
    "load_balancing": ((0, 160, 0), "loadbalancing"),
}


@dataclass(frozen=True, kw_only=True)
class Site:
    """One tier and everything around it that its configuration depends on."""

    pipeline: Pipeline
    model: Model
    provider: MeshProvider
    options: Options

    def name(self, component: str) -> str:
        """What the collector's release calls ``component``."""
        known = _RENAMED.get(component)
        return component if known is None or self.release >= known[0] else known[1]

    @property
    def release(self) -> tuple[int, int, int]:
        """The collector's declared version."""
        return numbers(self.model.mesh.versions.otelcol)

    def duration(self, length: Duration) -> str:
        """``length`` scaled, as Go reads it: it knows no days."""
        text = self.options.duration(length)
        return f"{int(text[:-1]) * 24}h" if text.endswith("d") else text

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What this tier receives and somebody takes from it."""
        return taken(self.pipeline, {pipeline.name: pipeline for pipeline in self.model.pipelines})

    @property
    def counts(self) -> bool:
        """Whether this tier makes the metrics that the mesh provider reads."""
        return self.pipeline.count is not None and self.provider.free_bounds


def taken(
    pipeline: Pipeline, tiers: Mapping[str, Pipeline], passed: frozenset[str] = frozenset()
) -> tuple[Signal, ...]:
    """The signals of ``pipeline`` that end in a store, be it by way of other ``tiers``."""

    def ends(signal: Signal) -> bool:
        destination = pipeline.destination(signal)
        if not isinstance(destination, ToTier):
            return True
        target = tiers.get(destination.to.name)
        return (
            target is not None
            and target.name not in passed
            and signal in taken(target, tiers, passed | {pipeline.name})
        )

    return tuple(signal for signal in pipeline.signals if ends(signal))


def next_tier(pipeline: Pipeline, tiers: Mapping[str, Pipeline]) -> Pipeline | None:
    """The tier to which ``pipeline`` sends its traces; None where they are stored, or nobody is there."""
    destination = pipeline.destination(Signal.TRACES)
    return tiers.get(destination.to.name) if isinstance(destination, ToTier) else None


def senders(pipeline: Pipeline, tiers: Mapping[str, Pipeline]) -> tuple[Pipeline, ...]:
    """The tiers that send their traces to ``pipeline``."""
    return tuple(other for other in tiers.values() if next_tier(other, tiers) is pipeline)


def needs_whole_traces(pipeline: Pipeline) -> bool:
    """Whether its collectors decide on whole traces and are several, each of which must see all of a trace."""
    return pipeline.replicas > 1 and pipeline.sample is not None


def path(file: SecretFile) -> str:
    """Where the collector finds ``file``."""
    return file.name if file.name.startswith("/") else f"{SECRETS_FOLDER}/{file.name}"


def server_tls(tls: ServerTls) -> Settings:
    """TLS of a receiver; a renewed certificate is read without a restart."""
    clients = {"client_ca_file": path(tls.clients), "client_ca_file_reload": True} if tls.clients else {}
    return {"cert_file": path(tls.certificate), "key_file": path(tls.key), **_RELOAD, **clients}


def client_tls(tls: ClientTls) -> Settings:
    """TLS of an exporter; a renewed certificate is read without a restart."""
    files = {"ca_file": tls.ca, "cert_file": tls.certificate, "key_file": tls.key}
    reload = _RELOAD if tls.certificate is not None else {}
    return {**{name: path(file) for name, file in files.items() if file is not None}, **reload}


def authenticator(auth: BearerToken | BasicAuth, whose: str) -> tuple[str, Settings]:
    """The extension that shows or asks for ``auth``, and its id, which says ``whose`` it is."""
    if isinstance(auth, BearerToken):
        return f"bearertokenauth/{whose}", _secret(auth.token, "filename", "token")
    return f"basicauth/{whose}", {
        "client_auth": {"username": auth.user, **_secret(auth.password, "password_file", "password")}
    }


def _secret(secret: Secret, in_file: str, in_place: str) -> Settings:
    return {in_file: path(secret)} if isinstance(secret, SecretFile) else {in_place: str(secret)}
