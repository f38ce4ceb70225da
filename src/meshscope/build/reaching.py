"""What a person's own inhibit rules do to alerts of ours, told from what both say.

A rule that makes a critical alert silence each warning of its name in the namespace silences the ticket of a neighbour.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from meshscope.artefacts.rules import RuleFile
from meshscope.build.ours import our_labels
from meshscope.findings import Finding, Level, Place
from meshscope.model.mesh import Mesh

# Labels that each alert of ours may have with any value; of all others it has what its rule says, or nothing.
_ANY = frozenset(
    {"cluster", "namespace", "service", "owner", "slo", "sli", "tier", "pod", "workload", "version", "period", "long",
     "short", "missing", "reason"}
)  # fmt: skip
_MATCHER = re.compile(r"\s*(\w+)\s*(=~|!~|!=|=)\s*(.*?)\s*", re.DOTALL)


def silenced_by_theirs(
    document: Mapping[str, object], files: Iterable[RuleFile], mesh: Mesh, path: str
) -> list[Finding]:
    """The inhibit rules of ``document`` by which an alert may silence one of ours that is about something else."""
    alerts = [
        {"alertname": rule.alert, **rule.labels}
        for file in files
        for group in file.groups
        for rule in group.rules
        if rule.alert and our_labels(mesh).items() <= rule.labels.items()
    ]
    told = [alert for alert in alerts if alert.get("severity") != "none"]
    rules = document.get("inhibit_rules")
    return [
        _finding(number, rule, reached, path)
        for number, rule in enumerate(rules if isinstance(rules, list) else [], 1)
        if isinstance(rule, Mapping) and (reached := _reached(rule, told))
    ]


def _reached(rule: Mapping[str, object], alerts: Sequence[Mapping[str, str]]) -> str:
    """The name of an alert of ours that the rule may silence; empty where it can reach none."""
    named = rule.get("equal")
    equal = [str(name) for name in named] if isinstance(named, list) else []
    sources = [alert for alert in alerts if _matches(rule, "source", alert)]
    for target in alerts:
        if not _matches(rule, "target", target):
            continue
        # Nobody else's alert has the name of one of ours; of ours, it silences only what is not about the same service.
        neighbours = [one for one in sources if "service" not in equal and _equal(one, target, equal)]
        if neighbours or "alertname" not in equal:
            return target["alertname"]
    return ""


def _equal(one: Mapping[str, str], other: Mapping[str, str], labels: Iterable[str]) -> bool:
    return all(label in _ANY or one.get(label, "") == other.get(label, "") for label in labels)


def _matches(rule: Mapping[str, object], side: str, alert: Mapping[str, str]) -> bool:
    return all(
        (name in _ANY and name not in alert) or _holds(operator, alert.get(name, ""), value)
        for name, operator, value in _matchers(rule, side)
    )


def _holds(operator: str, found: str, value: str) -> bool:
    if operator in ("=", "!="):
        return (found == value) == (operator == "=")
    try:
        return (re.fullmatch(value, found, re.DOTALL) is not None) == (operator == "=~")
    except re.error:
        return True


def _matchers(rule: Mapping[str, object], side: str) -> Iterator[tuple[str, str, str]]:
    """The matchers of one side, in each of the three forms that Alertmanager reads."""
    for key, operator in ((f"{side}_match", "="), (f"{side}_match_re", "=~")):
        pairs = rule.get(key)
        if isinstance(pairs, Mapping):
            yield from ((str(name), operator, str(value)) for name, value in pairs.items())
    texts = rule.get(f"{side}_matchers")
    for text in texts if isinstance(texts, list) else []:
        for one in re.split(r",(?=\s*\w+\s*(?:=~|!~|!=|=))", str(text).strip().strip("{}")):
            found = _MATCHER.fullmatch(one)
            if found:
                yield found[1], found[2], _unquoted(found[3])


def _unquoted(value: str) -> str:
    if not (len(value) > 1 and value.startswith('"') and value.endswith('"')):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value[1:-1]


def _finding(number: int, rule: Mapping[str, object], reached: str, path: str) -> Finding:
    what = rule.get("name") or f"number {number} of your own"
    return Finding(
        code="alertmanager/silences-ours",
        title=f"inhibit rule {what} in {path} may silence `{reached}` of this mesh",
        place=Place(path, 1),
        why="what fires beside it has little to do with it: labels that are equal, or that both lack, are enough, and "
        "the service is not among them",
        help="add 'meshscope=\"\"' to its target_matchers; alerts of ours have inhibit rules of their own",
        level=Level.WARNING,
        subject=str(what),
    )
