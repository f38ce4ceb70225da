"""The documentation site: it builds, its commands run, its definitions build, and it says what the code says."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from grafanalib.core import Target

import meshscope
from meshscope.cli.provider_page import provider_page
from meshscope.cli.words import pages
from meshscope.wiring.assembly import providers
from meshscope.wiring.words import Word, words
from tests.docs.transcripts import commands, play
from tests.houses import House

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
WORDS = words()
OURS = ("index.md", "tutorial.md", "own-mesh.md", "upgrading.md")
PAGES = [*(DOCS / name for name in OURS), *(DOCS / "how-to").glob("*.md")]


def test_the_site_builds_without_a_broken_link(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(tmp_path / "site")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for page in PAGES:
        assert (tmp_path / "site" / page.relative_to(DOCS)).with_suffix(".html").is_file()


def test_the_site_fetches_nothing_from_elsewhere(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "-d", str(tmp_path / "site")], cwd=ROOT, check=True
    )
    for page in (tmp_path / "site").rglob("*.html"):
        fetched = re.findall(r"<(?:script|img|link)[^>]+(?:src|href)=\"?(https?://[^\s\">]+)", page.read_text())
        assert not fetched, page


def test_every_page_is_in_the_navigation():
    named = set(re.findall(r"[\w/-]+\.md", (ROOT / "mkdocs.yml").read_text()))
    for page in [*PAGES, *(DOCS / "reference").glob("*.md")]:
        assert str(page.relative_to(DOCS)) in named, page


def test_the_reference_is_what_the_code_says():
    signals = {"providers.md": provider_page(providers().values())}
    for name, text in {**pages(WORDS), **signals}.items():
        assert (DOCS / "reference" / name).read_text() == text, "run `make docs`"


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.name)
def test_every_word_is_described_with_an_example(word: Word):
    assert word.about
    assert word.example
    if word.kind == "value":
        assert [one.name for one in word.arguments if not one.meaning and word.name != "Calls"] == []
    if word.kind == "choice":
        assert [name for name, meaning in word.choices if not meaning] == []
    if word.kind == "function" and word.name not in ("dashboard", "pipeline"):
        said = getattr(meshscope, word.name).__doc__
        assert [one.name for one in word.arguments if f"``{one.name}``" not in said] == [] or word.name == "alert"


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.name)
def test_every_example_runs_as_it_stands(word: Word):
    """In a namespace of nothing but the words, as in a definition file; grafanalib's Target stands for its panels."""
    names = {name: getattr(meshscope, name) for name in meshscope.__all__} | {"Target": Target}
    exec(compile(f"from __future__ import annotations\n{word.example}", word.name, "exec"), names)


@pytest.mark.engines("promtool", "amtool", "otelcol", "otelcol-logs")
def test_the_commands_of_the_tutorial_print_what_it_says(tmp_path, engine):
    for program in ("promtool", "amtool", "otelcol", "otelcol-logs"):
        engine(program)
    shown = commands((DOCS / "tutorial.md").read_text())
    assert len(shown) > 8
    play(shown, tmp_path / "home")


@pytest.mark.engines("amtool")
def test_the_commands_that_prove_a_merge_tell_whom_the_page_says(tmp_path, engine):
    """For the reference mesh, merged into a configuration that tells machines' owners by severity."""
    theirs = (
        "route:\n  receiver: nobody\n  routes:\n    - receiver: sre-pager\n"
        "      matchers: ['severity=\"critical\"']\nreceivers:\n  - name: nobody\n  - name: sre-pager\n"
    )
    file = tmp_path / "alertmanager.yaml"
    file.write_text(theirs)
    diff = House(ROOT).run("adopt", str(file), status=0).stdout
    subprocess.run(["patch", str(file)], input=diff, text=True, check=True, capture_output=True)
    page = (DOCS / "how-to" / "existing-alertmanager.md").read_text().replace("\\\n", "")
    shown = [shlex.split(line) for line in page.splitlines() if line.startswith("amtool ")]
    checked, ours, others = (
        subprocess.run([engine("amtool"), *words[1:]], cwd=tmp_path, capture_output=True, text=True, check=True).stdout
        for words in shown
    )
    assert "SUCCESS" in checked
    assert "boutique-production-payments-page" in ours
    assert others.strip() == "sre-pager"


def test_yaml_on_the_pages_is_yaml():
    blocks = [block for page in PAGES for block in re.findall(r"```yaml\n(.*?)```", page.read_text(), re.DOTALL)]
    assert len(blocks) >= 4
    for block in blocks:
        assert yaml.safe_load(block)


def test_words_of_definitions_on_the_pages_exist():
    """Each keyword that a page gives to one of our words is one of its arguments."""
    known = {word.name: {one.name for one in word.arguments} for word in WORDS}
    for page in PAGES:
        for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
            for name, arguments in re.findall(r"\b([A-Z]\w+)\(([^()]*(?:\([^()]*\)[^()]*)*)\)", block):
                if name in known:
                    outer = re.sub(r"\([^()]*\)", "", arguments)
                    assert set(re.findall(r"(\w+)=", outer)) <= known[name], f"{page.name}: {name}({arguments})"
