"""The analysis: one walk from the leaves of an expression to its root, and what was noticed on the way."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

import promql_parser as promql

from meshscope.check.promql import metrics
from meshscope.check.promql.effects import (
    RATES,
    SAME,
    absent_labels,
    aggregated_values,
    bare,
    function_values,
    in_words,
)
from meshscope.check.promql.labels import NAME, NONE, Labels
from meshscope.check.promql.shape import Kind, Problem, Range, Shape
from meshscope.check.promql.values import ANY, ONE, POSITIVE, TRUTH, Values, calculated, turned

COMPARISONS = frozenset({"==", "!=", ">", ">=", "<", "<="})
SETS = frozenset({"and", "or", "unless"})
# They need two samples at least.
TWO_SAMPLES = RATES | {"delta", "idelta", "deriv", "predict_linear"}
# They say how a gauge moves, and read each reset of a counter as a fall.
MOVES = frozenset({"delta", "idelta", "deriv", "predict_linear", "double_exponential_smoothing", "holt_winters"})
_CHOOSE = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
_CONSTANTS = {"pi": Values(3, 4), "time": POSITIVE, "hour": Values(0, 23), "minute": Values(0, 59),
              "month": Values(1, 12), "day_of_week": Values(0, 6), "day_of_month": Values(1, 31)}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """The whole expression: its shape, what was noticed, and what it reads.

    ``root`` is its outermost operation, ``is_instant`` says that no part of it looks over a time.
    """

    shape: Shape
    problems: tuple[Problem, ...]
    selectors: tuple[promql.VectorSelector, ...]
    ranges: tuple[Range, ...]
    is_instant: bool
    root: object = field(repr=False)


@lru_cache(maxsize=16_384)
def analysed(text: str) -> Analysis | None:
    """The analysis of an expression; None where it can't be parsed."""
    try:
        root = promql.parse(text)
    except ValueError:
        return None
    walk = _Walk()
    return Analysis(
        shape=walk.shape(root),
        problems=tuple(dict.fromkeys(walk.problems)),
        selectors=tuple(walk.selectors),
        ranges=tuple(walk.ranges),
        is_instant=walk.is_instant,
        root=root,
    )


def is_top_bool(root: object) -> bool:
    """Whether the outermost operation is a comparison that gives 0 or 1 instead of choosing series."""
    node = bare(root)
    return (
        isinstance(node, promql.BinaryExpr)
        and str(node.op) in COMPARISONS
        and node.modifier is not None
        and bool(node.modifier.return_bool)
    )


def seconds(duration: str) -> float:
    """A duration in Prometheus's spelling in seconds; 0 for none and for what is no duration."""
    try:
        return float(promql.parse_duration(duration).total_seconds()) if duration else 0.0
    except ValueError:
        return 0.0


def metric(selector: promql.VectorSelector) -> str:
    """The name of the metric that is selected; empty where it is a pattern or none."""
    named = (one.value for one in selector.matchers.matchers if one.name == NAME and one.op == promql.MatchOp.Equal)
    return selector.name or next(named, "")


# Labels that many stores don't have at all, where both sides are without them.
_OPTIONAL = frozenset({"cluster", "prometheus", "prometheus_replica", "replica", "environment", "region"})


