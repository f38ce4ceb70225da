"""A person's own configuration with our part in it: all of theirs is as it was, and ours is told by ours alone."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from alerting_lab import FAST, OURS, Alertmanager, Inbox, local

from meshscope.adapters.meshes import istio
from meshscope.artefacts.documents import AlertmanagerConfig
from meshscope.build.adoption import adopted, difference
from meshscope.build.assemble import assemble
from meshscope.build.fragment import our_part
from meshscope.build.options import Options
from meshscope.build.reaching import silenced_by_theirs
from meshscope.build.templated import KNOWN
from meshscope.cli.main import run
from meshscope.findings import MeshscopeError
from meshscope.model.mesh import SeverityWords
from meshscope.model.model import Model
from meshscope.wiring.adopting import given
from meshscope.wiring.assembly import Assembly
from meshscope.wiring.load import House

THEIRS = """\
# Of the SRE team; ask before you change it.
route:
  receiver: "null"   # nobody
  group_by: [namespace]
  routes:
    # What kube-prometheus sends for machines.
    - receiver: "null"
      matchers: ['alertname=~"InfoInhibitor|Watchdog"']
    - receiver: sre-pager
      matchers: ['severity="critical"']
    - receiver: sre-slack
      matchers: ['severity="warning"']
inhibit_rules:
  - source_matchers: ['severity = critical']
    target_matchers: ['severity =~ warning|info']
    equal: [namespace, alertname]
receivers:
  - name: "null"
  - name: sre-pager
    pagerduty_configs: [{routing_key_file: /x}]
  - name: sre-slack
    slack_configs:
      - api_url_file: /y
        channel: "#sre"
        title: '{{ .CommonLabels.alertname }} of {{ template "slack.default.title" . }}'
