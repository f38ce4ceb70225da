"""What discovery tells a person beside the definitions: what was left out, what looks odd, what could not be asked.

One finding for each thing, worded alike, so that they fold.
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.build.discovery.census import Census, Kind, destination, summed
from meshscope.build.discovery.names import is_name, shown
from meshscope.build.discovery.proposals import period
from meshscope.build.discovery.survey import Telemetry
from meshscope.findings import Finding, Level, MeshscopeError
from meshscope.model.services import Identity
from meshscope.model.units import days

_PLAINTEXT_SHARE = 0.01
_FAILING_SHARE = 0.025


def nothing_named(telemetry: Telemetry, census: Census) -> MeshscopeError:
    """The error that the series name no service."""
    labels = telemetry.provider.labels
    odd = sorted(name for names in census.left.values() for name in names)[:3]
    seen = f"; what they name instead: {', '.join(f'`{shown(name)}`' for name in odd)}" if odd else ""
    return MeshscopeError(
        Finding(
            code="discover/no-service",
            title=f"no series of `{telemetry.provider.requests}` names a service",
            why=f"a service is named by the labels `{labels.namespace}` and `{labels.service}`, both valid "
            f"Kubernetes names{seen}",
            help="see whether the mesh's telemetry settings or Prometheus's relabelling drop or rewrite them",
        )
    )


def about(telemetry: Telemetry, census: Census, cluster: str) -> Iterator[Finding]:
    """Everything worth saying that is of no single service's definition."""
    if telemetry.provider.discovery.maker:
        yield _other_names(telemetry)
    yield from _left_out(telemetry, census)
    yield from _labels(telemetry, census, cluster)
    yield from _retention(telemetry)
    yield from _plaintext(telemetry, census)
    yield from _answers(telemetry)


def _other_names(telemetry: Telemetry) -> Finding:
    provider = telemetry.provider
    return Finding(
        code="discover/other-names",
        title=f"measured from `{provider.requests}`, as {provider.discovery.maker} is set up to call it here",
        level=Level.NOTE,
        why="what is built reads the names that the gateway tier in collectors/ gives (meshscope explain SpanMetrics)",
        help="deploy that tier before the rules: until it counts, every indicator is absent",
        subject=provider.requests,
    )


def _left_out(telemetry: Telemetry, census: Census) -> Iterator[Finding]:
    for name in sorted(census.left.get(Kind.NO_NAME, ())):
        yield _bad_name(shown(name))
    for name in sorted(census.left.get(Kind.NO_NAMESPACE, ())):
        yield _no_namespace(shown(name), telemetry.provider.labels.namespace)
    for name in sorted(census.left.get(Kind.NO_ROUTE, ())):
        yield _no_route(shown(name))
    for name in sorted(census.left.get(Kind.ONLY_CALLS, ())):
        yield _only_calls(name)
    for identity in sorted(census.assumed):
        yield _assumed(str(identity), telemetry.provider.labels.namespace)
    for name, requests in sorted(census.outside.items()):
        yield _outside(name, requests / float(telemetry.window.seconds))
    for identity in sorted(census.gone):
        yield _gone(str(identity), telemetry.measured)
    defined = {identity for identity in census.inside if identity in census.called}
    tcp = {destination(telemetry, row) for row in telemetry.connections}
    for identity in sorted(tcp - defined - set(census.gateways)):
        if is_name(identity.name) and is_name(identity.namespace) and identity.namespace != "unknown":
            yield _only_tcp(str(identity))


def _bad_name(name: str) -> Finding:
    return Finding(
        code="discover/bad-name",
        title=f"`{name}` is left out: it is no name that Kubernetes gives",
        level=Level.WARNING,
        why="names become labels, files and Python names; lower case letters, digits and dashes are safe there",
        help="correct the name where the telemetry is made, then run this again into a new folder",
        subject=name,
    )


def _no_namespace(name: str, label: str) -> Finding:
    return Finding(
        code="discover/no-namespace",
        title=f"`{name}` is left out: its series carry no namespace",
        level=Level.WARNING,
        why=f"a service is told from others of its name by the label `{label}`",
        help="give the workload its namespace where the telemetry is made; what lies outside the mesh is an External",
        subject=name,
    )


def _no_route(name: str) -> Finding:
    return Finding(
        code="discover/no-route",
        title=f"`{name}` is left out: callers address it, and their proxies have no route to it",
        level=Level.WARNING,
        why="a service that was deleted or never deployed, or a subset without instances: all these requests fail",
        help="deploy it or take the callers away, then run this again into a new folder",
        subject=name,
    )


