"""A mesh from Kubernetes manifests, alone and beside telemetry. The manifests are as people write them."""

from __future__ import annotations

from pathlib import Path

import pytest

from meshscope.adapters.memory.metric_store import MemoryMetricStore
from meshscope.build.discovery.declared_calls import calls
from meshscope.build.discovery.manifests import Declared, declared
from meshscope.findings import MeshscopeError
from meshscope.model.model import Model
from meshscope.model.services import DataPlane, Direction
from meshscope.wiring.discover import written
from meshscope.wiring.load import load
from meshscope.wiring.manifests import manifests
from tests.discovery.test_census import THIS, both
from tests.houses import House

SHOP = """\
apiVersion: v1
kind: Service
metadata: {name: checkout, namespace: shop}
spec:
  selector: {app: checkout}
  ports: [{name: grpc, port: 5050}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: checkout-v1, namespace: shop}
spec:
  replicas: 3
  selector: {matchLabels: {app: checkout}}
  template:
    metadata: {labels: {app: checkout, version: v1}}
    spec:
      containers:
        - name: server
          args: ["--fraud=fraud.risk.svc.cluster.local:9000"]
          env:
            - {name: LEDGER_ADDR, value: "ledger:8080"}
            - {name: CART_URL, value: "http://cart.shop:7070/v1?timeout=3s"}
            - {name: CARDS, value: "https://api.cards.example"}
            - {name: MODE, value: ledger}
            - {name: SECRET, valueFrom: {secretKeyRef: {name: a, key: b}}}
---
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: Service
    metadata: {name: ledger, namespace: shop}
    spec: {selector: {app: ledger}, ports: [{name: http, port: 8080}]}
  - apiVersion: apps/v1
    kind: StatefulSet
    metadata: {name: ledger, namespace: shop}
    spec:
      template:
        metadata: {labels: {app: ledger}}
        spec: {containers: [{name: server, env: [{name: REDIS_HOST, value: redis}]}]}
  - apiVersion: autoscaling/v2
    kind: HorizontalPodAutoscaler
    metadata: {name: ledger, namespace: shop}
    spec: {minReplicas: 4, maxReplicas: 9, scaleTargetRef: {kind: StatefulSet, name: ledger}}
---
apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop, labels: {istio.io/use-waypoint: waypoint}}
spec: {selector: {app: cart}, ports: [{port: 7070}]}
---
apiVersion: v1
kind: Service
metadata: {name: redis, namespace: shop}
spec: {selector: {app: redis}, ports: [{name: tcp-redis, port: 6379}]}
---
apiVersion: v1
kind: Service
metadata: {name: fraud, namespace: risk}
spec: {selector: {app: fraud}, ports: [{name: http, port: 9000}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: fraud, namespace: risk}
spec:
  template:
    metadata: {labels: {app: fraud}}
    spec: {containers: [{name: server}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: nightly, namespace: risk}
spec:
  template:
    metadata: {labels: {app: nightly}}
    spec: {containers: [{name: job}]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: fraud, namespace: risk}
spec:
  podSelector: {matchLabels: {app: fraud}}
  ingress:
    - from: [{podSelector: {matchLabels: {app: nightly}}}]
    - from:
        - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}
          podSelector: {matchLabels: {app: ledger}}
    - from: [{namespaceSelector: {matchLabels: {team: unknown}}}, {podSelector: {}}]
---
apiVersion: networking.istio.io/v1
kind: ServiceEntry
metadata: {name: cards, namespace: shop}
spec: {hosts: [api.cards.example, "*.saas.example"], location: MESH_EXTERNAL}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: shop, namespace: shop}
spec: {selector: {istio: ingressgateway}, servers: []}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: shop, namespace: shop}
spec:
  hosts: [shop.example]
  gateways: [shop]
  http: [{route: [{destination: {host: checkout}}]}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: front, namespace: edge}
spec: {gatewayClassName: istio}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart, namespace: shop}
spec:
  parentRefs: [{name: front, namespace: edge}]
  rules: [{backendRefs: [{name: cart, port: 7070}]}]
---
apiVersion: example.org/v1
kind: Widget
metadata: {name: w}
"""


def told(folder: Path, text: str = SHOP) -> Declared:
    folder.mkdir(exist_ok=True)
    (folder / "all.yaml").write_text(text)
    return declared(manifests(folder)[0])


def model(house: Path) -> Model:
    read = load(house, None)
    assert read.model is not None, read.findings
    return read.model


