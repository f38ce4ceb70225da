"""Every rule of our own: what its page shows as wrong is found, what it shows instead is left alone."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.documents import CollectorConfig
from meshscope.artefacts.objects import KubernetesObject
from meshscope.artefacts.rules import Rule, RuleFile, RuleGroup
from meshscope.build.options import Options
from meshscope.check.live import Live, LoadedRule, querying, read
from meshscope.check.pages import catalogue, index, page
from meshscope.check.subject import Rule as OwnRule
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level, Place
from meshscope.model.foreign import ForeignRules
from meshscope.wiring.assembly import Assembly, assembled, providers
from meshscope.wiring.checking import judged
from meshscope.wiring.rules import rules
from tests.houses import small

RULES = {rule.code: rule for rule in rules()[0]}
WORDS = "from meshscope import *  # noqa\nfrom services.people import payments\n\n"


def block(rule: OwnRule, heading: str) -> tuple[str, str]:
    """The language and the text of the block below a heading of a rule's page."""
    found = re.search(rf"^## {heading}\n```(\w+)\n(.*?)^```$", rule.page, re.DOTALL | re.MULTILINE)
    assert found, f"{rule.code} has no block below {heading}"
    return found[1], found[2]


def assembly(folder: Path, language: str, text: str) -> Assembly:
    """A small house with the example in it: definitions, or a dashboard."""
    if language == "json":
        return assembled(small(folder).write({"dashboards/disks.json": text}).root, None, Options())
    house = small(folder, services__example=WORDS + text)
    if "mesh = Mesh(" in text:
        house.write({"mesh.py": (folder / "services" / "example.py").read_text()})
        (folder / "services" / "example.py").unlink()
    return assembled(folder, None, Options())


# What a Prometheus says to the rules that ask one: it has what our own rules read.
LIVE = Live(
    source="http://prometheus:9090",
    metrics=frozenset({"up", "istio_request_duration_milliseconds_bucket"}),
    labels={"up": frozenset({"job", "instance"})},
    bounds=frozenset({"100.0", "250.0", "+Inf"}),
    loaded=tuple(
        LoadedRule(name=name, labels={}, query="sum by (job) (up)", group="own", file=file)
        for name, file in (
            ("job:loaded:twice", "new.yaml"),
            ("job:loaded:twice", "old.yaml"),
            ("job:loaded:once", "new.yaml"),
        )
    ),
)


def live(artefacts: Artefacts) -> Live:
    """The same with whatever our own rules read."""
    ours = {name for file, rule in querying(artefacts) if file != "own" for name, _ in read(rule)}
    return replace(LIVE, metrics=LIVE.metrics | ours)


def subject(folder: Path, language: str, text: str) -> Subject:
    """What a rule looks at, made of its example. YAML is rules of a mixin, an object, or a tier."""
    made = assembly(folder, *(("python", "") if language == "yaml" else (language, text)))
    assert made.built is not None, made.findings
    assert made.house.model is not None
    assert made.provider is not None
    if language != "yaml":
        return Subject(
            model=made.house.model,
            provider=made.provider,
            artefacts=made.built.artefacts,
            providers=providers(),
            live=live(made.built.artefacts),
        )
    document = yaml.safe_load(text)
    artefacts = made.built.artefacts
    if isinstance(document, list):
        artefacts = with_rules(artefacts, document)
    elif "kind" not in document:
        tier = CollectorConfig(name="node", mode="daemonset", document=document)
        artefacts = replace(artefacts, collectors=(*artefacts.collectors, tier))
    return Subject(
        model=replace(made.house.model, foreign=(ForeignRules(name="own", groups=()),)),
        provider=made.provider,
        artefacts=artefacts,
        objects=(kubernetes(document, text),) if "kind" in document else (),
        providers=providers(),
        live=live(artefacts),
    )


def with_rules(artefacts: Artefacts, found: list[dict[str, object]]) -> Artefacts:
    spelt = ({"pending" if key == "for" else key: value for key, value in rule.items()} for rule in found)
    made = tuple(Rule(**rule, origin=Place("alerts/mixin.libsonnet", 1)) for rule in spelt)  # type: ignore[arg-type]
    file = RuleFile(name="own", about="", groups=(RuleGroup(name="own", interval="1m", rules=made),))
    return replace(artefacts, rules=(*artefacts.rules, file))


def kubernetes(document: dict[str, object], text: str) -> KubernetesObject:
    return KubernetesObject(
        path="object.yaml",
        api=str(document["apiVersion"]),
        kind=str(document["kind"]),
        name="disks",
        namespace="monitoring",
        document=document,
        text=text,
    )


def found(rule: OwnRule, folder: Path, heading: str) -> list[Finding]:
    return list(rule.judge(subject(folder, *block(rule, heading))))


