"""What the feedback agent may do about an alert, declared beside it. The agent marries each with its card by name."""

from __future__ import annotations

import re
from dataclasses import dataclass

from meshscope.findings import DefinitionError, Finding, here
from meshscope.model.signals import Scope

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class Response:
    """One thing the agent may do: the action's ``name``, its ``limits``, and what the alert must be about.

    ``which`` is the command or the hook, as the agent's configuration calls it.
    """

    name: str
    limits: tuple[tuple[str, int], ...] = ()
    needs: Scope | None = None
    which: str = ""


def open_issue() -> Response:
    """Open an issue where the cause can be fixed.

    Example::

        FalcoRule(rule="Terminal shell in container", respond=(open_issue(),))
    """
    return Response("open_issue")


def kill_instance(*, at_most: int = 1) -> Response:
    '''Kill the instance that misbehaves, ``at_most`` of them at a time. Needs an alert about one instance.

    Example::

        @alert(severity=Severity.PAGE, pending=2 * minutes, at_least=50, respond=(kill_instance(at_most=1),))
        def outlier(instance: AnyInstance) -> Condition:
            """One instance fails far more often than its siblings."""
            return instance.failure_ratio > 5 * instance.siblings.failure_ratio + 5 * percent
    '''
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


def quarantine() -> Response:
    """Take the instance out of its service and stop it where it stands. Needs an alert about one instance.

    Example::

        FalcoRule(rule="Terminal shell in container", respond=(quarantine(), open_issue()))
    """
    return Response("quarantine", (), Scope.INSTANCE)


def run_command(which: str) -> Response:
    """Run the command that the agent's configuration calls ``which``; a person has to say yes.

    Example::

        FalcoRule(rule="Terminal shell in container", respond=(run_command("drain"),))
    """
    return Response("run_command", which=_named(which, "command"))


def webhook(which: str) -> Response:
    """Call the hook that the agent's configuration calls ``which``; a person has to say yes.

    Example::

        FalcoRule(rule="Terminal shell in container", respond=(webhook("pipeline"),))
    """
    return Response("webhook", which=_named(which, "hook"))


def _named(which: str, what: str) -> str:
    if _NAME.fullmatch(which):
        return which
    raise DefinitionError(
        Finding(
            code="model/bad-name",
            title=f"`{which}` is no name of a {what}",
            place=here(),
            why=f"a definition names a {what} that the agent's configuration lists, and never an address or a program",
            help="write lower case letters, digits and dashes, as in the configuration",
        )
    )
