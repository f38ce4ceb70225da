"""The services as processes: requests really go between them, a fault shows where it is, and the dead are named."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from conftest import soon

from meshscope.adapters.targets.processes import Processes
from meshscope.demo.directions import Directions
from meshscope.demo.history import History, Promise
from meshscope.demo.script import Script, script
from meshscope.demo.troupe import Engagement
from meshscope.deploy.groups import runs
from meshscope.deploy.plan import Change, Outcome, Verb
from meshscope.model.services import Identity
from meshscope.wiring.load import load

BACK = Identity("", "shop", "back")


@dataclass
class Playing:
    process: subprocess.Popen[bytes]
    script: Script
    past: Path
    directions: Path
    groups: Path
    processes: Mapping[str, list[Any]]
    scraped: Mapping[str, list[Any]]

    def tell(self, name: str, path: str) -> bytes:
        _, host, port = self.processes[name]
        with urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=60) as answer:
            return bytes(answer.read())

    def counted(self, pod: str, *parts: str) -> float:
        """How many requests the proxy of ``pod`` counts whose labels hold all ``parts``."""
        _, host, port = self.scraped[pod]
        with urllib.request.urlopen(f"http://{host}:{port}/stats/prometheus", timeout=60) as answer:
            lines = answer.read().decode().splitlines()
        wanted = (line for line in lines if line.startswith("istio_requests_total") and all(p in line for p in parts))
        return sum(float(line.rpartition(" ")[2]) for line in wanted)


@pytest.fixture
def playing(tiny: Path, tmp_path: Path) -> Iterator[Playing]:
    model = load(tiny).model
    assert model is not None
    played = script(model, 1 / 20)
    logs = tmp_path / "logs"
    logs.mkdir()
    promise = Promise(labels='namespace="shop",service="back",slo="availability"', period="30d", slo="availability",
                      service=model.services[0].identity, budget=0.001)  # fmt: skip
    past = History(path=tmp_path / "past", cluster="", job="mesh-proxies", time_scale=1 / 20, promises=(promise,))
    process = subprocess.Popen(
        [sys.executable, "-m", "meshscope.demo.troupe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    directions, members = tmp_path / "directions.json", tmp_path / "groups"
    members.mkdir()
    engagement = Engagement(script=played, collector="", time_scale=1 / 20, logs=logs, history=past,
                            directions=directions, groups=members, targets=tmp_path / "targets.json")  # fmt: skip
    process.stdin.write(pickle.dumps(engagement))
    process.stdin.close()
    process.stdin = None
    told = json.loads(process.stdout.readline())
    yield Playing(process, played, past.path, directions, members, told["processes"], told["scraped"])
    process.terminate()
    process.communicate(timeout=60)


def pods(playing: Playing, name: str) -> tuple[str, ...]:
    return next(player.pods for player in playing.script.players if player.name == name)


def grows(count: Callable[[], float]) -> bool:
    before = count()
    return soon(lambda: count() > before)


def rests(count: Callable[[], float]) -> bool:
    """Whether it grows no more, once what was under way has ended."""

    def rested() -> bool:
        before = count()
        time.sleep(1)
        return count() == before

    return soon(rested)


def test_requests_go_through_the_mesh_and_both_sides_count_them(playing: Playing) -> None:
    (door,), (front,) = pods(playing, "edge/door"), pods(playing, "shop/front")
    assert grows(lambda: playing.counted(door, 'reporter="source"', 'destination_service_name="front"'))
    assert grows(lambda: playing.counted(front, 'reporter="destination"', 'source_app="door"'))
    for pod in pods(playing, "shop/back"):
        assert grows(lambda pod=pod: playing.counted(pod, 'reporter="destination"', 'source_app="front"'))


def test_a_fault_shows_at_its_pod_alone_and_goes_away(playing: Playing) -> None:
    bad, good = pods(playing, "shop/back")
    Directions(pods={bad: 1.0}).write(playing.directions)
    assert grows(lambda: playing.counted(bad, 'response_code="500"'))
    assert json.loads(playing.tell(bad, "/failed"))[bad] > 0
    Directions().write(playing.directions)
    assert rests(lambda: playing.counted(bad, 'response_code="500"'))
    assert grows(lambda: playing.counted(bad, 'response_code="200"'))
    assert playing.counted(good, 'response_code="500"') == 0
    (front,) = pods(playing, "shop/front")
    assert playing.counted(front, 'reporter="destination"', 'response_code="500"') > 0, "what it needs failed"


def test_no_visitor_comes_in_after_the_door_is_closed(playing: Playing) -> None:
    (door,) = pods(playing, "edge/door")
    assert grows(lambda: playing.counted(door))
    playing.tell("edge/door", "/closed")
    assert rests(lambda: playing.counted(door))
    playing.tell("edge/door", "/opened")
    assert grows(lambda: playing.counted(door))


def test_a_pod_of_the_target_that_dies_is_replaced_by_one_of_another_name(playing: Playing) -> None:
    bad, good = pods(playing, "shop/back")
    target = Processes(playing.groups)
    before = {one.name: one for one in target.instances(BACK)}
    assert set(before) == {bad, good}
    os.kill(playing.processes[bad][0], signal.SIGKILL)
    assert soon(lambda: len(target.instances(BACK)) == 2 and bad not in {one.name for one in target.instances(BACK)})
    assert before[good].uid in {one.uid for one in target.instances(BACK)}
    assert grows(lambda: playing.counted(bad, 'reporter="destination"')), "the new one answers at the same place"


def test_a_pod_is_listed_only_once_it_ends_with_the_troupe(playing: Playing) -> None:
    target = Processes(playing.groups)
    before = {one.uid for one in target.instances(BACK)}
    os.kill(playing.processes[pods(playing, "shop/back")[0]][0], signal.SIGKILL)
    fresh: set[str] = set()

    def listed() -> bool:
        fresh.update(one.uid for one in target.instances(BACK) if one.uid not in before)
        return bool(fresh)

    assert soon(listed)
    playing.process.kill()
    playing.process.wait()
    assert soon(lambda: not any(map(runs, fresh | before)))


def test_a_pod_that_is_quarantined_stands_still_and_is_replaced(playing: Playing) -> None:
    chosen, _ = Processes(playing.groups).instances(BACK)
    change = Change(verb=Verb.QUARANTINE, subject=chosen.name, service=BACK, precondition=chosen.uid)
    assert Processes(playing.groups).apply(change).outcome is Outcome.DONE
    assert soon(lambda: len(Processes(playing.groups).instances(BACK)) == 3)
    assert grows(lambda: playing.counted(chosen.name, 'reporter="destination"'))


def test_a_revision_that_fails_fails_in_every_pod_and_another_is_rolled_out(playing: Playing) -> None:
    Directions(revisions={"shop/back@v1": 1.0}).write(playing.directions)
    for pod in pods(playing, "shop/back"):
        assert grows(lambda pod=pod: playing.counted(pod, 'response_code="500"'))
    Directions(revisions={"shop/back@v1": 1.0}, released={"shop/back": "v2"}).write(playing.directions)
    target = Processes(playing.groups)
    assert soon(lambda: [one.version for one in target.instances(BACK)] == ["v2", "v2"])
    for pod in pods(playing, "shop/back"):
        assert grows(lambda pod=pod: playing.counted(pod, 'response_code="200"', 'destination_version="v2"'))


def test_one_that_dies_is_named_and_ends_all(playing: Playing) -> None:
    os.kill(playing.processes["shop/front"][0], signal.SIGKILL)
    assert soon(lambda: playing.process.poll() is not None)
    assert playing.process.returncode == 1
    assert playing.process.stderr is not None
    assert b"shop/front was killed by SIGKILL" in playing.process.stderr.read()
    for pid, *_ in playing.processes.values():
        assert not Path(f"/proc/{pid}").exists()


def test_the_past_ends_where_the_proxies_begin(playing: Playing) -> None:
    text = playing.past.read_text()
    assert text.endswith("# EOF\n")
    pod = pods(playing, "shop/back")[0]
    host, port = playing.scraped[pod][1:]
    raw = [line for line in text.splitlines() if line.startswith("istio_requests_total") and f'pod="{pod}"' in line]
    assert all(f'instance="{host}:{port}"' in line and 'job="mesh-proxies"' in line for line in raw)
    values = [float(line.rsplit(" ", 2)[1]) for line in raw]
    assert values == sorted(values)
    assert 0 < values[-1] <= playing.counted(pod, 'reporter="destination"')
    times = [float(line.rsplit(" ", 1)[1]) for line in raw]
    assert 3600 / 20 <= times[-1] - times[0] < 4200 / 20


def test_the_past_of_a_promise_spends_a_part_of_its_budget(playing: Playing) -> None:
    lines = playing.past.read_text().splitlines()
    for name, of in (
        ("slo:{}:rate5m", ""),
        ("slo:rate5m:over2m", 'of="{}_sum"'),
        ("slo:{}:sum10m", ""),
    ):
        sums = {
            what: sum(
                float(line.rsplit(" ", 2)[1])
                for line in lines
                if line.startswith(name.format(what)) and of.format(what) in line
            )
            for what in ("events", "errors")
        }
        assert 0.1 * 0.001 <= sums["errors"] / sums["events"] <= 0.5 * 0.001
    (period,) = (line for line in lines if line.startswith("slo:errors:ratio_period1h"))
    assert 'slo="availability",period="30d"}' in period
    assert 0.1 * 0.001 <= float(period.split()[1]) <= 0.5 * 0.001, "taken once an hour: no demo lasts that long"
