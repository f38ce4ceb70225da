"""The console, served on this machine over the boutique's real model, and a real browser before it."""

import http.client
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from meshscope.feedback.catalog import Catalog
from meshscope.feedback.desk import Desk
from meshscope.feedback.people import People, hashed
from meshscope.web.console import console
from tests.console.boutique_nights import NOW, nights
from tests.console.desk_twin import DeskTwin, boutique

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse battery"
CHROMIUM = "/usr/bin/chromium"


def built(folder: Path) -> bytes:
    """The boutique's model.json, built from its definitions into ``folder``."""
    command = [str(Path(sys.executable).parent / "meshscope"), "build", "-o", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return (folder / "model.json").read_bytes()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return built(tmp_path_factory.mktemp("bundle"))


@pytest.fixture(scope="session")
def known(model: bytes) -> Catalog:
    return boutique(model)


@pytest.fixture
def desk(known: Catalog) -> DeskTwin:
    return nights(known)


def written(path: Path) -> Path:
    """vera looks, ada answers for payments, ben for every team, root runs the agent; all with one password."""
    password = hashed(PASSWORD)
    rows = (
        ("vera", "viewer", []),
        ("ada", "approver", ["payments"]),
        ("ben", "approver", ["*"]),
        ("root", "admin", []),
    )
    path.write_text(
        "\n".join(f'[[people]]\nname = "{name}"\nrole = "{role}"\nowners = {owners}\npassword = "{password}"'
                  for name, role, owners in rows)
    )  # fmt: skip
    return path


@pytest.fixture(scope="session")
def people_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("people") / "people.toml")


@pytest.fixture
def people(people_file: Path) -> People:
    return People(people_file)


@dataclass
class Client:
    """A browser without a window: it keeps cookies, and sends what a form would."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> "Answer":
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        sent = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items()), **self.headers}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers={name: value for name, value in sent.items() if value})
        got = connection.getresponse()
        answer = Answer(got.status, got.read().decode(), dict(got.getheaders()))
        for cookie in got.headers.get_all("set-cookie") or ():
            name, _, value = cookie.split(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
            if "Max-Age=0" in cookie:
                self.cookies.pop(name, None)
        connection.close()
        return answer

    def get(self, path: str, **headers: str) -> "Answer":
        return self.ask("GET", path, **headers)

    def post(self, path: str, form: dict[str, str], **headers: str) -> "Answer":
        sent = {"Origin": f"http://127.0.0.1:{self.port}", "Content-Type": "application/x-www-form-urlencoded"}
        return self.ask("POST", path, urlencode(form).encode(), **{**sent, **headers})

    def form_secret(self, path: str) -> str:
        found = re.search(r'name="form" value="([^"]+)"', self.get(path).text)
        assert found is not None
        return found[1]

    def sign_in(self, name: str, password: str = PASSWORD) -> "Answer":
        secret = self.form_secret("/sign-in")
        return self.post("/sign-in", {"form": secret, "name": name, "password": password, "next": "/incidents"})


@dataclass
class Answer:
    status: int
    text: str
    headers: dict[str, str]

    @property
    def place(self) -> str:
        return self.headers.get("location", "")


@dataclass
class Site:
    """A console that runs."""

    desk: Desk
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self, name: str = "") -> Client:
        client = Client(self.port)
        if name:
            assert client.sign_in(name).status == 303
        return client


@contextmanager
def served(desk: Desk, people: People, now: Callable[[], float] = lambda: NOW) -> Iterator[Site]:
    """The console of ``desk`` behind a real server; it ends with the context."""
    app = console(desk, people, insecure_loopback=True, now=now)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=1, server_header=False)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield Site(desk, listening.getsockname()[1])
    finally:
        server.should_exit = True
        thread.join(timeout=10)
        listening.close()


@pytest.fixture
def site(desk: DeskTwin, people: People) -> Iterator[Site]:
    with served(desk, people) as running:
        yield running


def chromium() -> Path | None:
    """Debian's chromium; None where it is not here."""
    path = Path(shutil.which("chromium") or CHROMIUM)
    return path if path.is_file() else None


@contextmanager
def launched(path: Path) -> Iterator[Browser]:
    """The browser at ``path``, without a window on the screen."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """Debian's chromium; without it the test is skipped, or fails under --engines=required."""
    path = chromium()
    if path is None:
        if request.config.getoption("--engines") == "required":
            pytest.fail("chromium is not here: install the package chromium")
        pytest.skip("chromium is not here: install the package chromium")
    with launched(path) as running:
        yield running


@dataclass
class Tab:
    """A page of the real browser, and everything that it complained of."""

    page: Page
    site: Site
    complaints: list[str]

    def go(self, path: str) -> "Tab":
        self.page.goto(f"{self.site.url}{path}")
        return self

    def sign_in(self, name: str, path: str = "/incidents") -> "Tab":
        self.page.goto(f"{self.site.url}{path}")
        self.page.get_by_label("Name").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_selector("main#main")
        return self


@contextmanager
def opened(browser: Browser, site: Site, *, width: int = 1440, height: int = 900, dark: bool = False,
           script: bool = True, motion: bool = False) -> Iterator[Tab]:  # fmt: skip
    """A window on a site. Every error and every violation of the policy in it is a complaint."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light",
        java_script_enabled=script, reduced_motion="no-preference" if motion else "reduce",
    )  # fmt: skip
    page = context.new_page()
    complaints: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(message.text)

    page.on("console", said)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    try:
        yield Tab(page, site, complaints)
    finally:
        context.close()


@pytest.fixture
def tab(browser: Browser, site: Site) -> Iterator[Tab]:
    with opened(browser, site) as window:
        yield window
