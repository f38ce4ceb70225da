"""The actions that the agent can take: the built-in ones and a stranger's, found the same way, by type."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from importlib.metadata import entry_points

from meshscope.feedback import actions
from meshscope.feedback.cards import Action
from meshscope.findings import Finding, MeshscopeError

_GROUP = "meshscope.actions"


def found_actions() -> Mapping[str, Action]:
    """Every action by its name: the built-in ones, and those of entry points ``meshscope.actions``.

    Raises `MeshscopeError` for one that can't be loaded or takes a name that is taken.
    """
    found: dict[str, Action] = {}
    for info in pkgutil.iter_modules(actions.__path__):
        module = importlib.import_module(f"{actions.__name__}.{info.name}")
        for value in vars(module).values():
            if isinstance(value, Action):
                found.setdefault(value.card.name, value)
    for point in entry_points(group=_GROUP):
        try:
            value = point.load()
        except Exception as error:
            raise _bad_action(point.name, f"{type(error).__name__}: {error}") from error
        if not isinstance(value, Action) or value.card.name in found:
            raise _bad_action(point.name, "it is no action made by @action(card), or its name is taken")
        found[value.card.name] = value
    return found


def _bad_action(name: str, why: str) -> MeshscopeError:
    return MeshscopeError(
        Finding(
            code="action/unusable",
            title=f"the action `{name}` can't be used",
            why=why,
            help="mend or remove the package that brings it",
        )
    )
