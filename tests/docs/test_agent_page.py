"""The page about the agent says what the code does."""

import re
from pathlib import Path

from meshscope.feedback.guards import GUARDS
from meshscope.feedback.settings import Settings
from meshscope.wiring.agent_settings import configuration, defaults

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "agent.md").read_text()


def settings() -> str:
    (block,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    return str(block)


def test_the_configuration_on_the_page_is_the_default_one(tmp_path):
    path = tmp_path / "agent.toml"
    path.write_text(settings())
    assert configuration(path) == defaults(tmp_path)


def test_what_is_commented_out_on_the_page_is_understood(tmp_path):
    path = tmp_path / "agent.toml"
    path.write_text(re.sub(r"^# ", "", settings(), flags=re.MULTILINE))
    known = configuration(path)
    assert known.commands["drain"][0] == "/usr/local/bin/drain"
    assert known.hooks["pipeline"].token_file == tmp_path / "pipeline-token"
    assert known.alertmanagers == {"alertmanager": "http://127.0.0.1:9093"}
    assert known.settings == defaults(tmp_path).settings


def test_the_page_names_the_guards_in_their_order():
    said = re.search(r"The guards, in order;.*?\n\n", PAGE, re.DOTALL)
    assert said is not None
    named = re.findall(r"`([a-z_]+)`", said[0].partition("ledger:")[2])
    assert named == ["resolved_first", "restored", "unreadable", "observe_mode", *(code for code, _ in GUARDS),
                     "propose_mode", "needs_approval"]  # fmt: skip


def test_pictures_on_the_page_are_there():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", PAGE)
    assert pictures
    for picture in pictures:
        assert (ROOT / "docs" / picture).is_file(), picture


def test_the_page_says_when_incidents_are_told_together():
    known = Settings()
    assert (known.storm_incidents, known.storm_seconds) == (20, 60.0)
    assert "When 20 incidents begin within a minute" in " ".join(PAGE.split())
