"""Every page over HTTP: who sees it, what stands in it, and what a browser is told about it."""

import re
from dataclasses import replace
from html import unescape

import pytest

from meshscope.adapters.memory.ledger import MemoryLedger
from meshscope.build.rules.annotations import Template, links
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.people import People
from meshscope.feedback.ports import Entry, LedgerError
from meshscope.feedback.state import Phase, incident_entry
from meshscope.findings import Finding
from meshscope.model.mesh import Mesh
from tests.console.boutique_nights import NOW, open_ids
from tests.console.conftest import PASSWORD, Client, Site, served
from tests.console.desk_twin import LOST, DeskTwin, Moment

PAGES = ("/incidents", "/incidents?state=all", "/services", "/services/eu-1/shop/ledger", "/actions", "/ledger",
         "/ledger/5", "/agent")  # fmt: skip


def of(desk: DeskTwin, service: str) -> str:
    """The name of a service's newest open incident."""
    return next(one for one in open_ids(desk) if one.rsplit("-", 1)[0] == service)


def words(page: str) -> str:
    """What a person reads of a page."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.fixture
def vera(site: Site) -> Client:
    return site.client("vera")


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_signing_in(site: Site, path: str) -> None:
    answer = site.client().get(path)
    assert answer.status == 303
    assert answer.place.startswith("/sign-in?next=")
    assert "ledger" not in answer.text


@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/sign-in", "/badge/3.svg"])
def test_every_answer_says_what_a_browser_must_not_do(vera: Client, path: str) -> None:
    headers = vera.get(path).headers
    assert headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert "cache-control" in headers


@pytest.mark.parametrize("path", PAGES)
def test_no_page_has_a_style_or_a_program_in_it(vera: Client, path: str) -> None:
    answer = vera.get(path)
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?! src=\"/static/)", answer.text)
    for address in re.findall(r'(?:src|href)="([^"#]*)', answer.text):
        assert address.startswith(("/", "?", "https://")) or address == ""
    for link in re.findall(r"<a [^>]*https?://[^>]*>", answer.text):
        assert 'rel="noreferrer noopener"' in link


def test_the_list_begins_with_what_needs_a_person(vera: Client) -> None:
    page = vera.get("/incidents").text
    titles = re.findall(r'<h2 id="group-(\d)"', page)
    assert titles == sorted(titles)
    assert titles[0] == "0"
    assert "2 incidents hurt users now , 2 wait for an answer" in words(page)
    assert "<title>(4) Incidents" in page
    assert 'href="/badge/4.svg"' in page


def test_a_filter_never_hides_that_users_are_hurt(vera: Client) -> None:
    page = words(vera.get("/incidents?q=nothing-is-called-so").text)
    assert "2 incidents hurt users now" in page
    assert "Nothing matches" in page
    assert "Nothing needs a person" not in page


@pytest.mark.parametrize(
    ("query", "expected", "others"),
    [
        ("state=waiting", {"checkout", "frontend"}, {"payment", "ledger"}),
        ("state=firing", {"payment", "catalog"}, {"ledger"}),
        ("state=cause", {"ledger"}, {"payment"}),
        ("state=agent", {"cart"}, {"payment"}),
        ("state=later", {"email", "adverts", "search"}, {"payment"}),
        ("owner=payments", {"checkout", "payment", "ledger"}, {"cart", "catalog"}),
        ("service=shop/cart", {"cart"}, {"catalog"}),
        ("service=cart", {"cart"}, {"catalog"}),
        ("service=eu-1/shop/cart", {"cart"}, {"catalog"}),
        ("q=PLAINTEXT", {"email"}, {"cart"}),
        ("q=terminal+shell", {"frontend"}, {"cart"}),
        ("q=cart-6c5f9b7d8", {"cart"}, {"catalog"}),
        ("state=nonsense", {"payment"}, set()),
    ],
)
def test_filters_leave_what_is_looked_for(vera: Client, query: str, expected: set[str], others: set[str]) -> None:
    found = set(re.findall(r'id="line-([a-z]+)-', vera.get(f"/incidents?{query}").text))
    assert expected <= found
    assert not others & found


def test_what_is_over_is_paged_by_its_number(vera: Client, desk: DeskTwin) -> None:
    seen: list[str] = []
    path = "/incidents?state=all"
    while path:
        page = vera.get(path).text
        seen += re.findall(r'id="line-([^"]+)"', page)
        older = re.search(r'href="([^"]+)">Look further back', page)
        path = unescape(older[1]) if older else ""
    every = [one.entry.subject.removeprefix("incident:") for one in desk.ledger.heads("incident")]
    assert seen == every
    over = re.findall(r'id="line-([^"]+)"', vera.get("/incidents?state=over").text)
    assert 0 < len(over) < len(every)


def annotation(cluster: str, namespace: str, service: str) -> str:
    """The address that an alert's annotation leads to, as Prometheus would expand it."""
    mesh = Mesh(name="boutique", provider="istio", console="https://meshscope.boutique.example")
    address = links(Template(), mesh, "service")["incident_url"].removeprefix("https://meshscope.boutique.example")
    labels = {"cluster": cluster, "namespace": namespace, "service": service}
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], address)


