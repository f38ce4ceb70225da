"""Which alerts fire when: promtool evaluates the built rules over what the proxies said, row by row."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import yaml

from tests.outages.built import Built, constant
from tests.outages.rows import Row, Series, parse_metric, seconds
from tests.outages.shapes import Sample, asked, notation, samples, sparse

# Once a minute, though the fastest groups are evaluated twice as often: half the work, the same verdicts. A long row
# less often, or it would take minutes.
_STEPS = ((14 * 3600, 30, 60), (10**9, 60, 600))
# How old the last sample of a series may be for an instant (query.lookback-delta).
LOOKED_BACK = 300
_GOT = re.compile(r'^    expr: "(?P<expr>(?:[^"\\]|\\.)*)", time: (?P<time>\w+),$')
_ALERTS = re.compile(r"(?P<metric>\{(?:[^\"}]|\"(?:[^\"\\]|\\.)*\")*\}) [0-9.eE+-]+")

Labels = frozenset[tuple[str, str]]


class CantPlay(Exception):
    """promtool could not evaluate it."""


@dataclass(frozen=True)
class Moment:
    """The alerts that fire from ``at`` (seconds) on, each with all its labels as Prometheus sends them."""

    at: int
    alerts: frozenset[Labels]


def steps(lasts: int) -> tuple[int, int]:
    """Seconds between scrapes, and between evaluations, of a row that lasts so long."""
    return next((scrape, evaluation) for limit, scrape, evaluation in _STEPS if lasts <= limit)


def play(promtool: Path, built: Built, rows: Sequence[Row], folder: Path) -> dict[str, list[Moment]]:
    """What fires when, for each row by name; the rows have one house and one pace."""
    folder.mkdir(parents=True)
    scrape, evaluation = steps(rows[0].lasts)
    groups = paced(built.groups, evaluation)
    (folder / "rules.yaml").write_text(yaml.dump({"groups": list(groups)}, Dumper=yaml.CSafeDumper, sort_keys=False))
    document = {
        "rule_files": ["rules.yaml"],
        "evaluation_interval": f"{evaluation}s",
        "group_eval_order": [group["name"] for group in groups],
        "tests": [_test(built, row, scrape, evaluation) for row in rows],
    }
    (folder / "rows.yaml").write_text(yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, width=10**6))
    done = subprocess.run(
        [promtool, "test", "rules", folder / "rows.yaml"],
        capture_output=True,
        text=True,
        check=False,
        timeout=1800,
        # Two of them share two processors; less often collected, each takes a quarter less.
        env={**os.environ, "GOMAXPROCS": "1", "GOGC": "400"},
    )
    said = _read(done.stderr, built)
    if done.returncode and not said:
        raise CantPlay(f"{built.variant}: {done.stderr[:2000]}{done.stdout[:500]}")
    return {row.name: _moments(said.get(row.name, {}), row, evaluation) for row in rows}


def paced(groups: Sequence[Mapping[str, Any]], evaluation: int) -> tuple[dict[str, Any], ...]:
    """The same groups for a promtool that evaluates all of them at one pace (cmd/promtool/unittest.go).

    What a slower group records is written at that group's pace only, so that whoever counts its samples counts right;
    what a faster one records stands in sums for all the samples that it would have made. Whoever reads what is not
    recorded in the same round gets the last, as from a Prometheus that evaluates in time and looks back five minutes.
    """
    paces = {
        rule["record"]: seconds(str(group.get("interval", "1m")))
        for group in groups
        if not constant(group)
        for rule in group["rules"]
        if "record" in rule
    }
    slow = {name for name, pace in paces.items() if pace > evaluation}
    before: set[str] = set()

    def kept_until_next(found: re.Match[str]) -> str:
        name, matchers, offset = found[1], found[2] or "", found[3] or ""
        if name not in slow and (evaluation < LOOKED_BACK or (name in before and not offset)):
            return found[0]
        # A range leaves out a sample at its very beginning.
        span = min(paces[name] + 1, LOOKED_BACK) if name in slow else evaluation + 1
        return f"last_over_time({name}{matchers}[{span}s]{offset})"

    def weighed(found: re.Match[str]) -> str:
        times = Fraction(min(seconds(found[2]), evaluation), paces[found[1]])
        return f"({times} * {found[0]})" if times > 1 else found[0]

    named = "|".join(map(re.escape, sorted(paces, key=len, reverse=True))) or "(?!)"
    last = re.compile(rf"(?<![\w:])({named})(\{{[^}}]*\}})?(?![\w:]|\s*\[|\{{)(\s+offset\s+\w+)?")
    added = re.compile(rf"sum_over_time\(\s*({named})(?:\{{[^}}]*\}})?\[(\w+)\](?:\s+offset\s+\w+)?\s*\)")
    made = []
    for group in groups:
        rules = []
        # A group that looks back by a query_offset has the time of what it looks at.
        behind = seconds(str(group.get("query_offset", "0s")))
        now = f"(time() + {behind})" if behind else "time()"
        for rule in group["rules"]:
            expression = last.sub(kept_until_next, added.sub(weighed, str(rule["expr"])))
            if rule.get("record") in slow:
                expression = f"({expression}\n) and on () (vector({now}) % {paces[rule['record']]} == 0)"
            rules.append({**rule, "expr": expression})
            before.add(rule.get("record", ""))
        made.append({**group, "rules": rules})
    return tuple(made)


def _test(built: Built, row: Row, scrape: int, evaluation: int) -> dict[str, Any]:
    times = range(0, row.lasts + 1, scrape)
    found = [
        {"series": f"{name}{{{_labels(labels)}}}", "values": values}
        for name, labels, values in _pages(built, row, times, scrape)
    ]
    return {
        "name": row.name,
        "interval": f"{scrape}s",
        "input_series": found,
        "promql_expr_test": [
            {"expr": f'ALERTS{{alertstate="firing"}} # {row.name}', "eval_time": f"{at}s", "exp_samples": []}
            for at in range(0, row.lasts + 1, evaluation)
        ],
    }


def _pages(built: Built, row: Row, times: Sequence[int], scrape: int) -> Iterator[tuple[str, Mapping[str, str], str]]:
    """Every series that Prometheus stores in a row: what it scrapes, what it adds itself, what it is sent."""
    lines = [*_healthy(row), *((series, ()) for series in row.series)]
    for of in sorted({series.of for series, _ in lines}):
        own = [(series, samples(series.shape, ever, times)) for series, ever in lines if series.of == of]
        if not of:
            every = max(row.house.pushed_every // scrape, 1)
            yield from ((series.name, series.labels, sparse(values, every)) for series, values in own)
            continue
        target = _target(built, row, of)
        kept = built.kept_metrics if "job" not in row.house.targets[of] else ".*"
        stored = [(series, values) for series, values in own if re.fullmatch(kept, series.name)]
        yield from _scraped(row, of, target, stored, times)


def _healthy(row: Row) -> Iterator[tuple[Series, tuple[str, ...]]]:
    """The healthy mesh, with what the row changes of it."""
    for series in row.house.healthy:
        changed = row.healthy.get(series.service) or row.healthy.get(series.service.partition(" ")[0])
        shape = changed if changed is not None else series.shape
        yield Series(name=series.name, labels=series.labels, of=series.of, shape=shape), series.shape


def _target(built: Built, row: Row, of: str) -> dict[str, str]:
    """The labels of a target: the row's own, and for a proxy those that its scrape adds."""
    said = row.house.targets[of]
    if "job" in said:
        return {"instance": of, **said}
    return {**built.proxy_labels, "instance": f"{of}:15090", "pod": of, **said}


