"""A mesh of several clusters: where each service is, what each build sees, and who is told of an outage in one."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from meshscope.build.options import Options
from meshscope.findings import DefinitionError
from meshscope.model.alerting import Severity
from meshscope.model.mesh import Environment, Mesh
from meshscope.model.model import Definitions, Model, resolve
from meshscope.model.modes import Mode
from meshscope.model.one_cluster import in_cluster
from meshscope.model.people import Owner
from meshscope.model.services import Calls, DataPlane, Direction, Gateway, Service
from meshscope.model.slo import SLO, Availability, Latency, Side
from meshscope.model.units import days, ms, percent
from tests.houses import PEOPLE, House
from tests.rules.conftest import Proof, boutique, promtool, proof  # noqa: F401
from tests.rules.playing import Play, to

OWNER = Owner(name="web", issues="github:web/web")
AVAILABLE = SLO(name="availability", of=Availability(), objective=99.9 * percent, over=30 * days)
AT_SERVER = SLO(name="served", of=Availability(), objective=99 * percent, over=30 * days, side=Side.SERVER)
BOTH = ("eu-1", "us-1")


def service(name: str, *clusters: str, **more: object) -> Service:
    return Service(name=name, namespace="web", owner=OWNER, clusters=clusters, slos=(AVAILABLE,), **more)  # type: ignore[arg-type]


FRONT = service("front")
CART = service("cart")
# Runs in us-1 alone, and is called from both.
LEDGER = replace(service("ledger", "us-1", mode=Mode.ACT), slos=(AVAILABLE, AT_SERVER))
INGRESS = Gateway(name="ingress", namespace="istio-system", direction=Direction.INGRESS)


def resolved(
    mesh: Mesh, *services: Service, environment: Environment | None = None, calls: Calls | None = None
) -> Model:
    model, findings = resolve(
        Definitions(
            meshes=(mesh,),
            environments=(environment,) if environment else (),
            services=services,
            gateways=(INGRESS,),
            calls=(calls or Calls({INGRESS: (FRONT,), FRONT: (CART, LEDGER)}),),
        ),
        environment.name if environment else None,
    )
    assert model is not None
    assert findings == []
    return model


def two() -> Model:
    return resolved(Mesh(name="shop", provider="istio", clusters=BOTH), FRONT, CART, LEDGER)


def where(model: Model) -> set[tuple[str, str]]:
    return {(one.cluster, one.name) for one in model.services}


def test_a_service_is_in_every_cluster_unless_it_says_otherwise() -> None:
    model = two()
    running = {(one.cluster, one.name) for one in model.services if one.identity not in model.elsewhere}
    assert running == {("eu-1", "front"), ("us-1", "front"), ("eu-1", "cart"), ("us-1", "cart"), ("us-1", "ledger")}
    assert {gateway.cluster for gateway in model.gateways} == set(BOTH)


def test_a_call_across_clusters_counts_where_its_caller_is() -> None:
    model = two()
    (seen,) = [one for one in model.services if one.identity in model.elsewhere]
    assert (seen.cluster, seen.name, seen.mode, seen.expects_traffic) == ("eu-1", "ledger", Mode.OBSERVE, False)
    assert [slo.name for slo in seen.slos] == ["availability"], "what only the server sees is seen where it runs"
    assert {(a.cluster, a.name, b.cluster, b.name) for a, b in model.calls} == {
        (cluster, caller, cluster, callee)
        for cluster in BOTH
        for caller, callee in (("ingress", "front"), ("front", "cart"), ("front", "ledger"))
    }


def test_what_a_waypoint_reports_counts_where_the_waypoint_is() -> None:
    behind = replace(LEDGER, slos=(AVAILABLE,), dataplane=DataPlane.WAYPOINT)
    mesh = Mesh(name="shop", provider="istio", clusters=BOTH)
    model = resolved(mesh, FRONT, CART, behind, calls=Calls({FRONT: (CART, behind)}))
    assert not model.elsewhere
    assert {(a.cluster, b.cluster) for a, b in model.calls if b.name == "ledger"} == {
        ("eu-1", "us-1"),
        ("us-1", "us-1"),
    }


def test_an_environment_has_clusters_of_its_own_in_which_everything_runs() -> None:
    mesh = Mesh(name="shop", provider="istio", clusters=BOTH)
    several = resolved(mesh, FRONT, CART, LEDGER, environment=Environment(name="staging", clusters=("st-1", "st-2")))
    assert where(several) == {(cluster, name) for cluster in ("st-1", "st-2") for name in ("front", "cart", "ledger")}
    assert not several.elsewhere
    single = resolved(mesh, FRONT, CART, LEDGER, environment=Environment(name="staging", cluster="st-1"))
    assert where(single) == {("st-1", name) for name in ("front", "cart", "ledger")}
    assert (single.mesh.cluster, single.mesh.clusters) == ("st-1", ())
    part = resolved(mesh, FRONT, CART, LEDGER, environment=Environment(name="small", clusters=("us-1",)))
    assert where(part) == {("us-1", name) for name in ("front", "cart", "ledger")}


def test_the_build_of_one_cluster_has_what_runs_there_and_what_is_called_from_there() -> None:
    model, findings = in_cluster(two(), "eu-1")
    assert findings == []
    assert where(model) == {("eu-1", "front"), ("eu-1", "cart"), ("eu-1", "ledger")}
    assert {edge[0].cluster for edge in model.calls} == {"eu-1"}
    assert [gateway.cluster for gateway in model.gateways] == ["eu-1"]
    assert (model.mesh.cluster, model.mesh.clusters) == ("eu-1", ())


def test_a_cluster_that_nobody_names_is_said_wherever_it_stands() -> None:
    # Before, a second cluster was taken, found clean, and wrong for ever: none of its series had its label.
    lost = Service(name="lost", namespace="web", cluster="us-1", owner=OWNER)
    for mesh in (Mesh(name="shop", provider="istio", cluster="eu-1"), Mesh(name="shop", provider="istio")):
        _, findings = resolve(Definitions(meshes=(mesh,), services=(lost,)), None)
        assert [finding.code for finding in findings] == ["mesh/unknown-cluster"]
    _, (finding,) = in_cluster(two(), "ap-1")
    assert finding.code == "mesh/unknown-cluster"
    for wrong in ({"cluster": "a", "clusters": ("a", "b")}, {"clusters": ("a", "a")}, {"clusters": (1,)}):
        with pytest.raises(DefinitionError, match="clusters"):
            Mesh(name="shop", provider="istio", **wrong)  # type: ignore[arg-type]


def house(folder: Path) -> House:
    mesh = (
        '"""A shop."""\n\nfrom meshscope import Mesh\nfrom services.people import payments\n\n'
        'mesh = Mesh(name="shop", provider="istio", clusters=("eu-1", "us-1"), owner=payments)\n'
    )
    people = PEOPLE.replace('namespace="shop", owner', 'namespace="shop", clusters=("us-1",), owner')
    return House(folder).write({"mesh.py": mesh, "services/people.py": people})


def test_a_tree_is_for_one_prometheus_and_build_asks_for_which(tmp_path: Path) -> None:
    made = house(tmp_path)
    assert "mesh/which-cluster" in made.run("build", status=1).stderr
    said = made.run("build", "--cluster", "ap-1", status=1).stderr
    assert "mesh/unknown-cluster" in said
    assert "mesh/which-cluster" not in said, "one was named"
    assert made.run("build", "--cluster", "eu-1", "--global", status=2)
    for cluster in BOTH:
        made.run("build", "--cluster", cluster, status=0)
        text = (tmp_path / f"build/mesh-{cluster}/prometheus/prometheus.yaml").read_text()
        assert yaml.safe_load(text)["global"]["external_labels"]["cluster"] == cluster
        constants = (tmp_path / f"build/mesh-{cluster}/prometheus/rules/objectives.yaml").read_text()
        assert ('"service": "ledger"' in constants) is (cluster == "us-1")
    assert "nothing changed" in made.run("build", "--cluster", "us-1", status=0).stdout


def test_the_build_for_one_prometheus_over_all_scrapes_no_mesh_and_sets_no_cluster(tmp_path: Path) -> None:
    made = house(tmp_path)
    made.run("build", "--global", status=0)
    document = yaml.safe_load((tmp_path / "build/mesh-global/prometheus/prometheus.yaml").read_text())
    assert "cluster" not in document["global"]["external_labels"]
    assert not {job["job_name"] for job in document["scrape_configs"]} & {"mesh-proxies", "collectors"}
    assert '"cluster": "us-1"' in (tmp_path / "build/mesh-global/prometheus/rules/objectives.yaml").read_text()
    assert "`eu-1`, `us-1`" in (tmp_path / "build/mesh-global/README.md").read_text()
    made.run("build", "--global", "--emit", "operator", status=0)
    assert not list((tmp_path / "build/mesh-global").rglob("*monitors*"))


@pytest.mark.engines("promtool")
@pytest.mark.parametrize("emit", ["eu-1", "global"])
def test_an_outage_in_one_cluster_is_told_of_that_cluster_alone(
    engine: Callable[[str], Path], tmp_path: Path, emit: str
) -> None:
    model = replace(two(), alerts=boutique().alerts)
    model = model if emit == "global" else in_cluster(model, emit)[0]
    inputs = []
    for cluster in BOTH:
        good = {"cluster": cluster, "pod": f"front-{cluster}"}
        failing = "0+60x160" if cluster == "eu-1" else "0+0x160"
        inputs += [
            to("cart", "0+60x160" if cluster == "us-1" else "0+0x160", **good),
            to("cart", failing, **good, response_code="503", response_flags="UF"),
            # Called from both clusters, it fails for those of eu-1, where it does not run.
            to("ledger", "0+60x160" if cluster == "us-1" else "0+0x160", **good),
            to("ledger", failing, **good, response_code="503", response_flags="UF"),
            to("front", "0+60x160", **good, source_workload="ingress"),
        ]
    paging = 'count by (cluster, service, owner) (ALERTS{alertname="ErrorBudgetBurn",alertstate="firing",long="1h"})'
    ratio = 'slo:errors:ratio_rate5m{service="ledger",slo="availability"}'
    everywhere = {f'{{cluster="eu-1",service="{name}",owner="web"}}': 1.0 for name in ("cart", "ledger")}
    named = 'slo:errors:ratio_rate5m{{cluster="{}",namespace="web",service="ledger",slo="availability"}}'
    counted = {named.format("eu-1"): 1.0} | ({named.format("us-1"): 0.0} if emit == "global" else {})
    Play(
        model=model,
        inputs=inputs,
        expected={(paging, "30m"): everywhere, (ratio, "30m"): counted},
        options=Options(everywhere=emit == "global"),
    ).run(engine("promtool"), tmp_path)


@pytest.mark.engines("promtool")
@pytest.mark.parametrize("cluster", ["eu-staging", "eu-1"])
def test_two_environments_in_one_prometheus_tell_of_their_own_alone(
    engine: Callable[[str], Path], tmp_path: Path, cluster: str
) -> None:
    mesh = Mesh(name="shop", provider="istio", cluster="eu-1")
    quick = SLO(name="latency", of=Latency(under=250 * ms), objective=99 * percent, over=30 * days)
    front, cart = (replace(one, slos=(AVAILABLE, quick)) for one in (FRONT, CART))
    production = resolved(mesh, front, cart, calls=Calls({INGRESS: (front,), front: (cart,)}))
    tested = [replace(one, namespace="test") for one in (front, cart)]
    capped = Environment(name="staging", cluster=cluster, max_severity=Severity.TICKET)
    staging = resolved(mesh, *tested, environment=capped, calls=Calls({tested[0]: (tested[1],)}))
    there = {"cluster": cluster, "instance": "10.0.0.2:15090", "destination_service_namespace": "test"}
    inputs = [
        to("cart", "0+60x160", cluster="eu-1"),
        to("front", "0+60x160", cluster="eu-1", source_workload="ingress"),
        to("cart", "0+60x160", **there, response_code="503", response_flags="UF"),
    ]
    for bound in ("250", "+Inf"):
        inputs += [
            to(name, "0+60x160", "istio_request_duration_milliseconds_bucket", cluster="eu-1", le=bound, **more)
            for name, more in (("cart", {}), ("front", {"source_workload": "ingress"}))
        ]
    ours = 'alertname=~"ErrorBudgetBurn|Outage|IndicatorAbsent"'
    told = f'group by (environment, cluster, namespace) (ALERTS{{alertstate="firing",{ours}}})'
    whose = "group by (environment, namespace) (service:info)"
    failing = {f'{{cluster="{cluster}",environment="staging",namespace="test"}}': 1.0}
    known = {'{environment="production",namespace="web"}': 1.0, '{environment="staging",namespace="test"}': 1.0}
    Play(
        model=production,
        beside=[staging],
        inputs=inputs,
        expected={(told, "30m"): failing, (whose, "30m"): known},
    ).run(engine("promtool"), tmp_path)


@pytest.mark.engines("promtool")
@pytest.mark.parametrize("tests", ["error_budget_burn", "lone_failing_instance"])
def test_a_label_on_constants_that_nobody_knows_breaks_no_join(promtool: Callable[..., object], tests: str) -> None:  # noqa: F811
    whole = proof(boutique())
    constants = yaml.safe_load(whole.files["tests/mesh/synthetic.yaml"])
    for group in constants["groups"]:
        for rule in group["rules"]:
            rule["labels"] = {**rule.get("labels", {}), "ruler_replica": "thanos-0"}
    more = Proof({**whole.files, "tests/mesh/synthetic.yaml": yaml.safe_dump(constants)})
    done = promtool(more, f"{tests}.yaml")
    assert done.returncode == 0, done.stdout + done.stderr  # type: ignore[attr-defined]


def scraped(cluster: str, values: str, new: str, **labels: str) -> list[dict[str, str]]:
    """Requests to ``cart`` from ``cluster``, and how many series of their target are new; both clusters' pods have
    one address."""
    target = {"cluster": cluster, "job": "mesh-proxies", "instance": "10.244.1.5:15090"}
    written = ",".join(f'{name}="{text}"' for name, text in target.items())
    said = (("scrape_series_added", new), ("scrape_samples_post_metric_relabeling", "100x480"))
    return [
        to("cart", values, **target, **labels),
        *({"series": f"{name}{{{written}}}", "values": text} for name, text in said),
    ]


@pytest.mark.engines("promtool")
def test_pods_of_two_clusters_with_one_address_are_two_targets(engine: Callable[[str], Path], tmp_path: Path) -> None:
    """Samples are 15 s apart for two hours. After one, another cluster's old failures arrive: those are not new."""
    failing = {"response_code": "503", "response_flags": "UF"}
    errors = 'round(sum by (cluster) (sum_over_time(slo:errors:rate5m{service="cart"}[2h]) * 30))'
    paging = 'count by (cluster) (ALERTS{alertstate="firing",severity="page",service="cart"})'
    inputs = [
        *scraped("eu-1", "0+150x480", "0x480"),
        *scraped("us-1", "_x240 0+150x240", "_x240 0x240"),
        to("cart", "_x240 500x240", cluster="us-1", instance="10.244.1.5:15090", **failing),
    ]
    Play(
        model=two(),
        inputs=inputs,
        expected={(errors, "2h"): {'{cluster="eu-1"}': 0, '{cluster="us-1"}': 0}, (paging, "65m"): {}},
        options=Options(everywhere=True),
    ).run(engine("promtool"), tmp_path)
    # What a target does that is there counts, whatever the other cluster's does.
    inputs += [to("cart", "_x300 1000x180", cluster="eu-1", instance="10.244.1.5:15090", **failing)]
    Play(
        model=two(),
        inputs=inputs,
        expected={(errors, "2h"): {'{cluster="eu-1"}': 1000, '{cluster="us-1"}': 0}},
        options=Options(everywhere=True),
    ).run(engine("promtool"), tmp_path)
