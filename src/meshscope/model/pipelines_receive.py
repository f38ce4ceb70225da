"""What collectors receive: telemetry that is sent to them, and what they fetch from the node that they run on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from meshscope.findings import Place, here
from meshscope.model.pipelines_access import BearerToken, ServerTls, refused
from meshscope.model.units import Duration, seconds


class Signal(StrEnum):
    """The three kinds of telemetry, in the collector's own words."""

    METRICS = "metrics"
    TRACES = "traces"
    LOGS = "logs"


class Listen(StrEnum):
    """Where a receiver listens: at the pod's own address, or at every address of its host.

    Example::

        tls = ServerTls(certificate=SecretFile("tls.crt"), key=SecretFile("tls.key"), clients=SecretFile("ca.crt"))
        Otlp(listen=Listen.EVERYWHERE, tls=tls)
    """

    POD = "pod"
    """At the pod's own address."""
    EVERYWHERE = "everywhere"
    """At every address of its host; needs TLS and authentication."""


@dataclass(frozen=True, kw_only=True)
class Otlp:
    """OTLP over gRPC (port 4317) and HTTP (port 4318).

    Without ``tls`` and ``auth`` it listens at the pod's own address, and the mesh's mutual TLS or a network policy
    guards the way to it. Raises `DefinitionError` for one that listens everywhere and asks nobody who they are.

    Example::

        Otlp()
    """

    listen: Listen = Listen.POD
    """Where it listens."""
    tls: ServerTls | None = None
    """TLS, where the mesh's own does not guard the way."""
    auth: BearerToken | None = None
    """The token that callers must show."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        known = self.auth is not None or (self.tls is not None and self.tls.clients is not None)
        if self.listen is Listen.EVERYWHERE and not (self.tls and known):
            missing = "TLS" if self.tls is None else "authentication"
            raise refused("collector/open-door", self.place, "listen",
                          f"a receiver listens on 0.0.0.0 without {missing}",
                          "whoever reaches the host may send anything: spans and metrics that hide a failure or page "
                          "somebody, and enough of them to fill disks (CWE-1327)",
                          "leave `listen` out, or add tls=ServerTls(..., clients=SecretFile(...))")  # fmt: skip
        if self.auth is not None and self.tls is None:
            raise refused("collector/plain-token", self.place, "auth", "a receiver takes tokens without TLS",
                          "whoever sits between reads the token, and is its owner from then on",
                          "add tls=ServerTls(certificate=SecretFile(...), key=SecretFile(...))")  # fmt: skip

    @property
    def signals(self) -> tuple[Signal, ...]:
        """All three."""
        return tuple(Signal)


@dataclass(frozen=True, kw_only=True)
class FileLogs:
    """The log files of the node's containers.

    Read from their beginning, and from where it stopped after a restart: the place in each file is kept on disk.
    ``exclude`` should hold the collectors' own files, or each line that they log makes another.

    Example::

        FileLogs(include=("/var/log/pods/shop_*/*/*.log",))
    """

    include: tuple[str, ...] = ("/var/log/pods/*/*/*.log",)
    """Which files, as patterns."""
    exclude: tuple[str, ...] = ("/var/log/pods/*/otc-container/*.log",)
    """Which of those not."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Logs."""
        return (Signal.LOGS,)


@dataclass(frozen=True, kw_only=True)
class HostMetrics:
    """What the node itself uses: processor, memory, disks, file systems, network.

    Example::

        HostMetrics(every=15 * seconds)
    """

    every: Duration = 30 * seconds
    """How often it looks."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Metrics."""
        return (Signal.METRICS,)


@dataclass(frozen=True, kw_only=True)
class KubeletStats:
    """What each pod and container of the node uses, as its kubelet tells.

    Example::

        KubeletStats(every=15 * seconds)
    """

    every: Duration = 30 * seconds
    """How often it asks."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Metrics."""
        return (Signal.METRICS,)


Receiver: TypeAlias = Otlp | FileLogs | HostMetrics | KubeletStats
RECEIVERS = (Otlp, FileLogs, HostMetrics, KubeletStats)
OF_THE_NODE = (FileLogs, HostMetrics, KubeletStats)
