"""Programs that the demo starts end with it, and one that dies says why."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import soon

from meshscope.demo.processes import Processes
from meshscope.demo.workshop import free_ports, own_address, workshop
from meshscope.findings import MeshscopeError

PYTHON = Path(sys.executable)
SLEEP = ["-c", "import time; time.sleep(60)"]


def lives(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def test_leaving_ends_everything(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        for name in ("one", "two"):
            processes.start(name, PYTHON, SLEEP, folder=tmp_path)
        pids = processes.pids()
        processes.look()
        assert all(map(lives, pids.values()))
    assert not any(map(lives, pids.values()))


def test_one_that_does_not_listen_is_killed(tmp_path: Path) -> None:
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('deaf', 'w'); time.sleep(60)"
    with Processes(tmp_path) as processes:
        running = processes.start("deaf", PYTHON, ["-c", deaf], folder=tmp_path)
        assert soon((tmp_path / "deaf").exists)
    assert running.process.returncode == -signal.SIGKILL


def test_one_that_dies_is_named_with_its_last_words(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        running = processes.start(
            "the thing", PYTHON, ["-c", "import sys; sys.exit('no port for me')"], folder=tmp_path
        )
        running.process.wait()
        with pytest.raises(MeshscopeError) as died:
            processes.look()
    finding = died.value.finding
    assert finding.code == "demo/died"
    assert finding.title == "the thing ended with status 1"
    assert "no port for me" in finding.why


def test_one_that_is_kept_is_started_again_when_it_is_killed(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        first = processes.start("kept", PYTHON, SLEEP, folder=tmp_path, kept=True).process
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        processes.look()
        (revived,) = processes.revived()
        assert (revived.name, revived.how, revived.pid) == (
            "kept", "was killed by SIGKILL", processes.pids()["kept"]
        )  # fmt: skip
        assert revived.pid != first.pid
        assert lives(revived.pid)
        assert processes.revived() == []
    assert not lives(revived.pid)


def test_one_that_is_kept_and_ends_by_itself_is_not_started_again(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        processes.start("kept", PYTHON, ["-c", "import sys; sys.exit(3)"], folder=tmp_path, kept=True).process.wait()
        with pytest.raises(MeshscopeError, match="kept ended with status 3"):
            processes.look()


def test_one_that_is_kept_and_killed_again_and_again_is_given_up(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        processes.start("kept", PYTHON, SLEEP, folder=tmp_path, kept=True)

        def killed(times: int) -> None:
            for _ in range(times):
                pid = processes.pids()["kept"]
                os.kill(pid, signal.SIGKILL)
                assert soon(lambda pid=pid: not lives(pid))
                processes.look()

        with pytest.raises(MeshscopeError, match="kept was killed by SIGKILL"):
            killed(1000)


def test_it_is_tied_to_us_as_soon_as_it_is_started(tmp_path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from meshscope.demo.processes import Processes
processes = Processes(Path({str(tmp_path)!r}))
running = processes.start("child", Path({sys.executable!r}), {SLEEP!r}, folder=Path({str(tmp_path)!r}))
print(running.process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    out = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False).stdout
    assert soon(lambda: not lives(int(out)))


def test_a_program_that_is_not_there_dies_at_once(tmp_path: Path) -> None:
    with Processes(tmp_path) as processes:
        running = processes.start("nothing", tmp_path / "nothing", [], folder=tmp_path)
        running.process.wait()
        with pytest.raises(MeshscopeError, match="nothing ended with status 1"):
            processes.look()


def test_when_we_are_killed_it_dies_too(tmp_path: Path) -> None:
    script = f"""
import time
from pathlib import Path
from meshscope.demo.processes import Processes
with Processes(Path({str(tmp_path)!r})) as processes:
    processes.start("child", Path({sys.executable!r}), {SLEEP!r}, folder=Path({str(tmp_path)!r}))
    print(processes.pids()["child"], flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert lives(child)
        parent.kill()
    assert soon(lambda: not lives(child))


def test_the_folder_is_gone_afterwards_and_a_dead_run_s_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "meshscope-demo-left"
    left.mkdir()
    (left / ".lock").touch()
    foreign = tmp_path / "meshscope-demo-foreign"
    foreign.mkdir()
    with workshop() as folder, workshop() as other:
        assert not left.exists()
        assert folder.is_dir()
        assert other.is_dir()
    assert list(tmp_path.iterdir()) == [foreign]


def test_free_ports_are_all_different_and_given_to_nobody_who_asks_for_any() -> None:
    found = free_ports(20)
    assert len(set(found)) == 20
    with socket.create_server(("127.0.0.1", 0)) as any_port:
        assert max(found) < 32_768 <= any_port.getsockname()[1]
    with socket.create_server(("127.0.0.1", found[0])):
        assert found[0] not in free_ports(20)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only 127.0.0.1 is this machine")
def test_a_port_that_somebody_uses_is_free_at_another_address() -> None:
    (port,) = free_ports(1)
    server = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        address = own_address([port])
        assert address.startswith("127.")
        assert address != "127.0.0.1"
    finally:
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
