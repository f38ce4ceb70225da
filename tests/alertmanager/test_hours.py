"""An owner's hours, and contacts that an Alertmanager has already: judged by real programs on what is built."""

import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml
from alerting_lab import FAST, OURS, Alertmanager, Inbox, local, write

from meshscope.artefacts.yaml import dump
from meshscope.build.adoption import adopted
from meshscope.build.alertmanager import alertmanager
from meshscope.build.fragment import our_part
from meshscope.build.operator.alerting import alertmanager_object
from meshscope.build.options import Emit, Options
from meshscope.build.receivers import nobody_told
from meshscope.build.standing_alone import left_out, unknown_receivers
from meshscope.check.crds import schema_errors
from meshscope.findings import DefinitionError, Level, MeshscopeError
from meshscope.model.model import Model
from meshscope.model.people import Hours

Amtool = Callable[..., subprocess.CompletedProcess]
OFFICE = Hours(start="09:00", end="17:00", zone="Europe/Berlin")
EVERY_DAY = "mon-sun"

WHERE = {"cluster": "eu-1", "namespace": "shop", "owner": "payments"}
PAGE = {**OURS, **WHERE, "alertname": "Outage", "service": "ledger", "severity": "page"}
BURN = {**PAGE, "alertname": "ErrorBudgetBurn", "service": "cards", "slo": "availability"}
TICKET = {**BURN, "service": "checkout", "severity": "ticket"}
STORM = {**OURS, "cluster": "eu-1", "owner": "payments", "alertname": "ManyServicesFailing", "severity": "page"}

THEIRS = """\
route:
  receiver: default
  routes:
    - receiver: default
receivers:
  - name: default
  - name: sre-pager
    webhook_configs: [{url_file: /x}]
  - name: sre-slack
    webhook_configs: [{url_file: /y}]
"""


def with_payments(model: Model, **changes: object) -> Model:
    """``model`` with a changed owner of payments."""
    owners = tuple(replace(owner, **changes) if owner.name == "payments" else owner for owner in model.owners)
    assert owners != model.owners
    return replace(model, owners=owners)


def with_platform(model: Model, **changes: object) -> Model:
    """``model`` with a changed owner of the mesh."""
    assert model.mesh.owner is not None
    platform = replace(model.mesh.owner, **changes)
    owners = tuple(platform if owner.name == platform.name else owner for owner in model.owners)
    return replace(model, owners=owners, mesh=replace(model.mesh, owner=platform))


def beginning() -> tuple[datetime, Hours]:
    """The next minute that is at least ten seconds away, and hours that begin with it, far from any midnight."""
    now = datetime.now(UTC)
    begin = (now + timedelta(seconds=70)).replace(second=0, microsecond=0)
    zone = next(
        zone
        for zone in ("Asia/Tokyo", "America/New_York", "Europe/Berlin")
        if 1 <= begin.astimezone(ZoneInfo(zone)).hour <= 21
    )
    start = begin.astimezone(ZoneInfo(zone))
    return begin, Hours(days=EVERY_DAY, start=f"{start:%H:%M}", end="24:00", zone=zone)


@pytest.mark.engines("alertmanager")
def test_outside_its_hours_pages_wake_the_meshs_owner_and_tickets_wait_until_they_begin(
    start: Callable[..., Alertmanager], boutique: Model, inbox: Inbox, tmp_path: Path
) -> None:
    begin, hours = beginning()
    model = with_payments(local(boutique, inbox, tmp_path / "secrets"), hours=hours)
    running = start(alertmanager(model, FAST))
    running.send(PAGE, BURN, TICKET)
    for service in ("ledger", "cards"):
        inbox.wait("platform-primary", lambda message, one=service: one in message.body["payload"]["summary"])
    time.sleep(6)  # more than the group interval of tickets: theirs has passed by
    assert datetime.now(UTC) < begin
    assert not inbox.to("payments-primary")
    assert not inbox.to("#payments")
    left = (begin - datetime.now(UTC)).total_seconds()
    for service in ("ledger", "cards"):
        inbox.wait("payments-primary", lambda m, one=service: one in m.body["payload"]["summary"], left + 20)
    inbox.wait("#payments", seconds=left + 20)
    assert datetime.now(UTC) >= begin
    told = len(inbox.to("platform-primary"))
    running.send({**PAGE, "service": "refunds"})
    inbox.wait("payments-primary", lambda message: "refunds" in message.body["payload"]["summary"])
    time.sleep(2)
    assert not [m for m in inbox.to("platform-primary")[told:] if "refunds" in m.body["payload"]["summary"]]


