"""The mesh as a whole, what differs in each environment, and where its artefacts will live."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from meshscope.findings import DefinitionError, Finding, Place, here
from meshscope.model.addresses import check_addresses
from meshscope.model.alerting import Severity
from meshscope.model.grafana import DataSource
from meshscope.model.library import LibraryAlert, Tuned
from meshscope.model.modes import Mode
from meshscope.model.people import Contacts, Owner, dns_label
from meshscope.model.services import Service
from meshscope.model.slo import SLO
from meshscope.model.stacks import STACKS
from meshscope.model.units import Duration, Ratio, days, seconds
from meshscope.model.versions import Versions

ServiceDiscovery: TypeAlias = Literal["kubernetes", "files"]

_ADDRESSES = ("grafana", "console", "runbooks", "alertmanagers", "agent", "smarthost", "pagerduty_url", "prometheus",
              "traces", "logs")  # fmt: skip
_WORD = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, kw_only=True)
class SeverityWords:
    """The words that stand in the label ``severity``, so that they fit routes that exist already.

    Two different ones of letters, digits, `_` and `-`, neither of them `none`, which says that nobody is told.

    Example::

        Mesh(name="boutique", provider="istio", severities=SeverityWords(page="critical", ticket="warning"))
    """

    page: str = "page"
    """What wakes somebody."""
    ticket: str = "ticket"
    """What waits for the morning."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        for argument in ("page", "ticket"):
            word = getattr(self, argument)
            if not isinstance(word, str) or not _WORD.fullmatch(word):
                why = "it is a label's value, and matchers of routes and texts of messages have it without quotes"
                raise self._wrong(argument, f"`{word}` is no word for a severity", why)
            if word == "none":
                why = "routes tell nobody of alerts of this severity"
                raise self._wrong(argument, f"`none` can't be the word for a {argument}", why)
        if self.page == self.ticket:
            why = "routes tell a page from a ticket by this word alone, so nobody would be woken"
            raise self._wrong("ticket", f"`{self.page}` is the word for a page and for a ticket", why)

    @property
    def wakes(self) -> bool:
        """Whether anybody is woken at all."""
        return True

    def _wrong(self, argument: str, title: str, why: str) -> DefinitionError:
        return DefinitionError(
            Finding(
                code="mesh/bad-severities",
                title=title,
                place=self.place,
                argument=argument,
                why=why,
                help='write two different words of letters, digits, `_` and `-`: page="critical", ticket="warning"; '
                "where nobody is to be woken, Environment(max_severity=Severity.TICKET)",
            )
        )


class TicketsOnly(SeverityWords):
    """Where an environment lets nothing wake anybody: what would be a page has the word for a ticket."""

    def __init__(self, words: SeverityWords) -> None:
        for argument, value in (("page", words.ticket), ("ticket", words.ticket), ("place", words.place)):
            object.__setattr__(self, argument, value)

    @property
    def wakes(self) -> bool:
        """Nobody is."""
        return False


