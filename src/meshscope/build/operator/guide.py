"""The README.md of a tree of Kubernetes objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from meshscope.artefacts.artefacts import Artefacts
from meshscope.artefacts.objects import KubernetesObject
from meshscope.build.alertmanager import credentials
from meshscope.build.fragment import secret_name as alerting_secret
from meshscope.build.guide import ABOUT_THE_TREE, CONTACTS, RUNBOOKS, head, over_all, stack, table
from meshscope.build.operator.collectors import from_secret, secret_files
from meshscope.build.operator.collectors import secret_name as collectors_secret
from meshscope.build.operator.telemetry import mesh_config
from meshscope.build.options import Options
from meshscope.build.prometheus import flags, is_pushed
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider

_APPLY = """\
Apply `objects/` as it is, on the server's side, since some objects are too large for the annotation that the client's
side would keep:

    kubectl apply --server-side -R -f objects/

{table}
{about}
## Who is told

Choose one of two, never both:

- `alertmanager/alertmanagerconfig.yaml`, an object. Its routes see only alerts whose label `namespace` is
  `{namespace}`, unless the Alertmanager says `alertmanagerConfigMatcherStrategy: {{type:
  OnNamespaceExceptForAlertmanagerNamespace}}` and runs in that namespace. What it takes goes on to the Alertmanager's
  own routes too: let its default be a receiver that tells nobody.
- `alertmanager/fragment.yaml`, to merge into an existing `alertmanager.yaml`. It reads credentials as files: name
  Secret `{alerting}` in the Alertmanager's `secrets`.

Secret `{alerting}` in namespace `{namespace}` holds:

{contacts}
"""
# kubectl prunes what has the annotation last-applied-configuration, which applying on the server's side never writes:
# kubernetes/kubectl pkg/cmd/apply/prune.go.
_PRUNED = """\
## What is no longer built

Applying deletes nothing: an alert that was taken out goes on until its object is gone. Argo CD and Flux delete it where
their `prune` is on. kubectl's own `--prune` does not see objects that the server's side applied; list them,

    kubectl get {kinds} -A -l app.kubernetes.io/managed-by=meshscope,app.kubernetes.io/part-of={mesh}

and delete what stands in no file of `objects/`.
"""
_TELEMETRY = """\
## What every proxy tells

`objects/mesh/telemetry.yaml` is Telemetry `{namespace}/mesh-default`, for the whole mesh. Istio heeds one such object
in its root namespace, so that it replaces the mesh's own. Look first (`kubectl get telemetries -n {namespace}`), write
what else yours says (tags, other providers) into this one, and delete yours if it has another name. Where it has the
same name, applying stops at a conflict, and `--force-conflicts` replaces it.
"""
# Lists are replaced and not merged by Helm and by IstioOperator: https://helm.sh/docs/chart_template_guide/values_files/.
_MESH_CONFIG = """\
`mesh/meshconfig.yaml` is no object. Merge it into Istio's MeshConfig (`meshConfig` in Helm's values or in an
IstioOperator, `mesh` in ConfigMap `{namespace}/istio`) before the Telemetry object is applied, which names its
providers. A list replaces a list there: write these `extensionProviders` beside those that you have.
"""
_PROMETHEUS = """\
## What Prometheus must say

- `retention: {retention}` or more: budgets are counted over that time.
{pushed}- no `enforcedNamespaceLabel`, or `excludedFromEnforcement` for these PrometheusRules: it would write its own
  namespace into every rule, and none would find a service.
- it scrapes itself and each Alertmanager, as the kube-prometheus-stack has them do: the alerts that rules fail or are
  late, and that people can't be told, read what those say.
- selectors for rules, pod monitors and scrape configs that match {labels}.
- {account} as its service account, which `objects/access/` allows to find pods where it scrapes, nowhere else.
"""
_PUSHED = """\
- `enableOTLPReceiver: true`, `tsdb.outOfOrderTimeWindow: {window}`, and in `otlp.promoteResourceAttributes` what
  becomes labels of the metrics that collectors push: {attributes}.
"""
_GIVEN = """\
## What collectors must be given

Secret `{secret}` in namespace `{namespace}` holds the variables that they read, and the files that they see in
`/etc/otelcol/secrets`:

