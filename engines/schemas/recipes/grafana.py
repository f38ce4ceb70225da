"""Grafana's dashboards: one schema in which every part that has a type is strict, panels by their own type.

Grafana itself refuses next to nothing: it drops what it doesn't know and draws the rest. What Grafana publishes as
types is turned into a schema, and then, each for a reason that stands at its place:

- a panel's `options` and `fieldConfig.defaults.custom` follow its `type`, for the published dashboard leaves them open;
- overrides name properties by dotted ids, and Grafana skips an id that it doesn't know, without a word;
- unions are chosen by their key, so that a mistake gets one answer instead of one for each variant;
- a few published types are narrower or wider than what Grafana reads and writes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from recipes import shape
from recipes.shape import Schema, choice, listing, mapping, strict, union, when
from recipes.sources import Failure, Sources

DASHBOARD = "grafana-dashboard.json"
PANELS = "grafana-panels.json"

# Panel types, and the folder of their types in the package. A type that isn't here may have any options: dashboards
# may show panels of plugins.
PANEL_TYPES = {
    "barchart": "barchart",
    "bargauge": "bargauge",
    "gauge": "gauge",
    "heatmap": "heatmap",
    "logs": "logs",
    "nodeGraph": "nodegraph",
    "piechart": "piechart",
    "stat": "stat",
    "state-timeline": "statetimeline",
    "table": "table",
    "text": "text",
    "timeseries": "timeseries",
}

# The panels among them, and traces, whose fields have no options of their own.
WITHOUT_CUSTOM = ("bargauge", "gauge", "logs", "nodeGraph", "stat", "text", "traces")

# The field options that every panel has: Grafana's registry of standard field options. `custom` holds the others.
STANDARD_FIELDS = (
    "actions",
    "color",
    "decimals",
    "displayName",
    "fieldMinMax",
    "filterable",
    "links",
    "mappings",
    "max",
    "min",
    "noValue",
    "thresholds",
    "unit",
)

# What Grafana publishes no type for: the filter of the traces panel, as its editor writes it. Ours.
_SPAN_FILTERS = strict(
    {
        **{name: {"type": "boolean"} for name in ("criticalPathOnly", "matchesOnly")},
        **{name: {"type": "string"} for name in ("from", "query", "serviceName", "spanName", "to")},
        **{name: choice("!=", "=") for name in ("serviceNameOperator", "spanNameOperator")},
        "tags": listing({"type": "object"}),
    }
)

_GRID_COLUMNS = 24


def make(sources: Sources) -> dict[str, Schema]:
    """Return the schemas by file name."""
    published = _published(sources)
    panels = {name: _parts(parts) for name, parts in published["panels"].items()}
    panels["traces"] = {"options": strict({"spanFilters": _SPAN_FILTERS}), "custom": strict({})}
    bare = {name for name, parts in panels.items() if not parts["custom"]["properties"]}
    _expect({"without": sorted(bare)}, {"without": sorted(WITHOUT_CUSTOM)})
    dashboard = _dashboard(published, panels)
    return {DASHBOARD: shape.share(shape.reachable(shape.plain(dashboard))), PANELS: panels}


def _published(sources: Sources) -> dict[str, Any]:
    types = sources.packages / "node_modules/@grafana/schema/dist/types"
    sources.say(f"Grafana's types of {sources.version('@grafana/schema')}, {len(PANEL_TYPES)} panels")
    with sources.making("types") as scratch:
        order = {"types": str(types), "scratch": str(scratch), "panels": PANEL_TYPES}
        made: dict[str, Any] = json.loads(sources.node("grafana.mjs", given=json.dumps(order)))
    return made


def _parts(published: dict[str, Schema]) -> dict[str, Schema]:
    """Return a panel's two parts, without references. A panel without field options of its own has no custom key."""
    parts = {name: _relaxed(shape.inline(made, made["definitions"])) for name, made in published.items()}
    for part in parts.values():
        part.pop("$schema", None)
        part.pop("definitions", None)
    return {"options": shape.plain(parts["options"]), "custom": shape.plain(parts.get("custom", strict({})))}


