"""The guards that stand between an alert and an act, in order. The first that says no gives its code and its reason.

They are pure: everything that they look at is in the `Case`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from meshscope.deploy.plan import Instance, Plan
from meshscope.feedback.cards import Card, Declined, Reach
from meshscope.feedback.catalog import KnownService
from meshscope.feedback.settings import Settings
from meshscope.feedback.state import Numbers
from meshscope.model.modes import Mode


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Acts of the last hour: on the service, for its owner, in the mesh, by this card; and when the last one was."""

    service: int = 0
    owner: int = 0
    mesh: int = 0
    card: int = 0
    last: float | None = None
    last_without_effect: float | None = None
    strikes: int = 0
    going_on: int = 0
    """Of this service, those whose replacement is not ready."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One alert, one response, and the world as it is when it is judged."""

    now: float
    service: KnownService
    mode: Mode
    """In force: the lower of the mesh's and the service's."""
    card: Card
    plan: Plan | Declined
    instances: tuple[Instance, ...]
    settings: Settings
    resolved: bool = False
    numbers: Numbers | None = None
    unknown: str = ""
    """Why the numbers of the instance could not be had."""
    dependency: str = ""
    """The service that fires and that this one calls."""
    spent: Spent = Spent()
    at_most: int = 1
    stop: str = ""
    frozen: str = ""
    restored: bool = False
    unreadable: str = ""
    """Which record of the service can't be read."""
    flaps: int = 0
    noise: str = ""
    snoozed_until: float = 0.0
    approved: bool = False

    @property
    def acts(self) -> bool:
        """Whether something that runs would be changed."""
        return self.card.verb is not None

    @property
    def uid(self) -> str:
        """The identity that the plan is about; empty where it is about none, or nothing runs that has it."""
        return self.chosen.uid if self.chosen is not None else ""

    @property
    def chosen(self) -> Instance | None:
        """The instance that the plan names."""
        uids = {change.precondition for change in self.plan.changes} if isinstance(self.plan, Plan) else set()
        return next((one for one in self.instances if one.uid in uids), None)


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What the guards say: no code means yes. ``passed`` are those that had nothing against it, in order."""

    code: str = ""
    why: str = ""
    passed: tuple[str, ...] = ()
    also: tuple[tuple[str, str], ...] = field(default=())
    """What else would have said no, each code with its reason."""


BY_MODE = ("observe_mode", "propose_mode", "not_opted_in", "needs_approval")
"""The refusals that are about what the agent may do, and not about whether the act would be right."""

Guard = Callable[[Case], str]


def judge(case: Case) -> Verdict:
    """Ask every guard; the first that refuses decides, those after it are asked only for what else is in the way."""
    passed: list[str] = []
    refused: list[tuple[str, str]] = []
    for code, why in _asked(case):
        if why:
            refused.append((code, why))
        elif not refused:
            passed.append(code)
    if not refused:
        return Verdict(passed=tuple(passed))
    (code, why), *others = refused
    return Verdict(code=code, why=why, passed=tuple(passed), also=tuple(others))


def _asked(case: Case) -> Iterator[tuple[str, str]]:
    yield "resolved_first", "the alert is over" if case.resolved else ""
    yield "restored", "the ledger was restored, and what was done since is not in it" if case.restored else ""
    yield "unreadable", case.unreadable
    yield "observe_mode", f"{case.service.key} is in mode observe" if case.mode is Mode.OBSERVE else ""
    for code, guard in GUARDS:
        yield code, guard(case)
    # A plan that could not be made says why in a word of its own.
    if isinstance(case.plan, Declined):
        yield case.plan.code, case.plan.why
    yield "propose_mode", f"{case.service.key} is in mode propose" if case.mode is Mode.PROPOSE else ""
    asks = case.card.asks or case.mode is Mode.ASK
    yield "needs_approval", "a person has to say yes" if asks and not case.approved else ""


def _not_opted_in(case: Case) -> str:
    own = case.service.mode
    return f"{case.service.key} does not say that anything may be done to it" if case.acts and own is None else ""


def _stateful(case: Case) -> str:
    reach = case.card.reach in (Reach.INSTANCE, Reach.WORKLOAD)
    return f"{case.service.key} keeps state" if reach and case.service.stateful else ""


def _no_instance(case: Case) -> str:
    if case.card.reach is not Reach.INSTANCE or case.chosen is not None:
        return ""
    # One that is gone is refused with that word, after the others.
    if isinstance(case.plan, Declined):
        return case.plan.why if case.plan.code == "no_instance" else ""
    return "no instance is named that runs"


def _numbers_unknown(case: Case) -> str:
    if not case.card.outlier or case.numbers is not None or isinstance(case.plan, Declined):
        return ""
    return f"the instance can't be compared with its siblings: {case.unknown or 'nothing is known of it'}"


def _no_outlier(case: Case) -> str:
    numbers, wanted = case.numbers, case.settings.outlier
    if not case.card.outlier or numbers is None:
        return ""
    if numbers.siblings < 1:
        return f"{numbers.instance} has no sibling to compare it with"
    limit = wanted.times * numbers.siblings_failing + wanted.beyond
    if numbers.failing > limit:
        few = f"{numbers.seen_requests:.0f} requests say too little; {wanted.requests:.0f} are needed"
        return few if numbers.seen_requests < wanted.requests else ""
    enough = f"it would have to be more than {limit:.1%}" if limit < 1 else "nothing could stand out from that"
    return f"{numbers.failing:.1%} of its requests fail and {numbers.siblings_failing:.1%} of its siblings'; {enough}"


def _too_few_healthy(case: Case) -> str:
    if case.card.reach is not Reach.INSTANCE or case.chosen is None:
        return ""
    ready = sum(1 for one in case.instances if one.ready and not one.quarantined and one.uid != case.chosen.uid)
    needed = fewest(case.service.replicas, case.settings.caps.floor)
    return "" if ready >= needed else f"{ready} of {case.service.replicas} would be left ready, {needed} must be"


def fewest(replicas: int, floor: float) -> int:
    """How many instances must stay ready: the share ``floor`` of those that are wanted, and one at the least."""
    return max(1, math.ceil(replicas * floor))


def _dependency(case: Case) -> str:
    return f"{case.dependency}, which it calls, fails too" if case.acts and case.dependency else ""


def _rate(case: Case) -> str:
    spent, caps = case.spent, case.settings.caps
    if not case.acts:
        return ""
    if spent.going_on >= case.at_most:
        return f"{spent.going_on} of its instances are being replaced already"
    if spent.last is not None and case.now - spent.last < caps.every_seconds:
        return f"the last act on it was {case.now - spent.last:.0f} s ago; {caps.every_seconds:.0f} s must lie between"
    if spent.card >= case.card.an_hour:
        return f"{case.card.name} was done {spent.card} times within an hour, and may be {case.card.an_hour} times"
    return ""


def _cool_down(case: Case) -> str:
    last, wait = case.spent.last_without_effect, case.settings.caps.cool_down_seconds
    if not case.acts or last is None or case.now - last >= wait:
        return ""
    return f"the last act did not help {case.now - last:.0f} s ago; {wait:.0f} s must pass"


def _cap(what: str) -> Guard:
    def guard(case: Case) -> str:
        used, cap = getattr(case.spent, what), getattr(case.settings.caps, what)
        whose = {"service": "it", "owner": f"services of {case.service.owner}", "mesh": "the mesh"}[what]
        return f"{used} acts on {whose} within an hour, and {cap} are allowed" if case.acts and used >= cap else ""

    return guard


def _strikes(case: Case) -> str:
    most = case.settings.caps.strikes
    return f"{case.spent.strikes} acts did not help" if case.acts and case.spent.strikes >= most else ""


def _flapping(case: Case) -> str:
    return f"it came back {case.flaps} times" if case.acts and case.flaps > case.settings.flaps else ""


def _muted(case: Case) -> str:
    return f"a person called it noise: {case.noise}" if case.noise else ""


def _snoozed(case: Case) -> str:
    return "a person snoozed it" if case.snoozed_until > case.now else ""


GUARDS: Sequence[tuple[str, Guard]] = (
    ("not_opted_in", _not_opted_in),
    ("stateful", _stateful),
    ("no_instance", _no_instance),
    ("numbers_unknown", _numbers_unknown),
    ("no_outlier", _no_outlier),
    ("too_few_healthy", _too_few_healthy),
    ("dependency_fires", _dependency),
    ("rate", _rate),
    ("cool_down", _cool_down),
    ("cap_service", _cap("service")),
    ("cap_owner", _cap("owner")),
    ("cap_mesh", _cap("mesh")),
    ("strikes", _strikes),
    ("flapping", _flapping),
    ("noise", _muted),
    ("snoozed", _snoozed),
    ("freeze", lambda case: case.frozen if case.acts else ""),
    ("stopped", lambda case: case.stop if case.acts else ""),
)
