"""What an alert may ask: arithmetic on stand-ins for every service or every instance.

An alert's function is called once. What it gets has signals only, and what it does with them is written down, not
computed; anything that Python would have to decide at once (``if``, ``==``, ``len``, an f-string) is refused with
its place.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NoReturn, TypeAlias

from meshscope.findings import DefinitionError, Finding, here
from meshscope.model.units import Duration, Number, Ratio, exact


class Scope(StrEnum):
    """What one series of a signal stands for."""

    SERVICE = "service"
    INSTANCE = "instance"
    SIBLINGS = "siblings"


class Symbolic:
    """A value that stands for every service at once; Python can't decide anything about it."""

    def _undecidable(self, what: str) -> NoReturn:
        raise DefinitionError(
            Finding(
                code="alert/decided-in-python",
                title=f"{what} is used on a value that stands for every service",
                place=here(),
                why="an alert's function is called once and becomes one rule over all of them; "
                "Prometheus decides, not Python",
                help="compare with <, <=, > or >=, combine with & and |, and restrict services with @alert(where=...)",
            )
        )

    def __bool__(self) -> NoReturn:
        self._undecidable("`if`, `and`, `or` or `not`")

    def __eq__(self, other: object) -> NoReturn:
        self._undecidable("`==`")

    def __ne__(self, other: object) -> NoReturn:
        self._undecidable("`!=`")

    def __len__(self) -> NoReturn:
        self._undecidable("`len()`")

    def __iter__(self) -> NoReturn:
        self._undecidable("`for` or `in`")

    def __contains__(self, item: object) -> NoReturn:
        self._undecidable("`in`")

    def __float__(self) -> NoReturn:
        self._undecidable("`float()`")

    def __int__(self) -> NoReturn:
        self._undecidable("`int()`")

    def __format__(self, spec: str) -> NoReturn:
        self._undecidable("an f-string")

    def __str__(self) -> NoReturn:
        self._undecidable("`str()`")

    def __hash__(self) -> int:
        return id(self)


class Expr(Symbolic):
    """A number for each service or instance."""

    def __add__(self, other: Operand) -> Expr:
        return Binary("+", self, lift(other))

    def __radd__(self, other: Operand) -> Expr:
        return Binary("+", lift(other), self)

    def __sub__(self, other: Operand) -> Expr:
        return Binary("-", self, lift(other))

    def __rsub__(self, other: Operand) -> Expr:
        return Binary("-", lift(other), self)

    def __mul__(self, other: Operand) -> Expr:
        return Binary("*", self, lift(other))

    def __rmul__(self, other: Operand) -> Expr:
        return Binary("*", lift(other), self)

    def __truediv__(self, other: Operand) -> Expr:
        return Binary("/", self, lift(other))

    def __rtruediv__(self, other: Operand) -> Expr:
        return Binary("/", lift(other), self)

    def __gt__(self, other: Operand) -> Condition:
        return Comparison(">", self, lift(other))

    def __ge__(self, other: Operand) -> Condition:
        return Comparison(">=", self, lift(other))

    def __lt__(self, other: Operand) -> Condition:
        return Comparison("<", self, lift(other))

    def __le__(self, other: Operand) -> Condition:
        return Comparison("<=", self, lift(other))


@dataclass(frozen=True, eq=False, repr=False)
class Literal(Expr):
    """A constant."""

    value: Decimal


@dataclass(frozen=True, eq=False, repr=False)
class Signal(Expr):
    """A measured quantity: ``name`` is one of the provider's signals, ``over`` the bound of a latency signal."""

    scope: Scope
    name: str
    over: Duration | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Binary(Expr):
    """``left operator right``."""

    operator: str
    left: Expr
    right: Expr


class Condition(Symbolic):
    '''When an alert fires.

    Example::

        @alert(severity=Severity.TICKET, pending=5 * minutes, at_least=100)
        def starved(service: AnyService) -> Condition:
            """It is slow and fails at once."""
            return (service.slow_ratio(over=1000 * ms) > 10 * percent) & (service.failure_ratio > 1 * percent)
    '''

    def __and__(self, other: Condition) -> Condition:
        return Combined("and", (self, other))

    def __or__(self, other: Condition) -> Condition:
        return Combined("or", (self, other))


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Condition):
    """``left operator right``, true where it holds."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, eq=False, repr=False)
class Combined(Condition):
    """All (``and``) or any (``or``) of ``parts``."""

    operator: str
    parts: tuple[Condition, Condition]


Operand: TypeAlias = Expr | Ratio | Number


def lift(operand: Operand) -> Expr:
    """A number or a ratio as an expression."""
    if isinstance(operand, Expr):
        return operand
    return Literal(operand.value if isinstance(operand, Ratio) else exact(operand))


def signals(node: Expr | Condition) -> tuple[Signal, ...]:
    """Every signal that ``node`` reads, in the order of writing."""
    match node:
        case Signal():
            return (node,)
        case Binary(left=left, right=right) | Comparison(left=left, right=right):
            return signals(left) + signals(right)
        case Combined(parts=parts):
            return signals(parts[0]) + signals(parts[1])
    return ()


@dataclass(frozen=True, eq=False, repr=False)
class _Measured(Symbolic):
    scope: Scope

    @property
    def requests(self) -> Expr:
        """Requests a second."""
        return Signal(self.scope, "requests")

    @property
    def failures(self) -> Expr:
        """Failed requests a second."""
        return Signal(self.scope, "failures")

    @property
    def failure_ratio(self) -> Expr:
        """The share of requests that fail, 0 to 1; nothing where there are none."""
        return self.failures / self.requests


@dataclass(frozen=True, eq=False, repr=False)
class AnyService(_Measured):
    '''Stands for every service.

    Example::

        @alert(severity=Severity.TICKET, pending=10 * minutes, at_least=20)
        def plaintext(service: AnyService) -> Condition:
            """One request in a hundred arrives without mutual TLS."""
            return service.plaintext_ratio > 1 * percent
    '''

    scope: Scope = Scope.SERVICE

    def slow_ratio(self, *, over: Duration) -> Expr:
        """The share of requests that take longer than ``over``, a bucket boundary of the provider; 0 to 1."""
        return Signal(self.scope, "slow_ratio", over=over)

    @property
    def plaintext_ratio(self) -> Expr:
        """The share of requests that arrive without mutual TLS, 0 to 1."""
        return Signal(self.scope, "plaintext_ratio")


@dataclass(frozen=True, eq=False, repr=False)
class Siblings(_Measured):
    """The other instances of the same workload and version, together."""

    scope: Scope = Scope.SIBLINGS


@dataclass(frozen=True, eq=False, repr=False)
class AnyInstance(_Measured):
    '''Stands for every instance (a pod) of every service.

    Example::

        @alert(severity=Severity.PAGE, pending=2 * minutes, at_least=50)
        def outlier(instance: AnyInstance) -> Condition:
            """One instance fails far more often than its siblings."""
            return instance.failure_ratio > 5 * instance.siblings.failure_ratio + 5 * percent
    '''

    scope: Scope = Scope.INSTANCE

    @property
    def siblings(self) -> Siblings:
        """The other instances of the same workload and version."""
        return Siblings()
