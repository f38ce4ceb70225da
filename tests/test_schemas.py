"""The shipped schemas: each is valid itself, accepts a good document, and refuses what its program would let pass."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

SCHEMAS = Path(__file__).resolve().parents[1] / "src/meshscope/check/schemas"
NAMES = sorted(file.name for file in SCHEMAS.glob("*.json"))
PANEL_PARTS = "grafana-panels.json"
WHOLE = [name for name in NAMES if name != PANEL_PARTS]

PROMETHEUS = {"type": "prometheus", "uid": "${datasource}"}
THRESHOLDS = {"mode": "absolute", "steps": [{"color": "green", "value": None}, {"color": "red", "value": 0.05}]}
LEGEND = {"calcs": ["lastNotNull"], "displayMode": "table", "placement": "bottom", "showLegend": True}
TOOLTIP = {"mode": "multi", "sort": "desc"}

# What a panel of each type may look like: options, and the field options of its own.
PANELS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "barchart": ({"legend": LEGEND, "orientation": "auto", "stacking": "normal"}, {"fillOpacity": 80}),
    "bargauge": ({"displayMode": "gradient", "reduceOptions": {"calcs": ["lastNotNull"], "values": False}}, {}),
    "gauge": ({"shape": "gauge", "showThresholdMarkers": True}, {}),
    "heatmap": (
        {"calculate": False, "color": {"mode": "scheme", "scheme": "Oranges", "steps": 64}, "yAxis": {"unit": "s"}},
        {"scaleDistribution": {"type": "log", "log": 2}},
    ),
    "logs": ({"dedupStrategy": "none", "showTime": True, "sortOrder": "Descending", "wrapLogMessage": True}, {}),
    "nodeGraph": ({"layoutAlgorithm": "layered", "nodes": {"mainStatUnit": "reqps"}}, {}),
    "piechart": ({"legend": {**LEGEND, "values": ["percent"]}, "pieType": "donut"}, {"hideFrom": {"viz": False}}),
    "stat": ({"colorMode": "value", "graphMode": "area", "textMode": "auto"}, {}),
    "state-timeline": ({"mergeValues": True, "rowHeight": 0.9, "showValue": "auto"}, {"fillOpacity": 70}),
    "table": (
        {"cellHeight": "sm", "showHeader": True, "sortBy": [{"desc": True, "displayName": "Budget"}]},
        {"align": "auto", "cellOptions": {"type": "color-background", "mode": "basic"}, "filterable": True},
    ),
    "text": ({"mode": "markdown", "content": "# Checkout"}, {}),
    "timeseries": (
        {"legend": LEGEND, "tooltip": TOOLTIP},
        {"drawStyle": "line", "lineWidth": 2, "stacking": {"mode": "none"}, "thresholdsStyle": {"mode": "dashed"}},
    ),
    "traces": ({"spanFilters": {"serviceName": "checkout", "serviceNameOperator": "="}}, {}),
}


def panel(kind: str, number: int) -> dict[str, Any]:
    """Return a good panel of the type."""
    options, custom = PANELS[kind]
    return {
        "id": number,
        "type": kind,
        "title": f"A panel {kind}",
        "datasource": PROMETHEUS,
        "gridPos": {"x": 12 * (number % 2), "y": 8 * (number // 2), "w": 12, "h": 8},
        "options": options,
        "fieldConfig": {"defaults": {"custom": custom, "unit": "percentunit"}, "overrides": []},
        "targets": [{"refId": "A", "expr": "up", "legendFormat": "{{job}}", "datasource": PROMETHEUS}],
    }


def dashboard() -> dict[str, Any]:
    """Return a good dashboard with a panel of every type; panel 0 is the timeseries, panel 1 the table."""
    kinds = ["timeseries", "table", *(kind for kind in PANELS if kind not in {"timeseries", "table"})]
    panels = [panel(kind, number) for number, kind in enumerate(kinds)]
    series, table = panels[:2]
    series["links"] = [{"title": "Runbook", "url": "https://runbooks.example/checkout", "targetBlank": True}]
    series["fieldConfig"]["defaults"] |= {
        "color": {"mode": "palette-classic"},
        "fieldMinMax": True,
        "links": [{"title": "Traces of ${__field.labels.service}", "url": "/explore?q=${__field.labels.service}"}],
        "mappings": [{"type": "special", "options": {"match": "null", "result": {"text": "no traffic"}}}],
        "thresholds": THRESHOLDS,
    }
    series["fieldConfig"]["overrides"] = [
        {
            "matcher": {"id": "byName", "options": "errors"},
            "properties": [
                {"id": "color", "value": {"mode": "fixed", "fixedColor": "red"}},
                {"id": "custom.lineWidth", "value": 3},
                {"id": "custom.hideFrom.legend", "value": True},
            ],
        }
    ]
    table["fieldConfig"]["overrides"] = [
        {"matcher": {"id": "byName"}, "properties": [{"id": "custom.cellOptions", "value": {"type": "sparkline"}}]}
    ]
    row = {"id": 90, "type": "row", "title": "More", "collapsed": True, "panels": [panel("stat", 91)]}
    plugin = {"id": 95, "type": "acme-topology-panel", "options": {"whatever": [1]}, "gridPos": series["gridPos"]}
    own = {"limit": 100, "matchAny": False, "tags": [], "type": "dashboard"}
    return {
        "uid": "checkout",
        "title": "Checkout",
        "schemaVersion": 42,
        "editable": False,
        "graphTooltip": 1,
        "tags": ["meshscope"],
        "time": {"from": "now-6h", "to": "now"},
        "annotations": {
            "list": [
                {
                    "datasource": {"uid": "-- Grafana --"},
                    "enable": True,
                    "iconColor": "blue",
                    "name": "N",
                    "target": own,
                },
                {
                    "datasource": PROMETHEUS,
                    "enable": True,
                    "iconColor": "red",
                    "name": "Alerts",
                    "target": {"refId": "Anno", "expr": 'ALERTS{alertstate="firing"}'},
                    "titleFormat": "{{alertname}}",
                },
            ]
        },
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus", "hide": 0},
                {
                    "name": "service",
                    "type": "query",
                    "datasource": PROMETHEUS,
                    "definition": "label_values(service:info, service)",
                    "query": {"query": "label_values(service:info, service)", "refId": "V"},
                    "refresh": 2,
                    "current": {"text": "checkout", "value": "checkout"},
                },
            ]
        },
        "panels": [*panels, row, plugin],
    }


def resource(api_version: str, kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return a custom resource."""
    labels = {"app.kubernetes.io/managed-by": "meshscope"}
    metadata = {"name": "checkout-slo", "namespace": "shop", "labels": labels}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, "spec": spec}