def _only_calls(name: str) -> Finding:
    return Finding(
        code="discover/only-calls",
        title=f"`{name}` is left out: it answers no requests and takes no messages",
        level=Level.NOTE,
        why="its spans are of calls that it makes, or of work by itself: a browser, a load generator, a cron job",
        help="write it by hand with expects_traffic=False, where its calls or its owner matter",
        subject=name,
    )


def _assumed(name: str, label: str) -> Finding:
    return Finding(
        code="discover/assumed-namespace",
        title=f"`{name}`: its telemetry names no namespace, so the definition says `default`",
        level=Level.WARNING,
        why=f"rules find a service by the label `{label}`; without it they find none, and its indicators are absent",
        help="set service.namespace (OTEL_RESOURCE_ATTRIBUTES=service.namespace=...), or let collectors enrich with "
        "KubernetesAttributes(); then write the same namespace here",
        subject=name,
    )


def _outside(name: str, rate: float) -> Finding:
    forwarded = "Passthrough" in name
    blocked = "BlackHole" in name
    why = "proxies report under such names what they forward to hosts that no Service or ServiceEntry names"
    remedy = "name those hosts by a ServiceEntry in the mesh; they can then be watched and limited"
    if blocked:
        why = "the mesh lets nobody out to hosts that it does not know (REGISTRY_ONLY): all of these requests fail"
        remedy = "see who sends them (source_workload); name the host by a ServiceEntry if it is meant to be called"
    elif not forwarded:
        why = "proxies report so what they could not attribute: no route, no cluster, or a destination without metadata"
        remedy = "see who sends them (source_workload), and with which response_flags"
    return Finding(
        code="discover/blocked" if blocked else "discover/no-destination",
        title=f"{rate:.2g} requests a second go to `{name}`, "
        + ("and are refused" if blocked else "which is no service"),
        level=Level.WARNING if blocked else Level.NOTE,
        why=why,
        help=remedy,
        subject=name,
    )


def _gone(name: str, measured: str) -> Finding:
    return Finding(
        code="discover/gone",
        title=f"`{name}` is left out: it had requests within the {measured} and has no series now",
        level=Level.NOTE,
        why="its proxies are gone: it was removed, renamed, or scaled to nothing",
        help="write it by hand if it comes back, with expects_traffic=False",
        subject=name,
    )


def _only_tcp(name: str) -> Finding:
    return Finding(
        code="discover/only-tcp",
        title=f"`{name}` is left out: it has connections, but no requests",
        level=Level.NOTE,
        why="TCP traffic, and ambient traffic without a waypoint, is counted by connections; an SLO counts requests",
        help="deploy a waypoint or name the port's protocol in its Service, if it speaks HTTP or gRPC after all",
        subject=name,
    )


def _labels(telemetry: Telemetry, census: Census, cluster: str) -> Iterator[Finding]:
    labels = telemetry.provider.labels
    clusters = {identity.cluster for identity in census.inside}
    if clusters == {""}:
        yield Finding(
            code="discover/no-cluster",
            title=f"the series carry no label `{labels.cluster}`",
            level=Level.NOTE,
            why="with one cluster nothing is lost; with a second, services of one namespace and name become one",
            help="add the label when scraping (external_labels do not reach the rules of the same Prometheus)",
        )
    elif "" in clusters:
        yield Finding(
            code="discover/some-without-cluster",
            title=f"some series carry no label `{labels.cluster}`, others do",
            level=Level.WARNING,
            why="the same service would be two: one with the label and one without",
            help="add the label to every scrape of the mesh's proxies, then run this again into a new folder",
        )
    elif len(clusters) > 1:
        yield Finding(
            code="discover/clusters",
            title=f"services of {len(clusters)} clusters report; those of `{cluster}` are written without a word",
            level=Level.NOTE,
            why="an empty cluster is the mesh's own",
            help="make a house of each cluster instead, where each has its Prometheus",
        )
    if telemetry.pods and not any(row[labels.pod] for row in telemetry.pods):
        yield Finding(
            code="discover/no-pod",
            title=f"the series carry no label `{labels.pod}`",
            level=Level.WARNING,
            why="instances can't be counted or told apart: an alert on a lone failing instance has nothing to look at",
            help="add the label when scraping; the scrape configuration that `meshscope build` writes does",
        )


def _retention(telemetry: Telemetry) -> Iterator[Finding]:
    kept, over = telemetry.about.retention, period(telemetry.about.retention)
    if kept is None:
        yield Finding(
            code="discover/retention-unknown",
            title="how long samples are kept could not be asked",
            level=Level.NOTE,
            why=f"an SLO over {over} needs samples of as many days, and {telemetry.about.product} does not say",
            help="write retention=... of Mesh in mesh.py",
        )
    elif over < 28 * days:
        yield Finding(
            code="discover/short-retention",
            title=f"SLOs are proposed over {over}: samples are kept for {kept}",
            level=Level.NOTE,
            why="a budget of 30 days over fewer days of samples would silently be a smaller one",
            help="keep samples for 31 days or more (--storage.tsdb.retention.time=31d), then write over=30 * days",
        )


