"""Ask a store of metrics everything that a mesh's definitions can be written from.

Each question reads at most `MOST_SAMPLES` samples of one metric, so that a Prometheus which people rely on is not
brought down by being asked; the more series there are, the shorter the time that is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from meshscope.build.discovery.store import About, Answer, Matcher, MetricStore, Question, Reading, Row, matchers
from meshscope.build.promql import one_of
from meshscope.findings import Finding, MeshscopeError
from meshscope.model.provider import MeshProvider
from meshscope.model.services import DataPlane
from meshscope.model.slo import Side
from meshscope.model.units import Duration, days, hours, minutes, ms, seconds

_SPOKEN = {1 * days: "day", 6 * hours: "6 hours", 1 * hours: "hour", 10 * minutes: "10 minutes", 1 * minutes: "minute"}
WINDOWS = tuple(_SPOKEN)
MOST_SERIES = 5_000_000
MOST_SAMPLES = 300_000_000
_USUAL_INTERVAL = 15 * seconds
_INTERVALS = tuple(count * seconds for count in (1, 2, 5, 10, 15, 20, 30, 60, 120))
_SPACED = 10 * minutes
# Below 50 ms nobody feels a difference, beyond 10 s nobody waits.
_FELT = (50 * ms, 10 * seconds)

Tell = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class Telemetry:
    """What a store answered about one mesh, as it was at ``about.now``.

    Rows of counters hold what they grew by within ``window``; rows of series how many there are now. ``interval`` is
    the time between two samples. ``unasked`` are questions without an answer (purpose, why), ``incomplete`` what the
    store said about answers that lack something.
    """

    provider: MeshProvider
    about: About
    window: Duration
    interval: Duration | None
    series: int
    requests: tuple[Row, ...]
    failures: tuple[Row, ...]
    answered: tuple[Row, ...]
    answered_under: Mapping[Duration, tuple[Row, ...]]
    plaintext: tuple[Row, ...]
    calls: tuple[Row, ...]
    live: tuple[Row, ...]
    live_callers: tuple[Row, ...]
    pods: tuple[Row, ...]
    others: tuple[Row, ...]
    gateways: tuple[Row, ...]
    connections: tuple[Row, ...]
    graph: tuple[Row, ...]
    unasked: tuple[tuple[str, str], ...] = ()
    incomplete: tuple[str, ...] = ()

    @property
    def measured(self) -> str:
        """The time that was looked at: ``last day``, ``last 6 hours``."""
        return f"last {_SPOKEN[self.window]}"


def survey(store: MetricStore, providers: Sequence[MeshProvider], tell: Tell) -> Telemetry:
    """Everything that ``store`` knows of a mesh of the first of ``providers`` whose metrics live in it.

    ``tell`` hears what is asked, before it is. Raises `MeshscopeError` where there is no mesh, none now, or too much
    of it, and what the store raises.
    """
    tell("what it is")
    about = store.about()
    names = frozenset(store.names())
    surveys = [_Survey(store, provider, about, names, tell) for provider in _present(providers, names, about)]
    # A mesh that moved from one provider to another is known by both metrics, and lives in one.
    alive = next((each for each in surveys if each.series_now()), None)
    if alive is None:
        raise MeshscopeError(_stale(surveys[0].provider))
    return alive.telemetry()


class _Survey:
    """One run of questions; remembers what could not be asked."""

    def __init__(
        self, store: MetricStore, provider: MeshProvider, about: About, names: frozenset[str], tell: Tell
    ) -> None:
        self._store = store
        self.provider = self._provider = provider
        self._names = names
        self._about = about
        self._tell = tell
        self._series: int | None = None
        self._unasked: list[tuple[str, str]] = []
        self._incomplete: dict[str, None] = {}

    def telemetry(self) -> Telemetry:
        """All answers, the cheap and decisive questions first."""
        series = self.series_now()
        if series > MOST_SERIES:
            raise MeshscopeError(_too_many(self._provider, series))
        history = self._history()
        interval = self._interval(history)
        window = affordable(series, interval or _USUAL_INTERVAL, history)
        provider, labels, more = self._provider, self._provider.labels, self._provider.discovery
        named = (labels.cluster, labels.namespace, labels.service, *more.namespaces, *more.jobs)
        view = (*named, labels.reporter)
        caller = (labels.cluster, labels.caller_namespace, labels.caller)
        failures: list[Row] = []
        requests = self._increase("how much each service is asked", window, (*view, more.protocol))
        for selector in provider.bad():
            failures += self._increase("how often it fails", window, view, selector)
        answered, under = self._latencies(window, view)
        return Telemetry(
            provider=provider,
            about=self._about,
            window=window,
            interval=interval,
            series=series,
            requests=requests,
            failures=tuple(failures),
            answered=answered,
            answered_under=under,
            plaintext=self._plaintext(window, view),
            calls=self._increase("who calls whom", window, (*caller, *view[1:])) if labels.caller else (),
            live=self._now("what runs", (*view, more.callee_namespace, more.callee)),
            live_callers=self._now("what calls", (*caller, labels.reporter)) if labels.caller else (),
            pods=self._now("how many instances run", (*named, labels.workload, labels.pod), self._at_instances()),
            others=self._others(view),
            gateways=self._gateways(caller),
            connections=self._connections(named),
            graph=self._graph(window),
            unasked=tuple(self._unasked),
            incomplete=tuple(self._incomplete),
        )

    def series_now(self) -> int:
        """How many series the provider's metric has now."""
        if self._series is None:
            metric = self._provider.requests
            rows = self._ask(Question(purpose="how much there is", metric=metric, reading=Reading.SERIES))
            self._series = int(rows[0].value) if rows else 0
        return self._series

    def _history(self) -> Duration:
        """The longest window at whose begin there were samples; the shortest where there were at none."""
        for window in WINDOWS[:-1]:
            purpose = f"whether it knows {window} ago"
            if self._ask(
                Question(purpose=purpose, metric=self._provider.requests, reading=Reading.SERIES, window=window)
            ):
                return window
        return WINDOWS[-1]

    def _interval(self, history: Duration) -> Duration | None:
        if history == WINDOWS[-1]:
            return None
        question = Question(
            purpose="how often it scrapes",
            metric=self._provider.requests,
            reading=Reading.SAMPLES,
            where=self._reported(),
            window=_SPACED,
        )
        rows = self._ask(question)
        samples = rows[0].value if rows else 0
        measured = float(_SPACED.seconds) / samples if samples else 0.0
        near = min(_INTERVALS, key=lambda interval: abs(float(interval.seconds) - measured))
        return near if abs(float(near.seconds) - measured) <= float(near.seconds) * 0.2 else None

    def _latencies(
        self, window: Duration, view: tuple[str, ...]
    ) -> tuple[tuple[Row, ...], dict[Duration, tuple[Row, ...]]]:
        provider = self._provider
        bucket = f"{provider.latency}_bucket"
        if bucket not in self._names and provider.latency in self._names:
            return self._native(window, view)
        answered = self._increase("how fast it answers", window, view, provider.succeeded, 'le="+Inf"', metric=bucket)
        under: dict[Duration, tuple[Row, ...]] = {}
        for bound in self._bounds(bucket) if answered else ():
            # A scrape spells a bound 100.0, OTLP 100.
            spelt = one_of("le", (provider.le(bound), f"{provider.le(bound)}.0"))
            purpose = f"how often within {bound}"
            under[bound] = self._increase(purpose, window, view, provider.succeeded, spelt, metric=bucket)
        return answered, under

    def _native(
        self, window: Duration, view: tuple[str, ...]
    ) -> tuple[tuple[Row, ...], dict[Duration, tuple[Row, ...]]]:
        """The same from native histograms, which tell of any bound; those are asked that the provider has itself."""
        provider = self._provider
        where = self._where(provider.succeeded)

        def observed(purpose: str, bound: str = "") -> tuple[Row, ...]:
            return self._ask(
                Question(purpose=purpose, metric=provider.latency, reading=Reading.OBSERVED, where=where,
                         by=_labels(view), window=window, bound=bound)
            )  # fmt: skip

        answered = observed("how fast it answers")
        felt = [bound for bound in provider.bounds if answered and _felt(bound)]
        return answered, {bound: observed(f"how often within {bound}", provider.le(bound)) for bound in felt}

    def _bounds(self, bucket: str) -> tuple[Duration, ...]:
        """The boundaries that people feel: the provider's own, or those of whoever makes the histogram."""
        provider = self._provider
        if not provider.free_bounds:
            return tuple(bound for bound in provider.bounds if _felt(bound))
        question = Question(purpose="which buckets it has", metric=bucket, reading=Reading.SERIES, by=("le",),
                            where=self._reported())  # fmt: skip
        found = {_number(row["le"]) for row in self._ask(question)} - {None}
        return tuple(sorted(bound for number in found if number and _felt(bound := number * provider.latency_unit)))

    def _others(self, view: tuple[str, ...]) -> tuple[Row, ...]:
        """Who runs and answers no request."""
        others = self._provider.discovery.others
        if not others:
            return ()
        where = matchers(one_of(self._provider.labels.reporter, others))
        metric = self._provider.requests
        return self._ask(
            Question(purpose="who takes no requests", metric=metric, reading=Reading.SERIES, where=where,
                     by=_labels(view))
        )  # fmt: skip

    def _plaintext(self, window: Duration, view: tuple[str, ...]) -> tuple[Row, ...]:
        if self._provider.plaintext is None:
            return ()
        return self._increase("what comes without mutual TLS", window, view, self._provider.plaintext)

    def _gateways(self, caller: tuple[str, ...]) -> tuple[Row, ...]:
        # Only where the proxy that reports is the caller's own do the labels of its pod speak of the caller.
        own = self._provider.reporters.get((Side.CLIENT, DataPlane.SIDECAR))
        if own is None:
            return ()
        at = one_of(self._provider.labels.reporter, (own,))
        return tuple(
            row
            for selector in self._provider.discovery.gateways
            for row in self._now("which are gateways", (*caller, matchers(selector)[0].label), at, selector)
        )

    def _connections(self, identity: tuple[str, ...]) -> tuple[Row, ...]:
        metric = self._provider.discovery.connections
        if not metric:
            return ()
        by = _labels(identity)
        return self._try(Question(purpose="what speaks only TCP", metric=metric, reading=Reading.SERIES, by=by))

    def _graph(self, window: Duration) -> tuple[Row, ...]:
        graph = self._provider.discovery.graph
        if graph is None:
            return ()
        by = _labels((self._provider.labels.cluster, *graph[1:]))
        return self._try(
            Question(purpose="who calls whom", metric=graph[0], reading=Reading.INCREASE, by=by, window=window)
        )

    def _increase(
        self, purpose: str, window: Duration, by: tuple[str, ...], *selectors: str, metric: str = ""
    ) -> tuple[Row, ...]:
        return self._ask(
            Question(
                purpose=purpose,
                metric=metric or self._provider.requests,
                reading=Reading.INCREASE,
                where=self._where(*selectors),
                by=_labels(by),
                window=window,
            )
        )

    def _now(self, purpose: str, by: tuple[str, ...], *selectors: str) -> tuple[Row, ...]:
        metric, where = self._provider.requests, self._where(*selectors)
        return self._ask(Question(purpose=purpose, metric=metric, reading=Reading.SERIES, where=where, by=_labels(by)))

    def _where(self, *selectors: str) -> tuple[Matcher, ...]:
        return self._reported() + tuple(matcher for text in selectors for matcher in matchers(text))

    def _reported(self) -> tuple[Matcher, ...]:
        return matchers(one_of(self._provider.labels.reporter, self._provider.reporters.values()))

    def _at_instances(self) -> str:
        return one_of(self._provider.labels.reporter, (self._provider.instance_reporter,))

    def _ask(self, question: Question) -> tuple[Row, ...]:
        self._tell(question.purpose)
        answer = self._store.ask(question, self._about.now)
        self._incomplete.update(dict.fromkeys(answer.warnings))
        return _finite(answer)

    def _try(self, question: Question) -> tuple[Row, ...]:
        """The answer, or none and a note of why: for what the definitions can do without."""
        try:
            return self._ask(question)
        except MeshscopeError as error:
            self._unasked.append((question.purpose, error.finding.title))
            return ()


