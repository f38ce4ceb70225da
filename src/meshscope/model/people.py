"""Who answers: an owner and the ways to reach it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import get_close_matches

from meshscope.findings import DefinitionError, Finding, Place, here

SCHEMES = {
    "issues": ("github", "gitlab", "gitea", "jira", "markdown"),
    "pager": ("pagerduty", "opsgenie", "webhook"),
    "chat": ("slack", "msteams", "webhook"),
}
_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")


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
    in a file of secrets.
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
