"""What people do: each of it once, by whom it is allowed to, from a page of ours."""

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from meshscope.feedback.people import People
from meshscope.feedback.state import Incident, Phase, read_incident
from meshscope.model.modes import Mode
from tests.console.boutique_nights import NOW
from tests.console.conftest import PASSWORD, Answer, Client, Site, served
from tests.console.desk_twin import LOST, DeskTwin
from tests.console.test_pages import of, words
from tests.feedback.world import World, world
from tests.feedback.world import alert as fired
from tests.feedback.world import catalog as shop


def asking(desk: DeskTwin, service: str = "checkout") -> tuple[str, str]:
    """The incident that asks, and its approval's token."""
    name = of(desk, service)
    return name, newest(desk, name).approvals[0].token


def newest(desk: DeskTwin, name: str) -> Incident:
    return read_incident(desk.ledger.history(f"incident:{name}")[-1])


def say(client: Client, name: str, token: str, answer: str = "yes", **headers: str) -> Answer:
    form = {"form": client.form_secret(f"/incidents/{name}"), "token": token, "answer": answer}
    return client.post(f"/incidents/{name}/answer", form, **headers)


def at_once(count: int, client: Client, path: str, form: dict[str, str]) -> list[Answer]:
    """The same form, sent by many at the same time."""
    answers: list[Answer] = []
    threads = [threading.Thread(target=lambda: answers.append(client.post(path, form))) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_yes_is_carried_out_once_and_written_down_by_name(site: Site, desk: DeskTwin) -> None:
    ada = site.client("ada")
    name, token = asking(desk)
    answer = say(ada, name, token)
    assert (answer.status, answer.place) == (303, f"/incidents/{name}")
    page = ada.get(answer.place).text
    assert "You said yes." in page
    assert "You said yes." not in ada.get(answer.place).text
    one = newest(desk, name)
    assert (one.approvals[0].answer, one.approvals[0].by) == ("yes", "ada")
    assert len(desk.done) == 1
    assert desk.ledger.heads("person")[0].entry.subject == "person:ada"
    assert "ada : Said yes" in words(page)


def test_a_no_is_written_down_and_nothing_is_done(site: Site, desk: DeskTwin) -> None:
    ada = site.client("ada")
    name, token = asking(desk)
    assert say(ada, name, token, "no").status == 303
    assert newest(desk, name).approvals[0].answer == "no"
    assert desk.done == []


def test_the_page_after_an_answer_asks_no_more(site: Site, desk: DeskTwin) -> None:
    ada = site.client("ada")
    name, token = asking(desk)
    page = ada.get(say(ada, name, token).place).text
    assert token not in page
    assert "<title>(3)" in page


def test_a_double_click_is_one_yes(site: Site, desk: DeskTwin) -> None:
    ada = site.client("ada")
    name, token = asking(desk)
    form = {"form": ada.form_secret(f"/incidents/{name}"), "token": token, "answer": "yes"}
    answers = at_once(8, ada, f"/incidents/{name}/answer", form)
    assert [one.status for one in answers] == [303] * 8
    assert len(desk.done) == 1
    assert "It was answered before: yes" in words(ada.get(f"/incidents/{name}").text)


def test_a_form_that_is_sent_again_later_changes_nothing(site: Site, desk: DeskTwin) -> None:
    ada = site.client("ada")
    name, token = asking(desk)
    form = {"form": ada.form_secret(f"/incidents/{name}"), "token": token, "answer": "no"}
    ada.post(f"/incidents/{name}/answer", form)
    form["answer"] = "yes"
    ada.post(f"/incidents/{name}/answer", form)
    assert desk.done == []
    assert newest(desk, name).approvals[0].answer == "no"


def test_an_answer_that_comes_too_late_is_none(desk: DeskTwin, people: People) -> None:
    now = [NOW]
    desk.now = lambda: now[0]
    with served(desk, people, now=lambda: now[0]) as site:
        ada = site.client("ada")
        name, token = asking(desk)
        secret = ada.form_secret(f"/incidents/{name}")
        now[0] += 3600
        ada.post(f"/incidents/{name}/answer", {"form": secret, "token": token, "answer": "yes"})
        assert "Nothing waits for this answer" in ada.get(f"/incidents/{name}").text
    assert desk.done == []


@pytest.mark.parametrize(("who", "service"), [("vera", "checkout"), ("ada", "frontend"), ("vera", "frontend")])
def test_who_may_not_answer_is_refused_and_told_who_may(site: Site, desk: DeskTwin, who: str, service: str) -> None:
    client = site.client(who)
    name, token = asking(desk, service)
    page = client.get(f"/incidents/{name}").text
    assert token not in re.findall(r'name="token" value="([^"]*)"', page)
    assert "may not answer for" in page
    answer = say(client, name, token)
    assert answer.status == 403
    assert "ben" in answer.text
    assert desk.done == []
    assert newest(desk, name).approvals[0].answer == ""


@pytest.mark.parametrize("who", ["ben", "root"])
def test_who_answers_for_every_team_may(site: Site, desk: DeskTwin, who: str) -> None:
    name, token = asking(desk, "frontend")
    assert say(site.client(who), name, token).status == 303
    assert len(desk.done) == 1


@pytest.mark.parametrize("answer", ["", "maybe", "YES"])
def test_an_answer_that_is_neither_yes_nor_no_is_none(site: Site, desk: DeskTwin, answer: str) -> None:
    name, token = asking(desk)
    say(site.client("ada"), name, token, answer)
    assert newest(desk, name).approvals[0].answer == ""


def test_an_answer_to_nothing_does_nothing(site: Site, desk: DeskTwin) -> None:
    ada = site.client("ada")
    form = {"form": ada.form_secret("/incidents"), "token": "x", "answer": "yes"}
    assert ada.post("/incidents/none/answer", form).status == 303
    assert "There is no such incident" in ada.get("/incidents").text
    assert desk.done == []


DEEDS = ("/incidents/{name}/answer", "/incidents/{name}/close", "/agent/stop", "/agent/start", "/agent/clear-restored",
         "/agent/clear-unreadable")  # fmt: skip


def untouched(desk: DeskTwin, name: str) -> None:
    assert desk.done == []
    assert desk.switches == {}
    assert desk.restored
    assert desk.set_aside
    assert newest(desk, name).phase is Phase.OPEN


@pytest.mark.parametrize("path", DEEDS)
@pytest.mark.parametrize(
    ("secret", "headers"),
    [
        ("", {}),
        ("wrong", {}),
        ("another", {}),
        ("right", {"Origin": "https://evil.example"}),
        ("right", {"Origin": "null"}),
        ("right", {"Origin": ""}),
        ("right", {"Sec-Fetch-Site": "cross-site"}),
        ("right", {"Content-Type": "text/plain"}),
        ("right", {"Content-Type": "multipart/form-data; boundary=x"}),
    ],
)
def test_a_form_that_is_not_of_this_session_and_this_page_is_refused(
    site: Site, desk: DeskTwin, path: str, secret: str, headers: dict[str, str]
) -> None:
    desk.restored, desk.set_aside = True, (LOST,)
    root = site.client("root")
    name, token = asking(desk)
    secrets = {"right": root.form_secret("/agent")}
    if secret == "another":
        secrets["another"] = site.client("ben").form_secret("/agent")
    form = {"form": secrets.get(secret, secret), "token": token, "answer": "yes", "scope": "all"}
    assert root.post(path.format(name=name), form, **headers).status == 403
    untouched(desk, name)


@pytest.mark.parametrize("path", DEEDS)
def test_who_is_not_signed_in_does_nothing(site: Site, desk: DeskTwin, path: str) -> None:
    desk.restored, desk.set_aside = True, (LOST,)
    name, token = asking(desk)
    form = {"form": "x", "token": token, "answer": "yes", "scope": "all"}
    answer = site.client().post(path.format(name=name), form)
    assert (answer.status, answer.place) == (303, "/sign-in")
    untouched(desk, name)


@pytest.mark.parametrize("path", DEEDS)
def test_a_viewer_does_nothing(site: Site, desk: DeskTwin, path: str) -> None:
    desk.restored, desk.set_aside = True, (LOST,)
    vera = site.client("vera")
    name, token = asking(desk)
    form = {"form": vera.form_secret("/agent"), "token": token, "answer": "yes", "scope": "all"}
    assert vera.post(path.format(name=name), form).status == 403
    untouched(desk, name)


@pytest.mark.parametrize("path", DEEDS)
def test_a_link_does_nothing(site: Site, desk: DeskTwin, path: str) -> None:
    desk.restored, desk.set_aside = True, (LOST,)
    name, _ = asking(desk)
    assert site.client("root").get(path.format(name=name)).status in (404, 405)
    untouched(desk, name)


@pytest.mark.parametrize("body", [b"form=" + b"x" * 40_000, b"&" * 10_000, b"\xff\xfe", b"a=%ff", b""])
def test_a_form_that_is_none_is_refused(site: Site, desk: DeskTwin, body: bytes) -> None:
    root = site.client("root")
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://127.0.0.1:{root.port}"}
    assert root.ask("POST", "/agent/stop", body, **headers).status == 403
    assert desk.switches == {}


def act(client: Client, path: str, **form: str) -> Answer:
    return client.post(path, {"form": client.form_secret("/agent"), "back": "/agent", **form})


def test_an_approver_stops_and_an_admin_starts(site: Site, desk: DeskTwin) -> None:
    ada, root = site.client("ada"), site.client("root")
    assert act(ada, "/agent/stop", scope="all", why="it kills what should live").place == "/agent"
    stop = desk.switches["all"]
    assert (stop.by, stop.why) == ("ada", "it kills what should live")
    assert "Stopped." in ada.get("/agent").text
    refused = act(ada, "/agent/start", scope="all")
    assert refused.status == 403
    assert "root" in refused.text
    assert "all" in desk.switches
    assert act(root, "/agent/start", scope="all").status == 303
    assert desk.switches == {}


def test_one_service_is_stopped_on_its_own(site: Site, desk: DeskTwin) -> None:
    ada = site.client("ada")
    act(ada, "/agent/stop", scope="shop/ledger")
    assert set(desk.switches) == {"shop/ledger"}
    assert "shop/ledger" in words(ada.get("/agent").text)
    assert "ada stopped the agent here" in words(ada.get("/services/eu-1/shop/ledger").text)


@pytest.mark.parametrize("scope", ["", "shop", "shop/none", "eu-1/shop/ledger", "<script>"])
def test_a_scope_that_is_no_service_is_refused_and_said(site: Site, desk: DeskTwin, scope: str) -> None:
    ada = site.client("ada")
    act(ada, "/agent/stop", scope=scope)
    assert desk.switches == {}
    page = ada.get("/agent").text
    assert "no service of the mesh" in page
    assert "<script>" not in page


def test_only_an_admin_clears_a_restored_ledger(site: Site, desk: DeskTwin) -> None:
    desk.restored = True
    assert act(site.client("ben"), "/agent/clear-restored").status == 403
    assert desk.restored
    assert act(site.client("root"), "/agent/clear-restored").status == 303
    assert not desk.restored


def test_only_an_admin_clears_records_that_cant_be_read(site: Site, desk: DeskTwin) -> None:
    desk.set_aside = (LOST,)
    assert act(site.client("ben"), "/agent/clear-unreadable").status == 403
    assert desk.set_aside
    assert act(site.client("root"), "/agent/clear-unreadable").status == 303
    assert not desk.set_aside


def test_an_incident_is_closed_by_who_answers_for_it(site: Site, desk: DeskTwin) -> None:
    ada, name = site.client("ada"), of(desk, "ledger")
    form = {"form": ada.form_secret("/agent")}
    assert ada.post(f"/incidents/{of(desk, 'catalog')}/close", form).status == 403
    assert ada.post(f"/incidents/{name}/close", form).status == 303
    assert newest(desk, name).phase is Phase.RESOLVED
    assert "You closed this incident." in ada.get(f"/incidents/{name}").text


@pytest.mark.parametrize("back", ["https://evil.example", "//evil.example", "/\\evil.example"])
def test_nobody_is_led_away_after_a_deed(site: Site, back: str) -> None:
    assert act(site.client("ada"), "/agent/stop", scope="all", back=back).place == "/incidents"


def test_signing_in_says_the_same_of_everybody(site: Site) -> None:
    told = set()
    for name, password in (("ada", "wrong password"), ("nobody", PASSWORD), ("", ""), ("ada", "")):
        answer = site.client().sign_in(name, password)
        assert answer.status == 401
        told.add(re.findall(r'role="alert"[^>]*>([^<]*)', answer.text)[0])
    assert len(told) == 1


def test_who_is_handed_an_incident_may_not_answer_for_it(site: Site, desk: DeskTwin) -> None:
    ada = site.client("ada")
    for service, whose, status in (("checkout", "storefront", 303), ("catalog", "payments", 403)):
        one = newest(desk, of(desk, service))
        assert one.owner != whose
        one.owner = whose
        desk.put(one)
        assert ada.post(f"/incidents/{one.id}/close", {"form": ada.form_secret("/agent")}).status == status
    one = newest(desk, of(desk, "catalog"))
    assert one.phase is Phase.OPEN
    assert "may not answer" in words(ada.get(f"/incidents/{one.id}").text) or not one.approvals


def test_the_cookie_is_kept_from_programs_and_from_other_sites(site: Site) -> None:
    cookie = site.client().sign_in("ada").headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_who_signs_out_is_out_wherever_the_cookie_went(site: Site) -> None:
    client, other = site.client("ada"), site.client()
    other.cookies["meshscope"] = client.cookies["meshscope"]
    assert other.get("/incidents").status == 200
    client.post("/sign-out", {"form": client.form_secret("/agent")})
    assert "meshscope" not in client.cookies
    assert other.get("/incidents").place.startswith("/sign-in")


def test_a_sign_in_form_of_another_page_is_refused(site: Site) -> None:
    client = site.client()
    secret = client.form_secret("/sign-in")
    form = {"form": secret, "name": "ada", "password": PASSWORD}
    assert client.post("/sign-in", form, Origin="https://evil.example").status == 403
    client.cookies["meshscope-form"] = "x" * 43
    assert client.post("/sign-in", form).status == 403
    assert "meshscope" not in client.cookies


def test_who_tries_too_often_is_turned_away_with_the_right_password_too(site: Site) -> None:
    for number in range(10):
        site.client().sign_in(f"name-{number}", "wrong password")
    answer = site.client().sign_in("ada")
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 100
    assert "Too many tries" in answer.text


def test_without_tls_another_name_of_this_machine_is_not_answered_to(site: Site) -> None:
    assert site.client().get("/sign-in", Host="evil.example").status == 421


@pytest.fixture
def real(tmp_path: Path, people: People) -> Iterator[tuple[Site, World]]:
    """A real agent that asks, with its console."""
    with world(tmp_path, known=shop(mode=Mode.ASK)) as it, served(it.agent, people, now=time.time) as site:
        bad = it.pods.names("ledger")[0]
        it.gauges.failing[bad] = 1.0
        it.send(fired("LoneFailingInstance", "ledger", pod=bad, stage="agent"))
        it.until(lambda: any(one.approvals for one in it.incidents()))
        yield site, it


def test_a_real_agent_kills_once_whom_a_person_said_yes_to(real: tuple[Site, World]) -> None:
    site, it = real
    ada, incident = site.client("ada"), it.incident("ledger")
    assert incident.id in ada.get("/incidents").text
    form = {"form": ada.form_secret(f"/incidents/{incident.id}"), "answer": "yes",
            "token": incident.approvals[0].token}  # fmt: skip
    at_once(5, ada, f"/incidents/{incident.id}/answer", form)
    assert len(it.pods.killed) == 1
    told = words(ada.get(f"/incidents/{incident.id}").text)
    assert [text for text in ("You said yes.", "Killed instance", "ada : Said yes") if text not in told] == []
    assert [one.by for one in incident.approvals] == ["ada"]


def test_a_real_agent_that_is_stopped_does_nothing(real: tuple[Site, World]) -> None:
    site, it = real
    ada, incident = site.client("ada"), it.incident("ledger")
    act(ada, "/agent/stop", scope="all", why="look first")
    say(ada, incident.id, incident.approvals[0].token)
    assert it.pods.killed == []
    assert "stopped" in words(ada.get(f"/incidents/{incident.id}").text)
