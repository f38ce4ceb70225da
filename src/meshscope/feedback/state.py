"""What the agent knows: alerts as they came, incidents, intents. Each is one head of the ledger, written whole.

Times are seconds since 1970. Fields are only ever added, with a default, so that an older ledger can be read.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from meshscope.feedback.ports import Entry, Record


class Phase(StrEnum):
    """Where an incident stands."""

    OPEN = "open"
    MITIGATED = "mitigated"
    """Quiet after an act: the cause is still there until a new revision has run quiet, or a person closes it."""
    RESOLVED = "resolved"
    """Over; a new alert within the reopen window opens it again."""
    CLOSED = "closed"
    """Over for good."""


class Key(msgspec.Struct, frozen=True, order=True, cache_hash=True):
    """A service's identity, as JSON has it."""

    cluster: str
    namespace: str
    name: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.cluster, self.namespace, self.name) if part)


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """An alert as a sender told it. ``fingerprint`` is the sender's, ``status`` firing or resolved."""

    source: str
    """alertmanager, grafana, falco or reconcile."""
    fingerprint: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: str = ""
    ends_at: str = ""
    url: str = ""


class AlertState(msgspec.Struct, kw_only=True):
    """One episode of one alert, from its first firing to resolved, and how the agent ended its part in it."""

    key: str
    """tenant/fingerprint/episode."""
    tenant: str
    episode: int
    received: Received
    at: float
    service: Key | None = None
    incident: str = ""
    resolved_at: float | None = None
    terminal: str = ""
    """acted, declined, superseded or dead; empty while the agent still has to do something."""
    code: str = ""
    """Why declined, superseded or dead."""
    why: str = ""
    ended_at: float | None = None
    attempts: int = 0


class Member(msgspec.Struct, kw_only=True):
    """An alert as an incident lists it."""

    alert: str
    name: str
    severity: str
    summary: str = ""
    service: Key | None = None
    slo: str = ""
    stage: str = ""
    pod: str = ""
    definition: str = ""
    runbook: str = ""
    dashboard: str = ""
    since: float = 0.0
    until: float | None = None
    victim: bool = False
    """Of a service that fails because of this incident's."""


class Numbers(msgspec.Struct, kw_only=True):
    """What is known of an instance and its siblings: requests a second and the share of them that fails."""

    at: float
    instance: str
    requests: float
    failing: float
    siblings: int
    siblings_requests: float
    siblings_failing: float
    seen_requests: float = 0.0
    """Requests of the instance within the window of five minutes."""
    origin: str = "metrics"
    """metrics, or alert where the store could not be asked."""


class Decision(msgspec.Struct, kw_only=True):
    """What the agent made of one alert and one of its responses."""

    at: float
    alert: str
    action: str
    verdict: str
    """acted, declined, proposed, asked."""
    code: str = ""
    why: str = ""
    target: str = ""
    uid: str = ""
    passed: list[str] = []
    """The guards that had nothing against it, in order."""
    plan: list[str] = []
    numbers: Numbers | None = None
    against: dict[str, str] = {}
    """Where only the mode forbade it: what the guards say against it, each code and why, in order."""


CHANGED = ("done", "gone", "unknown")
"""Outcomes of acts that changed the world, or may have."""


class Act(msgspec.Struct, kw_only=True):
    """An intent and what became of it: ``outcome`` is empty until it is known."""

    key: str
    """incident/card/uid."""
    action: str
    target: str
    uid: str
    at: float
    deadline: float
    alert: str
    outcome: str = ""
    said: str = ""
    done_at: float | None = None
    replaced_at: float | None = None
    replacement: str = ""
    effect: str = ""
    """effective, none, or empty while nobody can tell."""
    effect_at: float | None = None
    before: Numbers | None = None
    after: Numbers | None = None
    approved_by: str = ""


class Approval(msgspec.Struct, kw_only=True):
    """An act that waits for a person: a yes by the owner's role before ``until``."""

    token: str
    alert: str
    action: str
    target: str
    uid: str
    at: float
    until: float
    answer: str = ""
    """yes, no or expired."""
    by: str = ""
    answered_at: float | None = None


class Ticket(msgspec.Struct, kw_only=True):
    """The incident's issue: what was told of it last."""

    where: str
    ref: str = ""
    url: str = ""
    open: bool = False
    digest: str = ""
    """Of the title and body that the tracker has."""
    comments: int = 0
    told_at: float = 0.0
    intent_at: float | None = None
    """When a call was begun whose end is not known."""
    seen: list[str] = []
    """People's comments that were read."""
    closing: int = 0
    """The number of the comment that closes it, from before that is written until it is closed."""
    opened_at: float = 0.0

    @property
    def in_storm(self) -> bool:
        """Whether the incident is listed in a storm's issue, and has none of its own."""
        return self.ref.startswith(STORM_REF)

    @property
    def apart(self) -> bool:
        """Whether the incident has an issue of its own."""
        return bool(self.ref) and not self.in_storm


