"""The installed command as it runs on a machine: told to end under load, and given files that are wrong."""

from __future__ import annotations

import http.client
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from meshscope.feedback.credentials import new_credential
from meshscope.feedback.state import AlertState, alert_entry, read_alert
from meshscope.wiring.ledgers import open_ledger
from tests.agent.posting import Poster
from tests.agent.stage import sound
from tests.feedback.world import TENANT, alert
from tests.houses import MESHSCOPE, small
from tests.ports import free_port
from tests.receiving.conftest import write_credentials
from tests.waiting import until

OPEN = 30_000
CONFIGURATION = 'listen = "127.0.0.1:{port}"\nprometheus = ""\n'


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built bundle."""
    house = small(tmp_path_factory.mktemp("house"))
    house.run("build", "-o", "build/mesh", status=0)
    return house.root / "build" / "mesh"


@dataclass
class Running:
    """The command, and how to talk to it."""

    folder: Path
    port: int
    token: str
    process: subprocess.Popen[str]

    def poster(self) -> Poster:
        return Poster(self.port, self.token)

    def ended(self) -> tuple[int, str]:
        """How it ended, and what it said."""
        said, _ = self.process.communicate(timeout=30)
        return self.process.returncode, said


@contextmanager
def command(folder: Path, tree: Path, configuration: str = CONFIGURATION) -> Iterator[Running]:
    folder.mkdir(exist_ok=True)
    port = free_port()
    (folder / "agent.toml").write_text(configuration.format(port=port))
    token, entry = new_credential(TENANT, "alertmanager")
    write_credentials(folder / "credentials.toml", entry)
    process = subprocess.Popen(
        [MESHSCOPE, "agent", "--bundle", tree, "--config", folder / "agent.toml"],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield Running(folder, port, token, process)
    finally:
        process.kill()
        process.communicate()


def ready(running: Running) -> None:
    def is_ready() -> bool:
        assert running.process.poll() is None, running.ended()
        with suppress(OSError, http.client.HTTPException):
            return running.poster().get("/readyz")[0] == 200
        return False

    until(is_ready, "it is ready", 60)


@pytest.mark.fault("F29")
def test_told_to_end_under_load_it_answers_what_it_took_and_ends_well(
    tmp_path: Path, tree: Path, figure: Callable[[str], None]
) -> None:
    taken: list[str] = []
    statuses = Counter[int]()
    lock = threading.Lock()

    def load(number: int) -> None:
        poster = running.poster()
        with suppress(OSError, http.client.HTTPException):
            for step in range(100_000):
                mark = f"{number:08x}{step:08x}"
                status = poster.post(alert("NobodyKnowsThis", "ledger", fingerprint=mark))
                with lock:
                    statuses[status] += 1
                    if status == 200:
                        taken.append(mark)
        poster.close()

    with command(tmp_path / "agent", tree) as running:
        ready(running)
        threads = [threading.Thread(target=load, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        until(lambda: len(taken) > 300, "it is under load", 60)
        began = time.monotonic()
        running.process.send_signal(signal.SIGTERM)
        code, said = running.ended()
        seconds = time.monotonic() - began
        for thread in threads:
            thread.join()
    assert code == 0, said
    assert "goes on at the next start" in said
    assert statuses.keys() <= {200, 503}
    with open_ledger(tmp_path / "agent" / "state") as ledger:
        kept = {read_alert(one).received.fingerprint for one in ledger.heads("alert", limit=10**6)}
    assert set(taken) <= kept
    sound(tmp_path / "agent")
    figure(f"SIGTERM under 16 senders: ended with 0 after {seconds:.1f} s; {len(taken)} taken before, 0 of them lost")


def test_it_starts_with_many_open_alerts_while_senders_send(tmp_path: Path, tree: Path) -> None:
    folder = tmp_path / "agent"
    with open_ledger(folder / "state") as ledger:
        for first in range(0, OPEN, 1_000):
            ledger.append([alert_entry(_open(number)) for number in range(first, first + 1_000)]).result()
    for start in range(3):
        _started_under_load(folder, tree, start)


def _started_under_load(folder: Path, tree: Path, start: int) -> None:
    answers = Counter[int]()
    stop = threading.Event()

    def load(number: int) -> None:
        for step in range(1_000_000):
            if stop.is_set():
                return
            poster = running.poster()
            with suppress(OSError, http.client.HTTPException):
                mark = f"{4 * start + number:08x}{step:08x}"
                answers[poster.post(alert("NobodyKnowsThis", "ledger", fingerprint=mark))] += 1
            poster.close()

    with command(folder, tree) as running:
        threads = [threading.Thread(target=load, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        try:
            ready(running)
            until(lambda: answers[200] > 20, "alerts are taken", 60)
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        running.process.send_signal(signal.SIGTERM)
        code, said = running.ended()
    assert code == 0, said
    assert answers.keys() <= {200, 503}


def _open(number: int) -> AlertState:
    """An alert that somebody sent, and that nobody decided on yet."""
    received = alert("NobodyKnowsThis", "ledger", fingerprint=f"{number:016x}")
    return AlertState(
        key=f"{TENANT}/{received.fingerprint}/1", tenant=TENANT, episode=1, received=received, at=time.time()
    )


WRONG: Mapping[str, tuple[str, str]] = {
    "a setting that is none": (CONFIGURATION + "[limits]\nservise = 3\n", "did you mean `service`"),
    "a number that is none": (CONFIGURATION + "[limits]\nservice = -1\n", "not negative"),
    "no TOML": (CONFIGURATION + "[limits\n", "TOML"),
    "a time that is none": (CONFIGURATION + 'freeze = ["sometimes"]\n', "sometimes"),
    "a port that is none": ('listen = "127.0.0.1:many"\n', "many"),
}


@pytest.mark.fault("F30")
def test_with_a_configuration_that_is_wrong_it_does_not_start_and_says_what_is(
    tmp_path: Path, tree: Path, figure: Callable[[str], None]
) -> None:
    for number, (name, (text, said)) in enumerate(WRONG.items()):
        with command(tmp_path / str(number), tree, text) as running:
            code, told = running.ended()
        assert code == 1, (name, told)
        assert "agent.toml" in told or "freeze" in told, (name, told)
        assert said in told, (name, told)
        assert "Traceback" not in told, (name, told)
        assert not (tmp_path / str(number) / "state").exists(), name
    figure(f"{len(WRONG)} configurations that are wrong: {len(WRONG)} refused with what is wrong, no ledger begun")


@pytest.mark.fault("F30")
def test_files_that_become_wrong_leave_the_old_ones_in_force_and_the_next_start_is_refused(
    tmp_path: Path, tree: Path, figure: Callable[[str], None]
) -> None:
    own = tmp_path / "mesh"
    subprocess.run(["/bin/cp", "-r", tree, own], check=True)
    model = own / "model.json"
    with command(tmp_path / "agent", own) as running:
        ready(running)
        poster = running.poster()
        assert poster.post(alert("ErrorBudgetBurn", "ledger", fingerprint="a" * 16)) == 200
        model.write_text(model.read_text().replace('"ledger"', '"lodger"', 1))
        good = (running.folder / "credentials.toml").read_text()
        write_credentials(running.folder / "credentials.toml", good + "\n[[credential]]\nnonsense = 1\n")
        until(lambda: b"credentials_stale 1.0" in poster.get("/metrics")[1], "it tells of the file that is wrong")
        assert poster.post(alert("ErrorBudgetBurn", "ledger", fingerprint="b" * 16)) == 200
        write_credentials(running.folder / "credentials.toml", good)
        until(lambda: b"credentials_stale 0.0" in poster.get("/metrics")[1], "it takes the mended one")
        poster.close()
        running.process.send_signal(signal.SIGTERM)
        assert running.ended()[0] == 0
    with command(tmp_path / "agent", own) as running:
        code, told = running.ended()
    assert code == 1
    assert "not as it was built" in told
    assert "meshscope build" in told
    with open_ledger(tmp_path / "agent" / "state") as ledger:
        assert len(ledger.heads("alert")) == 2
    figure(
        "credentials that became wrong: the old ones in force, the metric 1, then 0; a changed bundle: start refused"
    )
