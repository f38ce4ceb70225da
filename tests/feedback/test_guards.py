"""Each guard refuses what it is there for, in its place in the order, and the arithmetic holds at the boundaries."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from meshscope.deploy.plan import Change, Instance, Plan, Verb
from meshscope.feedback.actions.kill_instance import kill_instance
from meshscope.feedback.actions.quarantine import quarantine
from meshscope.feedback.actions.run_command import run_command
from meshscope.feedback.cards import Declined
from meshscope.feedback.catalog import KnownService
from meshscope.feedback.guards import GUARDS, Case, Spent, fewest, judge
from meshscope.feedback.settings import Settings
from meshscope.feedback.state import Key, Numbers
from meshscope.model.modes import Mode
from meshscope.model.services import Identity

NOW = 1_800_000_000.0
KEY = Key("eu-1", "shop", "ledger")
SERVICE = KnownService(
    key=KEY, workload="ledger", owner="payments", where="github:acme/payments", tier=1, replicas=3, stateful=False,
    mode=Mode.ACT, runbook="", definition="services/payments.py:16",
)  # fmt: skip
PODS = tuple(
    Instance(service=Identity("eu-1", "shop", "ledger"), name=f"ledger-{n}", uid=f"u{n}", workload="ledger")
    for n in range(3)
)
KILL = Plan(
    action="kill_instance", changes=(Change(verb=Verb.KILL, subject="ledger-0", precondition="u0"),)
)  # fmt: skip
LONE = Numbers(
    at=NOW, instance="ledger-0", requests=10.0, failing=1.0, siblings=2, siblings_requests=20.0, siblings_failing=0.0,
    seen_requests=3000.0,
)  # fmt: skip
CASE = Case(
    now=NOW, service=SERVICE, mode=Mode.ACT, card=kill_instance.card, plan=KILL, instances=PODS, settings=Settings(),
    numbers=LONE,
)  # fmt: skip


def numbers(**more: float) -> Numbers:
    fields = {name: getattr(LONE, name) for name in LONE.__struct_fields__}
    return Numbers(**{**fields, **more})


def test_nothing_stands_against_the_lone_instance_that_fails() -> None:
    verdict = judge(CASE)
    assert (verdict.code, verdict.why) == ("", "")
    assert verdict.passed[:3] == ("resolved_first", "restored", "unreadable")
    assert verdict.passed[-1] == "needs_approval"


REFUSED = {
    "resolved_first": replace(CASE, resolved=True),
    "restored": replace(CASE, restored=True),
    "unreadable": replace(CASE, unreadable="record 7 of it can't be read"),
    "observe_mode": replace(CASE, mode=Mode.OBSERVE),
    "not_opted_in": replace(CASE, service=replace(SERVICE, mode=None)),
    "stateful": replace(CASE, service=replace(SERVICE, stateful=True)),
    "no_instance": replace(CASE, plan=Declined(code="no_instance", why="the alert names no instance")),
    "numbers_unknown": replace(CASE, numbers=None, unknown="Prometheus is down"),
    "no_outlier": replace(CASE, numbers=numbers(siblings_failing=1.0)),
    "too_few_healthy": replace(CASE, instances=PODS[:2]),
    "dependency_fires": replace(CASE, dependency="shop/payment"),
    "rate": replace(CASE, spent=Spent(going_on=1)),
    "cool_down": replace(CASE, spent=Spent(last_without_effect=NOW - 1)),
    "cap_service": replace(CASE, spent=Spent(service=3)),
    "cap_owner": replace(CASE, spent=Spent(owner=5)),
    "cap_mesh": replace(CASE, spent=Spent(mesh=20)),
    "strikes": replace(CASE, spent=Spent(strikes=3)),
    "flapping": replace(CASE, flaps=6),
    "noise": replace(CASE, noise="known"),
    "snoozed": replace(CASE, snoozed_until=NOW + 1),
    "freeze": replace(CASE, frozen="nothing is done sat,sun 00:00-24:00 UTC"),
    "stopped": replace(CASE, stop="ada stopped everything"),
    "gone": replace(CASE, plan=Declined(code="gone", why="ledger-0 does not run any more")),
    "propose_mode": replace(CASE, mode=Mode.PROPOSE),
    "needs_approval": replace(CASE, mode=Mode.ASK),
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_guard_refuses_what_it_is_there_for(code: str) -> None:
    verdict = judge(REFUSED[code])
    assert verdict.code == code
    assert verdict.why
    assert code not in verdict.passed


def test_every_guard_has_a_case_that_it_refuses() -> None:
    assert {code for code, _ in GUARDS} <= set(REFUSED)


def test_the_first_guard_decides_and_the_others_are_told() -> None:
    verdict = judge(replace(CASE, mode=Mode.OBSERVE, stop="stopped", dependency="shop/payment"))
    assert verdict.code == "observe_mode"
    assert {code for code, _ in verdict.also} == {"dependency_fires", "stopped"}


def test_an_approval_lets_an_asked_act_pass_and_nothing_else() -> None:
    asked = replace(CASE, mode=Mode.ASK, approved=True)
    assert judge(asked).code == ""
    assert judge(replace(asked, numbers=numbers(siblings_failing=1.0))).code == "no_outlier"
    command = Plan(action="run_command", changes=(Change(verb=Verb.RUN, subject="drain"),))
    run = replace(CASE, card=run_command.card, plan=command, numbers=None)
    assert judge(run).code == "needs_approval", "its card asks in any mode"
    assert judge(replace(run, approved=True)).code == ""


def test_a_quarantine_needs_no_outlier_but_leaves_enough_ready() -> None:
    plan = Plan(
        action="quarantine", changes=(Change(verb=Verb.QUARANTINE, subject="ledger-0", precondition="u0"),)
    )  # fmt: skip
    assert judge(replace(CASE, card=quarantine.card, plan=plan, numbers=None)).code == ""
    alone = replace(CASE, card=quarantine.card, plan=plan, numbers=None, instances=PODS[:1])
    assert judge(alone).code == "too_few_healthy"


@pytest.mark.parametrize(("own", "siblings", "stands_out"), [(1.0, 0.1899, True), (1.0, 0.19, False),
                                                            (0.05, 0.0, False), (0.0501, 0.0, True)])  # fmt: skip
def test_an_outlier_is_beyond_five_times_its_siblings_and_five_points(
    own: float, siblings: float, stands_out: bool
) -> None:
    verdict = judge(replace(CASE, numbers=numbers(failing=own, siblings_failing=siblings)))
    assert (verdict.code == "") is stands_out


@pytest.mark.parametrize(("seen", "code"), [(49.9, "no_outlier"), (50.0, "")])
def test_too_few_requests_say_nothing(seen: float, code: str) -> None:
    assert judge(replace(CASE, numbers=numbers(seen_requests=seen))).code == code


@given(replicas=st.integers(1, 500), floor=st.floats(0, 1), ready=st.integers(0, 500))
def test_no_kill_goes_below_the_floor_nor_takes_the_last(replicas: int, floor: float, ready: int) -> None:
    assert fewest(replicas, floor) >= 1
    pods = tuple(replace(PODS[0], name=f"p{n}", uid=f"u{n}", ready=n < ready) for n in range(replicas))
    settings = Settings(caps=replace(Settings().caps, floor=floor))
    case = replace(CASE, service=replace(SERVICE, replicas=replicas), instances=pods, settings=settings)
    if judge(case).code == "":
        left = sum(1 for one in pods if one.ready and one.uid != "u0")
        assert left >= 1
        assert left >= replicas * floor


@given(
    service=st.integers(0, 30), owner=st.integers(0, 30), mesh=st.integers(0, 30), strikes=st.integers(0, 10),
    going_on=st.integers(0, 3), last=st.floats(0, 1000), at_most=st.integers(1, 3),
)  # fmt: skip
def test_a_yes_means_that_every_cap_has_room(
    service: int, owner: int, mesh: int, strikes: int, going_on: int, last: float, at_most: int
) -> None:
    spent = Spent(service=service, owner=owner, mesh=mesh, card=mesh, strikes=strikes, going_on=going_on,
                  last=NOW - last)  # fmt: skip
    caps = Settings().caps
    free = (
        service < caps.service and owner < caps.owner and mesh < caps.mesh and mesh < kill_instance.card.an_hour
        and strikes < caps.strikes and going_on < at_most and last >= caps.every_seconds
    )  # fmt: skip
    assert (judge(replace(CASE, spent=spent, at_most=at_most)).code == "") is free
