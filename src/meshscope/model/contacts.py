"""Whom an environment tells: the owners' contacts there, and how loud it may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from meshscope.findings import Finding, Level
from meshscope.model.alerting import Severity
from meshscope.model.mesh import Environment, Mesh, TicketsOnly
from meshscope.model.people import Contacts, Owner
from meshscope.model.services import Service


class People:
    """The owners of the definitions as one environment reaches them."""

    def __init__(self, environment: Environment | None) -> None:
        """None stands for the definitions as they are."""
        self.environment = environment
        contacts = environment.contacts if environment else {}
        self._contacts: Mapping[str, Contacts] = {owner.name: told for owner, told in contacts.items()}
        self._capped = environment is not None and environment.max_severity is Severity.TICKET

    def owner(self, owner: Owner | None) -> Owner | None:
        """``owner`` with its contacts of this environment; where nobody is woken, without a pager."""
        if owner is None:
            return None
        told = self._contacts.get(owner.name)
        if told is not None:
            owner = replace(owner, pager=told.pager, chat=told.chat, mail=told.mail)
        return replace(owner, pager=None) if self._capped and owner.pager else owner

    def service(self, service: Service) -> Service:
        """``service`` with its owner as it is reached."""
        owner = self.owner(service.owner)
        return service if owner == service.owner else replace(service, owner=owner)

    def mesh(self, mesh: Mesh) -> Mesh:
        """``mesh`` with its owners as they are reached; one word for both severities where pages are capped."""
        if self.environment is None:
            return mesh
        words = TicketsOnly(mesh.severities) if self._capped else mesh.severities
        return replace(mesh, owner=self.owner(mesh.owner), security=self.owner(mesh.security), severities=words)

    def unsaid(self, owners: tuple[Owner, ...]) -> list[Finding]:
        """A finding where an environment wakes whom the definitions as they stand wake, and nobody said that it may."""
        one = self.environment
        if one is None or one.max_severity is not None or one.pagerduty_url is not None:
            return []
        woken = sorted(owner.name for owner in owners if owner.pager and owner.name not in self._contacts)
        if not woken:
            return []
        return [
            Finding(
                code="mesh/shared-pagers",
                title=f"environment `{one.name}` wakes the same people as the definitions as they stand",
                place=one.place,
                why=f"what fails there pages {', '.join(woken)} as if it failed here",
                help="write max_severity=Severity.TICKET or contacts={owner: Contacts(...)}; where it is meant, "
                "max_severity=Severity.PAGE",
                level=Level.WARNING,
                subject=one.name,
            )
        ]