def test_a_folder_of_manifests_becomes_a_house_that_builds(tmp_path: Path) -> None:
    told(tmp_path / "deploy")
    ended = House(tmp_path).run("new", "acme", "--from", "deploy", status=0)
    assert "acme: read from the manifests in deploy" in ended.stdout
    found = model(tmp_path / "acme")
    services = {f"{one.namespace}/{one.name}": one for one in found.services}
    assert set(services) == {"shop/checkout", "shop/ledger", "shop/cart", "shop/redis", "risk/fraud", "risk/nightly"}
    checkout, ledger = services["shop/checkout"], services["shop/ledger"]
    assert (checkout.replicas, checkout.workload, checkout.stateful) == (3, "checkout-v1", False)
    assert (ledger.replicas, ledger.workload, ledger.stateful) == (4, "", True)
    assert services["shop/cart"].dataplane is DataPlane.WAYPOINT
    assert {name for name, one in services.items() if not one.expects_traffic} == {
        "shop/redis", "risk/nightly", "shop/cart",
    }  # fmt: skip
    assert {(one.namespace, one.name, one.direction) for one in found.gateways} == {
        ("istio-system", "istio-ingressgateway", Direction.INGRESS), ("edge", "front", Direction.INGRESS),
    }  # fmt: skip
    assert {one.host for one in found.externals} == {"api.cards.example", "*.saas.example"}
    assert {(str(caller), str(callee)) for caller, callee in found.calls} == {
        ("shop/checkout", "shop/ledger"),
        ("shop/checkout", "shop/cart"),
        ("shop/checkout", "risk/fraud"),
        ("shop/checkout", "api-cards-example"),
        ("shop/ledger", "shop/redis"),
        ("shop/ledger", "risk/fraud"),
        ("risk/nightly", "risk/fraud"),
        ("istio-system/istio-ingressgateway", "shop/checkout"),
        ("edge/front", "shop/cart"),
    }
    assert "`Widget`" in ended.stderr
    assert "service `shop/cart` selects no workload" in ended.stderr
    House(tmp_path / "acme").run("build", status=0)


def test_telemetry_and_manifests_meet_by_namespace_and_name(tmp_path: Path) -> None:
    told(tmp_path / "deploy")
    store = MemoryMetricStore(
        counters=[*both("shop/checkout", "shop/ledger"), *both("shop/ledger", "shop/legacy")], this=THIS
    )
    report = written(store, "memory", "acme", tmp_path / "acme", manifests=tmp_path / "deploy", provider="istio")
    found = model(tmp_path / "acme")
    services = {f"{one.namespace}/{one.name}": one for one in found.services}
    ledger = services["shop/ledger"]
    # How it is used comes from telemetry, what it is made of from its manifest.
    assert (str(ledger.volume), ledger.replicas, ledger.stateful, bool(ledger.slos)) == ("10/s", 4, True, True)
    assert {note.subject for note in report.notes if note.code == "discover/undeclared"} == {"shop/legacy"}
    assert not services["risk/fraud"].expects_traffic
    assert "risk/fraud" in {note.subject for note in report.notes if note.code == "discover/never-called"}
    assert {("ledger", "legacy"), ("checkout", "fraud")} <= {
        (caller.name, callee.name) for caller, callee in found.calls
    }
    assert "and the manifests in" in report.text


def test_a_word_that_happens_to_be_a_service_is_no_call(tmp_path: Path) -> None:
    """MODE=ledger is no address: without the one that is, and the policies, nobody calls ledger."""
    assert (("shop", "checkout"), ("shop", "ledger")) in calls(told(tmp_path / "with", SHOP))
    assert (("shop", "checkout"), ("shop", "ledger")) not in calls(
        told(tmp_path / "without", SHOP.replace('"ledger:8080"', '"true"'))
    )


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("kind: Service\nmetadata:\n  name: {{ .Values.name }}\n", "discover/template", 3),
        ("kind: Service\nmetadata: {name: a\n", "discover/bad-manifest", 3),
        ("kind: Service\nmetadata: {name: *nobody}\n", "discover/bad-manifest", 2),
        ("kind: Service\nmetadata: {? [a] : b}\n", "discover/bad-manifest", 2),
        ("kind: Service\na: &a [*a]\n", "discover/bad-manifest", 1),
        ("{{- if .Values.on }}\nkind: Service\n{{- end }}\n", "discover/template", 1),
        ('kind: Service\nmetadata:\n  name: "{{ .Values.name }}"\n', "discover/template", 3),
        ('kind: List\nitems:\n- {kind: Pod}\n- kind: Pod\n  spec: {a: "{{ b }}"}\n', "discover/template", 5),
        (
            "kind: Pod\nspec:\n  containers:\n    - args: ['{{ .Values.a }}']\n",
            "discover/template",
            4,
        ),
    ],
)
def test_what_can_not_be_read_is_told_with_its_place(tmp_path: Path, text: str, code: str, line: int) -> None:
    (tmp_path / "good.yaml").write_text(SHOP)
    (tmp_path / "bad.yaml").write_text(text)
    documents, findings = manifests(tmp_path)
    assert len(documents) > 10
    ((found_code, place),) = [(finding.code, finding.place) for finding in findings]
    assert found_code == code
    assert place is not None
    assert (Path(place.path).name, place.line) == ("bad.yaml", line)


