"""What an alert links to is there: its runbook page, and a dashboard of the same build."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml

from meshscope.adapters.meshes.istio import FLAGS
from meshscope.build.runbooks import runbooks
from meshscope.model.library import LibraryAlert
from tests.houses import MESHSCOPE, House, small

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("alert", LibraryAlert)
def test_every_library_alert_has_a_page_that_helps_at_night(alert: LibraryAlert):
    page = runbooks()[f"{alert}.md"]
    assert page.startswith(f"# {alert}\n\n**What it means.** ")
    assert "## First look" in page or "## What" in page or "| part | look at |" in page
    assert len(page.splitlines()) <= 40, "nobody reads more at three at night"


@pytest.mark.parametrize("page", runbooks())
def test_queries_of_a_page_are_promql_of_one_side_and_one_service(page: str):
    """Two proxies report each request, and another namespace may have a service of the same name."""
    asked = re.findall(r"`([^`\n]*(?:istio_|traces_span_metrics_)\w+\{[^`\n]*)`", runbooks()[page])
    for query in asked:
        promql_parser.parse(query)
        if "_bucket" not in query:
            assert 'reporter="source"' in query or 'span_kind="SPAN_KIND_SERVER"' in query
        if '_name="NAME"' in query:
            assert '_namespace="NAMESPACE"' in query
    assert any("istio_" in query for query in asked) == any("istio_" in line for line in runbooks()[page].splitlines())


def test_the_page_on_failures_names_every_flag_that_is_one():
    (said,) = re.findall(r"Failed are .*?\.\n", runbooks()["ErrorBudgetBurn.md"], re.DOTALL)
    reached, broke = (set(re.findall(r"[A-Z]{2,}", part)) for part in re.findall(r"\(([A-Z, \n]+)\)", said))
    assert (reached, broke) == (set(FLAGS["nowhere"]), set(FLAGS["torn"]))


def test_every_page_is_of_an_alert_and_is_listed():
    # The bridge is told to nobody, but who finds it firing may look it up.
    names = {f"{alert}.md" for alert in LibraryAlert} | {"DependencyPaging.md", "README.md"}
    assert set(runbooks()) == names
    listed = set(re.findall(r"\]\((\w+\.md)\)", runbooks()["README.md"]))
    assert listed == names - {"README.md"}


def alerts(tree: Path) -> Iterator[dict]:
    for path in (tree / "prometheus" / "rules").glob("*.yaml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from (rule for rule in group["rules"] if "alert" in rule)


def homes(tmp_path: Path) -> Iterator[Path]:
    """The reference mesh, a house of one service without a dashboard, and what `meshscope new` writes."""
    yield ROOT
    yield small(tmp_path / "bare").root
    House(tmp_path).run("new", "shop", status=0)
    yield tmp_path / "shop"


def test_every_link_of_an_alert_leads_to_what_is_built(tmp_path):
    for number, house in enumerate(homes(tmp_path)):
        tree = tmp_path / f"tree{number}"
        House(house).run("build", "-o", str(tree), status=0)
        uids = {json.loads(path.read_text())["uid"] for path in (tree / "grafana" / "dashboards").glob("*.json")}
        seen = 0
        for rule in alerts(tree):
            said = rule["annotations"]
            for uid in re.findall(r"/d/([\w-]+)", said.get("dashboard_url", "")):
                assert uid in uids, rule["alert"]
                seen += 1
            for page in re.findall(r"/(meshscope/\w+\.md)", said.get("runbook_url", "")):
                assert (tree / "runbooks" / page).is_file(), rule["alert"]
                seen += 1
        assert seen > 10 or not uids
    assert MESHSCOPE.is_file()