def test_an_alerts_link_leads_to_its_incident(vera: Client, desk: DeskTwin) -> None:
    answer = vera.get(annotation("eu-1", "shop", "payment"))
    assert (answer.status, answer.place) == (303, f"/incidents/{of(desk, 'payment')}")


def test_a_victims_link_leads_to_the_cause(desk: DeskTwin, people: People) -> None:
    cause = next(one for one in open_ids(desk) if one.startswith("catalog-"))
    folded = desk._incident(of(desk, "recommendation"))
    folded.phase = Phase.CLOSED
    desk.put(folded)
    with served(desk, people) as site:
        assert site.client("vera").get(annotation("eu-1", "web", "recommendation")).place == f"/incidents/{cause}"


def test_an_alerts_link_to_what_never_came_says_so(vera: Client) -> None:
    answer = vera.get(annotation("eu-1", "shop", "unheard-of"))
    assert answer.status == 200
    assert "No incident of shop/ unheard-of" in words(answer.text)


def test_a_link_for_somebody_who_is_not_signed_in_leads_on_after_signing_in(site: Site, desk: DeskTwin) -> None:
    client = site.client()
    answer = client.get(annotation("eu-1", "shop", "payment"))
    assert answer.status == 303
    page = client.get(answer.place)
    onward = unescape(re.findall(r'name="next" value="([^"]*)"', page.text)[0])
    secret = re.findall(r'name="form" value="([^"]*)"', page.text)[0]
    entered = client.post("/sign-in", {"form": secret, "name": "vera", "password": PASSWORD, "next": onward})
    assert client.get(entered.place).place == f"/incidents/{of(desk, 'payment')}"


def test_an_incident_tells_its_whole_story(vera: Client, desk: DeskTwin) -> None:
    page = words(vera.get(f"/incidents/{of(desk, 'ledger')}").text)
    in_order = ["LoneFailingInstance fires about", "Decided to kill instance", "Kept the last 6 lines",
                "Killed instance", "Issue #", "is ready in its place", "is over", "It helped: the alert is over",
                "Quiet, and the cause is still there"]  # fmt: skip
    places = [page.index(text, page.index("The story")) for text in in_order]
    assert places == sorted(places)
    told = ("to decide", "to act", "to replace it", "until it was quiet", "41.2%", "0.2%", "its 2 siblings",
            "the alert still fires", "the stop switch is off", "only while it is", "services/payments.py:")  # fmt: skip
    assert [text for text in told if text not in page] == []
    assert "hunter2pw" not in page