class _Walk:
    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.selectors: list[promql.VectorSelector] = []
        self.ranges: list[Range] = []
        self.is_instant = True

    def note(self, kind: Kind, of: object, why: str = "", *, certain: bool = True) -> None:
        text = of.prettify() if isinstance(of, promql.Expr) else str(of)
        self.problems.append(Problem(kind, " ".join(text.split()), why, certain))

    def shape(self, node: object) -> Shape:
        match node:
            case promql.NumberLiteral():
                return Shape(values=Values(node.val, node.val), is_scalar=True, always=True)
            case promql.StringLiteral():
                return Shape(is_scalar=True)
            case promql.ParenExpr():
                return self.shape(node.expr)
            case promql.UnaryExpr():
                of = self.shape(node.expr)
                return replace(of, values=Values(-of.values.high, -of.values.low), counter="")
            case promql.VectorSelector():
                return self._selected(node)
            case promql.MatrixSelector():
                self.is_instant = False
                return self._selected(node.vector_selector)
            case promql.SubqueryExpr():
                self.is_instant = False
                return self.shape(node.expr)
            case promql.Call():
                return self._called(node)
            case promql.AggregateExpr():
                return self._aggregated(node)
            case promql.BinaryExpr():
                return self._both(node)
        return Shape(labels=Labels())

    def _selected(self, node: promql.VectorSelector) -> Shape:
        self.selectors.append(node)
        name = metric(node)
        wanted: dict[str, str] = {}
        for one in node.matchers.matchers:
            if one.op != promql.MatchOp.Equal or one.name == NAME:
                continue
            if wanted.setdefault(one.name, one.value) != one.value:
                self.note(Kind.IMPOSSIBLE, node, f"{one.name} can't be {wanted[one.name]} and {one.value} at once")
        lost = frozenset(label for label, value in wanted.items() if not value)
        return Shape(
            labels=Labels(lost=lost, sure=frozenset(wanted) - lost),
            values=TRUTH if name == "up" else POSITIVE if metrics.is_counter(name) else ANY,
            # A recorded series or a firing alert may be there only when something is wrong.
            filtered=metrics.is_recorded(name) or name.startswith("ALERTS") or not name,
            unique=metrics.is_recorded(name),
            counter=name if metrics.is_counter(name) and node.offset is None and node.at is None else "",
        )

    def _called(self, node: promql.Call) -> Shape:
        name, arguments = node.func.name, list(node.args)
        shapes = [self.shape(one) for one in arguments]
        vectors = [one for one in shapes if not one.is_scalar]
        of = vectors[0] if vectors else Shape(labels=NONE, always=True)
        if name in TWO_SAMPLES or name in MOVES:
            self._moved(name, arguments)
        match name:
            case "absent" | "absent_over_time":
                return Shape(labels=absent_labels(arguments[0]), values=ONE, filtered=True, unique=True)
            case "vector":
                return Shape(values=shapes[0].values, always=True, unique=True)
            case "scalar":
                return Shape(is_scalar=True, always=True)
            case "label_replace" | "label_join":
                made = bare(arguments[1])
                more = [made.val] if isinstance(made, promql.StringLiteral) else []
                return replace(of, labels=of.labels.plus(more), unique=False)
            case "info":
                return replace(of, labels=Labels(), unique=False)
            case "histogram_quantile" | "histogram_fraction":
                return self._quantile(node, of)
            case "histogram_quantiles":
                return replace(of, labels=Labels(), values=ANY, counter="")
        if not vectors and name in _CONSTANTS:
            return Shape(values=_CONSTANTS[name], is_scalar=name in ("time", "pi"), always=True)
        return replace(of, values=function_values(name, of.values), counter=of.counter if name in SAME else "")

    def _moved(self, name: str, arguments: list[object]) -> None:
        for argument in map(bare, arguments):
            if not isinstance(argument, promql.MatrixSelector):
                continue
            read = metric(argument.vector_selector)
            if argument.range is not None and name in TWO_SAMPLES:
                self.ranges.append(Range(function=name, metric=read, seconds=argument.range.total_seconds()))
            if name in RATES and (metrics.is_known_gauge(read) or metrics.is_like_gauge(read)):
                self.note(Kind.GAUGE_RATE, f"{name}({read})", read, certain=metrics.is_known_gauge(read))
            elif name in RATES and metrics.is_recorded_rate(read):
                self.note(Kind.RATE_OF_RATE, f"{name}({read})", read)
            elif name in MOVES and metrics.is_counter(read):
                self.note(Kind.COUNTER_MOVES, f"{name}({read})", read)

    def _quantile(self, node: promql.Call, of: Shape) -> Shape:
        # Buckets that a rate was taken of before have it in their name, or are read inside of a function over time.
        reads = [one for one in _selectors(node) if metrics.is_buckets(metric(one))]
        if reads and not of.labels.may_have("le"):
            self.note(Kind.NO_LE, node, metric(reads[0]))
        elif any(not metrics.is_recorded(metric(one)) for one in reads) and not _over_time(node):
            self.note(Kind.RAW_QUANTILE, node, metric(reads[0]))
        return replace(of, labels=of.labels.without(["le"]), values=ANY, counter="")

    def _aggregated(self, node: promql.AggregateExpr) -> Shape:
        of, operator = self.shape(node.expr), str(node.op)
        if isinstance(node.param, promql.Expr):
            self.shape(node.param)
        modifier = node.modifier
        if operator in _CHOOSE:
            one = isinstance(node.param, promql.NumberLiteral) and node.param.val == 1 and modifier is not None
            return replace(of, chosen=of.chosen or not one)
        if modifier is None:
            labels = NONE
        elif modifier.type == promql.AggModifierType.By:
            labels = of.labels.by(modifier.labels)
        else:
            labels = of.labels.without(modifier.labels)
        if operator == "count_values":
            given = node.param.val if isinstance(node.param, promql.StringLiteral) else ""
            labels = labels.plus([given] if given else [])
        return Shape(
            labels=labels,
            values=aggregated_values(operator, of.values),
            filtered=of.filtered,
            always=of.always and modifier is None,
            unique=labels.only is not None,
            counter=of.counter if operator in ("sum", "max", "min", "avg") else "",
        )

    def _both(self, node: promql.BinaryExpr) -> Shape:
        operator = str(node.op)
        left, right = self.shape(node.lhs), self.shape(node.rhs)
        if operator in SETS:
            return self._set(node, operator, left, right)
        if left.is_scalar and right.is_scalar:
            values = TRUTH if operator in COMPARISONS else calculated(operator, left.values, right.values)
            return Shape(values=values, is_scalar=True, always=True)
        joined = not left.is_scalar and not right.is_scalar
        shape = self._joined(node, left, right) if joined else (right if left.is_scalar else left)
        if operator in COMPARISONS:
            return self._compared(node, operator, shape, left, right)
        values = calculated(operator, left.values, right.values)
        counter = "" if joined and left.counter == right.counter else shape.counter
        return replace(shape, values=values, counter=counter if operator in "+*/" else "")

    def _compared(self, node: promql.BinaryExpr, operator: str, shape: Shape, left: Shape, right: Shape) -> Shape:
        flipped = left.is_scalar
        one, other, asked = (right, left, turned(operator)) if flipped else (left, right, operator)
        if node.modifier is not None and node.modifier.return_bool:
            return replace(shape, values=TRUTH, counter="")
        for counter in dict.fromkeys(each.counter for each in (left, right) if each.counter):
            # Zero is where a counter begins: whether it ever rose is a question that can be asked of it.
            if other.values != Values(0, 0):
                self.note(Kind.RAW_COUNTER, node, counter)
        left_values = one.values.where(asked, other.values)
        if left_values is None:
            self.note(Kind.IMPOSSIBLE, node, in_words(one.values))
        always_true = one.values.always(asked, other.values)
        return replace(
            shape,
            values=left_values or one.values,
            filtered=shape.filtered or not always_true,
            always=shape.always and always_true,
            counter="",
        )

    def _joined(self, node: promql.BinaryExpr, left: Shape, right: Shape) -> Shape:
        modifier = node.modifier
        card = modifier.card if modifier else promql.VectorMatchCardinality.OneToOne
        self._meet(node, left, right)
        matching = modifier.matching if modifier else None
        on = matching is not None and matching.type == promql.LabelModifierType.Include
        named = list(matching.labels) if matching else []
        filtered, always = left.filtered or right.filtered, left.always and right.always
        if modifier is not None and card != promql.VectorMatchCardinality.OneToOne:
            many, one = (left, right) if card == promql.VectorMatchCardinality.ManyToOne else (right, left)
            brought = modifier.group_labels or []
            labels = many.labels.without(brought).plus(label for label in brought if one.labels.may_have(label))
            return replace(many, labels=labels, filtered=filtered, always=always)
        if matching is not None:
            loose = [each for each in (left, right) if not each.unique]
            if on and len(loose) == 2 and _is_less(named):
                self.note(Kind.MANY_TO_MANY, node, ", ".join(named))
        labels = left.labels.by(named) if on else left.labels.without(named)
        return replace(left, labels=labels, filtered=filtered, always=always, unique=left.unique and right.unique)

    def _meet(self, node: promql.BinaryExpr, left: Shape, right: Shape) -> None:
        """Note two sides whose labels can't be equal where they have to be."""
        matching = node.modifier.matching if node.modifier else None
        if matching is not None and matching.type == promql.LabelModifierType.Include:
            apart = [one for one in matching.labels if left.labels.may_have(one) != right.labels.may_have(one)]
            shared = [one for one in matching.labels if left.labels.may_have(one) and right.labels.may_have(one)]
        elif left.labels.only is not None and right.labels.only is not None:
            ignored = set(matching.labels) if matching is not None else set()
            apart = sorted((left.labels.only ^ right.labels.only) - ignored)
            shared = sorted((left.labels.only & right.labels.only) - ignored)
        else:
            return
        if not apart:
            return
        sure = [one for one in apart if one in left.labels.sure | right.labels.sure]
        # A plain metric may be without the label, and then both sides are.
        named = all(one in sure or _names(left, one) or _names(right, one) for one in apart)
        optional = not named or (not sure and _OPTIONAL.issuperset(apart))
        sides = {left.labels.may_have(one) for one in apart}
        missing = f"{', '.join(apart)} {'is' if len(apart) == 1 else 'are'} on one side only"
        if not optional and (not shared or sure or len(sides) == 2):
            self.note(Kind.IMPOSSIBLE_JOIN, node, missing)
        else:
            self.note(Kind.UNEVEN_JOIN, node, missing)

    def _set(self, node: promql.BinaryExpr, operator: str, left: Shape, right: Shape) -> Shape:
        if operator == "or":
            return Shape(
                labels=left.labels.union(right.labels),
                values=left.values.union(right.values),
                filtered=left.filtered and right.filtered,
                always=left.always or right.always,
                chosen=left.chosen or right.chosen,
                unique=left.unique and right.unique,
                counter=left.counter or right.counter,
            )
        self._meet(node, left, right)
        if operator == "and":
            self._contradicts(node)
            return replace(left, filtered=left.filtered or right.filtered, always=left.always and right.always)
        return replace(left, filtered=True, always=False)

    def _contradicts(self, node: promql.BinaryExpr) -> None:
        """Note two comparisons of one series with constants that no value satisfies, joined by ``and``."""
        found: dict[str, tuple[Values, object]] = {}
        for part in _and_ed(node):
            match part:
                case promql.BinaryExpr(rhs=promql.NumberLiteral() as number) if str(part.op) in COMPARISONS:
                    if part.modifier is not None and part.modifier.return_bool:
                        continue
                    of = " ".join(bare(part.lhs).prettify().split())  # type: ignore[attr-defined]
                    before, _ = found.get(of, (ANY, None))
                    after = _strictly(before, str(part.op), number.val)
                    if after is None:
                        self.note(Kind.IMPOSSIBLE, node, f"{of} can't be both")
                        return
                    found[of] = (after, part)