@pytest.fixture
def told(amtool: Amtool, tmp_path: Path) -> Callable[..., list[str]]:
    """The receivers of an alert in a configuration, in turn, whatever the time; without the agent."""

    def receivers(path: Path, labels: dict[str, str]) -> list[str]:
        pairs = [f"{name}={value}" for name, value in labels.items() if value]
        answer = amtool("config", "routes", "test", f"--config.file={path}", *pairs)
        assert answer.returncode == 0, answer.stdout + answer.stderr
        return [name for name in answer.stdout.strip().split(",") if "agent" not in name]

    return receivers


def intervals(model: Model) -> dict[str, tuple[object, object]]:
    """By receiver of a page of payments: when it is told, and when not; of a page of a promise the same."""
    found = {}
    for route in yaml.safe_load(dump(alertmanager(model, FAST).document))["route"]["routes"]:
        if "owner=payments" in route.get("matchers", []) and "severity=page" in route["matchers"]:
            for each in (route, *route["routes"]):
                when = (each.get("active_time_intervals"), each.get("mute_time_intervals"))
                assert found.setdefault(route["receiver"], when) == when
    return found


@pytest.mark.engines("amtool")
def test_one_interval_parts_the_owner_and_the_meshs_owner(
    boutique: Model, amtool: Amtool, told: Callable[..., list[str]], tmp_path: Path
) -> None:
    model = with_payments(boutique, hours=OFFICE)
    path = write(alertmanager(model, FAST), tmp_path)
    assert amtool("check-config", str(path)).returncode == 0
    for page in (PAGE, BURN):
        assert told(path, page) == ["platform-page", "payments-page"]
    assert intervals(model) == {
        "platform-page": (None, ["payments-hours"]),
        "payments-page": (["payments-hours"], None),
    }
    assert told(path, STORM) == ["platform-page", "payments-page"], "told to the mesh's owner once"
    assert told(path, TICKET) == ["payments-ticket"]
    assert told(path, {**TICKET, "severity": "critical"}) == ["payments-ticket"], "at any time: it is no ticket"
    (interval,) = yaml.safe_load(path.read_text())["time_intervals"]
    days = ["monday", "tuesday", "wednesday", "thursday", "friday"]
    (only,) = interval["time_intervals"]
    assert only == {"times": [{"start_time": "09:00", "end_time": "17:00"}], "weekdays": days, "location": OFFICE.zone}


@pytest.mark.engines("amtool")
@pytest.mark.parametrize(
    ("days", "number"),
    [("sat-sun", 2), ("fri-mon", 4), ("mon,wed, fri", 3), (EVERY_DAY, 7), ("sun", 1), ("tue-mon", 7)],
)
def test_every_week_is_one_that_alertmanager_takes(
    days: str, number: int, boutique: Model, amtool: Amtool, tmp_path: Path
) -> None:
    hours = Hours(days=days, start="00:00", end="24:00", zone="UTC")
    assert len(hours.weekdays) == number
    answer = amtool("check-config", str(write(alertmanager(with_payments(boutique, hours=hours), FAST), tmp_path)))
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("wrong", "argument"),
    [
        ({"days": "mon-"}, "days"),
        ({"days": ""}, "days"),
        ({"days": "monday"}, "days"),
        ({"start": "9:00"}, "start"),
        ({"end": "24:01"}, "end"),
        ({"end": "09:00"}, "end"),
        ({"zone": ""}, "zone"),
        ({"zone": "../etc"}, "zone"),
    ],
)
def test_hours_that_are_none_are_refused_where_they_are_wrong(wrong: dict[str, str], argument: str) -> None:
    with pytest.raises(DefinitionError) as refused:
        replace(OFFICE, **wrong)
    finding = refused.value.finding
    assert (finding.code, finding.argument) == ("owner/bad-hours", argument)


def test_where_nobody_else_has_a_pager_and_for_the_meshs_owner_pages_come_at_any_time(boutique: Model) -> None:
    alone = with_platform(with_payments(boutique, hours=OFFICE), pager=None)
    assert intervals(alone) == {"payments-page": (None, None)}
    routes = yaml.safe_load(dump(alertmanager(with_platform(boutique, hours=OFFICE), FAST).document))["route"]["routes"]
    timed = [route for route in routes if "active_time_intervals" in route or "mute_time_intervals" in route]
    assert [route["receiver"] for route in timed] == ["platform-ticket"]


