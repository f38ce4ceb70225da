"""The page beside the schemas: where each comes from, under which licence, what was changed, what it can't say."""

from __future__ import annotations

from recipes import collector, grafana, kubernetes
from recipes.kubernetes import CEL, COLLECTOR, RESOURCES, Notes
from recipes.sources import Sources

FILE = "ORIGINS.md"

_HEAD = """\
# Where these schemas come from

Made by `engines/schemas/generate.py`; don't edit them, nor this page. All are JSON Schema, Draft 7. They are stricter
than the programs that they stand for: most of those drop what they don't know without a word, and these refuse it.
"""

_GRAFANA = """\
## Grafana

`grafana-dashboard.json` judges a whole dashboard in one validation, the first version of Grafana's dashboard JSON.
`grafana-panels.json` is the part of it that depends on a panel's type, for those who build panels: it maps a panel
type to `options` and `custom` (which is `fieldConfig.defaults.custom`), each a schema without references.

Changed, after the types had been turned into a schema:

- `options`, `custom` and `overrides` follow the panel's `type`. Nothing in them is required, for Grafana fills in
  defaults. A panel type that is not named here may have any options. Panels without field options of their own
  ({without}) have no `custom` key.
- An override's `id` is a standard field option or `custom.` and the dotted name of one of the panel's; its value fits.
- What is chosen by a key (`ValueMapping`, `cellOptions`, rows among panels) is said as conditions, and needs that key.
- `links` of a panel and of `fieldConfig.defaults` need `title` and `url`: so says the package's second version of the
  dashboard. The first asks for nine keys in a panel's link, and accepts anything in a field's.
- `fieldConfig.defaults.fieldMinMax` and a variable's `definition`, which the first version forgot, are taken from the
  second.
- `targets` need a `refId`; `datasource` is an object. Everything else in a target is the data source's.
- `target` of an annotation may be a query with a `refId`, and an annotation may have `tagKeys`, `textFormat`,
  `titleFormat` and `useValueForTime`, which the data source for Prometheus reads.
- `gridPos` lies within 24 columns. That `x + w` does so too, and that ids of panels differ, a schema can't say.
- The hooks of the panel `logs` (`onClickFilterLabel` and others) are functions of Grafana's own pages; refused.
- The options of the panel `traces` are ours, after what its editor writes: no type of it is published.
"""

_CUSTOM_RESOURCES = """\
## Custom resources

Made of the OpenAPI schemas in the custom resource definitions:

- An object with named properties refuses others, except where the definition preserves unknown fields. An API server
  would remove them silently.
- `metadata` is ours: name, namespace, labels, annotations, finalizers and ownerReferences, in Kubernetes' own syntax.
  There is no `status`.
- A required key that has a default is not required, for the server fills it in first. Descriptions and defaults are
  dropped, formats too.
- `(?i)` stands at the beginning of a pattern, where Python reads it.
- Nested `routes` of an AlertmanagerConfig are routes; the definition leaves them open.

Rules in CEL, each said in the schema, too:

{rules}

What only the API server can see: items of these lists must differ in their key.

{keyed}

What prometheus-operator {operator} judges in its own code. What it refuses it leaves out, and tells only its log and
metrics. In the schemas: durations, the receiver and `groupBy` of routes; `url` or `urlSecret` of a webhook;
`targetLabel`, `modulus` and the lonely `regex` of relabelling. Not in the schemas:

- PrometheusRule: it must be what Prometheus can load, and less than 512 KiB as YAML (half of a Secret's size).
- AlertmanagerConfig: names of receivers differ; each `receiver`, `muteTimeIntervals` and `activeTimeIntervals` of a
  route names one that exists; other receivers than webhooks have rules of their own.
- PodMonitor, ServiceMonitor, ScrapeConfig: regular expressions must compile, named secrets must exist, and a Prometheus
  may forbid files (`bearerTokenFile`, files in `tlsConfig`) and ask for a scrape class that exists.
"""

_OWN = """\
## Our own

`{collector}` is ours and **unproven**: the operator's definition is in no
package registry. It follows the operator's documentation and the names in its public Go types; no operator has read
what passes it. `config` is an object with the collector's sections, in which components are `{{}}` rather than null;
their settings are for the collector to judge. Fields of the operator's newest releases are left out on purpose. That
four keys don't suit a sidecar is said in CEL there, and in the schema here.

The `otelcol-*.json` are ours, too, for components that no collector at hand is built with. Their keys are compared with
the `mapstructure` tags of the source while they are made; what a value means to the collector, nobody has checked. A
value may be `${{env:NAME}}` instead. Names and numbers of metrics come from the components' metadata.

{components}

The collector reads the operators of `file_log` with unknown keys ignored: a misspelt key passes its `validate` (its
own test data has one, `add_metadata_from_file_path`). An unknown level in a severity's `mapping` passes, too.
"""