def test_a_refusal_says_which_guard_said_no_and_what_to_do(vera: Client, desk: DeskTwin) -> None:
    page = words(vera.get(f"/incidents/{of(desk, 'catalog')}").text)
    told = (
        "The last act on this service did not help",
        "cool_down",
        "Look for the cause",
        "Take over now",
        "4 victims",
    )
    assert [text for text in told if text not in page] == []


def test_the_actions_page_says_how_everything_can_die(vera: Client) -> None:
    page = words(vera.get("/actions").text)
    told = ("20 acts at most", "kill instance", "LoneFailingInstance", "at most 1 at a time", "create pods/eviction",
            "by identity", "at most once", "always asks a person", "Terminal shell in container")  # fmt: skip
    assert [text for text in told if text not in page] == []


def test_a_mesh_that_only_observes_can_kill_nothing(desk: DeskTwin, people: People) -> None:
    desk.restored = True
    with served(desk, people) as site:
        page = words(site.client("vera").get("/actions").text)
    assert "0 acts. No service has opted in" in page


def test_a_services_page_shows_its_calls_caps_and_incidents(vera: Client) -> None:
    page = words(vera.get("/services/eu-1/shop/ledger").text)
    told = ("Called by shop/ checkout", "Calls shop/ checkout", "1 of 3", "kill instance of", "tier", "github:")
    assert [text for text in told if text not in page] == []


@pytest.mark.parametrize(
    "path",
    ["/incidents/none", "/incidents/%22%3E%3Cscript%3E", "/services/eu-1/shop/none", "/services/x", "/ledger/0",
     "/ledger/999999", "/nothing", "/static/x/console.css", "/ledger/99999999999999999999"],
)  # fmt: skip
def test_what_is_not_there_is_said_to_be_missing(vera: Client, path: str) -> None:
    answer = vera.get(path)
    assert answer.status == 404
    assert "<script>" not in answer.text


@pytest.mark.parametrize("query", ["before=-1", "before=x", "before=9999999999999999999999", "from=%d9%a3", "kind=zzz",
                                   "before=0", "subject=%00%e2%80%ae", "q=" + "a" * 5000, "from=100000"])  # fmt: skip
@pytest.mark.parametrize("path", ["/incidents", "/services", "/ledger"])
def test_odd_addresses_break_nothing(vera: Client, path: str, query: str) -> None:
    assert vera.get(f"{path}?{query}").status == 200


def test_the_ledger_is_paged_and_filtered(vera: Client, desk: DeskTwin) -> None:
    seen: list[int] = []
    path = "/ledger"
    while path:
        page = vera.get(path).text
        seen += [int(one) for one in re.findall(r'<a href="/ledger/(\d+)" data-row', page)]
        older = re.search(r'<a href="([^"]+)">Older', page)
        path = unescape(older[1]) if older else ""
    assert seen == [one.number for one in reversed(desk.ledger.records(0, 10_000))]
    kinds = vera.get("/ledger?kind=incident").text
    assert len(re.findall(r"data-row", kinds)) <= 50
    assert ">alert</a>" not in kinds
    one = of(desk, "ledger")
    assert len(re.findall(r"data-row", vera.get(f"/ledger?subject=incident:{one}").text)) == 1


def test_a_record_is_shown_without_its_secrets(vera: Client, desk: DeskTwin) -> None:
    number = next(one.number for one in desk.ledger.records(0, 10_000) if b"hunter2pw" in one.entry.body)
    page = vera.get(f"/ledger/{number}").text
    assert "hunter2pw" not in page
    assert "Secrets are masked here" in page
    assert "SHA-256" in page


def test_a_ledger_that_cannot_be_read_is_said_to_be_and_the_agent_can_still_be_stopped(
    known: Catalog, people: People
) -> None:
    sick: list[LedgerError] = []
    ledger = MemoryLedger(Moment(NOW), broken=lambda: sick[0] if sick else None)
    with served(DeskTwin(catalog=known, ledger=ledger, now=lambda: NOW), people) as site:
        root = site.client("root")
        sick.append(LedgerError(Finding(code="ledger/locked", title="the ledger is locked", why="a backup runs")))
        answer = root.get("/incidents")
        assert answer.status == 503
        assert "a backup runs" in answer.text
        assert 'action="/agent/stop"' in answer.text
        sick.clear()
        assert root.get("/incidents").status == 200


