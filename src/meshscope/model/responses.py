"""What the feedback agent may do about an alert, declared beside it. The agent marries each with its card by name."""

from __future__ import annotations

from dataclasses import dataclass

from meshscope.findings import DefinitionError, Finding, here
from meshscope.model.signals import Scope


@dataclass(frozen=True)
class Response:
    """One thing the agent may do: the action's ``name``, its ``limits``, and what the alert must be about."""

    name: str
    limits: tuple[tuple[str, int], ...] = ()
    needs: Scope | None = None


def open_issue() -> Response:
    """Open an issue where the cause can be fixed."""
    return Response("open_issue")


def kill_instance(*, at_most: int = 1) -> Response:
    """Kill the instance that misbehaves, ``at_most`` of them at a time. Needs an alert about one instance."""
    if at_most < 1:
        raise DefinitionError(
            Finding(
                code="alert/no-reach",
                title=f"kill_instance may kill {at_most} instances",
                place=here(),
                argument="at_most",
                why="a response that may do nothing is not one",
                help="write at_most=1, or leave the response out",
            )
        )
    return Response("kill_instance", (("at_most", at_most),), Scope.INSTANCE)
