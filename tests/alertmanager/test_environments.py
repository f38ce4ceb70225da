"""Whom an environment tells, how loud, and by which systems: judged by what real programs make of it."""

import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from alerting_lab import write

from meshscope.artefacts.yaml import dump
from meshscope.build.alertmanager import alertmanager
from meshscope.build.operator.alerting import alertmanager_object
from meshscope.build.options import Emit, Options
from meshscope.build.receivers import nobody_told
from meshscope.check.crds import schema_errors
from meshscope.model.alerting import Severity
from meshscope.model.mesh import Environment, Mesh
from meshscope.model.model import Definitions, Model, resolve
from meshscope.model.people import Contacts, Owner
from meshscope.model.services import Service

TEAM = Owner(name="team", issues="github:a/b", pager="pagerduty:team", chat="slack:#team")
PLATFORM = Owner(name="platform", issues="github:a/b", pager="pagerduty:platform", chat="slack:#platform")


def resolved(environment: Environment | None, owner: Owner = TEAM) -> tuple[Model, list[str]]:
    mesh = Mesh(name="shop", provider="istio", owner=PLATFORM)
    service = Service(name="cart", namespace="shop", owner=owner)
    environments = (environment,) if environment else ()
    definitions = Definitions(meshes=(mesh,), services=(service,), owners=(owner, PLATFORM), environments=environments)
    model, findings = resolve(definitions, environment.name if environment else None)
    assert model is not None
    return model, [finding.code for finding in findings]


def secrets(model: Model) -> set[str]:
    """Every credential that the configuration reads."""
    text = dump(alertmanager(model, Options()).document)
    return {line.rpartition("/")[2] for line in text.splitlines() if "_file:" in line}


def test_an_environment_that_wakes_the_same_people_is_said_and_not_where_it_was_meant() -> None:
    assert resolved(Environment(name="staging"))[1] == ["mesh/shared-pagers"]
    assert resolved(Environment(name="staging", max_severity=Severity.PAGE))[1] == []
    assert resolved(None)[1] == []


@pytest.mark.engines("amtool")
def test_an_environment_with_a_cap_wakes_nobody_whatever_fires(
    amtool: Callable[..., subprocess.CompletedProcess], tmp_path: Path
) -> None:
    model, codes = resolved(Environment(name="staging", max_severity=Severity.TICKET))
    assert codes == []
    assert not {name for name in secrets(model) if "pagerduty" in name}
    assert nobody_told(model) == ()
    path = write(alertmanager(model, Options()), tmp_path)
    assert amtool("check-config", str(path)).returncode == 0
    for owner in ("team", "platform"):
        ours = ("meshscope=shop", "environment=staging", "severity=ticket", f"owner={owner}")
        answer = amtool("config", "routes", "test", f"--config.file={path}", *ours)
        assert answer.stdout.strip() == f"{owner}-ticket"


def test_contacts_of_an_environment_take_the_place_of_all_others_there() -> None:
    there = Contacts(pager="opsgenie:night", chat="msteams:team")
    none = Contacts(chat="webhook:platform")
    model, codes = resolved(Environment(name="staging", contacts={TEAM: there, PLATFORM: none}))
    assert codes == []
    told = {name for name in secrets(model) if name not in ("agent-token", "deadman-url")}
    assert told == {"opsgenie-night", "msteams-team", "webhook-platform"}


EVERY = replace(TEAM, pager="opsgenie:team", chat="msteams:team")
HOOKS = replace(TEAM, pager="webhook:page", chat="webhook:chat")


@pytest.mark.engines("amtool")
@pytest.mark.parametrize("owner", [EVERY, HOOKS])
def test_each_system_is_one_that_alertmanager_and_the_operator_know(
    owner: Owner, amtool: Callable[..., subprocess.CompletedProcess], tmp_path: Path
) -> None:
    model, _ = resolved(None, owner)
    answer = amtool("check-config", str(write(alertmanager(model, Options()), tmp_path)))
    assert answer.returncode == 0, answer.stdout
    thing = alertmanager_object(model, Options(emit=Emit.OPERATOR))
    assert schema_errors([thing]) == ()
    receivers = {one["name"]: one for one in yaml.safe_load(dump(alertmanager(model, Options()).document))["receivers"]}
    page, ticket = receivers["team-page"], receivers["team-ticket"]
    if owner is EVERY:
        assert page["opsgenie_configs"][0]["priority"] == "P1"
        assert ticket["msteamsv2_configs"][0]["webhook_url_file"].endswith("/msteams-team")
    else:
        assert page["webhook_configs"][0]["url_file"].endswith("/webhook-page")
        assert ticket["webhook_configs"][0]["url_file"].endswith("/webhook-chat")


def test_an_owner_without_a_pager_is_a_finding() -> None:
    model, _ = resolved(None, replace(TEAM, pager=None))
    (finding,) = nobody_told(model)
    assert (finding.code, finding.subject) == ("owner/no-pager", "team")


def test_the_agents_route_is_there_only_where_an_agent_is_declared(boutique: Model) -> None:
    def names(model: Model) -> set[str]:
        document = alertmanager(model, Options()).document
        return {one["name"] for one in yaml.safe_load(dump(document))["receivers"]}

    assert "agent" not in names(resolved(None)[0])
    assert "agent" in names(boutique), "services of it let the agent act"