def affordable(series: int, interval: Duration, history: Duration) -> Duration:
    """The longest window within ``history`` in which ``series`` have no more samples than a question may read."""
    for window in WINDOWS:
        if window <= history and series * (window / interval) <= MOST_SAMPLES:
            return window
    return WINDOWS[-1]


def _labels(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for name in names if name))


def _finite(answer: Answer) -> tuple[Row, ...]:
    return tuple(row for row in answer.rows if Decimal(row.value).is_finite())


def _felt(bound: Duration) -> bool:
    return _FELT[0] <= bound <= _FELT[1]


def _number(text: str) -> Decimal | None:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


def _present(providers: Sequence[MeshProvider], names: frozenset[str], about: About) -> list[MeshProvider]:
    """Each provider as it is spelt here: of the names for its requests the first, with those of its latency if any."""
    present: list[MeshProvider] = []
    for provider in providers:
        spelt = [provider, *map(provider.spelt, provider.discovery.spellings)]
        here = [one for one in spelt if one.requests in names]
        timed = [one for one in here if {one.latency, f"{one.latency}_bucket"} & names]
        # All are kept that have different requests: a name may live on that nobody writes any more.
        chosen = {one.requests: one for one in reversed(timed + [one for one in here if one not in timed])}
        present += sorted(chosen.values(), key=here.index)
    if present:
        return present
    looked = " and ".join(f"`{provider.requests}` ({provider.title})" for provider in providers)
    parts = {part for provider in providers for part in (provider.requests.split("_")[0],)}
    near = [name for name in sorted(names) if name.split("_")[0] in parts][:3]
    size = f"{about.series:,} series of {len(names):,} metrics" if about.series else f"{len(names):,} metrics"
    raise MeshscopeError(
        Finding(
            code="discover/no-mesh",
            title=f"{about.product} has no requests of a mesh",
            why=f"looked for {looked} among its {size}"
            + (f"; the nearest are {', '.join(f'`{name}`' for name in near)}" if near else ""),
            help=_no_mesh_help(near),
        )
    )


def _no_mesh_help(near: Sequence[str]) -> str:
    if any(name.startswith("istio_tcp_") for name in near):
        return (
            "without sidecars or a waypoint Istio counts connections, not requests: deploy a waypoint, "
            "or see that the proxies' /stats/prometheus is scraped"
        )
    return (
        "name the Prometheus that scrapes the mesh's proxies; of several tenants, name yours "
        "(http_headers in the file of --http-config)"
    )


def _stale(provider: MeshProvider) -> Finding:
    return Finding(
        code="discover/stale",
        title=f"`{provider.requests}` has no sample of the last 5 minutes",
        why="the store knows the metric from earlier, but nobody reports it now; what ran then may be gone",
        help="open the page Status > Targets of Prometheus: are the proxies scraped, and up?",
    )


def _too_many(provider: MeshProvider, series: int) -> Finding:
    return Finding(
        code="discover/too-many-series",
        title=f"`{provider.requests}` has {series:,} series, more than the {MOST_SERIES:,} that are asked for",
        why="each question reads all of them, and could take Prometheus away from those who rely on it",
        help="name the Prometheus of one cluster instead of one that gathers them all",
    )