def test_an_incident_that_cannot_be_read_is_named_and_hides_no_other(desk: DeskTwin, people: People) -> None:
    bad = replace(incident_entry(desk._incident(of(desk, "cart"))), body=b"{}")
    (record,) = desk.ledger.append([bad]).result()
    with served(desk, people) as site:
        vera = site.client("vera")
        for path in ("/incidents", "/incidents?state=all"):
            page = vera.get(path)
            assert page.status == 200
            assert f'href="/ledger/{record.number}"' in page.text
            assert "payment" in page.text
        assert vera.get(f"/incidents/{of(desk, 'cart')}").status == 500
        assert vera.get("/services/eu-1/shop/cart").status == 200


def test_stops_and_restored_ledgers_are_told_on_every_page(desk: DeskTwin, people: People) -> None:
    desk.restored, desk.set_aside = True, (LOST,)
    desk.stop("all", by="root", why="</script><b>rollback")
    with served(desk, people) as site:
        vera = site.client("vera")
        for path in PAGES:
            page = vera.get(path).text
            assert "The agent is stopped." in page
            assert "restored from a copy" in page
            assert "&lt;/script&gt;&lt;b&gt;rollback" in page
            assert "1 record can't be read." in page.replace("&#39;", "'")
            assert 'href="/ledger/7"' in page
            assert "/agent/clear" not in page
        page = site.client("root").get("/incidents").text
        assert "/agent/clear-restored" in page
        assert "/agent/clear-unreadable" in page


def test_a_part_that_is_silent_or_in_trouble_is_said_to_be(desk: DeskTwin, people: People) -> None:
    desk.silent, desk.trouble = ("watch",), {"tell": "TrackerError: 503 <b>"}
    with served(desk, people) as site:
        vera = site.client("vera")
        assert "1 of 5 parts silent" in words(vera.get("/incidents").text)
        page = vera.get("/agent").text
        assert "silent for" in page
        assert "503 &lt;b&gt;" in page


def test_an_empty_ledger_teaches(known: Catalog, people: People) -> None:
    with served(DeskTwin(catalog=known, ledger=MemoryLedger(Moment(NOW)), now=lambda: NOW), people) as site:
        vera = site.client("vera")
        assert "All quiet" in vera.get("/incidents").text
        assert "Nothing needs a person now." in vera.get("/incidents").text
        assert "It never had one" in vera.get("/services/eu-1/shop/ledger").text
        for path in PAGES[:-3]:
            assert vera.get(path).status == 200


def test_what_else_speaks_against_an_act_is_shown(desk: DeskTwin, people: People) -> None:
    one = desk._incident(of(desk, "ledger"))
    one.decisions[0].code = "observe_mode"
    one.decisions[0].against = {"no_outlier": "1% of its requests fail: <b>and</b>"}
    desk.put(one)
    with served(desk, people) as site:
        page = site.client("vera").get(f"/incidents/{one.id}").text
    assert '<span class="code">no_outlier</span>' in page
    assert "1% of its requests fail: &lt;b&gt;and&lt;/b&gt;" in page


def test_records_of_every_kind_are_listed_and_make_the_pages_new(desk: DeskTwin, people: People) -> None:
    with served(desk, people) as site:
        vera = site.client("vera")
        for kind in ("storm", "unreadable", "stop", "person", "delivery"):
            subject = f"{kind}:x-{kind}"
            (record,) = desk.ledger.append([Entry(kind=kind, subject=subject, body=b"{}", about="")]).result()
            page = vera.get(f"/ledger?kind={kind}").text
            assert subject in page
            assert f'href="/ledger/{record.number}"' in page
