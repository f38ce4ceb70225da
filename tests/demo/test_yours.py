"""A person at a terminal: the mesh stays up for them, each key does what it says, and all ends in good order."""

import http.client
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

from conftest import ROOT, processes_in
from terminal import Terminal

Sit = Callable[..., Terminal]


def nothing_is_left(work: Path) -> None:
    assert processes_in(work) == {}
    assert list(work.iterdir()) == []


def test_each_key_does_what_it_says_and_q_ends_everything(sit: Sit, work: Path) -> None:
    terminal = sit()
    at = terminal.until(r"NOW YOU .*? q the end \(or Ctrl-C\)")
    at = terminal.until(r"LOOK console .*? ledger meshscope verify ledger \S+ ", after=at)

    terminal.press("1")
    at = terminal.until(r"ONE FAILS (ledger-\S+), one of 3", after=at)
    victim = re.findall(r"ONE FAILS (ledger-\S+),", terminal.said)[-1]
    for step in (
        rf"fault {victim} fails every request", "alert LoneFailingInstance fires",
        rf"agent kill_instance of {victim}: done", rf"demo {victim} is dead, and ledger-\S+ in its place; its siblings",
        "issue .*? mitigated, cause open", "keys: 1 fail one",
    ):  # fmt: skip
        at = terminal.until(step, after=at)

    terminal.press("a")
    for step in (r"ALL FAIL revision v4", "demo every instance runs v4, and fails", "declined, no_outlier",
                 r"demo nobody is killed \(no_outlier\)"):  # fmt: skip
        at = terminal.until(step, after=at)
    terminal.press("1")
    at = terminal.until("all of them fail already: r releases a fix", after=at)

    terminal.press("r")
    for step in ("A FIX revision v5", "demo only v5 runs", "mended", "issue .*? resolved"):
        at = terminal.until(step, after=at)

    terminal.press("f")
    at = terminal.until(
        "answered with a made-up token 401, with the token of Falco 401, and nothing is stored", after=at
    )

    terminal.press("k")
    for step in (r"kill -9 \d+: the agent is dead", "supervisor the agent was killed by SIGKILL, and is started again",
                 r"the agent is back; (\d+) of \1 incidents are known; (\d+) acts on \2 instances, none of them twice",
                 "keys: 1 fail one"):  # fmt: skip
        at = terminal.until(step, after=at)

    terminal.press("q")
    at = terminal.until("ENDED every process; no file is left", after=at)
    assert terminal.end() == 0, terminal.text
    nothing_is_left(work)


def test_a_kill_before_an_alert_is_taken_changes_nothing_and_ctrl_c_gives_the_terminal_back(
    sit: Sit, work: Path
) -> None:
    terminal = sit()
    before = terminal.settings()
    at = terminal.until("NOW YOU .*? ledger meshscope verify ledger")
    assert terminal.settings() != before
    terminal.press("k1")
    at = terminal.until(r"kill -9 \d+: the agent is dead", after=at)
    at = terminal.until(r"fault (ledger-\S+) fails every request", after=at)
    victim = re.findall(r"fault (ledger-\S+) fails every request", terminal.said)[-1]
    at = terminal.until(rf"kill_instance of {victim}: done", after=at)
    at = terminal.until("mitigated, cause open", after=at)
    assert terminal.said.count(f"kill_instance of {victim}: done") == 1
    terminal.press("\x03")
    terminal.until("ENDED every process; no file is left", after=at)
    assert terminal.settings() == before
    assert terminal.end() == 0, terminal.text
    nothing_is_left(work)


def test_where_to_look_is_true_and_a_terminal_that_hangs_up_ends_it(sit: Sit, work: Path) -> None:
    terminal = sit()
    terminal.until("NOW YOU .*? ledger meshscope verify ledger")
    port, name, password = re.findall(r"http://127\.0\.0\.1:(\d+), sign in as (\S+) with (\S+)", terminal.said)[-1]
    assert signed_in(int(port), name, password) == 303
    assert signed_in(int(port), name, "wrong") == 401
    issues, state = re.findall(r"issues (/\S+) .*? meshscope verify ledger (\S+)", terminal.said)[-1]
    assert [path.parent.name for path in sorted((Path(issues) / "github").rglob("ledger-*.md"))] == [
        "payments",
        "platform",
    ]
    command = [Path(sys.executable).with_name("meshscope"), "verify", "ledger", state]
    verified = subprocess.run(command, capture_output=True, text=True, check=False)
    assert verified.returncode == 0, verified.stdout
    os.kill(terminal.pid, signal.SIGHUP)
    assert terminal.end() == 130, terminal.text
    nothing_is_left(work)


def signed_in(port: int, name: str, password: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/sign-in")
    answer = connection.getresponse()
    page, cookie = answer.read().decode(), (answer.getheader("set-cookie") or "").partition(";")[0]
    form = re.search(r'name="form" value="([^"]+)"', page)
    assert form is not None
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookie,
               "Origin": f"http://127.0.0.1:{port}"}  # fmt: skip
    body = urlencode({"form": form[1], "name": name, "password": password})
    connection.request("POST", "/sign-in", body, headers)
    return connection.getresponse().status


def test_in_the_background_of_a_terminal_nobody_is_asked() -> None:
    script = "import os; os.setpgid(0, 0); from meshscope.demo.keys import person; print('asked:', person())"
    terminal = Terminal(
        sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {script!r}])",
        folder=ROOT, environment={},
    )  # fmt: skip
    terminal.until("asked: False", 30)
    assert terminal.end() == 0
    terminal.close()
