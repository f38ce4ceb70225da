"""Receivers: how each owner is told of a page and of a ticket, and of whom nobody would be told.

A page goes to the owner's pager, a ticket to its chat and mail. An owner without a pager gets its pages by chat and
mail, and the mesh's owner is paged too; one without chat and mail gets its tickets by pager, at low urgency.

What goes by receivers that are there already, and by one of ours, goes by several.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from meshscope.build.messages import PAGERDUTY_LINKS
from meshscope.findings import Finding, Level
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.people import NAMED, Contact, Owner

Ways = Mapping[str, Sequence[Mapping[str, object]]]
Texts = Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Receiver:
    """A receiver of Alertmanager: its name, and its integrations by the key of their list.

    One that a person's Alertmanager has already is called as the contact, ``receiver:NAME``, which none of ours is.
    """

    name: str
    ways: Ways

    @property
    def is_theirs(self) -> bool:
        """Whether it stands in a person's file."""
        return by_name(self.name)

    def document(self) -> dict[str, object]:
        """The receiver as Alertmanager reads it."""
        return {"name": self.name, **{key: list(configs) for key, configs in self.ways.items()}}


def by_name(contact: str | None) -> bool:
    """Whether ``contact`` names a receiver that is there already."""
    return contact is not None and contact.startswith(f"{NAMED}:")


def page_receivers(owner: Owner, mesh: Mesh, texts: Texts) -> tuple[Receiver, ...]:
    """Who is woken for ``owner``; nobody where only the default could be."""
    name = f"{owner.name}-page"
    if owner.pager:
        return _all(name, _pager(owner.pager, "critical", mesh, texts), owner.pager)
    written = _written(owner, mesh, texts)
    fallback = mesh.owner.pager if mesh.owner else None
    if not written and not by_name(owner.chat):
        return ()
    woken = _pager(fallback, "critical", mesh, texts) if fallback else {}
    return _all(name, {**woken, **written}, fallback, owner.chat)


def ticket_receivers(owner: Owner, mesh: Mesh, texts: Texts) -> tuple[Receiver, ...]:
    """Who reads ``owner``'s tickets; nobody where only the default could."""
    name = f"{owner.name}-ticket"
    read = _all(name, _written(owner, mesh, texts), owner.chat)
    if read or not owner.pager:
        return read
    return _all(name, _pager(owner.pager, "warning", mesh, texts), owner.pager)


def _all(name: str, ways: Ways, *contacts: str | None) -> tuple[Receiver, ...]:
    theirs = dict.fromkeys(contact for contact in contacts if contact is not None and by_name(contact))
    return (*(Receiver(contact, {}) for contact in theirs), *([Receiver(name, ways)] if ways else []))


def nobody_told(model: Model) -> tuple[Finding, ...]:
    """What is wrong with who is told: no owner of the mesh, or owners that no page and no ticket reaches."""
    mesh = model.mesh
    if mesh.owner is None:
        return (
            Finding(
                code="mesh/no-owner",
                title=f"mesh `{mesh.name}` has no owner",
                place=mesh.place,
                why="alerts about the platform, and those of services without an owner, would reach nobody",
                help="write owner=..., a team that has a pager",
                subject=mesh.name,
            ),
        )
    findings = [_silent(owner) for owner in model.owners if _is_silent(owner, mesh)]
    if not mesh.severities.wakes:
        return tuple(findings)
    findings += [
        _unwoken(owner)
        for owner in model.owners
        if not owner.pager and owner.name != mesh.owner.name and not _is_silent(owner, mesh)
    ]
    if not mesh.owner.pager and not _is_silent(mesh.owner, mesh):
        findings.append(
            Finding(
                code="owner/no-pager",
                title=f"owner `{mesh.owner.name}` of the mesh has no pager",
                place=mesh.owner.place,
                why="pages of teams without a pager fall to the mesh's owner, and would wake nobody",
                help='write pager="pagerduty:..."',
                level=Level.WARNING,
                subject=mesh.owner.name,
            )
        )
    return tuple(findings)


def _is_silent(owner: Owner, mesh: Mesh) -> bool:
    return not owner.pager and not owner.chat and not (owner.mail and mesh.smarthost)


