"""Each generated unit test fails on real promtool when the rule that it guards is broken."""

import re
from collections.abc import Callable

import pytest
import yaml

from tests.rules.conftest import boutique, proof

pytestmark = pytest.mark.engines("promtool")


def sub(pattern: str, replacement: str) -> Callable[[str], str]:
    return lambda text: re.sub(pattern, replacement, text)


_AGED, _PATIENT = (rf"meshscope_agent_heartbeat_{what}_seconds\{{[^}}]*\}}" for what in ("age", "patience"))
ON_SLO = r"on \(cluster, namespace, service, slo\)"
# What is broken, where the proof that must notice lies, and the story in it that does.
MUTANTS: dict[str, tuple[Callable[[str], str], str, str]] = {
    "reporter: the join forgets it, and both proxies count": (
        lambda text: text.replace("cluster, namespace, service, reporter", "cluster, namespace, service").replace(
            'reporter=~"source|waypoint"', 'reporter=~"source|waypoint|destination"'
        ),
        "error_budget_burn",
        "another reporter",
    ),
    "zero fill: a service that never failed has no ratio": (
        sub(rf"(?s)\(\s+0 \* slo:events:rate1h\s+and {ON_SLO}\s+[^)]*\)", "slo:nothing"),
        "error_budget_burn",
        "never failed",
    ),
    "gate: a single failure wakes somebody": (sub(r">= 5\b", ">= 0"), "error_budget_burn", "trickle"),
    "threshold: a fifth too high": (sub(r"vector\(14\.4\)", "vector(17)"), "error_budget_burn", "just above 14.4"),
    "threshold: a tenth too low": (sub(r"vector\(14\.4\)", "vector(13)"), "error_budget_burn", "just below 14.4"),
    "threshold: the second page's, doubled": (
        sub(r"vector\(6\)", "vector(12)"),
        "error_budget_burn",
        "above 6 ",
    ),
    "threshold: the ticket's, doubled": (sub(r"vector\(3\)", "vector(6)"), "error_budget_burn", "just above 3 "),
    "threshold: another window's": (
        sub(r"slo:burn:threshold\{long=\"6h\"\}", 'slo:burn:threshold{long="1h"}'),
        "error_budget_burn",
        "above 6 ",
    ),
    "threshold: rates of an SLO's own are forgotten": (
        sub('slo!=""', 'slo="none"'),
        "error_budget_burn",
        "own burn rates",
    ),
    "outage: any failing request is one": (sub(r"0\.899\b", "0.8"), "outage", "17 of 20"),
    "outage: only if everything fails": (sub(r"0\.899\b", "0.99"), "outage", "19 of 20"),
    "outage: four are enough": (sub(r">= 4\.5\b", ">= 3.5"), "outage", "four failures"),
    "little traffic: good requests don't count": (
        sub(r'(?s)(sum_over_time\(slo:rate5m:over2m\{of="good_sum"\}\[30m\]\))', r"0 * \1"),
        "outage",
        "some of them good",
    ),
    "little traffic: retries are as many failures": (sub(r"1\.2 \*", "0 *"), "outage", "three times"),
    "little traffic: only half an hour is looked at": (sub(r"\[[126]h\]", "[30m]"), "outage", "in twenty minutes"),
    "budget: spent from the first hour": (
        sub(r"offset \d+[mhd]", "offset 0s"),
        "error_budget_spent",
        "half as many more",
    ),
    "budget: held against twice of it": (
        sub(r"slo:errors:ratio_period\n(\s+)and", r"slo:errors:ratio_period * 0.5\n\1and"),
        "error_budget_spent",
        "half as many more",
    ),
    "bucket: nobody looks for it": (
        sub(r'sli="latency"\}(\s+and)', r'sli="none"}\1'),
        "error_budget_burn",
        "lacks only its bucket",
    ),
    "owner join: nobody is named": (
        sub(r"group_left \(owner, tier\)", "group_left (tier)"),
        "error_budget_burn",
        "just above 14.4",
    ),
    "info: a second one breaks every join": (
        sub(r"topk by \(cluster, namespace, service\) \(\s*1,\s+(service:info\{[^}]*\})\s*\)", r"\1"),
        "error_budget_burn",
        "two infos",
    ),
    "gRPC: a failure with HTTP 200 is forgotten": (
        sub(r"2\|4\|12\|13\|14\|15", "2|4|12|13|15"),
        "error_budget_burn",
        "gRPC",
    ),
    "no answer: code 0 is forgotten": (
        sub(r'response_code="0",response_flags!~', 'response_code="000",response_flags!~'),
        "error_budget_burn",
        "without an answer is",
    ),
    "hung up: the client's own doing counts": (
        sub(r'(response_code="0"),response_flags!~"[^"]*"', r"\1"),
        "error_budget_burn",
        "client hung up is no",
    ),
    "flags: what the client did besides excuses the server": (
        sub(r"\(DC\|DR\)\(,\(DC\|DR\)\)\*", "(.+,)?(DC|DR)(,.+)?"),
        "error_budget_burn",
        "after which the client hung up",
    ),
    "flags: no route is as good as any answer": (
        sub(r"\(NR\|NC\|", "(NC|"),
        "error_budget_burn",
        "without a route",
    ),
    "flags: an answer that is torn after its headers is good": (
        sub(r"\(UC\|UR\|", "(UR|"),
        "error_budget_burn",
        "torn after its headers",
    ),
    "flags: what the client did after an answer was torn excuses the server": (
        sub(r"\(UC\|UR\|([A-Z|]+)\)\(,\.\+\)\?", r"(UC|UR|\1)"),
        "error_budget_burn",
        "torn before the client",
    ),
    "flags: whoever was not reached is known by the code alone": (
        sub(r"NC\|UH\|", "NC|"),
        "error_budget_burn",
        "its code was rewritten",
    ),
    "flags: an upgraded connection may not end": (
        sub(r"5\.\.\|0\|101", "5..|0"),
        "error_budget_burn",
        "upgraded before",
    ),
    "flags: retries that ran out tear the answer": (
        sub(r"\(UC\|UR\|", "(URX|UC|UR|"),
        "error_budget_burn",
        "its retries ran out",
    ),
    "torn: a server may not end what its clients watch": (
        sub(r'streams="false"', 'streams=~"false|true"'),
        "error_budget_burn",
        "what clients watch",
    ),
    "host: what the proxy can't attribute is nobody's": (
        sub(r'destination_service_namespace="unknown"', 'destination_service_namespace="none"'),
        "error_budget_burn",
        "known by",
    ),
    "given up: a third is enough": (sub(r">=\s+0\.5\b", ">= 0.3"), "callers_give_up", "just below"),
    "given up: most must be": (sub(r">=\s+0\.5\b", ">= 0.7"), "callers_give_up", "just above"),
    "given up: one is enough": (sub(r">=\s+20\b", ">= 1"), "callers_give_up", "too few"),
    "given up: clients may not end what they watch": (
        sub('streams="false"', 'streams=~"false|true"'),
        "callers_give_up",
        "clients end",
    ),
    "given up: failures count too": (
        sub(r'response_code="0",response_flags=~"\(DC\|DR\)[^"]*"', 'response_code=~"5..|0"'),
        "callers_give_up",
        "what fails",
    ),
    "traffic: a fiftieth is nothing": (sub(r"/\s+0\.01\b", "/ 0.05"), "traffic_gone", "a fiftieth"),
    "traffic: what is reported no more is not missed": (
        sub(r"\b0\s+\*\s+service:info", "1000000 * service:info"),
        "traffic_gone",
        "without any",
    ),
    "traffic: nights are missed by the volume of the day": (
        sub(r"(service:requests:rate5m\[30m\] offset 1d)", r"(\1) + 1e9"),
        "traffic_gone_by_night",
        "as quiet as yesterday",
    ),
    "traffic: it is never gone for tickets": (sub('tier!="1"', 'tier="4"'), "traffic_gone", "without any"),
    "traffic: many are told one by one": (sub(r">\s+1 / 3", "> 2"), "traffic_gone", "many at once"),
    "unattributed: another share": (sub(r"\b0\.05 \*", "0.1 *"), "unattributed_failures", "just above"),
    "unattributed: a lower share": (sub(r"\b0\.05 \*", "0.04 *"), "unattributed_failures", "just below"),
    "unattributed: one failure is enough": (
        sub(r"(?s)(clamp_min\(.*?,\s+)20(\s*\))", r"\g<1>1\2"),
        "unattributed_failures",
        "too few",
    ),
    "unattributed: hosts of the mesh's services count": (
        sub(
            r"(?s)(unless on \(cluster, namespace, service\)\s+)service:info\{(?![^}]*tier)[^}]*\}",
            r"\1slo:none",
        ),
        "unattributed_failures",
        "whose host is",
    ),
    "le: only one spelling is read": (sub(r"(\d)\|\d+\\+\.0\b", r"\1"), "error_budget_burn", "both spellings"),
    "short window: dropped": (
        sub(r"slo:errors:ratio_rate5m > on", "slo:errors:ratio_rate1h > on"),
        "error_budget_burn",
        "recovered",
    ),
    "3 days: only one is summed": (sub(r"\[3d\]", "[1d]"), "error_budget_burn_slow", "before yesterday"),
    "bridge: edges don't inhibit": (
        sub('inhibits="true"', 'inhibits="false"'),
        "pages_together",
        "is news",
    ),
    "bridge: it never lets go": (sub(r"time\(\)\s*-\s*840", "0"), "pages_together", "is news"),
    "bridge: how much the caller fails is forgotten": (
        sub(r"\(\s*3\s*\*", "(300 *"),
        "pages_together",
        "another cause",
    ),
    "bridge: a caller that fails a little more": (sub(r"\(\s*3\s*\*", "(2 *"), "pages_together", "up to three"),
    "bridge: latency explains failures": (
        sub(r'service:paging:ratio_rate5m\{sli="availability"\}\s+and', "service:paging:ratio_rate5m and"),
        "pages_together",
        "is slow",
    ),
    "storm: of nine": (sub(r"(clamp_min\(\s+)10\b", r"\g<1>11"), "pages_together", "ten services"),
    "storm: of three": (sub(r"/ 3, 5\)", "/ 3, 3)"), "pages_together", "four services"),
    "storm: of a fourth": (sub(r"/ 3, 5\)", "/ 4, 5)"), "pages_together", "a third of their cluster"),
    "storm: of a whole cluster": (sub(r"/ 3, 5\)", ", 5)"), "pages_together", "a third of their cluster"),
    "storm: those that are held back count": (
        sub('alertname="DependencyPaging"', 'alertname="Nothing"'),
        "pages_together",
        "held back by",
    ),
    "storm: whatever ends is left open": (
        sub(
            r"(?s)unless on \(cluster, namespace, service, slo\)\s+max by",
            "and on (cluster, namespace, service) max by",
        ),
        "pages_together",
        "ends within",
    ),
    "absence: it looks at itself": (
        sub(
            r"(?s)unless on \(cluster, namespace, service, reporter\)\s+service:answers:rate\{window=\"5m\"\}",
            "unless slo:objective:ratio",
        ),
        "error_budget_burn",
        "is absent",
    ),
    "instance: a killed pod is still paged for": (
        sub(r"(?s)and on \([^)]*pod\)\s+istio_requests_total", "or 0 * istio_requests_total"),
        "lone_failing_instance",
        "gone",
    ),
    "instance: siblings are forgotten": (sub(r"\b5\s+\*", "0 *"), "lone_failing_instance", "fail alike"),
    "instance: another threshold": (sub(r"\b0\.05\b", "0.3"), "lone_failing_instance", "fires"),
    "instance: a lower threshold": (sub(r"\b0\.05\b", "0.04"), "lone_failing_instance", "just outside"),
    "instance: gate dropped": (sub(r">= 50\b", ">= 0"), "lone_failing_instance", "little traffic"),
    "instance: owner join dropped": (
        sub(r"group_left \(owner, tier\)", "group_left (tier)"),
        "lone_failing_instance",
        "fires",
    ),
    "instance: seen from the client": (
        sub('reporter="destination"', 'reporter="source"'),
        "lone_failing_instance",
        "fires",
    ),
    "where: the tier is forgotten": (
        sub(r'(service:info\{[^}]*),tier="1"\}', r"\1}"),
        "slow_and_failing",
        "leaves alone",
    ),
    "and: one half is enough": (sub(r"\n(\s+)and\n", r"\n\1or\n"), "slow_and_failing", "just outside"),
    "slow: another bound": (sub(r"1000\|1000\\+\.0", "100"), "slow_and_failing", "fires"),
    "platform: one message that was given up once wakes somebody": (sub(r">=\s+2\b", "> 0"), "platform", "fails once"),
    "platform: a machine that is not told wakes people": (
        sub('integration!="webhook"', ""),
        "platform",
        "no machine",
    ),
    "platform: messages that fail are forgotten": (
        sub("notifications_failed_total", "notifications_total"),
        "platform",
        "fails at each turn",
    ),
    "platform: rules that fail are forgotten": (
        sub("evaluation_failures_total", "evaluations_total"),
        "platform",
        "fails each time",
    ),
    "platform: what can't be queued is forgotten": (
        sub("enqueue_failed_log_records", "enqueue_failed_nothing"),
        "platform",
        "what is queued fails",
    ),
    "platform: evaluations that are late": (
        sub(r"iterations_missed_total", "iterations_total"),
        "platform",
        "left out",
    ),
    "platform: a neighbour's rules count": (sub(r',rule_group=~"[^"]*"', ""), "platform", "neighbour's rule"),
    "platform: a neighbour's targets count": (sub(r"up\{[^}]*job=[^}]*\}", "up"), "platform", "neighbour's targets"),
    "platform: one gateway is lost among many": (sub(r">=\s+0\.5", ">= 2"), "platform", "among 300"),
    "platform: half a gateway is nothing": (sub(r">=\s+0\.5", "> 0.5"), "platform", "two pods does not"),
    "platform: a gateway that is seen by one pod is absent": (
        sub(r"(?s)max( by \(job, workload\) \((?:(?!max by).)*?egress)", r"min\1"),
        "platform",
        "its two pods answers",
    ),
    "platform: whoever does not answer is refused": (
        sub(r"scrape_samples_scraped", "up"),
        "platform",
        "more samples",
    ),
    "platform: what is refused is told as what gives no numbers": (
        sub('"refused"', '"down"'),
        "platform",
        "more samples",
    ),
    "platform: why collectors lose telemetry is not told": (
        sub(r"sum by \(exporter, reason\)", "sum by (exporter)"),
        "platform",
        "what is sent fails",
    ),
    "platform: a neighbour's collectors count": (
        sub(',job="collectors"', ""),
        "platform",
        "neighbour's collectors",
    ),
    "platform: what is dropped is forgotten": (sub("notifications_dropped", "nothing"), "platform", "are dropped"),
    "platform: an Alertmanager that is not found is forgotten": (
        sub(r"(alertmanagers_discovered\{[^}]*\}\s*\))\s*< 1", r"\1 < 0"),
        "platform",
        "is found",
    ),
    "platform: a refused configuration is fine": (
        sub(r"last_reload_successful", "last_reload_success"),
        "platform",
        "its configuration",
    ),
    "platform: a tier that is gone is not missed": (sub(r"\s*==\s+1\b", " >= 0"), "platform", "of a tier answers"),
    "platform: traces that are dropped are forgotten": (
        sub("trace_dropped_too_early", "trace_kept"),
        "platform",
        "undecided",
    ),
    "platform: what collectors refuse is forgotten": (
        sub("receiver_refused_metric_points", "receiver_refused_nothing"),
        "platform",
        "metrics are refused",
    ),
    "agent: a part may be silent for ever": (
        sub(rf"{_AGED}\s*>\s*{_PATIENT}", "0 > 1"),
        "platform",
        "another one",
    ),
    "agent: every silence counts": (
        sub(rf">\s*{_PATIENT}", "> 0"),
        "platform",
        "as long as it may be",
    ),
    "agent: one that is dead says nothing, so nothing is said": (
        sub(rf"absent\(\s*({_AGED})\s*\)", r"\1 < 0"),
        "platform",
        "killed is back",
    ),
    "agent: whoever is refused makes a ticket": (sub(r'reason=~"[^"]*"', 'reason!=""'), "platform", "stranger"),
    "agent: one refusal makes a ticket": (
        sub(r"(refused_total\{[^}]*\})\[5m\]", r"\1[15m]"),
        "platform",
        "each once",
    ),
    "agent: who asked before the message came makes a ticket": (
        sub(r'source=~"alertmanager[^"]*"', 'source="nobody"'),
        "platform",
        "asked before",
    ),
    "agent: an alert that is given up is forgotten": (sub("alerts_dead_total", "dead"), "platform", "given up"),
    "plaintext: the encrypted": (
        sub("connection_security_policy!=", "connection_security_policy="),
        "plaintext_traffic",
        ".",
    ),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_a_broken_rule_is_killed_by_its_generated_test(promtool, name):
    # That unbroken rules pass the same story is what test_generated.py runs.
    change, tests, story = MUTANTS[name]
    whole = proof(boutique())
    named = [one["name"] for one in yaml.safe_load(whole.files[f"tests/{tests}.yaml"])["tests"]]
    assert any(re.search(story, one) for one in named), named
    done = promtool(whole.mutated(change), f"{tests}.yaml", story)
    assert "FAILED" in done.stdout + done.stderr, "the mutant lives"
    assert done.returncode != 0