@dataclass(frozen=True, kw_only=True)
class Mesh:
    """A service mesh; its services are those found under ``services/``.

    ``environment`` is the word for the definitions as they stand, beside every `Environment` that differs from them;
    each alert carries it. ``provider`` names who reports the traffic (``istio``, ``opentelemetry``); ``cluster`` is the
    label that scrapes carry (empty: none), ``clusters`` what those of
    several say, of which each has a build of its own (``build --cluster X``), or all have one (``build --global``);
    ``owner`` answers for the platform and for what has no owner, ``security``
    for security alerts (each service's owner where nobody is named). ``mode`` is the most that the feedback agent may
    do anywhere; what it may do to a service, the service says. ``retention`` is how long Prometheus keeps samples,
    ``scrape_interval`` how often it asks. ``grafana``, ``console`` and ``runbooks`` are base
    addresses for links; ``prometheus``, ``alertmanagers``, ``agent`` and ``pagerduty_url`` say where those listen,
    ``traces`` and ``logs`` where Grafana asks for them (Tempo, Loki); ``data_sources`` are the others that dashboards
    ask.
    ``alertmanager_config`` is the file of an Alertmanager that is there already, beside mesh.py: ``check`` merges our
    part into it and judges the whole. ``secrets`` is the folder of credential files as Alertmanager sees it;
    ``smarthost`` takes mail that comes from ``mail_from`` (as ``mail_user``, where it wants to know who asks) and is
    talked to in TLS unless ``mail_tls`` is False; empty, nobody is mailed. ``discovery`` says how Prometheus finds what
    it scrapes: from Kubernetes, or from files that list local processes.
    ``alerts`` turns alerts that come with every mesh off or retunes them: ``{LibraryAlert.OUTAGE: OFF}``,
    ``{LibraryAlert.SCRAPE_FAILING: Tuned(pending=1 * hours)}``.
    ``stack`` names the monitoring stack that is there already (``kube-prometheus``) and tells by itself when its
    Prometheus or Alertmanager fails; what it tells is left out here, and the rule file and the guide list it.

    For ``--emit operator``: the namespace of Prometheus and Alertmanager, the labels by which they select objects, and
    the service account as which Prometheus asks. ``istio_namespace`` is Istio's root namespace.

    Example::

        Mesh(name="boutique", provider="istio", cluster="eu-1")
    """

    name: str
    """Its name; a label of every alert, and part of dashboards' uids."""
    provider: str
    """Who reports its traffic: `istio` or `opentelemetry`, or a plug-in's."""
    environment: str = "production"
    """What the definitions as they stand are called in labels and titles."""
    cluster: str = ""
    """The label `cluster` that scrapes carry; empty: none."""
    clusters: tuple[str, ...] = ()
    """The clusters of a mesh that spans several."""
    stack: str = ""
    """The monitoring stack that is there already and watches its own Prometheus and Alertmanager: `kube-prometheus`."""
    owner: Owner | None = None
    """Who answers for the platform, and for what has no owner."""
    security: Owner | None = None
    """Who is told of security alerts; each service's owner where nobody is named."""
    severities: SeverityWords = SeverityWords()
    """The words that stand in the label `severity`."""
    alerts: Mapping[LibraryAlert, Tuned] = field(default_factory=dict, hash=False)
    """Library alerts that are turned off or retuned here, for the whole mesh."""
    retention: Duration = 40 * days
    """How long Prometheus keeps samples."""
    scrape_interval: Duration = 15 * seconds
    """How often Prometheus asks."""
    group_count: int = 64
    """Over how many groups constants are spread: 64 or 128, and never changed after."""
    versions: Versions = field(default_factory=Versions)
    """The versions of the programs that read what is built."""
    mode: Mode = Mode.OBSERVE
    """The most that the feedback agent may do anywhere."""
    grafana: str = "https://grafana.example.org"
    """Grafana's address, for links."""
    console: str = "https://meshscope.example.org"
    """The agent's console's address, for links."""
    runbooks: str = "https://runbooks.example.org"
    """The address below which runbooks are found, for links."""
    alertmanagers: tuple[str, ...] = ("alertmanager-0:9093", "alertmanager-1:9093")
    """Where Alertmanager listens: `host:port`, one for each replica."""
    alertmanager_config: str = ""
    """The file of an Alertmanager that is there already, beside `mesh.py`: `check` judges it with our part
    merged in."""
    agent: str = "https://meshscope-agent:8443"
    """Where the agent takes alerts; empty: there is none."""
    secrets: str = "/etc/alertmanager/secrets"
    """The folder of credential files, as Alertmanager sees it."""
    smarthost: str = "smtp.example.org:587"
    """Who takes mail: `host:port`; empty, nobody is mailed."""
    mail_from: str = "alertmanager@example.org"
    """The sender of mail."""
    mail_user: str = ""
    """The user as which mail is sent, where the smarthost asks."""
    mail_tls: bool = True
    """Whether mail goes by TLS."""
    pagerduty_url: str = "https://events.pagerduty.com/v2/enqueue"
    """PagerDuty's address, for those who have their own."""
    prometheus: str = "http://prometheus:9090"
    """Prometheus's address, for links and for the agent."""
    traces: str = "http://tempo:3200"
    """Where Grafana asks for traces (Tempo)."""
    logs: str = "http://loki:3100"
    """Where Grafana asks for logs (Loki)."""
    data_sources: tuple[DataSource, ...] = ()
    """What dashboards ask besides the mesh's own metrics, traces and logs."""
    discovery: ServiceDiscovery = "kubernetes"
    """How Prometheus finds what it scrapes: `kubernetes`, or `files` that list local processes."""
    monitoring_namespace: str = "monitoring"
    """The namespace of Prometheus and Alertmanager, for `--emit operator`."""
    monitoring_labels: Mapping[str, str] = field(default_factory=lambda: {"release": "prometheus"}, hash=False)
    """The labels by which Prometheus and Alertmanager select objects, for `--emit operator`."""
    prometheus_account: str = "prometheus"
    """The service account as which Prometheus asks, for `--emit operator`."""
    istio_namespace: str = "istio-system"
    """Istio's root namespace, for `--emit operator`."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    @property
    def every_data_source(self) -> tuple[DataSource, ...]:
        """Grafana's data sources: metrics, traces and logs of the mesh, then those that are declared."""
        return (
            DataSource(name="Prometheus", kind="prometheus", url=self.prometheus, place=self.place),
            DataSource(name="Traces", kind="tempo", uid="tempo", url=self.traces, place=self.place),
            DataSource(name="Logs", kind="loki", uid="loki", url=self.logs, place=self.place),
            *self.data_sources,
        )

    def __post_init__(self) -> None:
        dns_label(self.name, "mesh", "name", self.place)
        dns_label(self.environment, "environment", "environment", self.place)
        check_addresses(self.place, **{name: getattr(self, name) for name in _ADDRESSES})
        check_clusters(self.name, self.cluster, self.clusters, self.place)
        if self.stack and self.stack not in STACKS:
            raise DefinitionError(
                Finding(
                    code="mesh/unknown-stack",
                    title=f"mesh `{self.name}` stands in a stack `{self.stack}` that is not known",
                    place=self.place,
                    argument="stack",
                    why="what a stack tells of its own Prometheus and Alertmanager is left out here, so it must be "
                    "known what that is",
                    help=f"write one of {', '.join(STACKS)}, or leave it out",
                )
            )
        if self.group_count not in (64, 128):
            raise DefinitionError(
                Finding(
                    code="mesh/unknown-group-count",
                    title=f"mesh `{self.name}` spreads its static series over {self.group_count} groups",
                    place=self.place,
                    argument="group_count",
                    why="the number is fixed for a house: when it changes, every service moves to another group, "
                    "has no info for up to one interval, and its alerts vanish meanwhile",
                    help="leave it out (64), or write 128 before the mesh has 10,000 services",
                )
            )


