"""What is wrong between tiers: each may be sound, and telemetry still get lost or counted twice on its way."""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.build.collectors.site import needs_whole_traces, next_tier, senders, taken
from meshscope.findings import Finding, Level
from meshscope.model.model import Model
from meshscope.model.pipelines import Pipeline
from meshscope.model.pipelines_receive import Otlp, Signal
from meshscope.model.pipelines_send import ToTier
from meshscope.model.provider import MeshProvider


def collector_findings(model: Model, provider: MeshProvider) -> tuple[Finding, ...]:
    """Everything that is wrong between the tiers of ``model``, and between them and what ``provider`` reads."""
    tiers = {pipeline.name: pipeline for pipeline in model.pipelines}
    found: list[Finding] = []
    for pipeline in model.pipelines:
        hop = next((destination for destination in pipeline.send if isinstance(destination, ToTier)), None)
        if hop is not None:
            found += _hop(pipeline, hop, tiers)
        found += _chain(pipeline, tiers)
        if needs_whole_traces(pipeline) and not senders(pipeline, tiers):
            found.append(_torn(pipeline))
    traced = [pipeline for pipeline in model.pipelines if Signal.TRACES in pipeline.signals]
    if provider.free_bounds and traced and not any(pipeline.count for pipeline in traced):
        found.append(_uncounted(traced[0], provider))
    return tuple(found)


def _hop(pipeline: Pipeline, hop: ToTier, tiers: dict[str, Pipeline]) -> Iterator[Finding]:
    target = tiers.get(hop.to.name)
    door = next((receiver for receiver in target.receive if isinstance(receiver, Otlp)), None) if target else None
    if target is None or door is None:
        yield Finding(
            code="collector/nobody-listens",
            title=f"tier `{pipeline.name}` sends to `{hop.to.name}`, which "
            f"{'is not there' if target is None else 'receives no OTLP'}",
            place=hop.place,
            argument="to",
            why="tiers speak OTLP with each other; what nobody takes waits on disk until that is full",
            help="add receive=(Otlp(),) to it" if target is not None else "define it, or send elsewhere",
        )
        return
    for signal in pipeline.signals:
        # What is only sent to a tier is refused at its door, and the sender told; what it fetches itself would be lost.
        fetched = any(not isinstance(receiver, Otlp) for receiver in pipeline.sources(signal))
        if fetched and isinstance(pipeline.destination(signal), ToTier) and signal not in taken(target, tiers):
            yield Finding(
                code="collector/dead-end",
                title=f"{signal} of tier `{pipeline.name}` end at tier `{target.name}`",
                place=hop.place,
                argument="to",
                why=f"`{target.name}` sends {signal} nowhere, so it refuses them",
                help=f"send {signal} from `{target.name}` to a store, or from `{pipeline.name}` elsewhere",
            )
    mismatch = _mismatch(hop, door)
    if mismatch:
        yield Finding(
            code="collector/tiers-disagree",
            title=f"tier `{pipeline.name}` can't talk to tier `{target.name}`: {mismatch[0]}",
            place=hop.place,
            why="both ends of a connection must agree on TLS and on who may send",
            help=mismatch[1],
        )


def _mismatch(hop: ToTier, door: Otlp) -> tuple[str, str] | None:
    if (hop.tls is None) != (door.tls is None):
        one, other = ("speaks", "doesn't") if hop.tls is not None else ("doesn't speak", "does")
        return f"it {one} TLS, and that one {other}", "add tls=... to the one that lacks it"
    if door.tls is not None and door.tls.clients is not None and (hop.tls is None or hop.tls.certificate is None):
        return "it shows no certificate, and that one asks for one", "add certificate=... and key=... to its ClientTls"
    if (hop.auth is None) != (door.auth is None):
        one, other = ("shows a token", "asks for none") if hop.auth is not None else ("shows no token", "asks for one")
        return f"it {one}, and that one {other}", "add auth=BearerToken(...) to the one that lacks it"
    return None


def _chain(pipeline: Pipeline, tiers: dict[str, Pipeline]) -> Iterator[Finding]:
    """What goes wrong further down the way that the traces of ``pipeline`` take."""
    passed = [pipeline.name]
    here: Pipeline | None = next_tier(pipeline, tiers)
    while here is not None:
        if here.name in passed:
            yield Finding(
                code="collector/loop",
                title=f"tier `{pipeline.name}` sends to itself, by way of {', '.join(passed[1:]) or 'nobody'}",
                place=pipeline.place,
                argument="send",
                why="everything goes round for ever, and each round is counted and stored again",
                help="let one of them send to stores only",
            )
            return
        passed.append(here.name)
        if here.count is not None and (pipeline.sample is not None or pipeline.count is not None):
            yield _miscounted(pipeline, here)
        here = next_tier(here, tiers)


def _torn(pipeline: Pipeline) -> Finding:
    return Finding(
        code="collector/torn-traces",
        title=f"each of {pipeline.replicas} collectors of tier `{pipeline.name}` decides on its part of a trace",
        place=pipeline.place,
        argument="sample",
        why="services send to whichever collector they are connected to, so one that does not see the error drops its "
        "spans: of a trace that holds an error only a part is stored",
        help=f"let a tier before it send to it, which spreads traces by their id: receive=(Otlp(),), "
        f"send=(ToTier(to={pipeline.name.replace('-', '_')}),); or let one collector decide: replicas=1",
    )


def _miscounted(first: Pipeline, then: Pipeline) -> Finding:
    sampled = first.sample is not None
    code = "collector/sampled-before-counted" if sampled else "collector/counted-twice"
    return Finding(
        code=code,
        title=f"spans are {'sampled' if sampled else 'counted'} by tier `{first.name}` and counted "
        f"{'afterwards' if sampled else 'again'} by tier `{then.name}`",
        place=(then.count.place if then.count is not None else None) or then.place,
        why="the failures among those sampled away are missing from every SLO, while all errors are kept: "
        "ratios come out many times too high"
        if sampled
        else "every request is in two series, and sums over them are twice what happened",
        help=f"move SpanMetrics to tier `{first.name}`" if sampled else "keep SpanMetrics in one of them",
    )


def _uncounted(pipeline: Pipeline, provider: MeshProvider) -> Finding:
    return Finding(
        code="collector/nothing-counted",
        title="no tier counts spans",
        place=pipeline.place,
        argument="count",
        level=Level.WARNING,
        why=f"{provider.title} are what every rule and dashboard of this mesh reads; "
        "unless another collector makes them, all of it stays empty",
        help="add count=SpanMetrics() to the tier that all traces pass",
    )