_COMPONENTS = (
    (collector.FILE_LOG, "receiver `file_log`", "`filelog`", ("stanza", "coreinternal")),
    (
        collector.HOST_METRICS,
        "receiver `host_metrics`",
        "`hostmetrics` in 0.149",
        ("host-metrics", "filter", "scraperhelper"),
    ),
    (
        collector.KUBELET_STATS,
        "receiver `kubelet_stats`",
        "`kubeletstats` in 0.149",
        ("kubelet-stats", "kubelet", "k8sconfig", "scraperhelper", "confignet", "configtls"),
    ),
    (
        collector.LOAD_BALANCING,
        "exporter `load_balancing`",
        "`loadbalancing` in 0.150",
        ("load-balancing", "otlp-exporter", "exporterhelper", "configgrpc", "configretry", "configtls"),
    ),
)


def page(sources: Sources, notes: Notes) -> str:
    """Return the page."""
    return "\n".join([_HEAD, _table(sources), _grafana(), _custom_resources(sources, notes), _own(sources)])


def _table(sources: Sources) -> str:
    package = f"npm `@grafana/schema` {sources.version('@grafana/schema')}"
    rows = [(f"`{grafana.DASHBOARD}`, `{grafana.PANELS}`", package, "Apache-2.0, Grafana Labs")]
    holders = {"istio": "Apache-2.0, Istio Authors", "prometheus-operator": "Apache-2.0, CoreOS and the project"}
    for resource in RESOURCES:
        module = sources.pins["modules"][resource.module].replace("@", " ")
        rows.append((f"`{resource.name}`", f"Go module `{module}`", holders[resource.module]))
    own = "Apache-2.0, ours"
    facts = "own, with facts from Apache-2.0 sources of OpenTelemetry"
    rows.append((f"`{COLLECTOR.name}`", "own, unproven", own))
    names = (collector.FILE_LOG, collector.HOST_METRICS, collector.KUBELET_STATS, collector.LOAD_BALANCING)
    rows += [(f"`{name}`", facts, own) for name in names]
    lines = ["| file | made from | licence |", "|---|---|---|", *(f"| {' | '.join(row)} |" for row in rows)]
    notice = (
        "prometheus-operator's notice: CoreOS Project, Copyright 2015 CoreOS, Inc. This product includes software\n"
        "developed at CoreOS, Inc. (http://www.coreos.com/)."
    )
    generator = "ts-json-schema-generator"
    made = f"Grafana's types were turned into schemas by `{generator}` {sources.version(generator)}."
    return "\n".join([*lines, "", made, notice, ""])


def _grafana() -> str:
    return _GRAFANA.format(without=", ".join(f"`{name}`" for name in grafana.WITHOUT_CUSTOM))


def _custom_resources(sources: Sources, notes: Notes) -> str:
    rules = ["| kind | where | rule | short of it |", "|---|---|---|---|"]
    rules += [
        f"| {kind} | `{path}` | {CEL[rule].means} | {CEL[rule].short_of or '-'} |" for kind, path, rule in notes.rules
    ]
    keyed = [f"- {kind} `{path}`: `{keys}`" for kind, path, keys in notes.keyed]
    return _CUSTOM_RESOURCES.format(
        rules="\n".join(rules), keyed="\n".join(keyed), operator=sources.version("prometheus-operator")
    )


def _own(sources: Sources) -> str:
    versions = {name: sources.version(name) for name in sources.pins["modules"]}
    lines = ["| file | component | older name | its keys were read in |", "|---|---|---|---|"]
    for file, name, older, modules in _COMPONENTS:
        read = ", ".join(f"{_path(sources, module)} {versions[module]}" for module in modules)
        lines.append(f"| `{file}` | {name} | {older} | {read} |")
    return _OWN.format(collector=kubernetes.COLLECTOR.name, components="\n".join(lines))


def _path(sources: Sources, module: str) -> str:
    """Return a collector module's path within its repository."""
    whole: str = sources.pins["modules"][module].partition("@")[0]
    return whole.removeprefix("github.com/open-telemetry/opentelemetry-collector-contrib/").removeprefix(
        "go.opentelemetry.io/"
    )