def _names(side: Shape, label: str) -> bool:
    """Whether a label is one of those that the side was reduced to."""
    return side.labels.only is not None and label in side.labels.only


def _strictly(before: Values, operator: str, number: float) -> Values | None:
    # An open bound is the next number, so that above 1 and below 1 leave nothing.
    limit = Values(number, number)
    if operator == ">" and before.high <= number:
        return None
    if operator == "<" and before.low >= number:
        return None
    return before.where(operator, limit)


def _and_ed(node: object) -> list[object]:
    node = bare(node)
    if isinstance(node, promql.BinaryExpr) and str(node.op) == "and":
        return [*_and_ed(node.lhs), *_and_ed(node.rhs)] if node.modifier is None or not node.modifier.matching else []
    return [node]


def _is_less(named: list[str]) -> bool:
    """Whether joining on these labels leaves others that may tell several series of one side apart."""
    return len(named) < 2


def _selectors(node: promql.Expr) -> list[promql.VectorSelector]:
    found: list[promql.VectorSelector] = []

    def visit(part: object) -> None:
        if isinstance(part, promql.VectorSelector):
            found.append(part)

    promql.walk(node, visit)
    return found


def _over_time(node: promql.Expr) -> bool:
    found: list[object] = []
    promql.walk(node, lambda part: found.append(part) if isinstance(part, promql.MatrixSelector) else None)
    return bool(found)
