"""What configurations that stand alone can't say: whom another file knows, and hours in a time zone.

Both are in the fragment. Without a name a page goes to the mesh's owner, without hours it comes at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from meshscope.build.options import Emit, Options
from meshscope.build.receivers import by_name
from meshscope.findings import Finding, Level
from meshscope.model.model import Model
from meshscope.model.people import Owner

_CONTACTS = ("pager", "chat")
_UTC = "UTC"


def standing_alone(model: Model) -> Model:
    """``model`` without contacts that name a receiver of another file."""
    return _each_owner(model, _without_names)


def without_zones(model: Model) -> Model:
    """``model`` without hours in a time zone."""
    return _each_owner(model, lambda owner: replace(owner, hours=None) if _is_elsewhere(owner) else owner)


def unknown_receivers(model: Model) -> Iterator[Finding]:
    """Contacts that name a receiver, where nobody says which file has it."""
    if model.mesh.alertmanager_config:
        return
    for owner, argument, contact in _named(model):
        yield Finding(
            code="owner/unknown-receiver",
            title=f"`{contact}` of owner `{owner.name}` is a receiver of no Alertmanager that is known here",
            place=owner.place,
            argument=argument,
            why="it is in the file of the Alertmanager that you have, and nobody says which that is",
            help='write Mesh(alertmanager_config="alertmanager.yaml"), a copy of that file beside mesh.py',
            subject=owner.name,
        )


def left_out(model: Model, options: Options) -> Iterator[Finding]:
    """What only the fragment says, and so is lost on whoever applies the other file."""
    for_operator = options.emit is Emit.OPERATOR
    file = "alertmanagerconfig.yaml" if for_operator else "alertmanager.yaml"
    merge = "merge alertmanager/fragment.yaml instead, by `meshscope adopt`"
    for owner, argument, contact in _named(model):
        yield Finding(
            code="alertmanager/named-elsewhere",
            title=f"`{contact}` of owner `{owner.name}` is in fragment.yaml alone, not in {file}",
            place=owner.place,
            argument=argument,
            why="a file of its own knows no receiver of another; what it should tell goes to whoever is left",
            help=merge,
            level=Level.WARNING if for_operator else Level.NOTE,
            subject=owner.name,
        )
    for owner in model.owners if for_operator else ():
        if _is_elsewhere(owner):
            yield Finding(
                code="operator/no-time-zone",
                title=f"the hours of owner `{owner.name}` are in fragment.yaml alone, not in {file}",
                place=owner.place,
                argument="hours",
                why="an AlertmanagerConfig has no time zones; by it the owner is told at any time",
                help=f'{merge}, or write zone="{_UTC}"',
                level=Level.WARNING,
                subject=owner.name,
            )


def _named(model: Model) -> Iterator[tuple[Owner, str, str]]:
    for owner in model.owners:
        for argument in _CONTACTS:
            contact = getattr(owner, argument)
            if by_name(contact):
                yield owner, argument, contact


def _is_elsewhere(owner: Owner) -> bool:
    return owner.hours is not None and owner.hours.zone != _UTC


def _without_names(owner: Owner) -> Owner:
    pager, chat = (None if by_name(contact) else contact for contact in (owner.pager, owner.chat))
    return replace(owner, pager=pager, chat=chat)


def _each_owner(model: Model, change: Callable[[Owner], Owner]) -> Model:
    answers = model.mesh.owner
    mesh = replace(model.mesh, owner=change(answers) if answers else None)
    return replace(model, mesh=mesh, owners=tuple(change(owner) for owner in model.owners))