"""
WHOSE = "boutique production"


def merged(model: Model, text: str = THEIRS, options: Options = FAST) -> str:
    return adopted(text, our_part(model, options), WHOSE, "alertmanager.yaml")


def without_ours(text: str) -> str:
    lines, kept = iter(text.splitlines(keepends=True)), []
    for line in lines:
        if line.strip().endswith(": begin"):
            while not next(lines).strip().endswith(": end"):
                pass
        else:
            kept.append(line)
    return "".join(kept)


def test_every_byte_of_theirs_stays_where_it_was_and_a_second_merge_changes_nothing(boutique: Model) -> None:
    once = merged(boutique)
    assert without_ours(once) == THEIRS
    assert merged(boutique, once) == once
    lines = difference(THEIRS, once, "alertmanager.yaml").splitlines()[2:]
    assert not [line for line in lines if line.startswith("-")], "nothing is taken away"
    assert boutique.mesh.owner is not None
    fewer = replace(boutique, owners=(boutique.mesh.owner,))
    assert without_ours(adopted(once, our_part(fewer, FAST), WHOSE, "a.yaml")) == THEIRS, "an old part is taken out"


@pytest.mark.parametrize(
    "theirs",
    [
        "route: # top\n  receiver: a\nreceivers:\n- name: a\n",
        "receivers:\n- name: a\n# last\nroute:\n    receiver: a\n    routes: []\n",
        "route:\n  routes:\n  receiver: a\nreceivers:\n  - name: a\ninhibit_rules: []\n",
        "---\nroute:\n  receiver: a\n  routes:\n  - receiver: a # tight\nreceivers: [ ]\ninhibit_rules:",
        "receivers:\r\n- name: a\r\nroute:\r\n  receiver: a\r\n",
        "route:\n  receiver: a\n  routes: &r\n  - receiver: a\nreceivers: &all\n    - name: a\n",
        "route:\n  receiver: a\n  routes: !!seq\n    # of a\n    - receiver: a\nreceivers:\n- name: a\n",
        "route:\n  receiver: a\n  routes:\n    &r\n    - receiver: a\nreceivers:\n  - &one\n    name: a\n",
        "receivers:\n- name: a\n? route\n:\n  receiver: a\n  ? routes\n  :\n    - receiver: a\n",
        "route: &r\n  receiver: a\nreceivers: # all - of them\n- &one\n  name: a\n",
        "--- !!map\nroute: !!map\n  &k receiver: a\nreceivers:\n-\n  name: a\ninhibit_rules: ~\n",
    ],
)
def test_each_form_of_a_list_takes_our_part(theirs: str, boutique: Model) -> None:
    once = merged(boutique, theirs)
    assert merged(boutique, once) == once
    before, after = yaml.safe_load(theirs), yaml.safe_load(once)
    part = our_part(boutique, FAST)
    assert len(after["route"]["routes"]) == 1 + len(before["route"].get("routes") or [])
    assert len(after["receivers"]) == len(part["receivers"]) + len(before["receivers"])
    assert len(after["inhibit_rules"]) == len(part["inhibit_rules"])
    assert {key: after["route"][key] for key in ("receiver",)} == {"receiver": "a"}


@pytest.mark.parametrize(
    ("theirs", "title"),
    [
        ("route:\n  receiver: {{ .Values.receiver }}\nreceivers: []\n", "is a template"),
        ('{{- include "am.config" . }}\n', "is a template"),
        ("route:\n  receiver: ${RECEIVER}\n", "is a template"),
        ("{% if a %}\nroute: {}\n{% endif %}\n", "is a template"),
        ("route: [\n", "is no YAML"),
        ("alertmanager:\n  config:\n    route: {}\n", "is no configuration of Alertmanager"),
        ("route: {receiver: a}\nreceivers: [{name: a}]\n", "in one line"),
        ('{"route": {"receiver": "a"}, "receivers": [{"name": "a"}]}', "in one line"),
        ("route:\n  receiver: a\nreceivers:\n- name: boutique-production-default\n", "has a receiver"),
        ("", "is no configuration of Alertmanager"),
        ("route:\n  receiver: a\n  ? routes\n  : - receiver: a\nreceivers: []\n", "in a form"),
        ("route:\n  receiver: a\n  routes: &r []\nreceivers: []\n", "in a form"),
        ("route:\n  receiver: a\n  routes: &r\nreceivers: []\n", "in a form"),
        ("route:\n  receiver: a\n  ? routes\n  : []\nreceivers: []\n", "in a form"),
        ("route:\n  ? receiver\n  : a\nreceivers: []\n", "in a form"),
        ("inhibit_rules: &r\n- equal: [a]\nroute:\n  receiver: a\n  routes: *r\nreceivers: []\n", "in a form"),
        ("base: &b {routes: [{receiver: a}]}\nroute:\n  <<: *b\n  receiver: a\n", "can't be merged"),
        ("route:\n  receiver: a\n  routes: all\nreceivers: []\n", "has `routes` that is no list"),
        ("route:\n  receiver: a\nreceivers: []\ninhibit_rules: {a: b}\n", "has `inhibit_rules` that is no list"),
        ("route:\n  receiver: a\nreceivers: 2024-13-45\n", "has `receivers` that is no list"),
        ("route:\n  receiver: a\nroute:\n  receiver: b\n", "is no YAML"),
        ("route:\n  receiver: a\n? [a]\n: b\n", "is no YAML"),
        ("route:\n  receiver: a\n---\nreceivers: []\n", "has a second document"),
        ("route: &r\n  routes: [*r]\n", "is no YAML"),
        ("a: " + "[" * 5000, "is no YAML"),
    ],
)
def test_what_can_t_be_merged_safely_is_refused_with_its_place_and_what_to_do(
    theirs: str, title: str, boutique: Model
) -> None:
    with pytest.raises(MeshscopeError) as refused:
        merged(boutique, theirs)
    finding = refused.value.finding
    assert title in finding.title
    assert finding.place is not None
    assert finding.help


def a_receiver_with(key: str, said: str) -> str:
    """A configuration whose sixth line says ``said``, as it is written."""
    return f"route:\n  receiver: a\nreceivers:\n- name: a\n  webhook_configs:\n  - {key}: {said}\n"


@pytest.mark.parametrize(
    "said",
    [
        "2024-13-45",
        "2024-01-02",
        "!!bool maybe",
        "!!int ''",
        "!!timestamp x",
        "!!binary é",
        "!vault x",
        ".nan",
        "1e999",
    ],
)
def test_a_value_of_theirs_is_theirs_whatever_a_reader_makes_of_it(said: str, boutique: Model) -> None:
    theirs = a_receiver_with("credentials", said)
    assert without_ours(merged(boutique, theirs)) == theirs


@pytest.mark.parametrize(
    "said",
    [
        '"{{ required \\"u\\" .Values.slack }}"',
        "'{{ include \"am.url\" . }}'",
        "'{{ tpl $.Values.url . }}'",
        "'{{- with $.Values.urls }}{{ . }}{{ end }}'",
        "'{{ .Release.Name }}'",
        "'https://x/{{ $x | nindent 2 }}'",
        "'{{ .Files.Get \"a\" | toYaml }}'",
        "'{{`{{ .CommonLabels.a }}`}}'",
        "'{{ slack_url }}'",
        "{{ slack_url }}",
        "a # {{ if .Values.slack }}",
        "$WEBHOOK_URL",
        '"$WEBHOOK_URL"',
        "https://$HOST/x",
        "https://x/$TOKEN",
        "https://x/${token}",
        "${URL:-https://x}",
        "|\n    a\n    {{ .Values.a }}",
    ],
)
def test_what_another_program_fills_in_is_refused_on_its_line(said: str, boutique: Model) -> None:
    theirs = a_receiver_with("url", said)
    with pytest.raises(MeshscopeError) as refused:
        merged(boutique, theirs)
    finding = refused.value.finding
    assert "is a template" in finding.title
    assert finding.place is not None
    assert finding.place.line == (8 if "\n" in said else 6)


@pytest.mark.parametrize(
    "said",
    [
        "'{{ .CommonLabels.alertname }} {{ $x := .Alerts }}{{ $x }}'",
        '"{{ template \\"slack.required.title\\" . }}"',
        "'{{ range .Alerts.Firing }}{{ .Labels.include | toUpper }}{{ else }}{{/* tpl */}}{{ end }}'",
        "'{{ .CommonLabels.Values | join \", include \" }}{{ with .GroupLabels }}{{ .Values }}{{ .Release }}{{ end }}'",
        '\'{{ reReplaceAll "(?P<tail>.*)" "${tail}$TAIL" .ExternalURL }}\'',
        "'https://x/{{ .CommonLabels.a }}?$filter=b'",
        "$3cret",
        "$ecret",
        "pa$$WORD",
        "'{{ define `a` }}{{ printf `%s` .Status }}{{ end }}'",
    ],
)
def test_templates_of_alertmanager_and_dollars_are_their_own(said: str, boutique: Model) -> None:
    theirs = a_receiver_with("url", said)
    assert without_ours(merged(boutique, theirs)) == theirs


@pytest.mark.engines("amtool")
def test_alertmanager_knows_each_word_that_its_templates_may_have(
    amtool: Callable[..., subprocess.CompletedProcess], tmp_path: Path
) -> None:
    (tmp_path / "a.tmpl").write_text("")
    keywords = {"if", "else", "end", "range", "with", "define", "template", "block", "break", "continue", "nil"}
    calls = "".join(f"{{{{ {word} }}}}" for word in sorted(KNOWN.difference(keywords)))

    def said(text: str) -> str:
        return amtool("template", "render", f"--template.glob={tmp_path}/*.tmpl", f"--template.text={text}").stderr

    assert "not defined" not in said(f"{{{{ if false }}}}{calls}{{{{ end }}}}")
    assert "not defined" in said("{{ required }}")


@pytest.mark.engines("amtool")
def test_their_alerts_go_their_ways_and_ours_go_ours(
    boutique: Model, amtool: Callable[..., subprocess.CompletedProcess], tmp_path: Path
) -> None:
    before, after = tmp_path / "before.yaml", tmp_path / "after.yaml"
    before.write_text(THEIRS)
    after.write_text(merged(boutique))
    assert amtool("check-config", str(after)).returncode == 0

    def told(path: Path, labels: Mapping[str, str]) -> str:
        pairs = [f"{name}={value}" for name, value in labels.items()]
        return amtool("config", "routes", "test", f"--config.file={path}", *pairs).stdout.strip()

    theirs = [
        {"alertname": "KubePodCrashLooping", "severity": "critical", "owner": "payments"},
        {"alertname": "ErrorBudgetBurn", "severity": "page", "owner": "payments", "service": "ledger"},
        {"alertname": "Watchdog", "severity": "none"},
        {"alertname": "DependencyPaging", "severity": "warning"},
        {"alertname": "ManyServicesFailing", "severity": "page", "owner": "payments", "cluster": "eu-1"},
        {**OURS, "environment": "staging", "alertname": "ErrorBudgetBurn", "severity": "critical"},
        {**OURS, "meshscope": "other", "alertname": "ErrorBudgetBurn", "severity": "page", "owner": "payments"},
    ]
    for labels in theirs:
        assert told(before, labels) == told(after, labels), labels
    page = {**OURS, "alertname": "ErrorBudgetBurn", "severity": "page", "owner": "payments", "slo": "availability"}
    assert "boutique-production-payments-page" in told(after, page)
    assert "sre" not in told(after, {**page, "severity": "critical"})


def with_words(model: Model, page: str = "critical", ticket: str = "warning") -> Model:
    return replace(model, mesh=replace(model.mesh, severities=SeverityWords(page=page, ticket=ticket)))


MATCHER = "    target_matchers: ['severity =~ warning|info', 'meshscope=\"\"']\n"
MENDED = THEIRS.replace("    target_matchers: ['severity =~ warning|info']\n", MATCHER)


@pytest.mark.engines("alertmanager")
@pytest.mark.parametrize(("theirs", "held"), [(THEIRS, True), (MENDED, False)])
def test_their_inhibit_rule_silences_a_neighbours_ticket_until_it_has_the_matcher_that_the_finding_names(
    theirs: str, held: bool, boutique: Model, inbox: Inbox, start: Callable[..., Alertmanager], tmp_path: Path
) -> None:
    model = with_words(local(boutique, inbox, tmp_path / "secrets"))
    rules = assemble(model, istio.PROVIDER, FAST).artefacts.rules
    found = silenced_by_theirs(yaml.safe_load(theirs), rules, model.mesh, "alertmanager.yaml")
    assert [finding.code for finding in found] == (["alertmanager/silences-ours"] if held else [])
    document = yaml.safe_load(merged(model, theirs))
    document["receivers"] = [
        one if "boutique" in one["name"] else {"name": one["name"]} for one in document["receivers"]
    ]
    running = start(AlertmanagerConfig(document=document))
    burn = {**OURS, "alertname": "ErrorBudgetBurn", "cluster": "eu-1", "namespace": "shop", "owner": "payments"}
    page = {**burn, "service": "ledger", "slo": "availability", "severity": "critical", "kind": "symptom"}
    ticket = {**burn, "service": "checkout", "slo": "availability", "severity": "warning", "kind": "symptom"}
    running.send(page, ticket)
    inbox.wait("payments-primary")
    assert bool(running.state(service="checkout")["inhibitedBy"]) is held
    if not held:
        inbox.wait("#payments")


@pytest.mark.engines("alertmanager")
def test_our_inhibit_rules_touch_none_of_their_alerts(
    boutique: Model, inbox: Inbox, start: Callable[..., Alertmanager], tmp_path: Path
) -> None:
    document = yaml.safe_load(merged(local(boutique, inbox, tmp_path / "secrets")))
    document["inhibit_rules"] = document["inhibit_rules"][:-1]
    document["receivers"] = [
        one if "boutique" in one["name"] else {"name": one["name"]} for one in document["receivers"]
    ]
    running = start(AlertmanagerConfig(document=document))
    where = {"cluster": "eu-1", "namespace": "shop", "service": "ledger", "slo": "a", "sli": "a", "owner": "payments"}
    sources = [
        {"alertname": "ErrorBudgetBurn", "severity": "page"},
        {"alertname": "DependencyPaging", "severity": "none"},
        {"alertname": "ManyServicesFailing", "severity": "page", "service": ""},
        {"alertname": "MeshTelemetryAbsent", "severity": "page"},
    ]
    targets = [
        {"alertname": "ErrorBudgetBurn", "severity": "ticket", "kind": "symptom"},
        {"alertname": "IndicatorAbsent", "severity": "ticket"},
        {"alertname": "Outage", "severity": "page"},
    ]
    running.send(*({**OURS, **where, **labels} for labels in sources), *({**where, **labels} for labels in targets))
    running.send(*({**where, **labels} for labels in sources), *({**where, **labels} for labels in targets))
    inbox.wait("payments-primary")
    held = [alert["labels"] for alert in running.ask("/api/v2/alerts") if alert["status"]["inhibitedBy"]]
    assert not [labels for labels in held if "meshscope" not in labels]


@pytest.mark.parametrize(
    ("rule", "reaches"),
    [
        ({"source_matchers": ["severity=critical"], "target_matchers": ["severity=~warning"], "equal": []}, True),
        ({"source_match": {"severity": "critical"}, "target_match_re": {"severity": "warning|x"}, "equal": []}, True),
        ({"source_matchers": ["alertname=NodeDown"], "target_matchers": ["service!=x"], "equal": ["namespace"]}, True),
        ({"source_matchers": ["severity=critical"], "target_matchers": ["severity=info"], "equal": []}, False),
        ({"source_matchers": ["a=b"], "target_matchers": ['{severity="warning", team="x"}'], "equal": []}, False),
        ({"source_matchers": ["severity=critical"], "target_matchers": ["severity=warning"],
          "equal": ["alertname", "namespace", "service"]}, False),
        ({"source_matchers": ["alertname=A"], "target_matchers": ["severity=warning"], "equal": ["alertname"]}, False),
    ],
)  # fmt: skip
def test_a_rule_of_theirs_reaches_ours_or_not(rule: dict, reaches: bool, boutique: Model) -> None:
    model = with_words(boutique)
    rules = assemble(model, istio.PROVIDER, Options()).artefacts.rules
    assert bool(silenced_by_theirs({"inhibit_rules": [rule]}, rules, model.mesh, "a.yaml")) is reaches


def test_the_command_prints_a_difference_that_patch_applies_and_writes_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "alertmanager.yaml"
    file.write_text(THEIRS)
    root = Path(__file__).resolve().parents[2]
    assert run(["adopt", str(file), "--house", str(root)]) == 0
    diff = capsys.readouterr().out
    assert file.read_text() == THEIRS
    subprocess.run(["patch", str(file)], input=diff, text=True, check=True, capture_output=True)
    assert without_ours(file.read_text()) == THEIRS
    assert run(["adopt", str(file), "--house", str(root)]) == 0
    assert capsys.readouterr().out == "", "it is in there already"


def test_what_we_merged_is_not_judged_as_theirs(boutique: Model, tmp_path: Path) -> None:
    """Our inhibit rules reach our alerts by purpose; only theirs are warned of, before a merge and after it."""
    plain = "route:\n  receiver: default\nreceivers:\n- name: default\n"
    for model in (boutique, with_words(boutique)):
        for theirs in (plain, THEIRS, MENDED):
            once = merged(model, theirs)
            assert told(model, tmp_path, once) == told(model, tmp_path, theirs)
    assert told(boutique, tmp_path, merged(boutique, plain)) == []


def told(model: Model, house: Path, theirs: str) -> list[tuple[str, str]]:
    """The code and title of each finding where the mesh names a configuration of this text."""
    (house / "alertmanager.yaml").write_text(theirs)
    named = replace(model, mesh=replace(model.mesh, alertmanager_config="alertmanager.yaml"))
    read = House(root=house, model=named, findings=(), inputs=())
    built = assemble(named, istio.PROVIDER, Options())
    whole = Assembly(options=Options(), house=read, provider=istio.PROVIDER, built=built, findings=())
    text, findings = given(whole)
    assert bool(text) == (findings == () or findings[0].code == "alertmanager/silences-ours")
    return [(finding.code, finding.title) for finding in findings]


def test_a_configuration_that_the_mesh_names_is_judged_by_check(boutique: Model, tmp_path: Path) -> None:
    def codes(theirs: str) -> list[str]:
        return [code for code, _ in told(with_words(boutique), tmp_path, theirs)]

    assert codes(THEIRS) == ["alertmanager/silences-ours"]
    assert codes(MENDED) == []
    assert codes("route: {receiver: {{ .Values.a }}}") == ["alertmanager/not-adopted"]
