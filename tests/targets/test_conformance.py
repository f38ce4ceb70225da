"""What every deploy target promises."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from meshscope.deploy.plan import Instance, Outcome, Verb
from meshscope.model.services import Identity
from tests.targets.conftest import CHECKOUT, LEDGER, World, change, kill, quarantine, soon


def uids(instances: tuple[Instance, ...]) -> set[str]:
    return {one.uid for one in instances}


def test_instances_come_by_name_and_each_is_one_of_its_kind(world: World) -> None:
    every = world.ready()
    assert [one.name for one in every] == sorted(one.name for one in every)
    assert len(uids(every)) == len({one.name for one in every}) == 3
    assert {(one.service, one.workload, one.version) for one in every} == {(LEDGER, "ledger", "v1")}
    assert all(one.ready and not one.quarantined and one.started > 1e9 for one in every)
    assert not uids(every) & uids(world.ready(CHECKOUT))


def test_a_service_that_runs_nowhere_has_no_instances(world: World) -> None:
    world.ready()
    assert world.target.instances(Identity("eu-1", "shop", "nowhere")) == ()
    assert world.target.instances(Identity("eu-2", "shop", "ledger")) == ()


def test_only_the_chosen_one_dies_and_one_of_another_name_takes_its_place(world: World) -> None:
    checkout, (chosen, *siblings) = world.ready(CHECKOUT), world.ready()
    assert world.apply(kill(chosen)) is Outcome.DONE
    now = world.ready()
    assert uids(tuple(siblings)) < uids(now)
    assert not {chosen.name, chosen.uid} & {text for one in now for text in (one.name, one.uid)}
    assert world.target.instances(CHECKOUT) == checkout


def test_a_killed_one_is_listed_no_more_when_the_kill_is_done(world: World) -> None:
    chosen = world.ready()[0]
    world.apply(kill(chosen))
    assert chosen.uid not in uids(world.target.instances(LEDGER))


@pytest.mark.parametrize("verb", [Verb.KILL, Verb.QUARANTINE])
def test_what_is_done_to_one_that_is_gone_never_hits_its_replacement(world: World, verb: Verb) -> None:
    chosen = world.ready()[0]
    world.apply(kill(chosen))
    before = world.ready()
    assert world.apply(change(verb, chosen)) is Outcome.GONE
    for one in before:
        assert world.apply(change(verb, chosen, subject=one.name)) is Outcome.GONE
    assert world.target.instances(LEDGER) == before


@pytest.mark.parametrize("verb", [Verb.KILL, Verb.QUARANTINE])
def test_an_identity_that_never_was_is_gone_and_nobody_is_touched(world: World, verb: Verb) -> None:
    before = world.ready()
    for uid in ("x", "1", "-", before[0].uid + "1", before[0].uid[:-1] + "x", f"{before[0].uid} "):
        assert world.apply(change(verb, before[0], precondition=uid)) is Outcome.GONE
    assert world.target.instances(LEDGER) == before


def test_what_contradicts_itself_or_names_nobody_for_sure_is_refused(world: World) -> None:
    before, others = world.ready(), world.ready(CHECKOUT)
    for wrong in (
        kill(before[0], subject=before[1].name),
        kill(before[0], precondition=""),
        kill(before[0], service=None),
        kill(before[0], service=CHECKOUT),
        change(Verb.RUN, before[0]),
        change(Verb.CALL, before[0]),
    ):
        assert world.apply(wrong) is Outcome.REFUSED, wrong
    assert (world.target.instances(LEDGER), world.target.instances(CHECKOUT)) == (before, others)


def test_of_many_who_kill_the_same_one_at_once_nobody_hits_another(world: World) -> None:
    before = world.ready()
    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda _: world.apply(kill(before[0])), range(16)))
    assert set(outcomes) <= {Outcome.DONE, Outcome.GONE}
    assert Outcome.DONE in outcomes
    assert uids(before[1:]) < uids(world.ready())


def test_a_quarantined_one_is_kept_unready_and_replaced_and_doing_it_again_changes_nothing(world: World) -> None:
    chosen, *siblings = world.ready()
    assert world.apply(quarantine(chosen)) is Outcome.DONE
    first = world.ready()
    assert world.apply(quarantine(chosen)) is Outcome.DONE
    assert world.ready() == first
    kept = [one for one in first if one.quarantined]
    assert [(one.uid, one.name, one.ready) for one in kept] == [(chosen.uid, chosen.name, False)]
    assert uids(tuple(siblings)) < uids(first)
    assert len(first) == 4


def test_a_quarantined_one_can_be_killed_and_is_not_replaced_twice(world: World) -> None:
    chosen = world.ready()[0]
    world.apply(quarantine(chosen))
    world.ready()
    assert world.apply(kill(chosen)) is Outcome.DONE
    assert len(world.ready()) == 3
    assert world.apply(kill(chosen)) is Outcome.GONE


@pytest.mark.parametrize("verb", [Verb.KILL, Verb.QUARANTINE])
def test_nothing_is_done_to_a_service_that_is_stopped_until_that_is_lifted(world: World, verb: Verb) -> None:
    before = world.ready()
    assert not world.target.stopped(LEDGER)
    world.stop("a drill")
    assert (world.target.stopped(LEDGER), world.target.stopped(CHECKOUT)) == (True, False)
    receipt = world.target.apply(change(verb, before[0]))
    assert (receipt.outcome, receipt.said) == (Outcome.REFUSED, "eu-1/shop/ledger is stopped: a drill")
    assert world.target.instances(LEDGER) == before
    world.stop("")
    assert world.apply(change(verb, before[0])) is Outcome.DONE


def test_the_last_lines_of_an_instance_are_told_and_no_more_than_were_asked_for(world: World) -> None:
    chosen, other, *_ = world.ready()
    assert world.target.logs(chosen, 5) == ()
    for number in range(20):
        world.say(chosen, f"line {number}")
    assert world.target.logs(chosen, 3) == ("line 17", "line 18", "line 19")
    assert len(world.target.logs(chosen, 1000)) == 20
    assert world.target.logs(chosen, 0) == world.target.logs(chosen, -1) == world.target.logs(other, 5) == ()


def test_a_log_that_never_ends_is_told_in_part(world: World) -> None:
    chosen = world.ready()[0]
    for _ in range(30):
        world.say(chosen, "\n".join(["x" * 99] * 1000))
    told = world.target.logs(chosen, 1_000_000)
    assert 100 < len(told) <= 1000
    assert set(told) == {"x" * 99}


def test_what_was_killed_wrote_its_last_and_is_asked_in_vain_without_harm(world: World) -> None:
    chosen = world.ready()[0]
    world.say(chosen, "the last")
    assert world.target.logs(chosen, 1) == ("the last",)
    world.apply(kill(chosen))
    soon(lambda: chosen.uid not in uids(world.ready()))
    assert world.target.logs(chosen, 1) in ((), ("the last",))
