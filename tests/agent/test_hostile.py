"""Who says hostile things, and who says nothing at all: words stay words, and others are served meanwhile."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from meshscope.adapters.trackers.markdown import MarkdownTracker
from meshscope.feedback.state import Received
from meshscope.web.bounds import BOUNDS
from tests.agent.posting import PATH, listening
from tests.feedback.world import FAST, alert, catalog, service, world
from tests.issue.hostile import HOSTILE
from tests.issue.judge import judged

_BASES = ("https://console.example/", "https://runbooks.example/")


def hostile(number: int, text: str, on: str) -> Received:
    """A message all of whose words are hostile, but for what makes it one about a service of ours."""
    one = alert("ErrorBudgetBurn", on, fingerprint=f"{number:016x}", slo=text, stage=text, instance=text)
    annotations = dict.fromkeys(("summary", "description", "runbook_url", "dashboard_url", "definition"), text)
    return structs.replace(one, annotations=annotations, url=text)


@pytest.mark.fault("F21")
def test_hostile_words_stay_words_from_the_message_to_the_issue(tmp_path: Path, figure: Callable[[str], None]) -> None:
    names = [f"svc{number}" for number in range(len(HOSTILE))]
    known = replace(catalog([service(name) for name in names]), calls=())
    issues = MarkdownTracker(tmp_path / "issues", secret=b"secret", git=False)
    settings = replace(FAST, storm_incidents=10**6)
    with world(tmp_path, known=known, tracker=issues, settings=settings) as it, listening(it) as server:
        poster = server.poster()
        sent = [hostile(number, text, names[number]) for number, text in enumerate(HOSTILE)]
        huge = hostile(len(sent), "x" * (1 << 20), names[0])
        # What is no text is refused; everything else is taken as it is.
        answers = [poster.post(one) for one in sent]
        assert set(answers) <= {200, 400}
        assert poster.post(huge) == 200
        it.settled()
        it.until(lambda: all(one.issue and one.issue.ref for one in it.incidents()), 30)
        found = [issues.find("markdown:payments", one.id) for one in it.incidents()]
        poster.close()
    assert len(found) == answers.count(200) > len(HOSTILE) - 5
    longest = 0
    for issue in found:
        assert issue is not None
        judged(issue.body, bases=_BASES)
        longest = max(longest, len(issue.body))
        assert "\n" not in issue.title
    figure(
        f"{len(sent)} hostile texts, {answers.count(400)} of them refused, and one of 1 MiB: "
        f"{len(found)} issues judged as a forge would, none of them longer than {longest:,} characters"
    )


IDLE = 1_000


@pytest.mark.fault("F18")
def test_who_says_nothing_or_says_it_slowly_is_ended_and_the_others_are_served(
    tmp_path: Path, figure: Callable[[str], None]
) -> None:
    head = f"POST {PATH} HTTP/1.1\r\nHost: agent\r\nContent-Length: 100000\r\nContent-Type: application/json\r\n"
    with world(tmp_path) as it, listening(it) as server, ExitStack() as ends:
        token = server.poster().token
        slow = {
            "headers": head.encode(),
            "body": f"{head}Authorization: Bearer {token}\r\n\r\n{{".encode(),
        }
        lasted: dict[str, float] = {}

        def drip(name: str, begin: bytes) -> None:
            with socket.create_connection(("127.0.0.1", server.port), timeout=1.0) as line:
                began = time.monotonic()
                line.sendall(begin)
                with suppress(OSError):
                    while time.monotonic() - began < 30:
                        line.sendall(b"x")
                        with suppress(TimeoutError):
                            if not line.recv(1000):
                                break
                lasted[name] = time.monotonic() - began

        threads = [threading.Thread(target=drip, args=one) for one in slow.items()]
        for thread in threads:
            thread.start()
        poster, taken, waits = server.poster(), 0, []
        for number in range(IDLE):
            if number == BOUNDS.connections // 2:
                # Beyond so many, the one that is silent the longest is ended for the next.
                for thread in threads:
                    thread.join()
            line = ends.enter_context(socket.socket())
            line.setblocking(False)
            line.connect_ex(("127.0.0.1", server.port))
            if number % 50 == 49:
                began = time.monotonic()
                poster.close()
                assert poster.post(alert("NobodyKnowsThis", "ledger", fingerprint=f"{number:016x}")) == 200
                waits.append(time.monotonic() - began)
                taken += 1
        poster.close()
    assert set(lasted) == set(slow)
    assert max(lasted.values()) < 20
    figure(
        f"{IDLE} idle connections, headers that drip ended after {lasted['headers']:.1f} s and a body after "
        f"{lasted['body']:.1f} s, where they have {BOUNDS.header_seconds:g} s: {taken} of {taken} others served, "
        f"the slowest in {max(waits) * 1e3:.0f} ms"
    )
