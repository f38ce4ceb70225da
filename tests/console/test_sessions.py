"""Sessions end, forms are known, and a door that is tried too often opens later."""

import os
import time
from pathlib import Path

import pytest
from starlette.requests import Request

from meshscope.feedback.people import People, hashed
from meshscope.web.console.gate import Gate
from meshscope.web.console.sessions import Notice, Sessions, from_our_page, known_host, same
from meshscope.web.console.visit import our_path


class Watch:
    def __init__(self) -> None:
        self.at = 1_000.0

    def __call__(self) -> float:
        return self.at


def sessions(people: People, watch: Watch) -> Sessions:
    return Sessions(people, lasts=1_000.0, idle=100.0, monotonic=watch)


def test_a_session_ends_when_nobody_did_anything_for_a_while(people: People) -> None:
    watch = Watch()
    it = sessions(people, watch)
    person = people.person("ada")
    assert person is not None
    key = it.open(person)
    for _ in range(5):
        watch.at += 90
        assert it.find(key) is not None
    watch.at += 90
    # A page that brings itself up to date keeps nobody signed in.
    assert it.find(key, touch=False) is not None
    watch.at += 20
    assert it.find(key) is None
    watch.at -= 20
    assert it.find(key) is None


def test_a_session_ends_at_last_however_busy_its_person_is(people: People) -> None:
    watch = Watch()
    it = sessions(people, watch)
    person = people.person("ada")
    assert person is not None
    key = it.open(person)
    for _ in range(19):
        watch.at += 52
        assert it.find(key) is not None
    watch.at += 52
    assert it.find(key) is None


@pytest.mark.parametrize("key", ["", "nothing", "\ud800", "x" * 10_000])
def test_an_id_that_nobody_was_given_is_none(people: People, key: str) -> None:
    assert sessions(people, Watch()).find(key) is None


def test_one_person_has_no_more_than_twenty_sessions(people: People) -> None:
    watch = Watch()
    it = sessions(people, watch)
    person = people.person("ada")
    assert person is not None
    keys = []
    for _ in range(25):
        watch.at += 0.5
        keys.append(it.open(person))
    assert [it.find(key) is not None for key in keys] == [False] * 5 + [True] * 20


def test_who_was_given_another_role_signs_in_anew(tmp_path: Path) -> None:
    path = tmp_path / "people.toml"
    known = hashed("a long enough password")
    text = f'[[people]]\nname = "ada"\nrole = "admin"\npassword = "{known}"\n'
    path.write_text(text)
    people = People(path)
    it = Sessions(people)
    person = people.person("ada")
    assert person is not None
    key = it.open(person)
    assert it.find(key) is not None
    path.write_text(text.replace("admin", "viewer"))
    os.utime(path, (time.time() + 5, time.time() + 5))
    time.sleep(1.05)
    assert it.find(key) is None


def test_a_notice_is_told_once(people: People) -> None:
    it = sessions(people, Watch())
    person = people.person("ada")
    assert person is not None
    session = it.find(it.open(person))
    assert session is not None
    session.tell(Notice(kind="done", text="one"))
    assert [one.text for one in session.told()] == ["one"]
    assert session.told() == []


@pytest.mark.parametrize(
    ("one", "other", "alike"), [("", "", False), ("a", "a", True), ("a", "b", False), ("\ud800", "a", False)]
)
def test_secrets_are_compared_and_an_empty_one_is_none(one: str, other: str, alike: bool) -> None:
    assert same(one, other) is alike


def asked(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw, "query_string": b""})


@pytest.mark.parametrize(
    ("headers", "plain", "with_tls"),
    [
        ({"origin": "http://127.0.0.1:8080", "host": "127.0.0.1:8080"}, True, False),
        ({"origin": "http://localhost:8080", "host": "localhost:8080"}, True, False),
        ({"origin": "https://agent.example", "host": "agent.example"}, True, True),
        ({"origin": "http://agent.example", "host": "agent.example"}, False, False),
        ({"origin": "https://evil.example", "host": "agent.example"}, False, False),
        ({"origin": "https://agent.example:444", "host": "agent.example"}, False, False),
        ({"origin": "null", "host": "agent.example"}, False, False),
        ({"host": "agent.example"}, False, False),
        ({"origin": "https://agent.example"}, False, False),
        ({"origin": "https://agent.example", "host": "agent.example", "sec_fetch_site": "cross-site"}, False, False),
        ({"origin": "https://agent.example", "host": "agent.example", "sec_fetch_site": "same-origin"}, True, True),
        ({"origin": "https://[", "host": "["}, False, False),
    ],
)
def test_a_form_comes_from_a_page_of_ours(headers: dict[str, str], plain: bool, with_tls: bool) -> None:
    assert from_our_page(asked(**headers), insecure_loopback=True) is plain
    assert from_our_page(asked(**headers), insecure_loopback=False) is with_tls


@pytest.mark.parametrize(
    ("host", "plain"),
    [("127.0.0.1:1", True), ("localhost", True), ("[::1]:9", True), ("evil.example", False), ("", False), ("[", False)],
)  # fmt: skip
def test_without_tls_only_this_machines_own_names_are_answered_to(host: str, plain: bool) -> None:
    assert known_host(asked(host=host), insecure_loopback=True) is plain
    assert known_host(asked(host=host), insecure_loopback=False)


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "\\evil",
        "",
        "x",
        "/a\nb",
        "/\u2028",
        "/" + "a" * 2000,
    ],
)
def test_nobody_is_led_elsewhere(path: str) -> None:
    assert our_path(path) == "/incidents"


def test_a_path_of_ours_is_kept() -> None:
    assert our_path("/incidents/x?state=all#answer") == "/incidents/x?state=all#answer"


def test_an_address_that_tries_too_often_is_turned_away_for_a_while() -> None:
    watch = Watch()
    gate = Gate(monotonic=watch)
    for _ in range(10):
        assert gate.turned_away("10.0.0.1") == 0
        gate.failed("10.0.0.1", "ada")
        watch.at += 1
    assert gate.turned_away("10.0.0.1") > 200
    assert gate.turned_away("10.0.0.2") == 0
    watch.at += 295
    assert gate.turned_away("10.0.0.1") == 0


def test_a_name_that_is_tried_too_often_is_answered_later_but_never_locked_out() -> None:
    watch = Watch()
    gate = Gate(monotonic=watch)
    delays = []
    for _ in range(12):
        delays.append(gate.delay("10.0.0.1", "ada"))
        gate.failed("10.0.0.1", "ada")
    assert delays[:4] == [0, 0, 0, 0.25]
    assert delays == sorted(delays)
    assert max(delays) == 4.0
    assert gate.delay("10.0.0.1", "nobody-has-this-name") == 0
    # Nobody holds up somebody else from elsewhere.
    assert gate.delay("10.0.0.2", "ada") == 0
    gate.passed("10.0.0.1", "ada")
    assert gate.delay("10.0.0.1", "ada") == 0


def test_a_flood_of_names_takes_no_more_memory_than_so_much() -> None:
    watch = Watch()
    gate = Gate(monotonic=watch)
    for number in range(30_000):
        watch.at += 0.001
        gate.failed(f"address-{number}", f"name-{number}")
    assert len(gate._failed) <= 20_002
