"""An alert fires whenever its series are there.

## What it does
Finds foreign alerts whose expression is no condition: it compares nothing, or only what is true of every value
(`rate(...) >= 0`). `absent`, `unless`, recorded series, selected labels and constants (a watchdog) are
conditions enough.

## Why it is bad
The alert fires from its first minute on, for ever, for everything that reports.

## Example
```yaml
- {alert: Down, expr: "sum(up)", for: 5m, annotations: {summary: Down}}
```

## Use instead
```yaml
- {alert: Down, expr: "sum(up) == 0", for: 5m, annotations: {summary: Down}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from meshscope.check.foreign import foreign_alerts
from meshscope.check.promql.analysis import Analysis, is_top_bool
from meshscope.check.subject import Subject
from meshscope.findings import Finding, Level

# Labels that say where a series comes from, and nothing of its state.
_PLACES = frozenset({"__name__", "job", "instance", "cluster", "namespace", "service", "pod", "container", "env"})


def judge(subject: Subject) -> Iterator[Finding]:
    """One finding for each alert that no value keeps from firing."""
    for one, analysis in foreign_alerts(subject):
        shape = analysis.shape
        if not shape.filtered and not shape.always and not is_top_bool(analysis.root) and _is_of_any_state(analysis):
            yield Finding(
                code="rule/no-comparison",
                title=f"{one.called} fires whenever its series are there",
                place=one.rule.origin,
                level=Level.WARNING,
                why="an alert fires for each series that its expression gives, whatever its value, and this one "
                "compares with nothing that could be false",
                help="compare it with a limit, for example ... > 0",
                subject=one.name,
            )


def _is_of_any_state(analysis: Analysis) -> bool:
    named = {matcher.name for selector in analysis.selectors for matcher in selector.matchers.matchers}
    return bool(analysis.selectors) and named <= _PLACES
