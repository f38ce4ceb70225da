"""What all tests share: the real engines, and what their absence means."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FIGURES = pytest.StashKey[dict[str, list[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Let what is started here be interrupted, even when the tests run in the background of a shell.

    There an interrupt is ignored, and every process that is started would go on ignoring it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # promtool is run hundreds of times: with fewer collections of garbage it takes a quarter less time.
    os.environ.setdefault("GOGC", "400")
    config.addinivalue_line("markers", "fault(*rows): proves these rows of the fault matrix, and says what it measured")
    config.stash[FIGURES] = {}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the folders whose files take minutes, so that the processes that share the files end together."""
    items.sort(key=lambda item: item.path.parent.name not in ("outages", "rules"))


def engine_folder() -> Path:
    """Where engines are kept: outside the tree, in MESHSCOPE_CACHE or the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("MESHSCOPE_CACHE") or f"{home}/meshscope") / "engines" / "bin"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engines",
        choices=("if-present", "required"),
        default="if-present",
        help="whether a test whose real engine is missing is skipped or fails",
    )
    parser.addoption("--write-goldens", action="store_true", help="write what is printed now as what is expected")


@pytest.fixture(scope="session")
def engine(request: pytest.FixtureRequest) -> Callable[[str], Path]:
    """The path of a real engine by name; without it the test is skipped, or fails under --engines=required."""

    def find(name: str) -> Path:
        cached = engine_folder() / name
        found = str(cached) if cached.is_file() else shutil.which(name)
        if found is None:
            message = f"{name} is not here: run `make engines`"
            if request.config.getoption("--engines") == "required":
                pytest.fail(message)
            pytest.skip(message)
        return Path(found)

    return find


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Say what a test of the fault matrix measured: a line for each of its rows, at the end of the run."""

    def say(text: str) -> None:
        request.config.stash[FIGURES].setdefault(request.node.nodeid, []).append(text)

    return say


def rows_of(item: pytest.Item) -> list[str]:
    return [row for mark in item.iter_markers("fault") for row in mark.args]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """A row of the fault matrix counts as proven only where somebody said what was measured."""
    result = yield
    rows, said = rows_of(item), item.config.stash[FIGURES].pop(item.nodeid, [])
    if rows and not said:
        pytest.fail(f"it proves {', '.join(rows)} and says no figure")
    item.user_properties += [(f"fault {row}", text) for row in rows for text in said]
    return result


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures of the fault matrix, row by row."""
    said = sorted(
        (name.removeprefix("fault "), text)
        for report in terminalreporter.getreports("passed")
        if report.when == "call"
        for name, text in report.user_properties
        if name.startswith("fault ")
    )
    if said:
        terminalreporter.section("fault matrix")
        for row, text in said:
            terminalreporter.write_line(f"{row} {text}")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with the file that holds what is expected; --write-goldens writes the file instead."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--write-goldens"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"not what {path.relative_to(ROOT)} expects"

    return compare
