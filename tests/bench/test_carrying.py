"""The figure of carried dashboards, and that it sees what is lost."""

import pytest

from bench import carrying
from bench.__main__ import MEASUREMENTS
from bench.talk import Talk


class Quiet(Talk):
    """Says nothing."""

    def __init__(self) -> None:
        """Needs no stream."""

    def say(self, text: str) -> None:
        """Nothing."""


def test_a_build_changes_none_of_our_dashboards() -> None:
    [figure] = MEASUREMENTS["carried"](Quiet())
    assert (figure.name, figure.value, figure.met) == ("dashboards_changed", 0, True)
    assert int(figure.method.split()[0]) >= 40


def test_one_that_is_changed_and_one_that_is_lost_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    read = carrying.built

    def spoilt(root: object, emit: str) -> list[object]:
        made = read(root, emit)  # type: ignore[arg-type]
        first = next(one for one in made if one.get("title") == "Source tempo")
        first["panels"][0]["targets"][0].pop("query")
        return [one for one in made if one.get("title") != "Text"]

    monkeypatch.setattr(carrying, "built", spoilt)
    [figure] = carrying.carried(Quiet())
    assert figure.value == 2
    assert figure.method.endswith("changed: Source tempo own-source-tempo, Text own-text")
    assert not figure.met
