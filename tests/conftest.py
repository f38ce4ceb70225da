"""What all tests share: the real engines, and what their absence means."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Let what is started here be interrupted, even when the tests run in the background of a shell.

    There an interrupt is ignored, and every process that is started would go on ignoring it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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


@pytest.fixture
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
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a text with the file that holds what is expected; --write-goldens writes the file instead."""

    def compare(path: Path, text: str) -> None:
        if request.config.getoption("--write-goldens"):
            path.write_text(text, encoding="utf-8")
        assert text == path.read_text(encoding="utf-8"), f"not what {path.relative_to(ROOT)} expects"

    return compare
