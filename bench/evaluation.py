"""What the evaluation of our rules costs a real Prometheus."""

from __future__ import annotations

from bench import traffic
from bench.building import build_tree, house
from bench.figures import Figure, Goal
from bench.mesh import NAME, Shape, shape
from bench.prometheus import Server, running, workplace
from bench.querying import rules
from bench.talk import Talk
from bench.watch import CYCLE, Cost, idle, rules_of, settle, watch

SERVICES = 5_000
SERVICES_A_TARGET = 100
CYCLES = 8

GOAL = Goal(name="rule_eval_10000_seconds", unit="seconds in each 30 s", goal=7.5)

_PAST = traffic.Past(shallow=traffic.HOUR + 10 * 60, deep=traffic.HOUR + 10 * 60)
_TOLD = ("slo:fast", "slo:slow", "slo:rare", "alerts:instances", "alerts:services")


def evaluated(talk: Talk, services: int = SERVICES) -> list[Figure]:
    """The seconds of evaluation in each 30 s of a mesh with two SLOs for each of ``services``."""
    drawn = shape(services, callers=2)
    with workplace() as folder, house(services, callers=2, scrape_seconds=traffic.STEP) as root:
        talk.say(f"evaluation: building a house of {services:,} services")
        tree = build_tree(root)
        talk.say("evaluation: compiling the program that plays the mesh")
        program = traffic.compiled(folder)
        talk.say("evaluation: writing the past")
        recorded = [*traffic.layers(drawn), *traffic.constants(rules(tree))]
        planned, written = traffic.fill(program, folder, drawn, _PAST, recorded, seconds=15 + services // 60)
        talk.say(f"evaluation: wrote {written} in {written.seconds:.0f} s")
        targets = -(-services // SERVICES_A_TARGET)
        with traffic.served(program, planned, targets) as addresses, running(folder, addresses) as server:
            settle(talk)
            baseline = idle(server, talk)
            server.use(str(tree / "prometheus" / "rules" / "*.yaml"))
            cost = watch(server, talk, cycles=CYCLES)
            require_full(server, services)
            _tell(server, cost, talk)
    return [GOAL.measured(cost.total, _method(drawn, written, cost, baseline))]


def require_full(server: Server, services: int) -> None:
    """Raise SystemExit unless every SLO has its ratios: rules that read nothing are fast."""
    wanted = services * len(traffic.SLOS)
    for name in ("slo:errors:ratio_rate5m", "slo:errors:ratio_rate1h", "slo:errors:ratio_rate3d"):
        if (found := server.number(f"count({name})")) != wanted:
            raise SystemExit(f"{name} has {found:,.0f} series, not {wanted:,}: what was measured means nothing")
    if (found := server.number("count(slo:errors:ratio_period)")) != wanted:
        raise SystemExit(f"slo:errors:ratio_period has {found:,.0f} series, not {wanted:,}")


def _tell(server: Server, cost: Cost, talk: Talk) -> None:
    for group, seconds in sorted(cost.seconds.items(), key=lambda item: -item[1])[:5]:
        talk.say(f"  {group}: {seconds:.3f} s in each {CYCLE} s")
    timed = [
        (float(rule["evaluationTime"]), rule["name"]) for group in _TOLD for rule in rules_of(server, f"{NAME}:{group}")
    ]
    for seconds, name in sorted(timed, reverse=True)[:15]:
        talk.say(f"  {name}: {seconds:.3f} s")


def _method(drawn: Shape, written: traffic.Written, cost: Cost, baseline: float) -> str:
    services = len(drawn.services)
    constants = sum(seconds for group, seconds in cost.seconds.items() if ":static:" in group)
    return (
        f"{2 * services:,} SLOs of {services:,} services, 2 callers, 3 codes, 2 reporters, {len(traffic.BOUNDS)} "
        f"buckets, scraped every {traffic.STEP} s by Prometheus on this machine; before it started, blocks were "
        f"written: all raw series for {_PAST.shallow // 60} min (the longest window that rules read from them is 1 h), "
        f"5-minute rates for 6 h, 10-minute sums for 30 d, so that every window is full "
        f"({written}); mean duration of every group's runs over {cost.elapsed:.0f} s, weighted by its interval "
        f"(constants {constants:.2f} s of it); {cost.missed:.0f} evaluations missed, {cost.failures:.0f} failed, "
        f"{cost.firing:.0f} alerts firing; {cost.cpu_seconds - baseline:.1f} CPU seconds in each {CYCLE} s beside "
        f"{baseline:.1f} of scraping {cost.series:,.0f} series, {cost.samples_loaded / 1e6:.1f} million samples loaded "
        f"in each {CYCLE} s, {cost.resident_bytes / 2**30:.1f} GiB resident"
    )
