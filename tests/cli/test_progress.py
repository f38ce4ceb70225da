"""How far a long run is: counts while it runs, and in a log what took long."""

from collections.abc import Callable
from pathlib import Path

import pytest

from meshscope.adapters.engines.promtool import PromtoolRules, PromtoolTests
from meshscope.cli.progress import Log


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_log_says_of_a_step_that_took_long_how_far_it_came_and_how_long_it_took() -> None:
    said: list[str] = []
    clock = Clock()
    log = Log(said.append, clock)
    log.tell("promtool check rules: 0 of 5 files")
    clock.now = 2.0
    log.tell("promtool test rules: 0 of 1,200 files")
    clock.now = 40.0
    log.tell("promtool test rules: 1,200 of 1,200 files")
    log.tell("otelcol validate: 0 of 2 files")
    clock.now = 51.0
    log.end()
    assert said == ["promtool test rules: 1,200 of 1,200 files, 38 s\n", "otelcol validate: 0 of 2 files, 11 s\n"]


def test_a_log_says_nothing_of_what_counts_nothing() -> None:
    said: list[str] = []
    clock = Clock()
    log = Log(said.append, clock)
    log.tell("reading the definitions")
    clock.now = 99.0
    log.end()
    assert said == []


@pytest.mark.engines("promtool")
def test_promtool_says_how_far_it_is(tmp_path: Path, engine: Callable[[str], Path]) -> None:
    paths = []
    for number in range(3):
        for folder in ("rules", "tests"):
            path = tmp_path / "prometheus" / folder / f"f{number}.yaml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("groups: []\n" if folder == "rules" else "rule_files: []\ntests: []\n")
            paths.append(path.relative_to(tmp_path).as_posix())
    for kind, folder in ((PromtoolRules, "rules"), (PromtoolTests, "tests")):
        heard: list[int] = []
        kind(program=engine("promtool"), version="3").judge(tmp_path, [p for p in paths if folder in p], heard.append)
        assert heard == sorted(heard)
        assert len(heard) == 3