class Storm(msgspec.Struct, kw_only=True):
    """Incidents that began together and their issue: how many it lists, go on and have their own.

    ``asking`` is how many acts wait for a person's yes.
    """

    key: str
    where: str
    at: float
    incidents: list[str] = []
    listed: int = 0
    going_on: int = 0
    apart: int = 0
    asking: int = 0
    opened_at: float = 0.0
    """When its issue was opened, or that was begun; 0 before."""
    ref: str = ""
    url: str = ""
    open: bool = False


class Happened(msgspec.Struct, kw_only=True):
    """A line of an incident's story."""

    at: float
    what: str
    who: str = "agent"


class Evidence(msgspec.Struct, kw_only=True):
    """What was gathered before an act: the last lines of the instance's log, and a digest of all of it (SHA-256)."""

    at: float
    instance: str
    lines: list[str]
    digest: str


class Incident(msgspec.Struct, kw_only=True):
    """A service's trouble from the first firing alert to the end."""

    id: str
    service: Key
    owner: str
    opened: float
    phase: Phase = Phase.OPEN
    changed: float = 0.0
    quiet_since: float | None = None
    calm_since: float | None = None
    """Since when the service is well by the numbers of five minutes, while longer windows still see trouble."""
    ended: float | None = None
    reopened: int = 0
    folded_into: str = ""
    """The incident of the deeper service that causes this one."""
    security: bool = False
    members: list[Member] = []
    unlisted: int = 0
    """How many alerts it has besides its members: of a flood only so many are listed."""
    victims: list[Key] = []
    decisions: list[Decision] = []
    acts: list[Act] = []
    approvals: list[Approval] = []
    evidence: list[Evidence] = []
    issue: Ticket | None = None
    revision: str = ""
    """The version that ran when it began."""
    revision_since: float | None = None
    fixed_by: str = ""
    failing_since_fixed: float | None = None
    """The share of the service's requests that failed when its cause counted as mended; None where it is unknown."""
    snoozed_until: float | None = None
    noise: str = ""
    story: list[Happened] = []
    said: int = 0
    """How many comments are due; the ticket's ``comments`` says how many were written."""
    recurred_at: float = 0.0
    """When it was last told under the issue that it came back."""
    due: list[str] = []
    """Comments that are not written yet, the oldest first."""

    @property
    def open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.phase is not Phase.CLOSED

    @property
    def untold(self) -> bool:
        """Whether it is over for good, and its issue does not say so yet."""
        return not self.open and self.issue is not None and (self.issue.open or self.issue.intent_at is not None)

    @property
    def quiet(self) -> bool:
        """Whether nothing fires, or only promises over long windows while the service is well again."""
        return all(member.slo and self.calm_since is not None for member in self.firing)

    @property
    def acted_on(self) -> bool:
        """Whether something was done about it, or may have been: quiet then does not mean that its cause is mended."""
        return any(act.outcome in CHANGED for act in self.acts)

    @property
    def firing(self) -> list[Member]:
        """Its alerts that fire now."""
        return [member for member in self.members if member.until is None]


# kind of a ledger's head: what its body is.
DELIVERY, ALERT, INCIDENT, STORM, STOP, PERSON = "delivery", "alert", "incident", "storm", "stop", "person"
# How the ticket of an incident begins that is listed in a storm's issue; the storm's key follows.
STORM_REF = "storm:"

_encode = msgspec.json.Encoder().encode
_alert = msgspec.json.Decoder(AlertState).decode
_incident = msgspec.json.Decoder(Incident).decode
_storm = msgspec.json.Decoder(Storm).decode


def alert_entry(state: AlertState) -> Entry:
    """The entry that writes ``state``; open until it is terminal and resolved."""
    return Entry(
        kind=ALERT,
        subject=f"alert:{state.key}",
        body=_encode(state),
        about=str(state.service) if state.service else "",
        open=not state.terminal or state.resolved_at is None,
    )


def incident_entry(incident: Incident) -> Entry:
    """The entry that writes ``incident``; open until it is over and its issue says so."""
    return Entry(
        kind=INCIDENT,
        subject=f"incident:{incident.id}",
        body=_encode(incident),
        about=str(incident.service),
        open=incident.open or incident.untold,
    )


def storm_entry(storm: Storm) -> Entry:
    """The entry that writes ``storm``; open until its issue is closed."""
    return Entry(
        kind=STORM, subject=f"{STORM}:{storm.key}", body=_encode(storm), open=storm.open or not storm.opened_at
    )


def read_alert(record: Record) -> AlertState:
    """The alert that a record holds."""
    return _alert(record.entry.body)


def read_incident(record: Record) -> Incident:
    """The incident that a record holds."""
    return _incident(record.entry.body)


def read_storm(record: Record) -> Storm:
    """The storm that a record holds."""
    return _storm(record.entry.body)