def _plaintext(telemetry: Telemetry, census: Census) -> Iterator[Finding]:
    every, plain = summed(telemetry, telemetry.requests), summed(telemetry, telemetry.plaintext)
    served = {row[telemetry.provider.labels.reporter] for row in telemetry.pods}
    served = {telemetry.provider.instance_reporter} | (served - {""})
    for (identity, reporter), requests in sorted(plain.items()):
        if reporter in served and identity in census.called and requests > every[identity, reporter] * _PLAINTEXT_SHARE:
            yield Finding(
                code="discover/plaintext",
                title=f"`{identity}` is sent requests without mutual TLS",
                level=Level.NOTE,
                why="more than one request in a hundred within the measured time: a caller outside the mesh, "
                "or a policy that permits it",
                help="see who calls it, or require it: PeerAuthentication with mtls.mode STRICT",
                subject=str(identity),
            )


def _answers(telemetry: Telemetry) -> Iterator[Finding]:
    for purpose, why in telemetry.unasked:
        yield Finding(
            code="discover/unasked",
            title=f"{purpose} could not be asked",
            level=Level.WARNING,
            why=why,
            help="what depends on it is missing here, and may exist all the same; run this again into a new folder",
            subject=purpose,
        )
    for warning in telemetry.incomplete:
        yield Finding(
            code="discover/incomplete",
            title=f"{telemetry.about.product} warns that its answers may be incomplete",
            level=Level.WARNING,
            why=shown(warning, 300),
            help="see to it that all its stores are up, then run this again into a new folder",
        )


def job(identity: Identity) -> Finding:
    """A caller that nobody calls is taken for a job."""
    return Finding(
        code="discover/job",
        title=f"`{identity}` only calls others: it is written as a service that expects no traffic",
        level=Level.NOTE,
        why="workers, cron jobs and load generators look so; a gateway without a gateway's name does too",
        help="if it lets traffic into the mesh, write Gateway(..., direction=Direction.INGRESS) instead of Service",
        subject=str(identity),
    )


def working(identity: Identity, what: str) -> Finding:
    """A service that takes no requests."""
    return Finding(
        code="discover/no-requests",
        title=f"`{identity}` {what} and answers no requests: no SLO is proposed",
        level=Level.NOTE,
        why="an SLO counts server spans, and it has none; it is written as a service that expects no traffic",
        help="watch its queue or its own metrics with an alert of yours",
        subject=str(identity),
    )


def silent(identity: Identity, measured: str) -> Finding:
    """A service without requests."""
    return Finding(
        code="discover/silent",
        title=f"`{identity}` had not one request within the {measured}: no SLO is proposed",
        level=Level.NOTE,
        why="there is nothing to measure; it expects no traffic as it is written now, so its silence raises no alert",
        help="delete it if it is dead, or write its SLOs and remove expects_traffic=False",
        subject=str(identity),
    )


def no_proxy(identity: Identity) -> Finding:
    """A service that only its callers report."""
    return Finding(
        code="discover/no-proxy",
        title=f"`{identity}` is seen by its callers only",
        level=Level.NOTE,
        why="no proxy of its own reports: it is not in the mesh, or its proxies are not scraped; "
        "its instances can't be told apart",
        help="label its namespace istio-injection=enabled, or see whether its pods are scraped",
        subject=str(identity),
    )


def both_planes(identity: Identity) -> Finding:
    """A service of which a part passes a waypoint."""
    return Finding(
        code="discover/both-planes",
        title=f"`{identity}` is reported by sidecars and, for a smaller part, by a waypoint",
        level=Level.WARNING,
        why="what passes the waypoint is not counted: counting both would count requests twice",
        help="write dataplane=DataPlane.WAYPOINT once all callers pass it",
        subject=str(identity),
    )


def no_objective(identity: Identity, requests: float, failures: float, measured: str) -> Finding:
    """A service for which no availability is proposed."""
    if failures > requests * _FAILING_SHARE:
        return Finding(
            code="discover/failing",
            title=f"`{identity}` fails too often for any objective to be proposed",
            level=Level.WARNING,
            why=f"more than one request in forty failed within the {measured}",
            help="look at it before anything is promised",
            subject=str(identity),
        )
    return Finding(
        code="discover/few-requests",
        title=f"`{identity}` had too few requests within the {measured} for an objective to be proposed",
        level=Level.NOTE,
        why="one failure more or less would decide whether it was kept",
        help="write what its users need: slos=(...)",
        subject=str(identity),
    )
