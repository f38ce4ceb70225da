"""A cascade is one trouble: that of the deepest service that fails, however calls go round."""

from hypothesis import given
from hypothesis import strategies as st

from meshscope.feedback.folding import deepest, reachable, upstream
from meshscope.feedback.state import Key


def key(name: str) -> Key:
    return Key("", "n", name)


def edges(**calls: str) -> dict[Key, tuple[Key, ...]]:
    return {key(caller): tuple(map(key, callees)) for caller, callees in calls.items()}


CHAIN = edges(a="b", b="c", c="d")


def test_the_end_of_a_failing_chain_is_the_cause() -> None:
    assert deepest(key("a"), CHAIN, {key("b"): 1.0, key("c"): 3.0}) == key("c")


def test_a_healthy_service_between_breaks_the_chain() -> None:
    assert deepest(key("a"), CHAIN, {key("c"): 1.0}) is None
    assert upstream(key("d"), edges(d="c", c="b", b="a"), [key("c"), key("a")]) == (key("c"),)


def test_a_service_that_calls_nothing_that_fails_is_its_own_cause() -> None:
    assert deepest(key("d"), CHAIN, {key("a"): 1.0}) is None


def test_in_a_circle_the_one_that_failed_first_is_the_cause() -> None:
    circle = edges(a="b", b="c", c="b")
    assert deepest(key("a"), circle, {key("b"): 2.0, key("c"): 1.0}) == key("c")
    assert deepest(key("a"), circle, {key("b"): 1.0, key("c"): 2.0}) == key("b")


def test_of_two_ends_the_one_that_failed_first_is_the_cause() -> None:
    assert deepest(key("a"), edges(a="bc"), {key("b"): 2.0, key("c"): 1.0}) == key("c")


NAMES = "abcdef"
GRAPHS = st.dictionaries(st.sampled_from(NAMES), st.text(NAMES, max_size=4), max_size=6)


@given(GRAPHS, st.dictionaries(st.sampled_from(NAMES), st.floats(0, 100), max_size=6), st.sampled_from(NAMES))
def test_the_cause_fails_is_reached_over_what_fails_and_is_never_the_beginning(
    graph: dict[str, str], failing: dict[str, float], begin: str
) -> None:
    calls = edges(**graph)
    since = {key(name): at for name, at in failing.items()}
    cause = deepest(key(begin), calls, since)
    chain = reachable(key(begin), calls, since)
    assert (cause is None) is not bool(chain)
    if cause is not None:
        assert cause in since
        assert cause in chain
        assert cause != key(begin)


@given(GRAPHS, st.dictionaries(st.sampled_from(NAMES), st.floats(0, 100), max_size=6), st.sampled_from(NAMES))
def test_whatever_fails_below_the_cause_leads_back_to_it(
    graph: dict[str, str], failing: dict[str, float], begin: str
) -> None:
    calls = edges(**graph)
    since = {key(name): at for name, at in failing.items()}
    cause = deepest(key(begin), calls, since)
    if cause is not None:
        below = reachable(cause, calls, since)
        assert all(cause in reachable(one, calls, since) for one in below)
