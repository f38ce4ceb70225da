"""What functions and aggregations make of values and labels: https://prometheus.io/docs/prometheus/latest/querying/."""

from __future__ import annotations

import promql_parser as promql

from meshscope.check.promql.labels import NAME, NONE, Labels
from meshscope.check.promql.values import ANY, COUNT, ONE, POSITIVE, Values

RATES = frozenset({"rate", "irate", "increase"})
# They leave a counter one, and a gauge a gauge.
SAME = frozenset({"avg_over_time", "min_over_time", "max_over_time", "last_over_time", "first_over_time", "sort",
                   "sort_desc", "sort_by_label", "sort_by_label_desc", "quantile_over_time"})  # fmt: skip
_AT_LEAST_ZERO = RATES | {"changes", "resets", "abs", "timestamp", "stddev_over_time", "stdvar_over_time"}


def bare(node: object) -> object:
    """``node`` without the parentheses around it."""
    while isinstance(node, promql.ParenExpr):
        node = node.expr
    return node


def absent_labels(argument: object) -> Labels:
    """The labels that ``absent`` makes: those that its selector demands to be equal, each once."""
    argument = bare(argument)
    if isinstance(argument, promql.MatrixSelector):
        argument = argument.vector_selector
    if not isinstance(argument, promql.VectorSelector):
        return NONE
    demanded = [one for one in argument.matchers.matchers if one.name != NAME]
    once = [one for one in demanded if [each.name for each in demanded].count(one.name) == 1]
    names = frozenset(one.name for one in once if one.op == promql.MatchOp.Equal and one.value)
    return Labels(only=names, sure=names)


def function_values(name: str, values: Values) -> Values:
    """What a function gives of series with ``values``."""
    if name in SAME:
        return values
    if name in _AT_LEAST_ZERO:
        return POSITIVE
    if name == "present_over_time":
        return ONE
    if name == "count_over_time":
        return COUNT
    if name == "sum_over_time":
        return POSITIVE if values.low >= 0 else ANY
    return ANY


def aggregated_values(operator: str, values: Values) -> Values:
    """What an aggregation gives of series with ``values``."""
    match operator:
        case "count" | "count_values":
            return COUNT
        case "group":
            return ONE
        case "avg" | "min" | "max" | "quantile":
            return values
        case "sum":
            return POSITIVE if values.low >= 0 else ANY
        case "stddev" | "stdvar":
            return POSITIVE
    return ANY


def in_words(values: Values) -> str:
    """Where values lie, for a person."""
    if values.low == values.high:
        return f"it is always {values.low:g}"
    return f"it is at least {values.low:g}" if values.low > float("-inf") else f"it is at most {values.high:g}"
