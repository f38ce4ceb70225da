"""The console in a real browser: what a person sees by day and by night, on a phone and on a screen, by keys alone."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from meshscope.adapters.memory.ledger import MemoryLedger
from meshscope.feedback.catalog import Catalog
from meshscope.feedback.people import People
from meshscope.feedback.state import Happened, Member, Phase, incident_entry
from tests.console.besieging import MORE, hostile, storable
from tests.console.boutique_nights import NOW
from tests.console.conftest import PASSWORD, ROOT, Site, Tab, opened, served
from tests.console.contrast import CONTRAST
from tests.console.desk_twin import LOST, DeskTwin, Moment
from tests.console.test_pages import of
from tests.issue.hostile import HOSTILE

OVERFLOW = "document.documentElement.scrollWidth - innerWidth"


def addresses(desk: DeskTwin) -> dict[str, str]:
    return {
        "incidents": "/incidents",
        "asks": f"/incidents/{of(desk, 'checkout')}",
        "quiet": f"/incidents/{of(desk, 'ledger')}",
        "failed": f"/incidents/{of(desk, 'catalog')}",
        "all": "/incidents?state=all",
        "services": "/services",
        "service": "/services/eu-1/shop/checkout",
        "actions": "/actions",
        "ledger": "/ledger",
        "record": "/ledger/5",
        "agent": "/agent",
    }


def lives(tab: Tab) -> None:
    """Wait until the page brings itself up to date."""
    expect(tab.page.locator("#live")).to_have_attribute("data-state", "on")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [320, 390, 768, 1440])
def test_every_page_fits_is_legible_and_complains_of_nothing(
    browser: Browser, site: Site, desk: DeskTwin, width: int, dark: bool
) -> None:
    desk.stop("shop/cart", by="root", why="we roll back by hand")
    with opened(browser, site, width=width, dark=dark) as tab:
        tab.go("/sign-in")
        assert tab.page.evaluate(CONTRAST)["bad"] == []
        tab.sign_in("root")
        for name, path in addresses(desk).items():
            tab.go(path)
            lives(tab)
            assert tab.page.evaluate(OVERFLOW) <= 0, name
            told = tab.page.evaluate(CONTRAST)
            assert told["seen"] > 20, name
            assert told["bad"] == [], name
        assert tab.complaints == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_stops_and_notices_are_legible_too(browser: Browser, site: Site, desk: DeskTwin, dark: bool) -> None:
    desk.restored, desk.silent, desk.trouble = True, ("watch",), {"tell": "TrackerError: 503"}
    desk.set_aside = (LOST,)
    with opened(browser, site, width=390, dark=dark) as tab:
        tab.sign_in("root", "/agent")
        tab.page.get_by_role("button", name="Stop the agent").click()
        expect(tab.page.locator(".notice")).to_contain_text("Stopped")
        assert tab.page.evaluate(CONTRAST)["bad"] == []
        assert tab.page.evaluate(OVERFLOW) <= 0
        assert tab.complaints == []


def test_an_answer_is_given_with_the_keyboard_alone(tab: Tab, desk: DeskTwin) -> None:
    tab.sign_in("ada")
    page = tab.page
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator(f"#line-{of(desk, 'checkout')} a.name")).to_be_focused()
    page.keyboard.press("k")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/incidents/checkout-"))
    page.locator("summary.button").focus()
    page.keyboard.press("Enter")
    confirm = page.locator(".confirm")
    expect(confirm).to_contain_text("This is what happens")
    expect(confirm).to_contain_text(desk._incident(of(desk, "checkout")).approvals[0].uid)
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Yes, do it now")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".notice")).to_contain_text("You said yes.")
    assert len(desk.done) == 1
    assert tab.complaints == []


def test_keys_move_search_help_and_lead_to_pages(tab: Tab) -> None:
    tab.sign_in("vera")
    page = tab.page
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.keyboard.type("jk?/")
    expect(page.locator("#search")).to_have_value("jk?/")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    for key, path in (("s", "/services"), ("a", "/actions"), ("l", "/ledger"), ("t", "/agent"), ("i", "/incidents")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        page.wait_for_url(f"{tab.site.url}{path}")
        lives(tab)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/incidents/[a-z]"))
    lives(tab)
    page.keyboard.press("u")
    page.wait_for_url(f"{tab.site.url}/incidents")
    assert tab.complaints == []


def test_single_keys_can_be_turned_off(tab: Tab) -> None:
    tab.sign_in("vera")
    page = tab.page
    page.keyboard.press("?")
    page.get_by_label("Single keys do something").uncheck()
    page.keyboard.press("Escape")
    page.reload()
    lives(tab)
    page.keyboard.press("/")
    expect(page.locator("#search")).not_to_be_focused()


def test_the_first_stop_of_the_tab_key_skips_to_the_page(tab: Tab) -> None:
    tab.sign_in("vera")
    tab.page.keyboard.press("Tab")
    expect(tab.page.locator(".skip")).to_be_focused()
    expect(tab.page.locator(".skip")).to_be_in_viewport()
    tab.page.keyboard.press("Enter")
    expect(tab.page.locator("main")).to_be_focused()


def test_everything_that_can_be_reached_by_tab_shows_that_it_is(tab: Tab, desk: DeskTwin) -> None:
    tab.sign_in("ada", f"/incidents/{of(desk, 'checkout')}")
    unseen = []
    for _ in range(30):
        tab.page.keyboard.press("Tab")
        shown = tab.page.evaluate(
            """() => { const one = document.activeElement, style = getComputedStyle(one);
                       const outer = one.closest(".line") && getComputedStyle(one.closest(".line"));
                       return one === document.body || style.outlineStyle !== "none"
                         || (outer && outer.boxShadow !== "none") ? "" : one.outerHTML.slice(0, 80); }"""
        )
        unseen += [shown] if shown else []
    assert unseen == []


def fires(desk: DeskTwin, service: str = "ledger") -> None:
    """Have a quiet incident hurt users again."""
    one = desk._incident(of(desk, service))
    one.phase, one.quiet_since = Phase.OPEN, None
    one.acts[-1].effect = "none"
    one.members.append(Member(alert="alertmanager/new/1", name="ErrorBudgetBurn", severity="page", slo="availability",
                              service=one.service, since=NOW - 1))  # fmt: skip
    desk.put(one)


def test_what_happens_is_seen_without_loading_the_page_again(tab: Tab, desk: DeskTwin) -> None:
    tab.sign_in("vera")
    page = tab.page
    page.evaluate("window.kept = true")
    lives(tab)
    expect(page).to_have_title(re.compile(r"^\(4\) "))
    fires(desk)
    expect(page).to_have_title(re.compile(r"^\(5\) "))
    expect(page.locator(".glance h1")).to_contain_text("3 incidents hurt users now")
    expect(page.locator(f"#line-{of(desk, 'ledger')}.g1")).to_be_visible()
    expect(page.locator("#favicon")).to_have_attribute("href", "/badge/5.svg")
    expect(page.locator("#announce")).to_have_text("5 incidents need a person")
    expect(page.locator("#needs")).to_contain_text("5")
    assert page.evaluate("window.kept")
    assert tab.complaints == []


def test_what_somebody_is_doing_stays_when_the_page_brings_itself_up_to_date(tab: Tab, desk: DeskTwin) -> None:
    name = of(desk, "checkout")
    tab.sign_in("ada", f"/incidents/{name}")
    page = tab.page
    lives(tab)
    page.locator("summary.button").click()
    page.locator("#stop-here summary").click()
    page.locator("#why-stop").fill("half a reason")
    one = desk._incident(name)
    one.story.append(Happened(at=NOW, what="a person looks", who="ben"))
    desk.put(one)
    expect(page.locator("#story")).to_contain_text("A person looks")
    expect(page.locator(".confirm")).to_be_visible()
    expect(page.locator("#why-stop")).to_have_value("half a reason")
    expect(page.locator("#why-stop")).to_be_focused()
    desk.answer(name, one.approvals[0].token, yes=False, by="ben")
    expect(page.locator("#answer")).not_to_contain_text("Yes")
    expect(page.locator("#story")).to_contain_text("Said no")
    assert tab.complaints == []


def test_a_page_says_when_its_person_is_signed_out(browser: Browser, desk: DeskTwin, people: People) -> None:
    with served(desk, people) as site, opened(browser, site) as tab:
        tab.sign_in("vera")
        lives(tab)
        other = site.client()
        cookies = {one["name"]: one["value"] for one in tab.page.context.cookies()}
        other.cookies["meshscope"] = cookies["meshscope"]
        other.post("/sign-out", {"form": other.form_secret("/agent")})
        fires(desk)
        expect(tab.page.locator("#live")).to_have_attribute("data-state", "lost")
        expect(tab.page.locator("#live")).to_contain_text("signed out")


def test_without_a_program_everything_still_works(browser: Browser, site: Site, desk: DeskTwin) -> None:
    with opened(browser, site, script=False, width=390) as tab:
        tab.sign_in("ada", f"/incidents?q={of(desk, 'checkout')}")
        tab.page.get_by_role("link", name="Look and answer").first.click()
        tab.page.locator("summary.button").click()
        tab.page.get_by_role("button", name="Yes, do it now").click()
        expect(tab.page.locator(".notice")).to_contain_text("You said yes.")
        tab.page.locator("nav").get_by_text("Agent").click()
        tab.page.get_by_label("Why").first.fill("look first")
        tab.page.get_by_role("button", name="Stop the agent").click()
        expect(tab.page.locator(".banner.stop")).to_contain_text("look first")
    assert len(desk.done) == 1
    assert desk.switches["all"].by == "ada"


def test_a_double_click_sends_one_form(tab: Tab, desk: DeskTwin) -> None:
    tab.sign_in("ada", f"/incidents/{of(desk, 'checkout')}")
    sent: list[str] = []
    tab.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    tab.page.locator("summary.button").click()
    tab.page.get_by_role("button", name="Yes, do it now").dblclick(no_wait_after=True)
    expect(tab.page.locator(".notice")).to_contain_text("You said yes.")
    assert len(sent) == 1
    assert len(desk.done) == 1


@pytest.fixture
def besieged(known: Catalog, people: People) -> Iterator[Site]:
    """A console whose every incident is hostile."""
    ledger = MemoryLedger(Moment(NOW))
    texts = storable((*(text for text in HOSTILE if "<" in text), *MORE), most=5_000)
    ledger.append([incident_entry(hostile(text, number)) for number, text in enumerate(texts)]).result()
    with served(DeskTwin(catalog=known, ledger=ledger, now=lambda: NOW), people) as site:
        yield site


def test_hostile_text_does_nothing_in_a_real_browser(browser: Browser, besieged: Site) -> None:
    with opened(browser, besieged, width=390) as tab:
        tab.page.on("dialog", lambda dialog: tab.complaints.append(f"a dialog: {dialog.message}"))
        asked: list[str] = []
        tab.page.on("request", lambda request: asked.append(request.url))
        tab.sign_in("root")
        names = [one.entry.subject.removeprefix("incident:") for one in besieged.desk.ledger.heads("incident")]
        for path in ["/incidents", "/incidents?state=all", *(f"/incidents/{name}" for name in names[:16])]:
            tab.go(path)
            assert "owned" not in tab.page.title()
            assert tab.page.locator("script").count() == 1
            assert tab.page.locator("img, iframe, object, embed, base, style").count() == 0
            assert tab.page.evaluate(OVERFLOW) <= 0, path
        assert tab.complaints == []
        assert {re.sub("(//[^/]*/).*", r"\1", one) for one in asked} == {f"{besieged.url}/"}


def test_signing_in_goes_wrong_in_words(tab: Tab) -> None:
    tab.go("/incidents")
    page = tab.page
    expect(page.get_by_label("Name")).to_be_focused()
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill("wrong password")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("don't belong together")
    expect(page.get_by_label("Name")).to_have_value("ada")
    expect(page.get_by_label("Password")).to_be_focused()
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{tab.site.url}/incidents")


@pytest.mark.parametrize(("motion", "name"), [(False, "none"), (True, "changed")])
def test_nothing_moves_for_who_wants_it_still(browser: Browser, site: Site, motion: bool, name: str) -> None:
    with opened(browser, site, motion=motion) as tab:
        tab.sign_in("vera")
        moving = tab.page.evaluate(
            """() => { const one = document.querySelector(".line"); one.classList.add("changed");
                       return getComputedStyle(one).animationName; }"""
        )
        assert moving == name


PICTURES = (
    ("incidents-light", "incidents", False, 1440, 1180), ("incidents-narrow", "incidents", True, 390, 844),
    ("asks-light", "asks", False, 1440, 1000), ("incident-dark", "quiet", True, 1440, 1120),
    ("actions-light", "actions", False, 1440, 1080), ("agent-dark", "agent", True, 1440, 1040),
)  # fmt: skip


@pytest.mark.parametrize(("name", "page", "dark", "width", "height"), PICTURES)
def test_the_documentation_shows_the_console_as_it_is(
    request: pytest.FixtureRequest, browser: Browser, site: Site, desk: DeskTwin, tmp_path: Path,
    name: str, page: str, dark: bool, width: int, height: int,
) -> None:  # fmt: skip
    """--write-goldens writes docs/images/console-*.png."""
    written = request.config.getoption("--write-goldens")
    path = (ROOT / "docs" / "images" if written else tmp_path) / f"console-{name}.png"
    with opened(browser, site, width=width, height=height, dark=dark) as tab:
        tab.sign_in("ada", addresses(desk)[page])
        lives(tab)
        if page == "asks":
            tab.page.locator("summary.button").click()
        tab.page.screenshot(path=path)
    assert path.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
