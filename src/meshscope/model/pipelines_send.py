"""Where collectors send telemetry: to the next tier, or to the programs that store it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from meshscope.findings import Place, here
from meshscope.model.mesh import Mesh
from meshscope.model.pipelines_access import Auth, BearerToken, ClientTls, Env, check_endpoint, refused
from meshscope.model.pipelines_receive import Signal


@dataclass(frozen=True, kw_only=True)
class PipelineDefinition:
    """A tier before the mesh is known: ``draw`` is called once with the mesh; made by `pipeline`.

    Its function does not travel: what is sent to another process knows only the tier's name and place.
    """

    name: str
    draw: Callable[[Mesh], Any] | None = field(default=None, compare=False, repr=False)
    about: str = ""
    place: Place | None = field(default=None, compare=False, repr=False)

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "draw": None}


@dataclass(frozen=True, kw_only=True)
class Queue:
    """What waits on disk until it is delivered: at most ``mebibytes`` of each signal for each destination.

    When it is full the sender is refused and told to try again.

    Example::

        ToTraceStore(endpoint="https://tempo.example:4318", queue=Queue(mebibytes=4096))
    """

    mebibytes: int = 1024
    """How much disk one signal for one destination may take, in MiB; at least 8."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.mebibytes < 8:
            raise refused("collector/no-queue", self.place, "mebibytes", f"a queue holds {self.mebibytes} MiB",
                          "what a collector has accepted waits there until it is delivered, in batches of up to 3 MiB; "
                          "without room for some of them it is refused while a store is away",
                          "write how much disk an outage may take, for example mebibytes=1024")  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class ToTier:
    '''To the collectors of another tier, which receive OTLP. ``to`` is the function that defines it.

    Traces are spread by their id where that tier has several replicas and samples, so that one of them sees the whole
    of a trace.

    Example::

        @pipeline
        def gateway(mesh: Mesh) -> Pipeline:
            """Takes traces in from every node."""
            send = (ToTraceStore(endpoint="https://tempo.example:4318"),)
            return Pipeline(tier=Tier.GATEWAY, receive=(Otlp(),), redact=Redact(), send=send)

        ToTier(to=gateway)
    '''

    to: PipelineDefinition
    """The function that defines that tier."""
    tls: ClientTls | None = None
    """TLS of the way there."""
    auth: BearerToken | None = None
    """The token to show."""
    queue: Queue = field(default_factory=Queue)
    """What waits on disk meanwhile."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not isinstance(self.to, PipelineDefinition):
            raise refused("collector/no-tier", self.place, "to", "`to` names no tier of collectors",
                          "things refer to each other by name, so that a wrong one is seen before anything runs",
                          "from collectors.gateway import gateway, and write ToTier(to=gateway)")  # fmt: skip
        if self.auth is not None and self.tls is None:
            raise refused("collector/plain-token", self.place, "auth", "a token is shown without TLS",
                          "whoever sits between reads the token, and is its owner from then on",
                          "add tls=ClientTls(ca=SecretFile(...))")  # fmt: skip

    @property
    def signals(self) -> tuple[Signal, ...]:
        """All three."""
        return tuple(Signal)


@dataclass(frozen=True, kw_only=True)
class _Store:
    """A program that stores one signal and takes it by OTLP over HTTP."""

    endpoint: str | Env
    """The store's address, up to `/v1/SIGNAL`."""
    tls: ClientTls | None = None
    """TLS of the way there."""
    auth: Auth | None = None
    """What to show."""
    queue: Queue = field(default_factory=Queue)
    """What waits on disk meanwhile."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        check_endpoint(self.endpoint, type(self).__name__.removeprefix("To"), self.place)


@dataclass(frozen=True, kw_only=True)
class ToPrometheus(_Store):
    """Metrics, into Prometheus's own OTLP receiver, whose sending queue survives a restart.

    ``endpoint`` is the address up to ``/v1/metrics``, for example ``https://prometheus:9090/api/v1/otlp``. Prometheus
    needs ``--web.enable-otlp-receiver``. Raises `DefinitionError` for the address of remote write.

    Example::

        ToPrometheus(endpoint="https://prometheus.example/api/v1/otlp")
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.endpoint, Env) and self.endpoint.rstrip("/").endswith("/write"):
            raise refused("collector/remote-write", self.place, "endpoint", "metrics go to Prometheus by remote write",
                          "that exporter has no sending queue on disk: what it holds is lost with the collector",
                          f'write "{self.endpoint.rstrip("/").removesuffix("write")}otlp"')  # fmt: skip

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Metrics."""
        return (Signal.METRICS,)


@dataclass(frozen=True, kw_only=True)
class ToTraceStore(_Store):
    """Traces, to a store that takes OTLP over HTTP (Tempo, Jaeger); ``endpoint`` goes up to ``/v1/traces``.

    Example::

        ToTraceStore(endpoint="https://tempo.example:4318")
    """

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Traces."""
        return (Signal.TRACES,)


@dataclass(frozen=True, kw_only=True)
class ToLogStore(_Store):
    """Logs, to a store that takes OTLP over HTTP; ``endpoint`` goes up to ``/v1/logs`` (Loki: ``/otlp``).

    Example::

        ToLogStore(endpoint="https://loki.example/otlp")
    """

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Logs."""
        return (Signal.LOGS,)


Store: TypeAlias = ToPrometheus | ToTraceStore | ToLogStore
Destination: TypeAlias = ToTier | Store
STORES = (ToPrometheus, ToTraceStore, ToLogStore)
DESTINATIONS = (ToTier, *STORES)