def check_clusters(name: str, cluster: str, clusters: tuple[str, ...], place: Place | None) -> None:
    """Raise `DefinitionError` where ``clusters`` of ``name`` is no set of names, or stands beside one ``cluster``."""
    why = "the clusters are a set of names, each what the label `cluster` says in that one; a single one is `cluster`"
    if not isinstance(clusters, tuple) or not all(isinstance(one, str) for one in clusters):
        title = f"`clusters` of `{name}` is no tuple of names"
    elif cluster and clusters:
        title = f"`{name}` has both `cluster` and `clusters`"
    elif len(set(clusters)) < len(clusters):
        title = f"`clusters` of `{name}` names one twice"
    else:
        return
    raise DefinitionError(
        Finding(
            code="mesh/bad-clusters",
            title=title,
            place=place,
            argument="clusters",
            why=why,
            help='write clusters=("eu-1", "us-1")',
        )
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Environment:
    """What differs from the definitions in one environment; everything else is the same.

    ``contacts`` says how owners are reached there, ``max_severity=Severity.TICKET`` that nothing there wakes anybody.

    Example::

        Environment(name="staging", cluster="eu-staging", mode=Mode.OBSERVE, retention=15 * days)
    """

    name: str
    """Its name: `meshscope build --env NAME`."""
    cluster: str | None = None
    """Its cluster; the mesh's where not said, as with all that follows."""
    clusters: tuple[str, ...] | None = None
    """Its clusters, where the mesh spans several."""
    provider: str | None = None
    """Who reports its traffic."""
    replicas: Mapping[Service, int] = field(default_factory=dict)
    """How many instances services have here, by service."""
    objectives: Mapping[SLO, Ratio] = field(default_factory=dict)
    """Other objectives, by SLO."""
    service_versions: Mapping[Service, str] = field(default_factory=dict)
    """The versions deployed here, by service."""
    versions: Versions | None = None
    """The versions of the programs here."""
    tracker: str | None = None
    """Where issues of this environment are opened, instead of the owners' own."""
    mode: Mode | None = None
    """The most that the agent may do here."""
    retention: Duration | None = None
    """How long Prometheus keeps samples here."""
    grafana: str | None = None
    """Grafana's address here."""
    console: str | None = None
    """The console's address here."""
    alertmanagers: tuple[str, ...] | None = None
    """Where Alertmanager listens here."""
    alertmanager_config: str | None = None
    """The file of the Alertmanager that is there already here."""
    prometheus: str | None = None
    """Prometheus's address here."""
    traces: str | None = None
    """Where traces are asked for here."""
    logs: str | None = None
    """Where logs are asked for here."""
    data_sources: tuple[DataSource, ...] | None = None
    """What dashboards ask besides here."""
    agent: str | None = None
    """Where the agent takes alerts here."""
    secrets: str | None = None
    """Alertmanager's folder of credential files here."""
    smarthost: str | None = None
    """Who takes mail here."""
    mail_tls: bool | None = None
    """Whether mail goes by TLS here."""
    pagerduty_url: str | None = None
    """PagerDuty's address here."""
    contacts: Mapping[Owner, Contacts] = field(default_factory=dict)
    """How owners are reached here, by owner, in place of their own contacts."""
    max_severity: Severity | None = None
    """The loudest that alerts are here: `Severity.TICKET` wakes nobody."""
    discovery: ServiceDiscovery | None = None
    """How Prometheus finds what it scrapes here."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        dns_label(self.name, "environment", "name", self.place)
        check_clusters(self.name, self.cluster or "", self.clusters or (), self.place)
        check_addresses(self.place, **{name: getattr(self, name) for name in _ADDRESSES if hasattr(self, name)})
