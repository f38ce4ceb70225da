"""Where alerts go, judged by amtool on the built configuration."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from alerting_lab import OURS, write

from meshscope.artefacts.yaml import dump
from meshscope.build.alertmanager import ALERTING_FAILING, alertmanager, credentials
from meshscope.build.options import Options
from meshscope.build.receivers import nobody_told
from meshscope.findings import Level
from meshscope.model.model import Model
from meshscope.model.people import Owner

Amtool = Callable[..., subprocess.CompletedProcess]


def with_owners(model: Model, *owners: Owner, **mesh: object) -> Model:
    return replace(model, owners=owners, mesh=replace(model.mesh, **mesh))


@pytest.fixture
def routed(amtool: Amtool, tmp_path: Path) -> Callable[..., list[str]]:
    """The receivers of an alert with some labels, in the order in which they are told; of ours unless said."""

    def receivers(model: Model, *, of: Mapping[str, str] = OURS, **labels: str) -> list[str]:
        path = write(alertmanager(model, Options()), tmp_path)
        pairs = [f"{name}={value}" for name, value in {**of, **labels}.items()]
        answer = amtool("config", "routes", "test", f"--config.file={path}", *pairs)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return answer.stdout.strip().split(",")

    return receivers


@pytest.mark.engines("amtool")
@pytest.mark.parametrize("environment", ["boutique", "staging"])
def test_amtool_accepts_the_configuration_of_each_environment(
    environment: str, amtool: Amtool, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    model = request.getfixturevalue(environment)
    answer = amtool("check-config", str(write(alertmanager(model, Options()), tmp_path)))
    assert answer.returncode == 0, answer.stdout
    assert "4 inhibit rules" in answer.stdout


@pytest.mark.engines("amtool")
def test_two_hundred_owners_fit_into_a_secret_and_each_is_told(
    boutique: Model, amtool: Amtool, routed: Callable[..., list[str]], tmp_path: Path
) -> None:
    owners = tuple(
        Owner(
            name=f"team-{number}",
            issues="github:boutique/shop",
            pager=f"pagerduty:team-{number}",
            chat=f"slack:#team-{number}",
            mail=f"team-{number}@boutique.example",
        )
        for number in range(200)
    )
    model = with_owners(boutique, *owners, *boutique.owners)
    path = write(alertmanager(model, Options()), tmp_path)
    assert amtool("check-config", str(path)).returncode == 0
    assert path.stat().st_size < 512 << 10
    assert routed(model, owner="team-137", severity="page") == ["agent", "team-137-page"]
    assert routed(model, owner="team-137", severity="ticket") == ["agent", "team-137-ticket"]


@pytest.mark.engines("amtool")
def test_each_kind_of_alert_has_its_way(boutique: Model, routed: Callable[..., list[str]]) -> None:
    assert routed(boutique, alertname="Watchdog", severity="none") == ["deadman"]
    assert routed(boutique, alertname="DependencyPaging", severity="none") == ["nobody"]
    assert routed(boutique, owner="payments", severity="page", stage="agent") == ["agent", "nobody"]
    assert routed(boutique, owner="payments", severity="page", stage="page") == ["agent", "payments-page"]
    assert routed(boutique, owner="unowned", severity="page") == ["agent", "platform-page"]
    assert routed(boutique, owner="unowned", severity="ticket") == ["agent", "default"]
    assert routed(boutique, alertname="SomebodyElses") == ["agent", "default"]
    assert routed(boutique, of={}, alertname="Carried", owner="payments", severity="page") == ["agent", "payments-page"]
    every_way = ["agent", "default", "platform-page"]
    assert routed(boutique, alertname=ALERTING_FAILING, owner="platform", severity="page") == every_way


@pytest.mark.engines("amtool")
@pytest.mark.parametrize(
    "of", [{"meshscope": "other", "environment": "production"}, {"meshscope": "boutique", "environment": "staging"}]
)
def test_what_another_mesh_or_environment_sends_here_wakes_nobody_and_reaches_no_agent(
    of: Mapping[str, str], boutique: Model, routed: Callable[..., list[str]]
) -> None:
    for alertname, severity in (("ErrorBudgetBurn", "page"), ("Watchdog", "none"), (ALERTING_FAILING, "page")):
        assert routed(boutique, of=of, alertname=alertname, owner="payments", severity=severity) == ["default"]


@pytest.mark.engines("amtool")
@pytest.mark.parametrize("name", ["MeshscopeAgentSilent", "MeshscopeAgentFailing", "MeshscopeAgentAnything"])
def test_what_is_about_the_agent_goes_to_people_and_not_to_the_agent(
    name: str, boutique: Model, routed: Callable[..., list[str]]
) -> None:
    assert routed(boutique, alertname=name, owner="platform", severity="page") == ["platform-page"]
    assert routed(boutique, alertname=name, owner="platform", severity="ticket") == ["platform-ticket"]


@pytest.mark.engines("amtool")
def test_without_an_agent_people_are_told_all_the_same(boutique: Model, routed: Callable[..., list[str]]) -> None:
    model = replace(boutique, mesh=replace(boutique.mesh, agent=""))
    assert routed(model, owner="payments", severity="page") == ["payments-page"]
    assert routed(model, owner="payments", severity="page", stage="agent") == ["nobody"]


def receiver(model: Model, name: str) -> dict:
    document = yaml.safe_load(dump(alertmanager(model, Options()).document))
    return next(found for found in document["receivers"] if found["name"] == name)


def test_an_owner_without_a_pager_is_written_to_and_the_meshs_owner_is_woken(boutique: Model) -> None:
    quiet = Owner(name="quiet", issues="github:a/b", chat="slack:#quiet")
    model = with_owners(boutique, quiet)
    woken = receiver(model, "quiet-page")
    assert woken["slack_configs"][0]["channel"] == "#quiet"
    assert woken["pagerduty_configs"][0]["routing_key_file"].endswith("/pagerduty-platform-primary")


def test_an_owner_with_only_a_pager_gets_its_tickets_there_without_haste(boutique: Model) -> None:
    model = with_owners(boutique, Owner(name="lone", issues="github:a/b", pager="pagerduty:lone"))
    assert receiver(model, "lone-ticket")["pagerduty_configs"][0]["severity"] == "warning"
    assert receiver(model, "lone-page")["pagerduty_configs"][0]["severity"] == "critical"


@pytest.mark.engines("amtool")
def test_what_an_owner_without_any_way_should_hear_goes_to_the_meshs_owner(
    boutique: Model, routed: Callable[..., list[str]]
) -> None:
    mute = Owner(name="mute", issues="github:a/b", mail="mute@example.org")
    model = with_owners(boutique, mute, boutique.mesh.owner, smarthost="")
    assert routed(model, owner="mute", severity="page") == ["agent", "platform-page"]
    assert routed(model, owner="mute", severity="ticket") == ["agent", "default"]
    (finding,) = nobody_told(model)
    assert (finding.code, finding.level, finding.subject) == ("owner/no-contact", Level.WARNING, "mute")
    assert "mail needs a smarthost" in finding.why


def test_a_mesh_that_nobody_owns_is_an_error_and_one_whose_owner_has_no_pager_a_warning(boutique: Model) -> None:
    (finding,) = nobody_told(with_owners(boutique, owner=None))
    assert (finding.code, finding.level) == ("mesh/no-owner", Level.ERROR)
    owner = Owner(name="platform", issues="github:a/b", chat="slack:#platform")
    (finding,) = nobody_told(with_owners(boutique, owner, owner=owner))
    assert (finding.code, finding.level) == ("owner/no-pager", Level.WARNING)
    assert nobody_told(boutique) == ()


def test_no_credential_stands_in_the_configuration_and_each_is_named_once(boutique: Model) -> None:
    config = alertmanager(boutique, Options())
    named = credentials(config)
    assert all(path.startswith("/etc/alertmanager/secrets/") for path in named)
    names = [path.rpartition("/")[2] for path in named]
    assert names == sorted(set(names))
    assert {"agent-token", "deadman-url", "pagerduty-payments-primary", "slack-payments"} <= set(names)
    text = dump(config.document)
    for word in ("routing_key:", "api_url:", "auth_password:", "credentials:"):
        assert word not in text


def test_every_inhibit_rule_leaves_the_first_stage_alone(boutique: Model) -> None:
    for rule in yaml.safe_load(dump(alertmanager(boutique, Options()).document))["inhibit_rules"]:
        assert "stage!=agent" in rule["target_matchers"]
        assert rule["equal"], "an empty list would let one alert silence the whole mesh"


def test_channels_of_different_names_have_different_credentials(boutique: Model) -> None:
    chats = ["slack:#payments", "slack:@payments", "slack:#payments-oncall"]
    owners = [Owner(name=f"o{number}", issues="github:a/b", chat=chat) for number, chat in enumerate(chats)]
    config = alertmanager(with_owners(boutique, *owners), Options())
    assert len([path for path in credentials(config) if "slack" in path]) == len(chats) + 1


def test_a_second_service_that_pages_waits_a_minute_at_most_and_a_second_ticket_five(boutique: Model) -> None:
    route = yaml.safe_load(dump(alertmanager(boutique, Options()).document))["route"]
    pages = [child for child in route["routes"] if child["receiver"].endswith("-page")]
    assert {child["group_interval"] for child in pages} == {"1m"}
    assert route["group_interval"] == "5m"