@pytest.mark.parametrize("code", RULES)
def test_what_a_rules_page_shows_as_wrong_is_found(code: str, tmp_path: Path) -> None:
    said = found(RULES[code], tmp_path, "Example")
    assert {finding.code for finding in said} == {code}
    for finding in said:
        assert finding.why, "a finding teaches why"
        assert finding.help, "a finding says what to type or run"
        assert not finding.title.endswith(".")
        assert finding.subject


@pytest.mark.parametrize("code", RULES)
def test_what_a_rules_page_shows_instead_is_left_alone(code: str, tmp_path: Path) -> None:
    assert found(RULES[code], tmp_path, "Use instead") == []


@pytest.mark.parametrize("code", RULES)
def test_a_rules_page_says_what_why_and_how(code: str) -> None:
    text = page(RULES[code])
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == ["What it does", "Why it is bad", "Example", "Use instead", "How to suppress"]
    assert text.startswith(f"# {code}\n\n")


def test_every_rule_is_found_by_its_file_alone() -> None:
    home = Path(__file__).parents[2] / "src" / "meshscope" / "check" / "rules"
    files = {path.relative_to(home).with_suffix("").as_posix().replace("_", "-") for path in home.glob("*/[a-z]*.py")}
    assert files == set(RULES)


def test_the_pages_in_docs_are_those_of_the_rules() -> None:
    docs = Path(__file__).parents[2] / "docs" / "rules"
    written = {path.relative_to(docs).with_suffix("").as_posix(): path.read_text() for path in docs.rglob("*.md")}
    expected = {code: page(rule) for code, rule in RULES.items()}
    assert written == {**expected, "README": index(tuple(RULES.values()))}, "run `make docs`"


def test_a_code_is_either_a_rules_or_in_the_catalogue_with_words_that_teach() -> None:
    for code, entry in catalogue().items():
        assert entry.title, code
        assert entry.why, code
        assert entry.help, code
    assert "slo/no-budget" in catalogue()
    assert "load/never-ends" in catalogue()


def test_the_reference_mesh_is_clean_in_each_environment_with_each_provider() -> None:
    root = Path(__file__).parents[2]
    for environment in (None, "staging"):
        made = assembled(root, environment, Options())
        said, _ = judged(made, tuple(RULES.values()), list(made.findings), date(2026, 12, 1))
        assert [finding for finding in said if finding.level > Level.NOTE] == []


PERMITTED = """\
from meshscope import Service

{above}
cart = Service(name="cart", namespace="shop", runbook="cart.md"){beside}
"""
GIVEN = "# meshscope: allow service/no-owner until {until} the team is being formed"


def permitted(folder: Path, *, above: str = "", beside: str = "", day: str = "2026-12-01") -> Iterator[str]:
    """The codes that are said of a service without an owner, with a comment above its line or beside it."""
    text = PERMITTED.format(above=above, beside=f"  {beside}" if beside else "")
    made = assembled(small(folder, services__cart=text).root, None, Options())
    said, held = judged(made, tuple(RULES.values()), list(made.findings), date.fromisoformat(day))
    yield from (f"{finding.code} {finding.place}" for finding in said)
    yield from (f"held {held}" for _ in range(held))


@pytest.mark.parametrize("where", ["above", "beside"])
def test_a_comment_allows_a_finding_through_its_day(where: str, tmp_path: Path) -> None:
    comment = {where: GIVEN.format(until="2027-01-31")}
    assert list(permitted(tmp_path / "on", day="2027-01-31", **comment)) == ["held 1"]
    line = "services/cart.py:3" if where == "above" else "services/cart.py:4"
    assert list(permitted(tmp_path / "after", day="2027-02-01", **comment)) == [
        "service/no-owner services/cart.py:4",
        f"suppression/expired {line}",
    ]


@pytest.mark.parametrize(
    "comment",
    [
        "# meshscope: allow service/no-owner because",
        "# meshscope: allow service/no-owner until 2027-01-31",
        "# meshscope: allow service/no-owner until 2027-02-31 why",
        "# meshscope: allow service/no-onwer until 2027-01-31 why",
        "# meshscope: ignore",
    ],
)
def test_a_comment_that_is_not_understood_allows_nothing_and_is_said(comment: str, tmp_path: Path) -> None:
    assert list(permitted(tmp_path, above=comment)) == [
        "service/no-owner services/cart.py:4",
        "suppression/not-understood services/cart.py:3",
    ]


def test_a_comment_that_nothing_needs_is_said(tmp_path: Path) -> None:
    comment = GIVEN.format(until="2027-01-31")
    text = f"from meshscope import Owner\n{comment}\nx = Owner(name='x', issues='github:a/x', pager='pagerduty:x')\n"
    made = assembled(small(tmp_path, services__x=text).root, None, Options())
    said, held = judged(made, tuple(RULES.values()), list(made.findings), date(2026, 12, 1))
    assert [(finding.code, finding.level) for finding in said] == [("suppression/unused", Level.NOTE)]
    assert held == 0