def _scraped(
    row: Row, of: str, target: Mapping[str, str], page: Sequence[tuple[Series, list[Sample]]], times: Sequence[int]
) -> Iterator[tuple[str, Mapping[str, str], str]]:
    """A page as it is stored, and what Prometheus says of each scrape (scrape/scrape.go)."""
    shape = row.targets.get(of, ("is 1",))
    alive, scraped = samples(shape, (), times), asked(shape, times)
    for series, values in page:
        seen = [value if up else None for value, up in zip(values, alive, strict=True)]
        # A label that the page has too is kept as exported_... (honor_labels: false).
        own = {(f"exported_{name}" if name in target else name): value for name, value in series.labels.items()}
        yield series.name, {**own, **target}, notation(seen, scraped)
    yield "up", target, notation(alive, scraped)
    added: list[Sample] = []
    taken: list[Sample] = []
    cached: set[int] = set()
    for position, up in enumerate(alive):
        if not up:
            added.append(up)
            taken.append(up)
            continue
        here = {number for number, (_, values) in enumerate(page) if values[position] is not None}
        added.append(up * len(here - cached))
        taken.append(up * len(here))
        cached = here
    yield "scrape_series_added", target, notation(added, scraped)
    # Nothing is dropped by metric_relabel_configs that these pages hold.
    for name in ("scrape_samples_scraped", "scrape_samples_post_metric_relabeling"):
        yield name, target, notation(taken, scraped)


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{value}"' for name, value in labels.items())


def _read(text: str, built: Built) -> dict[str, dict[int, frozenset[Labels]]]:
    """What promtool got where nothing was expected, by row and time."""
    found: dict[str, dict[int, frozenset[Labels]]] = {}
    lines = text.splitlines()
    for number, line in enumerate(lines):
        asked = _GOT.match(line)
        if not asked:
            if "err:" in line:
                raise CantPlay(f"{built.variant}: {line.strip()}")
            continue
        name = asked["expr"].rpartition("# ")[2]
        got = lines[number + 2].strip()
        alerts = frozenset(_sent(one["metric"], built) for one in _ALERTS.finditer(got))
        found.setdefault(name, {})[seconds(asked["time"])] = alerts
    return found


def _sent(metric: str, built: Built) -> Labels:
    """An alert's labels as they leave Prometheus: with its external labels, without those that are dropped."""
    _, labels = parse_metric(f"ALERTS{metric}")
    del labels["__name__"], labels["alertstate"]
    sent = {**built.external_labels, **labels}
    return frozenset(
        (name, value)
        for name, value in sent.items()
        if not (built.dropped_labels and re.fullmatch(built.dropped_labels, name))
    )


def _moments(said: Mapping[int, frozenset[Labels]], row: Row, evaluation: int) -> list[Moment]:
    """Only the times at which something changes."""
    found: list[Moment] = []
    for at in range(0, row.lasts + 1, evaluation):
        alerts = frozenset(alert for alert in said.get(at, frozenset()))
        if alerts != (found[-1].alerts if found else frozenset()):
            found.append(Moment(at, alerts))
    return found


def names(alerts: Iterable[Labels]) -> list[str]:
    """Which alerts, and about what, for a person."""
    said = [dict(alert) for alert in alerts]
    return sorted(
        f"{one['alertname']}[{one.get('severity', '')}] {one.get('namespace', '')}/{one.get('service', '')}".strip()
        + (f" {one['slo']}" if "slo" in one else "")
        for one in said
    )
