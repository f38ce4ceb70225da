"""Who answers: an owner and the ways to reach it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches

from meshscope.findings import DefinitionError, Finding, Place, here

# A receiver that the person's own Alertmanager has already: ``receiver:sre-pager``.
NAMED = "receiver"
SCHEMES = {
    "issues": ("github", "gitlab", "gitea", "jira", "markdown"),
    "pager": ("pagerduty", "opsgenie", "webhook", NAMED),
    "chat": ("slack", "msteams", "webhook", NAMED),
}
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_DAYS = tuple(day[:3] for day in WEEKDAYS)
# timeinterval/timeinterval.go of Alertmanager 0.34: two digits each, 24:00 is the end of a day.
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]|24:00")
_ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*")


@dataclass(frozen=True)
class Contact:
    """A way to reach somebody: ``scheme`` names the system, ``address`` whom in it."""

    scheme: str
    address: str

    def __str__(self) -> str:
        return f"{self.scheme}:{self.address}"


def contact(text: str, argument: str, place: Place | None) -> Contact:
    """``scheme:address`` in parts. Raises `DefinitionError` for a scheme that nothing here can reach."""
    scheme, colon, address = text.partition(":")
    known = SCHEMES[argument]
    if colon and address and scheme in known:
        return Contact(scheme, address)
    close = get_close_matches(scheme, known, n=1)
    example = f"{close[0] if close else known[0]}:{address or scheme}"
    raise DefinitionError(
        Finding(
            code="owner/unknown-contact",
            title=f"`{text}` is no {argument} address",
            place=place,
            argument=argument,
            why=f"an address is SCHEME:WHO, and the schemes for {argument} are {', '.join(known)}",
            help=f'did you mean "{example}"?',
        )
    )


def dns_label(name: str, what: str, argument: str, place: Place | None) -> None:
    """Refuse a name that Kubernetes would: lower case letters, digits and dashes, at most 63."""
    if _NAME.fullmatch(name) and len(name) <= 63:
        return
    raise DefinitionError(
        Finding(
            code="model/bad-name",
            title=f"the {what} `{name}` is not a valid name",
            place=place,
            argument=argument,
            why="names become Kubernetes names and label values: lower case letters, digits and dashes, at most 63",
            help=f'write it as "{re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63] or "name"}"',
        )
    )


@dataclass(frozen=True, kw_only=True)
class Hours:
    """When an owner works, each week the same.

    Raises `DefinitionError` for a day or time that is none, and for hours that end before they start. Whether a time
    zone exists is known where Alertmanager runs.

    Example::

        Hours(days="mon-fri", start="09:00", end="17:00", zone="Europe/Berlin")
    """

    start: str
    """When they begin: `09:00`."""
    end: str
    """When they are over: `17:00`, or `24:00` for the end of the day."""
    zone: str
    """The time zone that both are in, by its name: `Europe/Berlin` or `UTC`."""
    days: str = "mon-fri"
    """On which days: `mon-fri`, `sat-sun`, `mon,wed,fri`."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        if not all(_days(part) for part in self.days.split(",")):
            raise self._wrong(
                "days", "are no days of the week", "each is mon, tue, wed, thu, fri, sat or sun", "mon-fri"
            )
        for argument in ("start", "end"):
            if not _TIME.fullmatch(getattr(self, argument)):
                raise self._wrong(argument, "is no time of day", "a time is HH:MM, from 00:00 to 24:00", "09:00")
        if self.start >= self.end:
            raise self._wrong(
                "end", "is no end", f"hours that begin at {self.start} end later on the same day", "24:00"
            )
        if not _ZONE.fullmatch(self.zone):
            raise self._wrong("zone", "is no name of a time zone", "names are those of the time zone database", "UTC")

    def __str__(self) -> str:
        return f"{self.days} {self.start}-{self.end} {self.zone}"

    @property
    def weekdays(self) -> tuple[str, ...]:
        """The days by their whole names, Monday first."""
        wanted = {day for part in self.days.split(",") for day in _days(part)}
        return tuple(day for day in WEEKDAYS if day in wanted)

    def _wrong(self, argument: str, title: str, why: str, example: str) -> DefinitionError:
        return DefinitionError(
            Finding(
                code="owner/bad-hours",
                title=f"`{getattr(self, argument)}` {title}",
                place=self.place,
                argument=argument,
                why=why,
                help=f'write it as "{example}"',
            )
        )


def _days(part: str) -> tuple[str, ...]:
    """The days of ``mon`` or ``sat-mon``, whole names; none where it is neither."""
    first, dash, last = (word.strip() for word in part.partition("-"))
    if first not in _DAYS or (dash and last not in _DAYS):
        return ()
    begin, end = _DAYS.index(first), _DAYS.index(last or first)
    return tuple(WEEKDAYS[(begin + number) % 7] for number in range((end - begin) % 7 + 1))


@dataclass(frozen=True, kw_only=True)
class Contacts:
    """How an owner is reached in one environment, in place of its own contacts; what is not said it lacks there.

    Example::

        Contacts(chat="slack:#staging")
    """

    pager: str | None = None
    """Who is woken there."""
    chat: str | None = None
    """Where tickets are told there."""
    mail: str | None = None
    """An address for tickets there."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        _reachable(self)


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A team that runs services and is told of their trouble.

    ``issues`` is where its work is tracked (``github:acme/payments``), ``pager`` who is woken
    (``pagerduty:payments-primary``, ``opsgenie:payments``, ``webhook:payments``), ``chat`` where tickets go
    (``slack:#payments``, ``msteams:payments``, ``webhook:payments``), ``mail`` an address. What stands behind a name is
    in a file of secrets. ``receiver:sre-pager`` is a receiver that an Alertmanager has already; its file is
    ``Mesh(alertmanager_config=...)``.

    Outside its ``hours`` tickets wait, and pages go to the mesh's owner, whose own come at any time. A ticket that is
    over before the hours begin is told to nobody.
    Raises `DefinitionError` for an address that nothing here can reach.

    Example::

        Owner(name="payments", issues="github:acme/payments", pager="pagerduty:payments", chat="slack:#payments")
    """

    name: str
    """The team's name: lower case letters, digits, dashes. It is a label of every alert."""
    issues: str
    """Where its work is tracked: `github:acme/payments`, `gitlab:`, `gitea:`, `jira:` or `markdown:`."""
    pager: str | None = None
    """Who is woken: `pagerduty:payments-primary`. Its key is in a file of that name."""
    chat: str | None = None
    """Where tickets are told: `slack:#payments`."""
    mail: str | None = None
    """An address for tickets; needs `Mesh(smarthost=...)`."""
    hours: Hours | None = None
    """When it works, `Hours(start="09:00", end="17:00", zone="Europe/Berlin")`; at any time where nothing is said."""
    place: Place | None = field(default_factory=here, compare=False, repr=False)

    def __post_init__(self) -> None:
        dns_label(self.name, "owner", "name", self.place)
        contact(self.issues, "issues", self.place)
        _reachable(self)


def _reachable(told: Owner | Contacts) -> None:
    if told.pager is not None:
        contact(told.pager, "pager", told.place)
    if told.chat is not None:
        contact(told.chat, "chat", told.place)
    if told.mail is not None and not re.fullmatch(r"[^@\s<>\"']+@[^@\s<>\"']+", told.mail):
        raise DefinitionError(
            Finding(
                code="owner/unknown-contact",
                title=f"`{told.mail}` is no mail address",
                place=told.place,
                argument="mail",
                why="tickets without a chat are mailed",
                help='write it as "team@example.org"',
            )
        )