@pytest.mark.engines("amtool")
def test_a_receiver_that_is_there_already_is_told_by_its_name_and_beside_one_of_ours(
    boutique: Model, amtool: Amtool, told: Callable[..., list[str]], tmp_path: Path
) -> None:
    model = with_payments(
        boutique, pager="receiver:sre-pager", chat="receiver:default", mail="pay@boutique.example", hours=OFFICE
    )
    path = tmp_path / "merged.yaml"
    part = our_part(model, FAST)
    path.write_text(adopted(THEIRS, part, "boutique production", "alertmanager.yaml"))
    answer = amtool("check-config", str(path))
    assert answer.returncode == 0, answer.stdout
    assert adopted(path.read_text(), part, "boutique production", "a.yaml") == path.read_text()
    ours = "boutique-production-"
    assert told(path, PAGE) == [f"{ours}platform-page", "sre-pager"]
    assert told(path, TICKET) == ["default", f"{ours}payments-ticket"], "theirs of that name, and our mail"
    assert told(path, {**TICKET, "owner": "unowned"}) == [f"{ours}default"], "ours of that name"


@pytest.mark.engines("amtool")
def test_the_meshs_owner_may_be_told_by_names_alone(
    boutique: Model, told: Callable[..., list[str]], tmp_path: Path
) -> None:
    model = with_platform(boutique, pager="receiver:sre-pager", chat="receiver:sre-slack", mail=None)
    model = with_payments(model, pager=None, mail=None)
    path = tmp_path / "merged.yaml"
    path.write_text(adopted(THEIRS, our_part(model, FAST), "boutique production", "alertmanager.yaml"))
    assert told(path, {**PAGE, "owner": "unowned"}) == ["sre-pager"]
    assert told(path, {**TICKET, "owner": "unowned"}) == ["sre-slack"]
    assert told(path, PAGE) == ["sre-pager", "boutique-production-payments-page"], "it has no pager of its own"
    assert told(path, {**PAGE, "owner": "platform", "alertname": "AlertingFailing"}) == ["sre-slack", "sre-pager"]


def test_a_name_that_nothing_has_is_an_error_and_one_that_a_file_lacks_is_not_merged(boutique: Model) -> None:
    model = with_payments(boutique, pager="receiver:nobody")
    (finding,) = unknown_receivers(model)
    assert (finding.code, finding.level, finding.argument) == ("owner/unknown-receiver", Level.ERROR, "pager")
    named = replace(model, mesh=replace(model.mesh, alertmanager_config="alertmanager.yaml"))
    assert list(unknown_receivers(named)) == []
    with pytest.raises(MeshscopeError) as refused:
        adopted(THEIRS, our_part(named, FAST), "boutique production", "alertmanager.yaml")
    assert "has no receiver `nobody`" in refused.value.finding.title
    assert "sre-pager" in refused.value.finding.help


@pytest.mark.engines("amtool")
def test_files_that_stand_alone_tell_who_is_left_and_say_so(
    boutique: Model, amtool: Amtool, told: Callable[..., list[str]], tmp_path: Path
) -> None:
    model = with_payments(boutique, pager="receiver:sre-pager", chat="receiver:sre-slack", mail=None, hours=OFFICE)
    path = write(alertmanager(model, FAST), tmp_path)
    assert amtool("check-config", str(path)).returncode == 0
    assert told(path, PAGE) == ["platform-page"]
    assert told(path, TICKET) == ["default"]
    assert [(one.code, one.level) for one in left_out(model, FAST)] == [
        ("alertmanager/named-elsewhere", Level.NOTE)
    ] * 2
    found = list(left_out(model, Options(emit=Emit.OPERATOR)))
    assert [one.code for one in found] == ["alertmanager/named-elsewhere"] * 2 + ["operator/no-time-zone"]
    assert {one.level for one in found} == {Level.WARNING}
    assert nobody_told(model) == ()


def test_an_alertmanagerconfig_has_hours_in_utc_and_none_in_a_zone(boutique: Model) -> None:
    def spec(hours: Hours) -> dict:
        thing = alertmanager_object(with_payments(boutique, hours=hours), Options(emit=Emit.OPERATOR))
        assert schema_errors([thing]) == ()
        return yaml.safe_load(dump(thing.document))["spec"]

    found = spec(replace(OFFICE, zone="UTC"))
    (interval,) = found["muteTimeIntervals"]
    assert interval["timeIntervals"][0]["times"] == [{"startTime": "09:00", "endTime": "17:00"}]
    assert interval["name"] == "payments-hours"
    routes = [one for one in found["route"]["routes"] if one["receiver"] == "payments-page"]
    assert [one["activeTimeIntervals"] for one in routes] == [["payments-hours"]]
    assert "TimeIntervals" not in str(spec(OFFICE)), "told at any time"