@pytest.mark.parametrize(
    "text",
    [
        "3\n",
        "kind: [1]\n",
        "kind: Service\nspec: 3\nmetadata: []\n",
        "kind: Deployment\nspec: {replicas: yes}\n",
        "kind: Service\nmetadata: {name: 2026-01-01, namespace: 5}\nspec: {ports: 5, selector: [a]}\n",
        "kind: NetworkPolicy\nspec: {ingress: {from: 3}, podSelector: 1}\n",
        "kind: Service\nspec: {a: !!bool maybe, b: !!int '', c: !!float x, d: !!timestamp y, e: !vault z}\n",
        "kind: Service\nspec: {a: 2024-13-45, b: !!set [c], d: !!binary é, e: !!omap 3}\n",
    ],
)
def test_a_manifest_may_hold_anything(tmp_path: Path, text: str) -> None:
    told(tmp_path, f"{SHOP}---\n{text}")


MESSAGES = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: alertmanager, namespace: shop}
data:
  slack.tmpl: |
    {{ define "slack.title" }}{{ .CommonLabels.alertname }}{{ end }}
  chart: "{{ include \\"x\\" .Values }}"
---
"""
OWN = """\
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: shipper, namespace: shop, labels: {app: shipper}}
spec:
  template:
    metadata:
      labels: {app: shipper}
      annotations: {vault.hashicorp.com/agent-inject-template-a: '{{ with secret "a" }}{{ .Data.b }}{{ end }}'}
    spec: {containers: [{name: s, args: ["--format={{ .Name }}"], env: [{name: CART, value: "http://cart.shop:7070"}]}]}
"""


def test_texts_of_other_programs_within_a_rendered_file_are_no_template(tmp_path: Path) -> None:
    """A message of Alertmanager's in a ConfigMap leaves the services beside it where they are."""
    told(tmp_path / "deploy", MESSAGES + SHOP + OWN)
    documents, findings = manifests(tmp_path / "deploy")
    assert findings == ()
    plain = told(tmp_path / "plain", SHOP)
    found = declared(documents)
    assert set(found.services) == set(plain.services)
    assert (("shop", "shipper"), ("shop", "cart")) in calls(found)


def test_a_template_beside_finished_objects_is_left_out_alone(tmp_path: Path) -> None:
    tmpl = 'kind: Service\nmetadata: {name: "{{ .Values.name }}"}\n---\nkind: Pod\nmetadata: {name: {{ name }}}\n---\n'
    (tmp_path / "all.yaml").write_text(tmpl + SHOP)
    documents, findings = manifests(tmp_path)
    assert set(declared(documents).services) == set(told(tmp_path / "plain", SHOP).services)
    assert [(one.code, one.place and one.place.line) for one in findings] == [
        ("discover/template", 2), ("discover/template", 5),
    ]  # fmt: skip


def test_of_two_keys_the_last_wins_as_for_who_applies_it(tmp_path: Path) -> None:
    twice = "apiVersion: v1\nkind: Service\nmetadata: {name: a, labels: {b: c, b: c}, name: twice, namespace: shop}\n"
    assert ("shop", "twice") in told(tmp_path, twice).services


def test_a_folder_without_a_service_is_refused(tmp_path: Path) -> None:
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy" / "chart.yaml").write_text("a: {{ .Values.b }}\n")
    with pytest.raises(MeshscopeError) as caught:
        written(None, "", "acme", tmp_path / "acme", manifests=tmp_path / "deploy")
    assert caught.value.finding.code == "discover/no-manifest"
    assert not (tmp_path / "acme").exists()