def _relaxed(schema: Schema) -> Schema:
    """Return a part of a panel in which nothing is required: Grafana fills in a default for whatever is missing.

    Properties of an unknown type are hooks that Grafana's own pages hand to a panel (`onClickFilterLabel`); a file
    can't carry them, so they are left out, that is: refused.
    """
    if "anyOf" in schema:
        return _chosen([_relaxed(each) for each in schema["anyOf"]])
    made = shape.rebuild(schema, lambda _, inner: _relaxed(inner))
    made.pop("required", None)
    if "properties" in made:
        made["properties"] = {name: inner for name, inner in made["properties"].items() if inner}
    return made


def _chosen(variants: list[Schema]) -> Schema:
    """Return the union of these: by its key where they have one, the plain type where the variants are but examples."""
    if {"type": "string"} in variants and all(each.get("type") == "string" for each in variants):
        return {"type": "string"}
    named = {each["properties"]["type"]["const"]: each for each in variants if _kind(each)}
    if len(named) == len(variants):
        return union("type", named)
    return {"anyOf": variants}


def _kind(variant: Schema) -> bool:
    return "const" in variant.get("properties", {}).get("type", {})


def _dashboard(published: dict[str, Any], panels: dict[str, dict[str, Schema]]) -> Schema:
    root = published["dashboard"]
    definitions: dict[str, Schema] = {name: each for name, each in root["definitions"].items() if name != "Root"}
    link = published["link"]["definitions"]["DataLink"]
    fields = published["fields"]["definitions"]["FieldConfig"]
    variable = published["variable"]["definitions"]["QueryVariableSpec"]
    definitions["DataLink"] = link

    variants = ["ValueMap", "RangeMap", "RegexMap", "SpecialValueMap"]
    _expect(definitions["ValueMapping"], {"anyOf": [_to(each) for each in variants]})
    kinds = {definitions[each]["properties"]["type"]["const"]: _to(each) for each in variants}
    definitions["ValueMapping"] = union("type", kinds)

    _fit_second(definitions, fields, variable)
    _fit_panel(definitions)
    _fit_annotations(definitions)
    # A page of 24 columns; the type says only that these are numbers.
    _narrow(definitions["GridPos"], "w", {"type": "integer", "minimum": 1, "maximum": _GRID_COLUMNS})
    _narrow(definitions["GridPos"], "x", {"type": "integer", "minimum": 0, "maximum": _GRID_COLUMNS - 1})
    _narrow(definitions["GridPos"], "h", {"type": "integer", "minimum": 1})
    _narrow(definitions["GridPos"], "y", {"type": "integer", "minimum": 0})

    _expect(definitions["Dashboard"]["properties"]["panels"]["items"], {"anyOf": [_to("Panel"), _to("RowPanel")]})
    row = {"properties": {"type": {"const": "row"}}, "required": ["type"]}
    definitions["Dashboard"]["properties"]["panels"]["items"] = {
        "if": row,
        "then": _to("RowPanel"),
        "else": _to("Panel"),
    }

    _by_type(definitions, panels)
    made = dict(definitions.pop("Dashboard"))
    return {"$schema": shape.DRAFT, **made, "definitions": definitions}


def _fit_second(definitions: dict[str, Schema], fields: Schema, variable: Schema) -> None:
    """Fit what Grafana's own second version of the dashboard knows, and the first doesn't."""
    properties = definitions["FieldConfig"]["properties"]
    # Published as a list of anything; the second version says what a link is.
    _expect(properties["links"]["items"], {})
    properties["links"] = listing(_to("DataLink"))
    # In Grafana since its version 10, in the second version of the dashboard, and forgotten in the first.
    properties["fieldMinMax"] = fields["properties"]["fieldMinMax"]
    # The same holds for the text that Grafana shows of a variable's query.
    definitions["VariableModel"]["properties"]["definition"] = variable["properties"]["definition"]