RELABEL = {"sourceLabels": ["__meta_kubernetes_pod_name"], "targetLabel": "pod", "action": "replace"}
SELECTOR = {"matchExpressions": [{"key": "istio", "operator": "In", "values": ["pilot"]}]}
ENDPOINT = {"port": "http-envoy-prom", "path": "/stats/prometheus", "interval": "15s", "relabelings": [RELABEL]}

GOOD: dict[str, dict[str, Any]] = {
    "grafana-dashboard.json": dashboard(),
    "crd-prometheusrule-v1.json": resource(
        "monitoring.coreos.com/v1",
        "PrometheusRule",
        {
            "groups": [
                {
                    "name": "slo",
                    "interval": "30s",
                    "query_offset": "10s",
                    "labels": {"house": "shop"},
                    "rules": [
                        {"record": "slo:objective:ratio", "expr": "vector(0.999)", "labels": {"slo": "availability"}},
                        {
                            "alert": "ErrorBudgetBurn",
                            "expr": "slo:burn_rate:ratio > 14.4",
                            "for": "2m",
                            "keep_firing_for": "5m",
                            "labels": {"severity": "page"},
                            "annotations": {"summary": "Burning"},
                        },
                    ],
                }
            ]
        },
    ),
    "crd-podmonitor-v1.json": resource(
        "monitoring.coreos.com/v1",
        "PodMonitor",
        {"selector": SELECTOR, "namespaceSelector": {"any": True}, "podMetricsEndpoints": [ENDPOINT]},
    ),
    "crd-servicemonitor-v1.json": resource(
        "monitoring.coreos.com/v1",
        "ServiceMonitor",
        {
            "selector": SELECTOR,
            "targetLabels": ["app"],
            "endpoints": [{**ENDPOINT, "metricRelabelings": [{"action": "labeldrop", "regex": "pod_.*"}]}],
        },
    ),
    "crd-scrapeconfig-v1alpha1.json": resource(
        "monitoring.coreos.com/v1alpha1",
        "ScrapeConfig",
        {"metricsPath": "/metrics", "staticConfigs": [{"targets": ["gateway:15020"], "labels": {"cluster": "eu"}}]},
    ),
    "crd-alertmanagerconfig-v1alpha1.json": resource(
        "monitoring.coreos.com/v1alpha1",
        "AlertmanagerConfig",
        {
            "receivers": [
                {"name": "agent", "webhookConfigs": [{"url": "http://agent.shop:8080/hook", "maxAlerts": 0}]}
            ],
            "route": {
                "receiver": "agent",
                "groupBy": ["alertname", "service"],
                "groupWait": "10s",
                "routes": [{"receiver": "agent", "matchers": [{"name": "stage", "value": "agent", "matchType": "="}]}],
            },
            "inhibitRules": [
                {
                    "sourceMatch": [{"name": "severity", "value": "page", "matchType": "="}],
                    "targetMatch": [{"name": "severity", "value": "ticket", "matchType": "="}],
                    "equal": ["alertname", "service"],
                }
            ],
        },
    ),
    "crd-telemetry-v1.json": resource(
        "telemetry.istio.io/v1",
        "Telemetry",
        {
            "selector": {"matchLabels": {"app": "checkout"}},
            "tracing": [{"providers": [{"name": "otel"}], "randomSamplingPercentage": 5}],
            "metrics": [
                {
                    "overrides": [
                        {
                            "match": {"metric": "REQUEST_COUNT", "mode": "SERVER"},
                            "tagOverrides": {
                                "route": {"operation": "UPSERT", "value": "request.url_path"},
                                "source_app": {"operation": "REMOVE"},
                            },
                        }
                    ],
                    "reportingInterval": "15s",
                }
            ],
            "accessLogging": [{"filter": {"expression": "response.code >= 500"}}],
        },
    ),
    "crd-opentelemetrycollector-v1beta1.json": resource(
        "opentelemetry.io/v1beta1",
        "OpenTelemetryCollector",
        {
            "mode": "daemonset",
            "image": "registry.example/otelcol:0.155.0",
            "env": [{"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}}],
            "resources": {"limits": {"memory": "512Mi"}},
            "tolerations": [{"operator": "Exists"}],
            "config": {
                "receivers": {"otlp": {"protocols": {"grpc": {}}}},
                "processors": {"batch": {}},
                "exporters": {"debug": {}},
                "service": {
                    "telemetry": {"metrics": {}},
                    "pipelines": {"traces/in": {"receivers": ["otlp"], "exporters": ["debug"]}},
                },
            },
        },
    ),
    "otelcol-file_log.json": {
        "include": ["/var/log/pods/*/*/*.log"],
        "start_at": "end",
        "max_log_size": "1MiB",
        "poll_interval": "200ms",
        "storage": "file_storage",
        "retry_on_failure": {"enabled": True},
        "operators": [
            {"type": "container", "id": "parser"},
            {
                "type": "json_parser",
                "if": 'body matches "^{"',
                "parse_to": "attributes",
                "severity": {"parse_from": "attributes.level", "mapping": {"warn": ["warning"]}},
                "timestamp": {"parse_from": "attributes.ts", "layout_type": "epoch", "layout": "s.ms"},
            },
            {"type": "move", "from": "attributes.trace_id", "to": 'attributes["trace"]'},
            {"type": "recombine", "combine_field": "body", "is_first_entry": 'body matches "^[^ ]"'},
            {"type": "router", "routes": [{"expr": "true", "output": "parser"}]},
        ],
    },
    "otelcol-host_metrics.json": {
        "collection_interval": "${env:INTERVAL}",
        "root_path": "/hostfs",
        "scrapers": {
            "cpu": {"metrics": {"system.cpu.utilization": {"enabled": True}}},
            "load": None,
            "filesystem": {"exclude_fs_types": {"fs_types": ["tmpfs"], "match_type": "strict"}},
        },
    },
    "otelcol-kubelet_stats.json": {
        "auth_type": "serviceAccount",
        "endpoint": "https://${env:NODE}:10250",
        "metric_groups": ["node", "pod"],
        "metrics": {"k8s.pod.cpu.node.utilization": {"enabled": True}},
        "node": "${env:NODE}",
        "k8s_api_config": {"auth_type": "serviceAccount"},
    },
    "otelcol-load_balancing.json": {
        "routing_key": "traceID",
        "protocol": {"otlp": {"tls": {"insecure": True}, "sending_queue": {"queue_size": 1000}}},
        "resolver": {"k8s": {"service": "sampling.observability", "ports": [4317]}},
    },
}

# The schema, what is wrong, where, and the value that is put there.
WRONG = [
    ("grafana-dashboard.json", "a panel's unknown key", "panels/0/span", 12),
    ("grafana-dashboard.json", "an unknown option of a panel", "panels/0/options/legends", {}),
    ("grafana-dashboard.json", "an unknown key deep in a panel's options", "panels/0/options/legend/place", "right"),
    ("grafana-dashboard.json", "an option with a value that it hasn't", "panels/0/options/legend/placement", "left"),
    ("grafana-dashboard.json", "an option of the wrong type", "panels/0/options/legend/showLegend", "yes"),
    ("grafana-dashboard.json", "an unknown field option", "panels/0/fieldConfig/defaults/custom/lineWith", 2),
    ("grafana-dashboard.json", "a field option of another panel", "panels/1/fieldConfig/defaults/custom/lineWidth", 2),
    ("grafana-dashboard.json", "a cell without its type", "panels/1/fieldConfig/defaults/custom/cellOptions", {}),
    (
        "grafana-dashboard.json",
        "a key of another cell's type",
        "panels/1/fieldConfig/defaults/custom/cellOptions",
        {"type": "pill", "mode": "basic"},
    ),
    (
        "grafana-dashboard.json",
        "an override of a field option that the panel hasn't",
        "panels/1/fieldConfig/overrides/0/properties/0/id",
        "custom.lineWidth",
    ),
    (
        "grafana-dashboard.json",
        "an override with a value of the wrong type",
        "panels/0/fieldConfig/overrides/0/properties/1/value",
        "thick",
    ),
    (
        "grafana-dashboard.json",
        "a base threshold that is the word null",
        "panels/0/fieldConfig/defaults/thresholds/steps/0/value",
        "null",
    ),
    (
        "grafana-dashboard.json",
        "a mapping with the options of another type",
        "panels/0/fieldConfig/defaults/mappings/0",
        {"type": "regex", "options": {"match": "null", "result": {}}},
    ),
    ("grafana-dashboard.json", "a data source by its name alone", "panels/0/datasource", "Prometheus"),
    ("grafana-dashboard.json", "a target's data source by its name alone", "panels/0/targets/0/datasource", "Loki"),
    ("grafana-dashboard.json", "a target without a refId", "panels/0/targets/0", {"expr": "up"}),
    ("grafana-dashboard.json", "a panel's link without a url", "panels/0/links/0", {"title": "Runbook"}),
    ("grafana-dashboard.json", "an unknown key in a field's link", "panels/0/fieldConfig/defaults/links/0/href", "/"),
    ("grafana-dashboard.json", "a panel wider than the page", "panels/0/gridPos/w", 25),
    ("grafana-dashboard.json", "a panel that begins beside the page", "panels/0/gridPos/x", 24),
    ("grafana-dashboard.json", "null where a key should be left out", "panels/0/description", None),
    ("grafana-dashboard.json", "a hook of Grafana's own pages", "panels/5/options/onClickFilterLabel", "f"),
    ("grafana-dashboard.json", "targets on a row", "panels/13/targets", []),
    ("grafana-dashboard.json", "an unknown option of a panel in a row", "panels/13/panels/0/options/colorMod", "value"),
    ("grafana-dashboard.json", "a kind of variable that there isn't", "templating/list/1/type", "label_values"),
    ("grafana-dashboard.json", "an unknown key of a variable", "templating/list/1/useTags", False),
    ("grafana-dashboard.json", "an unknown key of an annotation", "annotations/list/1/expr", "up"),
    ("grafana-dashboard.json", "a time without its end", "time", {"from": "now-6h"}),
    ("grafana-dashboard.json", "an unknown mode of the shared tooltip", "graphTooltip", 3),
    ("crd-prometheusrule-v1.json", "an unknown key of a group", "spec/groups/0/queryOffset", "10s"),
    ("crd-prometheusrule-v1.json", "an unknown key of a rule", "spec/groups/0/rules/1/severity", "page"),
    ("crd-prometheusrule-v1.json", "a duration without a unit", "spec/groups/0/rules/1/for", "2"),
    ("crd-prometheusrule-v1.json", "a label that is a number", "spec/groups/0/rules/1/labels/tier", 1),
    ("crd-prometheusrule-v1.json", "a name that Kubernetes refuses", "metadata/name", "Checkout_SLO"),
    ("crd-prometheusrule-v1.json", "a label of the object that Kubernetes refuses", "metadata/labels/team", "shop/eu"),
    ("crd-prometheusrule-v1.json", "another version of the API", "apiVersion", "monitoring.coreos.com/v1beta1"),
    ("crd-prometheusrule-v1.json", "a status, which is the cluster's", "status", {}),
    ("crd-podmonitor-v1.json", "an unknown key of an endpoint", "spec/podMetricsEndpoints/0/scrapeInterval", "15s"),
    ("crd-podmonitor-v1.json", "a scheme that there isn't", "spec/podMetricsEndpoints/0/scheme", "HTTPS2"),
    (
        "crd-podmonitor-v1.json",
        "a relabelling that replaces nothing",
        "spec/podMetricsEndpoints/0/relabelings/0",
        {"sourceLabels": ["a"]},
    ),
    (
        "crd-podmonitor-v1.json",
        "a hashmod without a modulus",
        "spec/podMetricsEndpoints/0/relabelings/0",
        {"action": "hashmod", "targetLabel": "shard"},
    ),
    ("crd-servicemonitor-v1.json", "an unknown key of the spec", "spec/endpoint", {}),
    ("crd-servicemonitor-v1.json", "a selector of the wrong type", "spec/selector", "istio=pilot"),
    (
        "crd-servicemonitor-v1.json",
        "a labeldrop with more than its regex",
        "spec/endpoints/0/metricRelabelings/0/targetLabel",
        "pod",
    ),
    ("crd-scrapeconfig-v1alpha1.json", "an unknown key of the spec", "spec/interval", "15s"),
    ("crd-scrapeconfig-v1alpha1.json", "the same target twice", "spec/staticConfigs/0/targets", ["a:1", "a:1"]),
    ("crd-alertmanagerconfig-v1alpha1.json", "an unknown key of a nested route", "spec/route/routes/0/match", {}),
    (
        "crd-alertmanagerconfig-v1alpha1.json",
        "a matcher that there isn't",
        "spec/inhibitRules/0/sourceMatch/0/matchType",
        "==",
    ),
    ("crd-alertmanagerconfig-v1alpha1.json", "a webhook without a url", "spec/receivers/0/webhookConfigs/0", {}),
    ("crd-alertmanagerconfig-v1alpha1.json", "a first route without a receiver", "spec/route", {"groupBy": ["a"]}),
    ("crd-alertmanagerconfig-v1alpha1.json", "a label to group by twice", "spec/route/groupBy", ["service", "service"]),
    ("crd-alertmanagerconfig-v1alpha1.json", "all labels and one more to group by", "spec/route/groupBy", ["...", "a"]),
    ("crd-alertmanagerconfig-v1alpha1.json", "a wait without a unit", "spec/route/groupWait", "10"),
    ("crd-telemetry-v1.json", "an unknown key of a trace's settings", "spec/tracing/0/sampling", 5),
    ("crd-telemetry-v1.json", "a metric that there isn't", "spec/metrics/0/overrides/0/match/metric", "REQUESTS"),
    ("crd-telemetry-v1.json", "more than a hundred percent", "spec/tracing/0/randomSamplingPercentage", 101),
    ("crd-telemetry-v1.json", "a selector and targets", "spec/targetRefs", [{"kind": "Gateway", "name": "in"}]),
    (
        "crd-telemetry-v1.json",
        "a tag set without a value",
        "spec/metrics/0/overrides/0/tagOverrides/route",
        {"operation": "UPSERT"},
    ),
    (
        "crd-telemetry-v1.json",
        "a removed tag with a value",
        "spec/metrics/0/overrides/0/tagOverrides/source_app/value",
        "x",
    ),
    ("crd-telemetry-v1.json", "no time between reports", "spec/metrics/0/reportingInterval", "0s"),
    ("crd-telemetry-v1.json", "a wildcard in a selector", "spec/selector/matchLabels/app", "check*"),
    ("crd-opentelemetrycollector-v1beta1.json", "an unknown key of the spec", "spec/nodeselector", {}),
    ("crd-opentelemetrycollector-v1beta1.json", "a mode that there isn't", "spec/mode", "DaemonSet"),
    ("crd-opentelemetrycollector-v1beta1.json", "the configuration as text", "spec/config", "receivers: {}"),
    ("crd-opentelemetrycollector-v1beta1.json", "a component that is null", "spec/config/processors/batch", None),
    ("crd-opentelemetrycollector-v1beta1.json", "a pipeline of no signal", "spec/config/service/pipelines/spans", {}),
    ("crd-opentelemetrycollector-v1beta1.json", "tolerations of a sidecar", "spec/mode", "sidecar"),
    ("otelcol-file_log.json", "a place to start that there isn't", "start_at", "begin"),
    ("otelcol-file_log.json", "an operator that there isn't", "operators/0/type", "cri_parser"),
    ("otelcol-file_log.json", "a misspelt key of an operator", "operators/0/add_metadata_from_file_path", True),
    ("otelcol-file_log.json", "a field in no part of the entry", "operators/2/from", "trace_id"),
    ("otelcol-file_log.json", "a level that there isn't", "operators/1/severity/mapping/critical", "crit"),
    ("otelcol-file_log.json", "an epoch with a layout of letters", "operators/1/timestamp/layout", "%Y"),
    ("otelcol-file_log.json", "a first and a last entry at once", "operators/3/is_last_entry", "true"),
    (
        "otelcol-file_log.json",
        "a header when it starts at the end",
        "header",
        {"pattern": "^#", "metadata_operators": []},
    ),
    ("otelcol-file_log.json", "a size in no unit", "max_log_size", "1 megabyte"),
    ("otelcol-file_log.json", "a duration that is a number", "poll_interval", 200),
    ("otelcol-file_log.json", "nothing to include", "include", []),
    ("otelcol-host_metrics.json", "a scraper that there isn't", "scrapers/gpu", {}),
    (
        "otelcol-host_metrics.json",
        "a metric that its scraper hasn't",
        "scrapers/cpu/metrics/system.cpu.utilisation",
        {},
    ),
    ("otelcol-host_metrics.json", "a setting of another scraper", "scrapers/cpu/cpu_average", True),
    ("otelcol-host_metrics.json", "no scraper at all", "scrapers", {}),
    ("otelcol-kubelet_stats.json", "a way to sign in that there isn't", "auth_type", "token"),
    ("otelcol-kubelet_stats.json", "tls without its files", "auth_type", "tls"),
    ("otelcol-kubelet_stats.json", "a group of metrics that there isn't", "metric_groups/0", "cluster"),
    ("otelcol-kubelet_stats.json", "an unknown metric", "metrics/k8s.pod.cpu.utilisation", {"enabled": True}),
    ("otelcol-load_balancing.json", "a key to route by that there isn't", "routing_key", "trace_id"),
    ("otelcol-load_balancing.json", "two resolvers", "resolver/static", {"hostnames": ["a:4317"]}),
    ("otelcol-load_balancing.json", "an endpoint, which the resolver gives", "protocol/otlp/endpoint", "a:4317"),
    (
        "otelcol-load_balancing.json",
        "a stored queue of a backend",
        "protocol/otlp/sending_queue/storage",
        "file_storage",
    ),
    ("otelcol-load_balancing.json", "attributes to route by another key", "routing_attributes", ["tenant"]),
]


@cache
def read(name: str) -> dict[str, Any]:
    """Return a schema, or the map of panels."""
    schema: dict[str, Any] = json.loads((SCHEMAS / name).read_text(encoding="utf-8"))
    return schema


def complaints(schema: dict[str, Any], document: object) -> list[tuple[str, str]]:
    """Return where and what is wrong."""
    errors = Draft7Validator(schema).iter_errors(document)
    return sorted(("/".join(str(step) for step in error.absolute_path), error.message) for error in errors)


def changed(document: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """Return the document with the value at a place."""
    made: dict[str, Any] = json.loads(json.dumps(document))  # unlike a deep copy, it shares nothing within
    *steps, last = path.split("/")
    holder: Any = made
    for step in steps:
        holder = holder[int(step) if isinstance(holder, list) else step]
    holder[int(last) if isinstance(holder, list) else last] = value
    return made


def within(value: object) -> Iterator[dict[str, Any]]:
    """Give every object in a JSON value."""
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from within(each)


@pytest.mark.parametrize("name", NAMES)
def test_every_schema_is_itself_valid(name: str) -> None:
    schemas = (
        [part for parts in read(name).values() for part in parts.values()] if name == PANEL_PARTS else [read(name)]
    )
    for schema in schemas:
        Draft7Validator.check_schema(schema)


@pytest.mark.parametrize("name", WHOLE)
def test_every_reference_leads_somewhere(name: str) -> None:
    schema = read(name)
    references = {each["$ref"] for each in within(schema) if isinstance(each.get("$ref"), str)}
    assert references == {f"#/definitions/{target}" for target in schema.get("definitions", {})}


def test_every_schema_is_tried_here_and_named_on_the_page_of_origins() -> None:
    page = (SCHEMAS / "ORIGINS.md").read_text(encoding="utf-8")
    assert sorted(GOOD) == WHOLE
    assert [name for name in NAMES if f"`{name}`" not in page] == []


def test_all_schemas_together_are_small_enough_to_ship() -> None:
    assert sum(file.stat().st_size for file in SCHEMAS.iterdir()) < 500_000


@pytest.mark.parametrize("name", WHOLE)
def test_a_good_document_is_accepted(name: str) -> None:
    assert complaints(read(name), GOOD[name]) == []


@pytest.mark.parametrize("name", WHOLE)
def test_an_unknown_key_at_the_top_is_refused(name: str) -> None:
    found = complaints(read(name), {**GOOD[name], "surprise": 1})
    assert [(place, "surprise" in message) for place, message in found] == [("", True)]


@pytest.mark.parametrize("name", [name for name in WHOLE if name.startswith("crd-")])
def test_a_resource_without_a_spec_or_of_another_kind_is_refused(name: str) -> None:
    bare = {key: value for key, value in GOOD[name].items() if key != "spec"}
    assert complaints(read(name), bare)
    assert complaints(read(name), {**GOOD[name], "kind": "ConfigMap"})


@pytest.mark.parametrize(
    ("name", "path", "value"), [pytest.param(*case[:1], *case[2:], id=f"{case[0]}: {case[1]}") for case in WRONG]
)
def test_what_is_wrong_is_refused_at_its_place(name: str, path: str, value: object) -> None:
    places = [place for place, _ in complaints(read(name), changed(GOOD[name], path, value))]
    holder = path.rpartition("/")[0]
    assert places
    # A condition may be said at an object further out, or at the other key that it is about.
    assert [place for place in places if not path.startswith(place) and not place.startswith(holder)] == []


def test_each_mistake_in_a_dashboard_gets_few_answers() -> None:
    for name, what, path, value in WRONG:
        if name == "grafana-dashboard.json":
            assert 0 < len(complaints(read(name), changed(GOOD[name], path, value))) <= 2, what


@pytest.mark.parametrize("kind", PANELS)
def test_the_parts_of_each_panel_accept_what_it_has_and_refuse_the_rest(kind: str) -> None:
    parts = read(PANEL_PARTS)[kind]
    for part, good in zip(("options", "custom"), PANELS[kind], strict=True):
        assert complaints(parts[part], good) == []
        assert [place for place, _ in complaints(parts[part], {**good, "surprise": 1})] == [""]


@pytest.mark.parametrize("kind", PANELS)
def test_a_dashboard_judges_each_panel_by_its_type(kind: str) -> None:
    good = {"title": "One", "schemaVersion": 42, "panels": [panel(kind, 0)]}
    assert complaints(read("grafana-dashboard.json"), good) == []
    for place in ("panels/0/options", "panels/0/fieldConfig/defaults/custom"):
        found = complaints(read("grafana-dashboard.json"), changed(good, f"{place}/surprise", 1))
        assert [where for where, _ in found] == [place]


def test_the_parts_of_panels_need_no_definitions() -> None:
    assert [each for each in within(read(PANEL_PARTS)) if "$ref" in each] == []


def test_a_panel_of_a_plugin_may_have_any_options_but_no_unknown_key() -> None:
    plugin = {"title": "One", "schemaVersion": 42, "panels": [{"type": "acme-panel", "options": {"any": 1}}]}
    assert complaints(read("grafana-dashboard.json"), plugin) == []
    assert complaints(read("grafana-dashboard.json"), changed(plugin, "panels/0/option", {}))


@pytest.mark.parametrize("value", ["${env:SECONDS}", "1m30s", "0.5s", "0"])
def test_a_duration_of_the_collector_may_come_from_the_environment(value: str) -> None:
    name = "otelcol-host_metrics.json"
    assert complaints(read(name), changed(GOOD[name], "collection_interval", value)) == []


def test_a_sidecar_without_what_is_the_pods_is_accepted() -> None:
    name = "crd-opentelemetrycollector-v1beta1.json"
    sidecar = changed(GOOD[name], "spec/mode", "sidecar")
    del sidecar["spec"]["tolerations"]
    assert complaints(read(name), sidecar) == []
