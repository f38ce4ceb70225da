"""Collector pipelines: what a tier of collectors receives, does with it and passes on.

The fields of a `Pipeline` stand in the order in which telemetry passes them, whatever order they are written in: a
memory limiter, which needs no word, then ``receive``, ``enrich``, ``redact``, ``count``, ``sample``, ``send``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from meshscope.findings import Place, here
from meshscope.model.mesh import Mesh
from meshscope.model.people import dns_label
from meshscope.model.pipelines_access import refused, some_of, twice
from meshscope.model.pipelines_receive import OF_THE_NODE, RECEIVERS, Receiver, Signal
from meshscope.model.pipelines_send import DESTINATIONS, STORES, Destination, PipelineDefinition, ToTier
from meshscope.model.pipelines_steps import ENRICHMENTS, Enrichment, Redact, SpanMetrics, TailSampling


class Tier(StrEnum):
    """Which collectors: one on each node, close to what it watches, or a few through which everything passes.

    Example::

        Pipeline(tier=Tier.NODE, receive=(FileLogs(),), redact=Redact(), send=(ToLogStore(endpoint="https://loki.example/otlp"),))
    """

    NODE = "node"
    """One collector on each node."""
    GATEWAY = "gateway"
    """A few collectors, through which everything passes."""


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """One tier of collectors. Raises `DefinitionError` for one that is unsafe or could not work.

    ``replicas`` counts the collectors of a gateway tier. ``name`` and ``about`` come from the function that `pipeline`
    decorates and its docstring.

    Example::

        Pipeline(
            tier=Tier.GATEWAY,
            receive=(Otlp(),),
            redact=Redact(),
            send=(ToTraceStore(endpoint="https://tempo.example:4318"),),
        )
    """

    tier: Tier
    """Which collectors these are."""
    receive: tuple[Receiver, ...]
    """What they receive."""
    send: tuple[Destination, ...]
    """Where they send it."""
    enrich: tuple[Enrichment, ...] = ()
    """What they say of it besides."""
    redact: Redact | None = None
    """What they mask; needed where traces or logs are stored."""
    count: SpanMetrics | None = None
    """Whether they make metrics of spans."""
    sample: TailSampling | None = None
    """Which traces they keep."""
    replicas: int = 1
    """How many collectors a gateway tier has."""
    name: str = ""
    """The tier's name; comes from the function."""
    about: str = ""
    """What it is for; comes from the function's docstring."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        some_of(self.receive, RECEIVERS, "receive", self.place)
        some_of(self.send, DESTINATIONS, "send", self.place)
        some_of(self.enrich, ENRICHMENTS, "enrich", self.place)
        _check_kinds(self)
        _check_tier(self)
        _check_ways(self)
        _check_redaction(self)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """The signals that it both receives (or counts) and sends, in the order of `Signal`."""
        return tuple(signal for signal in Signal if self.sources(signal) and self.destination(signal) is not None)

    def sources(self, signal: Signal) -> tuple[Receiver, ...]:
        """The receivers of ``signal``."""
        return tuple(receiver for receiver in self.receive if signal in receiver.signals)

    def destination(self, signal: Signal) -> Destination | None:
        """Where ``signal`` goes: its own store before another tier, None where it goes nowhere."""
        takers = [destination for destination in self.send if signal in destination.signals]
        return next((taker for taker in takers if not isinstance(taker, ToTier)), takers[0] if takers else None)


def _check_kinds(pipeline: Pipeline) -> None:
    for argument in ("receive", "send"):
        if not getattr(pipeline, argument):
            raise refused("collector/no-way", pipeline.place, argument, f"a tier has nothing to {argument}",
                          "telemetry comes in somewhere and goes on somewhere, or there is nothing to do",
                          f"write {argument}=({'Otlp()' if argument == 'receive' else 'ToTier(to=...)'},)")  # fmt: skip
    for argument in ("receive", "enrich", "send"):
        kind = twice(getattr(pipeline, argument))
        if kind is not None:
            raise refused("collector/twice", pipeline.place, argument, f"a tier has {kind} twice",
                          "each kind is one component of the collector, with one configuration",
                          f"keep one {kind}, or define another tier")  # fmt: skip


def _check_tier(pipeline: Pipeline) -> None:
    if pipeline.replicas < 1 or (pipeline.tier is Tier.NODE and pipeline.replicas != 1):
        raise refused("collector/bad-replicas", pipeline.place, "replicas",
                      f"a {pipeline.tier} tier has {pipeline.replicas} replicas",
                      "a node tier is one collector on each node, a gateway tier a number of them",
                      "write 1 or more for a gateway, and leave it out for nodes")  # fmt: skip
    of_the_node = next((part for part in pipeline.receive if isinstance(part, OF_THE_NODE)), None)
    if pipeline.tier is Tier.GATEWAY and of_the_node is not None:
        kind = type(of_the_node).__name__
        raise refused("collector/not-on-a-gateway", pipeline.place, "receive", f"a gateway tier has {kind}",
                      "it would see only the nodes on which a gateway happens to run, and miss all others",
                      f"move {kind} to a node tier that sends to this one")  # fmt: skip
    if pipeline.tier is Tier.NODE and pipeline.sample is not None:
        raise refused("collector/sampled-on-a-node", pipeline.place, "sample", "a node tier samples traces",
                      "the spans of one trace arrive at many nodes; each would decide on its own part of it",
                      "move TailSampling to a gateway tier")  # fmt: skip


def _check_ways(pipeline: Pipeline) -> None:
    for receiver in pipeline.receive:
        if not any(pipeline.destination(signal) for signal in receiver.signals):
            wanted = ", ".join(receiver.signals)
            raise refused("collector/no-way", pipeline.place, "send",
                          f"what {type(receiver).__name__} receives goes nowhere",
                          f"no destination takes {wanted}, and a collector refuses a receiver without a pipeline",
                          f"send {wanted} somewhere, or take {type(receiver).__name__} out")  # fmt: skip
    counted = (Signal.METRICS,) if pipeline.count is not None else ()
    for destination in pipeline.send:
        given = [signal for signal in destination.signals if pipeline.sources(signal) or signal in counted]
        if not given:
            raise refused("collector/no-way", pipeline.place, "receive",
                          f"nothing is received that goes to {type(destination).__name__}",
                          f"it takes {', '.join(destination.signals)}",
                          "add a receiver of it, or take it out")  # fmt: skip
    for argument, needed in (("count", Signal.TRACES), ("count", Signal.METRICS), ("sample", Signal.TRACES)):
        part = getattr(pipeline, argument)
        lacking = part is not None and pipeline.destination(needed) is None
        if lacking or (part is not None and not pipeline.sources(Signal.TRACES)):
            what = needed if lacking else Signal.TRACES
            raise refused("collector/no-way", pipeline.place, argument,
                          f"{type(part).__name__} needs {what} that are {'sent somewhere' if lacking else 'received'}",
                          "it reads spans, and what it makes of them has to go on",
                          f"{'send' if lacking else 'receive'} {what}, or leave `{argument}` out")  # fmt: skip


def _check_redaction(pipeline: Pipeline) -> None:
    for signal in (Signal.TRACES, Signal.LOGS):
        if pipeline.redact is None and isinstance(pipeline.destination(signal), STORES):
            raise refused("collector/unredacted", pipeline.place, "send", f"{signal} are stored as they come",
                          "headers, tokens and card numbers get into spans and logs by accident, and a store keeps "
                          "them for months and shows them to everybody",
                          "add redact=Redact()")  # fmt: skip


def pipeline(draw: Callable[[Mesh], Pipeline]) -> PipelineDefinition:
    '''Make a tier of collectors of a function ``Mesh -> Pipeline``, which is called when the mesh is known.

    The function's name is the tier's, its docstring says what the tier is for, at the top of the built config.
    Raises `DefinitionError` for a name that is none.

    Example::

        @pipeline
        def gateway(mesh: Mesh) -> Pipeline:
            """Takes traces in from every node."""
            send = (ToTraceStore(endpoint="https://tempo.example:4318"),)
            return Pipeline(tier=Tier.GATEWAY, receive=(Otlp(),), redact=Redact(), send=send)
    '''
    name = draw.__name__.replace("_", "-")
    code = draw.__code__
    place = Place(code.co_filename, code.co_firstlineno)
    dns_label(name, "tier of collectors", "name", place)
    about = " ".join(inspect.cleandoc(draw.__doc__ or "").split())
    return PipelineDefinition(name=name, draw=draw, about=about, place=place)


def drawn(definition: PipelineDefinition, mesh: Mesh) -> Pipeline:
    """The tier that ``definition`` draws for ``mesh``. Raises what its function raises, and `DefinitionError`."""
    made = definition.draw(mesh) if definition.draw is not None else None
    if not isinstance(made, Pipeline):
        raise refused("collector/no-pipeline", definition.place, None,
                      f"`{definition.name}` returns no Pipeline",
                      f"it returns {type(made).__name__}; a tier is the Pipeline that its function returns",
                      "end the function with return Pipeline(...)")  # fmt: skip
    return replace(made, name=definition.name, about=definition.about, place=made.place or definition.place)
