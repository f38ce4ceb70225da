"""What the check makes of dashboards that are wrong: nothing that Grafana would drop in silence gets through."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from meshscope.artefacts.documents import GrafanaDashboard
from meshscope.check.grafana import link_errors, query_errors, schema_errors
from meshscope.check.panel_queries import panels
from meshscope.findings import Finding, Level
from tests.dashboards.conftest import built

SERVICE = next(each for each in built("istio") if each.name == "service")


def changed(change: Callable[[dict[str, Any]], object]) -> GrafanaDashboard:
    document = json.loads(json.dumps(SERVICE.document))
    change(document)
    return dataclasses.replace(SERVICE, document=document)


def only(findings: Iterator[Finding]) -> Finding:
    found = list(findings)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("change", "title", "remedy"),
    [
        (lambda d: d["panels"][0]["options"].update(colourMode="value"),
         "panel `Pages now`: options has `colourMode`, which Grafana doesn't know", "did you mean `colorMode`?"),
        (lambda d: d["panels"][0]["options"].update(colorMode="valu"),
         'panel `Pages now`: options.colorMode is "valu"', "did you mean `value`?"),
        (lambda d: d["panels"][0]["targets"][0].update(legendFormt="x"),
         "panel `Pages now`: targets[0] has `legendFormt`, which Grafana doesn't know", "did you mean `legendFormat`?"),
        (lambda d: d["panels"][0]["fieldConfig"]["defaults"]["thresholds"]["steps"][0].update(value="null"),
         'panel `Pages now`: fieldConfig.defaults.thresholds.steps[0].value is "null"',
         "write a value of type number or null"),
        (lambda d: d["panels"][6]["fieldConfig"]["defaults"]["custom"].update(lineWidht=3)
         or d["panels"][6].update(title="${service} failed"),
         "panel `${service} failed`: fieldConfig.defaults.custom has `lineWidht`, which Grafana doesn't know",
         "did you mean `lineWidth`?"),
        (lambda d: d.update(timezon="utc"),
         "dashboard `Service` has `timezon`, which Grafana doesn't know", "did you mean `timezone`?"),
    ],
)  # fmt: skip
def test_a_typo_is_said_in_words_with_what_was_meant(
    change: Callable[[dict[str, Any]], object], title: str, remedy: str
) -> None:
    finding = only(schema_errors(changed(change)))
    assert (finding.title, finding.help) == (title, remedy)
    assert finding.place == SERVICE.origin


def test_an_override_of_an_option_that_no_panel_has_is_found() -> None:
    broken = changed(lambda d: d["panels"][6]["fieldConfig"]["overrides"][0]["properties"].append(
        {"id": "custom.lineWeight", "value": 2}))  # fmt: skip
    assert "custom.lineWeight" in only(schema_errors(broken)).title


def _parts(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a panel whose keys its type decides."""
    for pointer, panel in panels(document):
        yield f"{pointer}", panel  # type: ignore[misc]
        yield f"{pointer}/options", panel["options"]
        yield f"{pointer}/fieldConfig/defaults", panel["fieldConfig"]["defaults"]
        custom = panel["fieldConfig"]["defaults"].get("custom")
        if custom:
            yield f"{pointer}/fieldConfig/defaults/custom", custom


@pytest.mark.parametrize("dashboard", built("istio"), ids=lambda each: each.name)
def test_every_key_of_every_panel_is_held_to_its_spelling(dashboard: GrafanaDashboard) -> None:
    whole = json.dumps(dashboard.document)
    spots = [(pointer, key) for pointer, part in _parts(json.loads(whole)) for key in part]
    assert len(spots) > 100
    # One key in seven, in an order that is the same each time: each costs a validation of the whole dashboard.
    for pointer, key in spots[::7]:
        document = json.loads(whole)
        part = dict(_parts(document))[pointer]
        part[f"{key}X"] = part.pop(key)
        found = list(schema_errors(dataclasses.replace(dashboard, document=document)))
        assert any(f"`{key}X`" in finding.title for finding in found), (pointer, key)


def test_a_query_that_is_no_promql_is_said_with_its_panel() -> None:
    broken = changed(lambda d: d["panels"][1]["targets"][0].update(expr="sum(rate(x[5m])"))
    finding = only(query_errors(broken))
    assert finding.code == "dashboard/bad-query"
    assert finding.title.startswith("panel `Failed requests` asks for what is no PromQL: ")


def test_a_link_to_nowhere_says_which_dashboards_there_are() -> None:
    broken = changed(lambda d: d["links"][0].update(url="/d/boutique-instanzes?x=1"))
    dashboards = built("istio")
    finding = only(link_errors(broken, [each.uid for each in dashboards], dashboards))
    assert finding.help == "did you mean `instances`?"


def test_a_link_to_somebody_elses_dashboard_is_left_alone() -> None:
    other = changed(lambda d: d["links"][0].update(url="/d/node-exporter"))
    dashboards = built("istio")
    assert list(link_errors(other, [each.uid for each in dashboards], dashboards)) == []


def test_what_somebody_else_wrote_is_a_warning_where_grafana_only_drops_it() -> None:
    broken = changed(lambda d: d["panels"][0].update(styles=[]))
    assert only(schema_errors(broken)).level is Level.ERROR
    assert only(schema_errors(broken, foreign=True)).level is Level.WARNING
    wrong = changed(lambda d: d["panels"][0]["options"].update(colorMode="valu"))
    assert only(schema_errors(wrong, foreign=True)).level is Level.ERROR