def _fit_panel(definitions: dict[str, Schema]) -> None:
    properties = definitions["Panel"]["properties"]
    # Published as links of a dashboard, of which nine keys are required. What Grafana writes, and what the second
    # version says, is title, url and perhaps targetBlank.
    _expect(properties["links"]["items"], _to("DashboardLink"))
    whole = definitions["DashboardLink"]["properties"]
    properties["links"] = listing(strict(whole, required=("title", "url")))
    # Published as objects with any keys. These are what every query has, the others are the data source's own.
    _expect(properties["targets"]["items"], mapping({}))
    properties["targets"] = listing(_to("Target"))
    definitions["Target"] = {
        "type": "object",
        "required": ["refId"],
        "properties": {
            "datasource": _to("DataSourceRef"),
            "hide": {"type": "boolean"},
            "queryType": {"type": "string"},
            "refId": {"type": "string", "minLength": 1},
        },
    }


def _fit_annotations(definitions: dict[str, Schema]) -> None:
    properties = definitions["AnnotationQuery"]["properties"]
    # Published for Grafana's own store of annotations only, as its comment says. A query to another data source is a
    # target as panels have it.
    _expect(properties["target"], _to("AnnotationTarget"))
    properties["target"] = {"if": {"required": ["refId"]}, "then": _to("Target"), "else": _to("AnnotationTarget")}
    # Read by the data source for Prometheus, beside the query: what is shown at a firing point.
    for name in ("tagKeys", "textFormat", "titleFormat"):
        properties[name] = {"type": "string"}
    properties["useValueForTime"] = {"type": "boolean"}


def _by_type(definitions: dict[str, Schema], panels: dict[str, dict[str, Schema]]) -> None:
    """Make a panel's options, its custom field options and its overrides depend on its type."""
    rules = []
    for name, parts in sorted(panels.items()):
        for part, schema in parts.items():
            definitions[f"{name}.{part}"] = schema
        definitions[f"{name}.override"] = _override(parts["custom"], definitions["FieldConfig"]["properties"])
        override = {"properties": {"properties": listing(_to(f"{name}.override"))}}
        fields = {
            "defaults": {"properties": {"custom": _to(f"{name}.custom")}},
            "overrides": {"items": override},
        }
        rules.append(
            when(
                {"type": name},
                {"properties": {"options": _to(f"{name}.options"), "fieldConfig": {"properties": fields}}},
            )
        )
    definitions["Panel"]["allOf"] = rules


def _override(custom: Schema, standard: dict[str, Schema]) -> Schema:
    """Return one property of an override: an id that this panel has, and a value that fits it."""
    known = {name: standard[name] for name in STANDARD_FIELDS}
    known |= {f"custom.{name}": schema for name, schema in _dotted(custom)}
    alike: dict[str, list[str]] = {}
    for name, schema in sorted(known.items()):
        alike.setdefault(shape.compact(schema), []).append(name)
    values = [
        {"if": {"properties": {"id": {"enum": names}}}, "then": {"properties": {"value": known[names[0]]}}}
        for names in alike.values()
    ]
    return {"properties": {"id": {"enum": sorted(known)}}, "allOf": values}


def _dotted(schema: Schema) -> Iterator[tuple[str, Schema]]:
    """Give each option of a panel's fields under the name by which an override calls it."""
    for name, inner in sorted(schema.get("properties", {}).items()):
        yield name, inner
        if "allOf" not in inner:  # within a union the key that chooses would be missing
            yield from ((f"{name}.{dotted}", deeper) for dotted, deeper in _dotted(inner))


def _to(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _narrow(holder: Schema, name: str, to: Schema) -> None:
    _expect(holder["properties"][name], {"type": "number"})
    holder["properties"][name] = to


def _expect(found: Schema, known: Schema) -> None:
    """Raise Failure when Grafana publishes something else than what a change of ours was made for."""
    if found != known:
        raise Failure(
            "Grafana's types are not those that this recipe knows",
            f"{shape.compact(found)[:200]} instead of {shape.compact(known)[:200]}",
            "look at what changed in Grafana, and at the reason in engines/schemas/recipes/grafana.py",
        )
