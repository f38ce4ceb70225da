"""What stands at the top of a tier's configuration: what it is for, keeps and loses, and what it needs to run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from meshscope.build.collectors.sampling import BATCH_WAIT, arrivals, forgets, held_traces
from meshscope.build.collectors.sending import host_variable
from meshscope.build.collectors.site import Settings, Site, needs_whole_traces, senders
from meshscope.model.pipelines import Tier
from meshscope.model.pipelines_access import Auth, BasicAuth, BearerToken, Env
from meshscope.model.pipelines_receive import FileLogs, HostMetrics, Otlp
from meshscope.model.pipelines_send import ToLogStore, ToPrometheus, ToTier, ToTraceStore
from meshscope.model.pipelines_steps import TailSampling

_VARIABLE = re.compile(r"\$\{env:(\w+)(?::-([^}]*))?\}")
_OURS = {
    "MY_POD_IP": "the pod's own address (the field status.podIP)",
    "MY_NODE_NAME": "the node's name (the field spec.nodeName)",
    "STORAGE_DIRECTORY": "the folder of queues, which must outlive the pod",
    "SECRETS_DIRECTORY": "the folder of tokens, keys and certificates",
}
_ENDPOINTS = (
    (ToPrometheus, "Prometheus's OTLP receiver, for example https://prometheus:9090/api/v1/otlp"),
    (ToTraceStore, "the trace store, for example https://tempo:4318"),
    (ToLogStore, "the log store, for example https://loki:3100/otlp"),
)


def about(site: Site, document: Settings) -> str:
    """Some paragraphs of plain text."""
    pipeline = site.pipeline
    each = ", one on each node" if pipeline.tier is Tier.NODE else ""
    title = f"The {pipeline.name} tier of {site.model.mesh.name}'s collectors{each}."
    paragraphs = [f"{title} {pipeline.about}".strip(), *_promises(site), _needs(document)]
    variables = [f"  {name}: {means}" for name, means in environment(site, document).items()]
    paragraphs.append("\n".join(["It reads from its environment:", *variables]))
    return "\n\n".join(paragraphs)


def environment(site: Site, document: Settings) -> Mapping[str, str]:
    """Every variable that the configuration reads, in order of use, and what it means."""
    meanings = {**_OURS, **dict(_defined(site))}
    found: dict[str, str] = {}
    for text in _texts(document):
        for name, default in _VARIABLE.findall(text):
            means = meanings.get(name, "")
            found.setdefault(name, f"{means}; {default} where it is not set" if default else means)
    return found


def host_folders(site: Site) -> Mapping[str, str]:
    """What a node's collector must be shown of its node: where the configuration expects it, and what it is there."""
    kinds = {type(receiver) for receiver in site.pipeline.receive}
    folders = {"/var/log/pods": "/var/log/pods"} if FileLogs in kinds else {}
    return {**folders, "/hostfs": "/"} if HostMetrics in kinds else folders


def _promises(site: Site) -> Iterator[str]:
    pipeline = site.pipeline
    queue = min(destination.queue.mebibytes for destination in pipeline.send)
    yield (
        f"What it sends waits on disk until it is delivered, {queue} MiB for each exporter; when that is full, senders "
        "are refused and told to try again. A collector that is killed loses nothing that waits there."
    )
    if pipeline.sample is not None:
        yield _sampling_bound(pipeline.sample, site)
    if pipeline.count is not None:
        yield (
            "Spans are counted before any is sampled away; a collector that is killed loses the counts of at most "
            f"{site.duration(site.model.mesh.scrape_interval)}.{_forgets(site)}"
            if site.counts
            else f"Spans are not counted here: {site.provider.title} counts requests itself."
        )


def _sampling_bound(sample: TailSampling, site: Site) -> str:
    wait, batch = site.duration(sample.decision_wait), site.duration(BATCH_WAIT)
    slow = f" or lasts longer than {sample.slower_than}" if sample.slower_than is not None else ""
    rate = arrivals(site.model)
    room = f", twice what {rate} requests a second need" if rate else ""
    return (
        f"Stored is every trace that holds an error{slow}, and {sample.rest} of the others, as far as its spans arrive "
        f"within {wait} of its first one: an error that comes later is stored only if the trace was chosen without it. "
        f"A collector holds {held_traces(sample, site.model)} traces{room}; the oldest beyond that go undecided, "
        "counted in otelcol_processor_tail_sampling_sampling_trace_dropped_too_early. Spans that wait for the decision "
        f"are in memory: a collector that is killed loses at most {wait} of them, and {batch} of those chosen; "
        f"one that is stopped decides first.{_spread(site)}"
    )


def _forgets(site: Site) -> str:
    return "" if forgets(site) else " Series of pods that are gone stay until it restarts: this release forgets none."


def _spread(site: Site) -> str:
    before = senders(site.pipeline, {pipeline.name: pipeline for pipeline in site.model.pipelines})
    if not needs_whole_traces(site.pipeline) or not before:
        return ""
    names = " and ".join(pipeline.name for pipeline in before)
    return (
        f" Traces must come by way of the {names} tier, which spreads them by their id: what is sent here past it is "
        "decided in parts, and so are traces that are under way while the number of collectors changes."
    )


def _needs(document: Settings) -> str:
    kinds = ("receivers", "processors", "connectors", "exporters", "extensions")
    lines = []
    for kind in kinds:
        part = document.get(kind)
        if isinstance(part, Mapping):
            names = dict.fromkeys(str(name).partition("/")[0] for name in part)
            lines.append(f"  {kind}: {', '.join(names)}")
    return "\n".join(
        ["It needs a build of the OpenTelemetry Collector with these components (otelcol-contrib has all):", *lines]
    )


def _defined(site: Site) -> Iterator[tuple[str, str]]:
    for destination in site.pipeline.send:
        if isinstance(destination, ToTier):
            tier = destination.to.name
            yield host_variable(tier), f"a name that resolves to every collector of the {tier} tier"
        elif isinstance(destination.endpoint, Env):
            endpoint = destination.endpoint
            means = next(text for kind, text in _ENDPOINTS if isinstance(destination, kind))
            yield endpoint.name, endpoint.means or means
        yield from _credential(destination.auth, "shown to the receiver")
    for receiver in site.pipeline.receive:
        if isinstance(receiver, Otlp):
            yield from _credential(receiver.auth, "that senders must show")


def _credential(auth: Auth | None, use: str) -> Iterator[tuple[str, str]]:
    match auth:
        case BearerToken(token=Env() as variable):
            yield variable.name, variable.means or f"the token {use}"
        case BasicAuth(password=Env() as variable):
            yield variable.name, variable.means or f"the password {use}"


def _texts(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