def _silent(owner: Owner) -> Finding:
    mail = "mail needs a smarthost, and the mesh has none; " if owner.mail else ""
    return Finding(
        code="owner/no-contact",
        title=f"owner `{owner.name}` can't be told of anything",
        place=owner.place,
        why=f"{mail}its pages and tickets all go to the mesh's owner",
        help='write pager="pagerduty:...", chat="slack:#..." or mail="..."',
        level=Level.WARNING,
        subject=owner.name,
    )


def _unwoken(owner: Owner) -> Finding:
    return Finding(
        code="owner/no-pager",
        title=f"owner `{owner.name}` has no pager",
        place=owner.place,
        why="its pages wake the mesh's owner, who may know nothing of its services",
        help='write pager="pagerduty:..."',
        level=Level.WARNING,
        subject=owner.name,
    )


def _pager(pager: str, severity: str, mesh: Mesh, texts: Texts) -> dict[str, list[Mapping[str, object]]]:
    contact = _contact(pager)
    if contact.scheme == NAMED:
        return {}
    if contact.scheme == "opsgenie":
        return _opsgenie(contact, "P1" if severity == "critical" else "P4", mesh, texts)
    if contact.scheme == "webhook":
        return _webhook(contact, mesh)
    return {
        "pagerduty_configs": [
            {
                "routing_key_file": secret(mesh, contact),
                "severity": severity,
                "class": "{{ .CommonLabels.alertname }}",
                "component": "{{ .CommonLabels.service }}",
                "group": "{{ .CommonLabels.namespace }}",
                "client": "meshscope",
                "client_url": mesh.console,
                "links": [dict(link) for link in PAGERDUTY_LINKS],
                "send_resolved": True,
                **texts.get("pagerduty_configs", {}),
            }
        ]
    }


def _opsgenie(contact: Contact, priority: str, mesh: Mesh, texts: Texts) -> dict[str, list[Mapping[str, object]]]:
    # config/notifiers.go of Alertmanager 0.34: OpsGenieConfig.
    config = {
        "api_key_file": secret(mesh, contact),
        "priority": priority,
        "entity": "{{ .CommonLabels.namespace }}/{{ .CommonLabels.service }}",
        "source": mesh.console,
        "send_resolved": True,
        **texts.get("opsgenie_configs", {}),
    }
    return {"opsgenie_configs": [config]}


def _webhook(contact: Contact, mesh: Mesh) -> dict[str, list[Mapping[str, object]]]:
    return {"webhook_configs": [{"url_file": secret(mesh, contact), "send_resolved": True}]}


def _chat(contact: Contact, mesh: Mesh, texts: Texts) -> dict[str, list[Mapping[str, object]]]:
    if contact.scheme == NAMED:
        return {}
    if contact.scheme == "webhook":
        return _webhook(contact, mesh)
    if contact.scheme == "msteams":
        # config/notifiers.go of Alertmanager 0.28 and later: MSTeamsV2Config, for what Teams calls workflows.
        config = {"webhook_url_file": secret(mesh, contact), "send_resolved": True}
        return {"msteamsv2_configs": [{**config, **texts.get("msteamsv2_configs", {})}]}
    slack = {"api_url_file": secret(mesh, contact), "channel": contact.address, "send_resolved": True}
    return {"slack_configs": [{**slack, **texts.get("slack_configs", {})}]}


def _written(owner: Owner, mesh: Mesh, texts: Texts) -> dict[str, list[Mapping[str, object]]]:
    ways: dict[str, list[Mapping[str, object]]] = {}
    if owner.chat:
        ways |= _chat(_contact(owner.chat), mesh, texts)
    if owner.mail and mesh.smarthost:
        ways["email_configs"] = [{"to": owner.mail, "send_resolved": True, **texts.get("email_configs", {})}]
    return ways


def _contact(text: str) -> Contact:
    scheme, _, address = text.partition(":")
    return Contact(scheme, address)


def secret(mesh: Mesh, contact: Contact) -> str:
    """The credential file of ``contact`` as Alertmanager sees it: ``slack:#payments`` is in ``slack-payments``."""
    address = contact.address.replace("@", "at-").lstrip("#")
    return f"{mesh.secrets}/{contact.scheme}-{re.sub(r'[^A-Za-z0-9._-]+', '-', address).strip('-')}"
