"""Alerts: a condition over every service or instance, how loud it is, and what it may trigger."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias, TypeVar, get_type_hints

from meshscope.findings import DefinitionError, Finding, Place, here
from meshscope.model.people import Owner
from meshscope.model.responses import Response
from meshscope.model.signals import AnyInstance, AnyService, Condition, Scope, Signal, signals
from meshscope.model.units import Duration, minutes, seconds

WINDOWS = (5 * minutes,)


class Severity(StrEnum):
    '''How loud: a page wakes somebody, a ticket waits for the morning.

    Example::

        @alert(severity=Severity.PAGE, pending=5 * minutes)
        def failing(service: AnyService) -> Condition:
            """One request in ten fails."""
            return service.failure_ratio > 10 * percent
    '''

    PAGE = "page"
    """Wakes somebody."""
    TICKET = "ticket"
    """Waits for the morning."""


@dataclass(frozen=True, kw_only=True)
class Where:
    '''Which services an alert is about: all named restrictions hold.

    Example::

        @alert(severity=Severity.TICKET, pending=5 * minutes, where=Where(tier=1))
        def failing(service: AnyService) -> Condition:
            """One request in a hundred fails."""
            return service.failure_ratio > 1 * percent
    '''

    tier: int | None = None
    """Only services of this tier."""
    owner: Owner | None = None
    """Only services of this owner."""
    namespace: str | None = None
    """Only services of this namespace."""


@dataclass(frozen=True, kw_only=True)
class Alert:
    '''An alert as its definition says it; made by `alert`.

    Example::

        @alert(severity=Severity.TICKET, pending=5 * minutes, at_least=20)
        def slow(service: AnyService) -> Condition:
            """One request in ten takes longer than a second."""
            return service.slow_ratio(over=1000 * ms) > 10 * percent
    '''

    name: str
    """The function's name; in Prometheus it is written in CamelCase."""
    summary: str
    """The first line of its docstring: what the person who is woken reads first."""
    description: str
    """The rest of its docstring."""
    severity: Severity
    """How loud it is."""
    window: Duration
    """The time over which signals are counted."""
    at_least: int
    """The fewest requests in the window that count."""
    pending: Duration
    """How long the condition must hold before it fires."""
    page_after: Duration | None
    """How much longer the agent has it before people do."""
    keep_firing: Duration
    """How long it goes on firing after the condition ended."""
    where: Where
    """Which services it is about."""
    respond: tuple[Response, ...]
    """What the agent may do about it."""
    condition: Condition = field(compare=False)
    """The comparison that the function returned."""
    scope: Scope
    place: Place | None = field(compare=False, repr=False)

    @property
    def camel(self) -> str:
        """The name in Prometheus: ``lone_failing_instance`` is LoneFailingInstance."""
        return "".join(word.capitalize() for word in self.name.split("_"))

    @property
    def signals(self) -> tuple[Signal, ...]:
        """Every signal that the condition reads."""
        return signals(self.condition)


S = TypeVar("S", AnyService, AnyInstance)
Question: TypeAlias = Callable[[S], Condition]


def alert(
    *,
    severity: Severity,
    pending: Duration,
    window: Duration = WINDOWS[0],
    at_least: int = 0,
    page_after: Duration | None = None,
    keep_firing: Duration = 0 * seconds,
    where: Where = Where(),
    respond: tuple[Response, ...] = (),
) -> Callable[[Question[S]], Alert]:
    '''Make an alert of a question about every service (or instance); its docstring's first line is the summary.

    ``window`` is the time over which signals are counted, ``at_least`` the fewest requests in it that count,
    ``pending`` how long the condition must hold, ``page_after`` how much longer the agent has it before people do,
    ``where`` restricts the services, ``respond`` is what the agent may do.
    Raises `DefinitionError` for a question that can't become one rule.

    Example::

        @alert(severity=Severity.TICKET, pending=5 * minutes, at_least=20, respond=(open_issue(),))
        def slow(service: AnyService) -> Condition:
            """One request in ten takes longer than a second."""
            return service.slow_ratio(over=1000 * ms) > 10 * percent
    '''
    place = here()
    if window not in WINDOWS:
        raise _refused("alert/unknown-window", place, "window", f"the window of an alert is {window}",
                       "signals are recorded over 5 minutes; another window would read raw series again for each alert",
                       "write 5 * minutes")  # fmt: skip

    def made(ask: Question[S]) -> Alert:
        scope, stand_in = _asked_about(ask, place)
        condition: object = ask(stand_in)  # type: ignore[arg-type]
        if not isinstance(condition, Condition):
            raise _refused("alert/no-condition", place, None, f"alert `{ask.__name__}` returns no condition",
                           f"it returns {type(condition).__name__}, and a rule needs a comparison",
                           "return a comparison, for example service.failure_ratio > 5 * percent")  # fmt: skip
        summary, _, description = inspect.cleandoc(ask.__doc__ or "").partition("\n")
        if not summary:
            raise _refused("alert/no-summary", place, None, f"alert `{ask.__name__}` has no summary",
                           "its docstring's first line is what the person who is woken reads first",
                           "write a docstring that says what is wrong")  # fmt: skip
        for response in respond:
            if response.needs not in (None, scope):
                raise _refused("alert/no-instance", place, "respond",
                               f"alert `{ask.__name__}` may {response.name}, but names no instance",
                               "killing one instance needs an alert about one instance; "
                               "to kill one of a service that fails as a whole would feed the failure",
                               "let the function take an AnyInstance, or respond with open_issue()")  # fmt: skip
        return Alert(name=ask.__name__, summary=summary.strip(), description=" ".join(description.split()),
                     severity=severity, window=window, at_least=at_least, pending=pending, page_after=page_after,
                     keep_firing=keep_firing, where=where, respond=respond, condition=condition, scope=scope,
                     place=place)  # fmt: skip

    return made


def _asked_about(ask: Callable[..., Condition], place: Place | None) -> tuple[Scope, AnyService | AnyInstance]:
    hints = [kind for name, kind in get_type_hints(ask).items() if name != "return"]
    if hints == [AnyService]:
        return Scope.SERVICE, AnyService()
    if hints == [AnyInstance]:
        return Scope.INSTANCE, AnyInstance()
    raise _refused("alert/no-stand-in", place, None,
                   f"alert `{ask.__name__}` doesn't say what it is about",
                   "its one parameter's annotation decides whether it is a rule over services or over instances",
                   f"write def {ask.__name__}(service: AnyService) -> Condition, or instance: AnyInstance")  # fmt: skip


def _refused(
    code: str, place: Place | None, argument: str | None, title: str, why: str, remedy: str
) -> DefinitionError:
    return DefinitionError(Finding(code=code, title=title, place=place, argument=argument, why=why, help=remedy))
