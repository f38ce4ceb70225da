"""The README.md of a built tree: what each folder is for, how to load it, and what must be there first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from meshscope.artefacts.artefacts import Artefacts
from meshscope.build.alertmanager import DEADMAN_URL, credentials
from meshscope.build.heading import made_from
from meshscope.build.rules.alerting import left_to_stack
from meshscope.model.model import Model

ABOUT_THE_TREE = """\
`manifest.json` has the digest and the origin of each file, `model.json` all that a program needs to know of the mesh,
`detection.txt` how soon each SLO's trouble is told. A build exchanges the whole tree, so that data belongs elsewhere.
"""
CONTACTS = (
    "`pagerduty-*` hold a routing key, `slack-*` the address of an incoming webhook, "
    f"`{DEADMAN_URL}` the address of whoever\nnotices that it is no longer called."
)
RUNBOOKS = "a page for each library alert, to which it links"
_CREDENTIALS = """\
## Credentials

Alertmanager reads each when it sends. Where one is missing its receiver stays silent, and
`alertmanager_notifications_failed_total` counts it.

{files}

{contacts}
"""
_TARGETS_IN_FILES = """\
## Targets

Prometheus scrapes what `prometheus/targets/*.json` list, each a list of
`{"targets": ["127.0.0.1:9000"], "labels": {"namespace": "shop", "pod": "cart-1"}}`. They are yours: the next build
takes them along.
"""
_TARGETS_IN_KUBERNETES = """\
## Targets

Prometheus asks Kubernetes for pods in the namespaces that `prometheus.yaml` lists: its service account must be allowed
to get, list and watch pods there.
"""

_OVER_ALL = """\
## All clusters

These rules are for one Prometheus over the series of {clusters}, as Thanos Ruler and Mimir are: each series has
the label `cluster`, and of replicas one counts (Thanos: `--query.replica-label`; Mimir: its tracker of replicas). It
scrapes none of the mesh, and nothing may set a `cluster` of its own on what it records. The clusters' own Prometheuses
scrape as `build --cluster` says; load its rules there or these here, never both.
"""


def files_guide(model: Model, artefacts: Artefacts, flags: tuple[str, ...]) -> str:
    """The guide to a tree of plain files; ``flags`` are those that Prometheus must be started with."""
    start = "prometheus --config.file=prometheus/prometheus.yaml" + (" @prometheus/flags" if flags else "")
    rows = [
        (
            "`prometheus/`",
            f"what is scraped, and the rules: {_named(file.name for file in artefacts.rules)}",
            f"`{start} --storage.tsdb.path=DATA`",
        ),
        ("`prometheus/tests/`", "unit tests of the rules", "`meshscope test` runs them all"),
        (
            "`alertmanager/`",
            "who is told of what; `templates/` is what they read",
            "`alertmanager --config.file=alertmanager/alertmanager.yaml`, or `meshscope adopt` your own",
        ),
        (
            "`grafana/`",
            "dashboards, and how Grafana finds them",
            "copy all of it into `/etc/grafana/`",
        ),
    ]
    rows.append(("`runbooks/`", RUNBOOKS, f"publish below {model.mesh.runbooks}"))
    if artefacts.collectors:
        tiers = ", ".join(f"`{collector.name}.yaml` (a {collector.mode})" for collector in artefacts.collectors)
        rows.insert(3, ("`collectors/`", f"tiers of collectors: {tiers}", "`otelcol --config=collectors/TIER.yaml`"))
    targets = _TARGETS_IN_FILES if model.mesh.discovery == "files" else _TARGETS_IN_KUBERNETES
    folders = table(("folder", "what", "how to load it"), rows)
    targets = over_all(model) or targets
    parts = [head(model), folders, ABOUT_THE_TREE, secrets(artefacts), targets, stack(model)]
    return "\n".join(part for part in parts if part)


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A table in Markdown."""
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def secrets(artefacts: Artefacts) -> str:
    """The section on the credential files that Alertmanager reads."""
    files = "\n".join(f"- `{path}`" for path in credentials(artefacts.alertmanager))
    return _CREDENTIALS.format(files=files, contacts=CONTACTS)


def over_all(model: Model) -> str:
    """The section on a Prometheus over all clusters; empty where the tree is for one."""
    clusters = ", ".join(f"`{cluster}`" for cluster in model.mesh.clusters)
    return _OVER_ALL.format(clusters=clusters) if clusters else ""


def stack(model: Model) -> str:
    """The section on what the mesh's monitoring stack tells by itself; empty where there is none."""
    told = left_to_stack(model)
    return f"## What is told by {model.mesh.stack}\n\n{told}\n" if told else ""


def head(model: Model) -> str:
    """The title, and that nobody should edit what follows."""
    where = f" in {model.environment}" if model.environment else ""
    return f"# What observes mesh {model.mesh.name}{where}\n\n{made_from([model.mesh.place])}\n"


def _named(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}.yaml`" for name in names)