{lines}
"""


def operator_guide(
    model: Model,
    provider: MeshProvider,
    artefacts: Artefacts,
    options: Options,
    objects: Sequence[KubernetesObject],
) -> str:
    """What each folder is for, how to apply it and what it replaces, and what must be there first."""
    mesh = model.mesh
    rows = [
        ("`objects/rules/`", "PrometheusRule: `" + f"{mesh.name}-static-*` hold constants, the others query"),
        ("`objects/monitors/`", "PodMonitor and ScrapeConfig: what Prometheus scrapes"),
        ("`objects/access/`", "Role and RoleBinding: where Prometheus may find pods"),
        ("`objects/dashboards/`", "ConfigMap: dashboards, for Grafana's sidecar (label `grafana_dashboard`)"),
    ]
    if artefacts.collectors:
        rows.append(("`objects/collectors/`", "OpenTelemetryCollector, with its account and rights"))
    if provider.name == "istio":
        rows.append(("`objects/mesh/`", "Telemetry: what every proxy tells"))
    contacts = "\n".join(f"- `{path.rpartition('/')[2]}`" for path in credentials(artefacts.alertmanager))
    applied = _APPLY.format(
        table=table(("folder", "what"), [*rows, ("`runbooks/`", f"{RUNBOOKS}: publish below {mesh.runbooks}")]),
        about=ABOUT_THE_TREE,
        namespace=mesh.monitoring_namespace,
        alerting=alerting_secret(mesh),
        contacts=f"{contacts}\n\n{CONTACTS}",
    )
    prometheus = over_all(model) or _prometheus(model, provider, artefacts, options)
    pruned = _PRUNED.format(kinds=",".join(_kinds(objects)), mesh=mesh.name)
    proxies = _proxies(objects, artefacts, mesh)
    parts = [head(model), applied, pruned, *proxies, prometheus, stack(model), _collectors(artefacts, model)]
    return "\n".join(part for part in parts if part)


def _kinds(objects: Sequence[KubernetesObject]) -> list[str]:
    """The kinds among ``objects`` as kubectl takes them, with their group where they have one."""
    found = {(f"{thing.kind}.{thing.api.partition('/')[0]}" if "/" in thing.api else thing.kind) for thing in objects}
    return sorted(one.lower() for one in found)


def _proxies(objects: Sequence[KubernetesObject], artefacts: Artefacts, mesh: Mesh) -> Iterator[str]:
    if any(thing.kind == "Telemetry" for thing in objects):
        yield _TELEMETRY.format(namespace=mesh.istio_namespace)
        if mesh_config(artefacts.collectors, mesh):
            yield _MESH_CONFIG.format(namespace=mesh.istio_namespace)


def _prometheus(model: Model, provider: MeshProvider, artefacts: Artefacts, options: Options) -> str:
    mesh = model.mesh
    pushed = ""
    document = artefacts.prometheus.document
    if is_pushed(model, provider) and flags(model, provider, options):
        otlp, storage = document["otlp"], document["storage"]
        pushed = _PUSHED.format(
            window=storage["tsdb"]["out_of_order_time_window"],  # type: ignore[index]
            attributes=", ".join(f"`{name}`" for name in otlp["promote_resource_attributes"]),  # type: ignore[index]
        )
    labels = ", ".join(f"`{name}: {value}`" for name, value in mesh.monitoring_labels.items()) or "all labels"
    return _PROMETHEUS.format(
        retention=options.duration(mesh.retention), pushed=pushed, labels=labels, account=f"`{mesh.prometheus_account}`"
    )


def _collectors(artefacts: Artefacts, model: Model) -> str:
    if not artefacts.collectors:
        return ""
    mesh = model.mesh
    tiers = [collector.name for collector in artefacts.collectors]
    keys: dict[str, str] = {}
    for collector in artefacts.collectors:
        keys |= {name: collector.environment[name] for name in from_secret(collector, tiers)}
        keys |= dict.fromkeys(secret_files(collector), "a file")
    lines = "\n".join(f"- `{name}`: {meaning}" for name, meaning in sorted(keys.items()))
    return _GIVEN.format(secret=collectors_secret(mesh), namespace=mesh.monitoring_namespace, lines=lines)
