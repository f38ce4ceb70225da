"""Rules that others wrote: what is wrong is found and told once, and what is right is left alone."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from meshscope.adapters.engines.promtool import PromtoolRules
from meshscope.artefacts.rules import Rule, RuleFile, RuleGroup
from meshscope.build.options import Options
from meshscope.check.judge import by_rules
from meshscope.check.promql.analysis import analysed
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level, Place
from meshscope.model.foreign import ForeignRules
from meshscope.wiring.assembly import Assembly, assembled, providers
from meshscope.wiring.rules import rules
from tests.houses import small

HERE = Path(__file__).parent / "rules"
GOOD = [rule for group in yaml.safe_load((HERE / "good.yaml").read_text())["groups"] for rule in group["rules"]]
OWN = tuple(rule for rule in rules()[0] if rule.code.startswith("rule/"))
# About who is told, not about the rule.
OF_PEOPLE = {"rule/unowned", "rule/unknown-severity"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Assembly:
    return assembled(small(tmp_path_factory.mktemp("house")).root, None, Options())


def judged(made: Assembly, *found: Mapping[str, object]) -> list[Finding]:
    """What is said of foreign rules, each of which stands on a line of its own."""
    assert made.built is not None
    assert made.house.model is not None
    assert made.provider is not None
    spelt = [{"pending" if key == "for" else key: value for key, value in rule.items()} for rule in found]
    own = tuple(Rule(**rule, origin=Place("alerts/x.yaml", line)) for line, rule in enumerate(spelt, start=1))  # type: ignore[arg-type]
    file = RuleFile(name="own", about="", groups=(RuleGroup(name="own", interval="1m", rules=own),))
    model = made.house.model
    subject = Subject(
        model=replace(model, foreign=(ForeignRules(name="own", groups=()),)),
        provider=made.provider,
        artefacts=replace(made.built.artefacts, rules=(*made.built.artefacts.rules, file)),
        providers=providers(),
    )
    return [finding for finding in by_rules(subject, OWN) if finding.code not in OF_PEOPLE]


def test_there_are_enough_good_rules_and_all_can_be_read() -> None:
    assert len(GOOD) >= 60
    assert [rule["expr"] for rule in GOOD if analysed(rule["expr"]) is None] == []


@pytest.mark.engines("promtool")
def test_prometheus_takes_the_good_rules(tmp_path: Path, engine: Callable[[str], Path]) -> None:
    path = tmp_path / "prometheus" / "rules" / "good.yaml"
    path.parent.mkdir(parents=True)
    path.write_text((HERE / "good.yaml").read_text())
    # The info function is experimental still.
    text = "".join(line for line in path.read_text().splitlines(keepends=True) if "info(rate" not in line)
    path.write_text(text)
    promtool = PromtoolRules(program=engine("promtool"), version="3")
    assert promtool.judge(tmp_path, ["prometheus/rules/good.yaml"]).complaints == ()


def test_a_good_rule_is_left_alone(made: Assembly) -> None:
    said = [f"{finding.code} {finding.title} ({finding.why})" for finding in judged(made, *GOOD)]
    assert said == []


def alert(expr: str, **more: object) -> dict[str, object]:
    return {"alert": "Asked", "expr": expr, "for": "5m", "annotations": {"summary": "It is so"}, **more}


def record(expr: str) -> dict[str, object]:
    return {"record": "job:asked:rate5m", "expr": expr}


def shows(label: str) -> dict[str, object]:
    return {"annotations": {"summary": f"{{{{ $labels.{label} }}}}"}}


BAD: list[tuple[dict[str, object], str, str]] = [
    (alert("sum(up"), "rule/bad-expression", "error"),
    (alert("up =! 1"), "rule/bad-expression", "error"),
    (alert("sum(orders_open)"), "rule/no-comparison", "warning"),
    (alert("rate(orders_total[5m])"), "rule/no-comparison", "warning"),
    (alert("rate(orders_total[5m]) >= 0"), "rule/no-comparison", "warning"),
    (alert("orders_open / orders_all"), "rule/no-comparison", "warning"),
    (alert("queue_full == bool 1"), "rule/always-fires", "error"),
    (alert("(sum(rate(orders_failed_total[5m])) > 5) or vector(0)"), "rule/always-fires", "error"),
    (alert("count(up == 1) == 0"), "rule/never-fires", "error"),
    (alert("absent(up) == 0"), "rule/never-fires", "error"),
    (alert("up > 1"), "rule/never-fires", "error"),
    (alert("rate(orders_total[5m]) < 0"), "rule/never-fires", "error"),
    (alert("orders_open > 10 and orders_open < 5"), "rule/never-fires", "error"),
    (alert("queue_full == 0 and queue_full == 1 and on (job) up == 1"), "rule/never-fires", "error"),
    (alert('up{job="a", job="b"} == 0'), "rule/never-fires", "error"),
    (alert("hour() > 24"), "rule/never-fires", "error"),
    (alert("sum by (pod) (a) / on (node) sum by (node) (b) > 1"), "rule/impossible-join", "error"),
    (alert("sum by (pod) (a) > 1 and sum by (node) (b) > 1"), "rule/impossible-join", "error"),
    (alert("sum by (pod) (a) / sum(b) > 1"), "rule/impossible-join", "error"),
    (alert("a > 1 and on (node) sum by (pod) (b) > 1"), "rule/fragile-join", "warning"),
    (alert('a{node="x"} > 1 and on (node) sum by (pod) (b) > 1'), "rule/impossible-join", "error"),
    (alert("orders_open / on (instance) orders_all > 1"), "rule/fragile-join", "warning"),
    (alert("sum by (cluster, job) (a) / sum by (job) (b) > 1"), "rule/fragile-join", "warning"),
    (alert("topk(3, orders_open) > 10"), "rule/changing-series", "warning"),
    (alert("bottomk by (job) (2, orders_open) < 10"), "rule/changing-series", "warning"),
    (alert('up{job=~"^api"} == 0'), "rule/needless-regex", "warning"),
    (alert('up{job!~"api$"} == 0'), "rule/needless-regex", "warning"),
    (alert('up{job=~"^api-.+$"} == 0'), "rule/needless-regex", "note"),
    (alert('up{job=~"api"} == 0'), "rule/needless-regex", "note"),
    (alert('absent(up{job="api"})', **{"for": ""}), "rule/absent-at-once", "warning"),
    (alert('absent(up{job="api"}) == 1', **{"for": "0s"}), "rule/absent-at-once", "warning"),
    (alert("queue_full == 1", **{"for": ""}), "rule/fires-at-once", "note"),
    (record("rate(go_goroutines[5m])"), "rule/gauge-rate", "error"),
    (record("increase(node_filesystem_avail_bytes[1h])"), "rule/gauge-rate", "error"),
    (record("irate(cpu_temperature_celsius[5m])"), "rule/gauge-rate", "warning"),
    (record("rate(job:orders:rate5m[5m])"), "rule/gauge-rate", "warning"),
    (alert("orders_total > 100"), "rule/raw-counter", "warning"),
    (alert("sum by (job) (orders_total) > 100"), "rule/raw-counter", "warning"),
    (alert("100 < orders_total"), "rule/raw-counter", "warning"),
    (alert("delta(orders_total[5m]) > 5"), "rule/raw-counter", "warning"),
    (record("histogram_quantile(0.9, sum by (job) (rate(a_bucket[5m])))"), "rule/quantile-without-le", "error"),
    (record("histogram_quantile(0.9, sum without (le) (job:a_bucket:rate5m))"), "rule/quantile-without-le", "error"),
    (record("histogram_quantile(0.9, sum by (le) (a_bucket))"), "rule/raw-quantile", "warning"),
    (alert("rate(orders_total[30s]) > 1"), "rule/short-range", "warning"),
    (alert("delta(queue_length[15s]) > 1"), "rule/short-range", "warning"),
    (alert("queue_full == 1", **{"for": "30d"}), "rule/waits-too-long", "warning"),
    (alert("queue_full == 1", annotations={}), "rule/no-summary", "note"),
    (alert("sum(up) == 0", **shows("instance")), "rule/lost-label", "warning"),
    (alert("sum by (job) (up) == 0", **shows("instance")), "rule/lost-label", "warning"),
    (alert("sum without (instance) (up) == 0", **shows("instance")), "rule/lost-label", "warning"),
    (alert('absent(up{job=~"a|b"})', **shows("job")), "rule/lost-label", "warning"),
    (alert("max by (job, pod) (a) > on (job) max by (job) (b)", **shows("pod")), "rule/lost-label", "warning"),
    (alert("a * on (job) group_left (x) max by (job) (b) > 1", **shows("x")), "rule/lost-label", "warning"),
    (alert('count_values("version", a) > 1', **shows("job")), "rule/lost-label", "warning"),
    (alert("sum(up) == 0", annotations={"summary": '{{ index $labels "job" }}'}), "rule/lost-label", "warning"),
    (alert("sum(up) == 0", annotations={"summary": "{{ .Labels.job }}"}), "rule/lost-label", "warning"),
    (alert("queue_full == 1", annotations={"summary": "{{ $labels.job | humanise }}"}), "rule/bad-template", "error"),
    (alert("queue_full == 1", annotations={"summary": "{{ $label.job }}"}), "rule/bad-template", "error"),
    (alert("queue_full == 1", annotations={"summary": "{{ $labels.job }"}), "rule/bad-template", "error"),
    (alert("queue_full == 1", annotations={"summary": "{{ if $value }}much"}), "rule/bad-template", "error"),
    (alert("queue_full == 1", labels={"free": "{{ $value }}"}), "rule/value-in-label", "error"),
]


@pytest.mark.parametrize(("rule", "code", "level"), BAD, ids=[f"{code}-{n}" for n, (_, code, _) in enumerate(BAD)])
def test_what_is_wrong_is_found_once_and_nothing_else_with_it(
    rule: dict[str, object], code: str, level: str, made: Assembly
) -> None:
    assert [(finding.code, finding.level.word) for finding in judged(made, rule)] == [(code, level)]


def test_a_rule_that_is_there_twice_is_told_at_the_second(made: Assembly) -> None:
    one, other = record("sum by (job) (rate(a_total[5m]))"), record("sum by (job) (rate(b_total[5m]))")
    asked = alert("queue_full == 1")
    found = judged(made, one, asked, one, other, {**asked, "labels": {"severity": "ticket"}}, asked)
    assert [(finding.place.line if finding.place else 0, finding.level) for finding in found] == [
        (3, Level.ERROR),
        (4, Level.WARNING),
        (6, Level.WARNING),
    ]
    assert {finding.code for finding in found} == {"rule/recorded-twice"}


@pytest.mark.parametrize("expr", ["rate(a_total[5m] anchored)", "rate(a_total[1h - 5m])", "sum(a_total smoothed)"])
def test_what_only_a_newer_parser_reads_is_no_error(expr: str, made: Assembly) -> None:
    assert judged(made, record(expr)) == []


def test_our_own_rules_pass_what_others_rules_must_pass(made: Assembly) -> None:
    assert made.built is not None
    ours = [
        rule for file in made.built.artefacts.rules for group in file.groups if not group.static for rule in group.rules
    ]
    written = [
        {key: value for key, value in rule.document().items() if key != "for"}
        | ({"for": rule.pending} if rule.pending else {})
        for rule in ours
    ]
    assert len(written) > 20
    known = [f"{finding.code} {finding.title}" for finding in judged(made, *written)]
    assert known == []
