"""The CPU that our rules take, to that of one set of rules for each SLO."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench import peer, traffic
from bench.building import build_tree, house
from bench.evaluation import CYCLES, SERVICES_A_TARGET, require_full
from bench.figures import Figure, Goal
from bench.mesh import Shape, shape
from bench.prometheus import Server, running, workplace
from bench.querying import rules
from bench.talk import Talk
from bench.watch import CYCLE, Cost, idle, settle, watch

# SLOs, two for each service, from a size that keeps two cores busy one by one downwards.
SIZES = (2_000, 1_000, 500, 250)

GOAL = Goal(name="rule_eval_ratio", unit="times the CPU", goal=0.05)

_PEER_CYCLES = 4
_PAST = traffic.Past(
    shallow=traffic.HOUR + 600, deep=3 * traffic.DAY + 600, deep_bounds=(traffic.OBJECTIVE_BOUND, "+Inf")
)


@dataclass(frozen=True, kw_only=True)
class Match:
    """Both sets of rules over the same data."""

    slos: int
    theirs: Cost
    ours: Cost
    baseline: float
    written: traffic.Written

    @property
    def ratio(self) -> float:
        """Our CPU for each cycle to theirs, both beyond what scraping takes."""
        return (self.ours.cpu_seconds - self.baseline) / (self.theirs.cpu_seconds - self.baseline)


def matched(talk: Talk, sizes: tuple[int, ...] = SIZES) -> list[Figure]:
    """The ratio at the largest of ``sizes`` at which one set of rules for each SLO misses no evaluation."""
    failed: list[str] = []
    for slos in sizes:
        talk.say(f"ratio: {slos:,} SLOs")
        match = _match(slos, talk)
        if isinstance(match, Match):
            return [GOAL.measured(match.ratio, _method(match, failed))]
        talk.say(f"ratio: {slos:,} SLOs one by one miss {match:.0f} evaluations")
        failed.append(f"{slos:,}")
    raise SystemExit(f"one set of rules for each SLO misses evaluations even at {sizes[-1]:,} SLOs")


def _match(slos: int, talk: Talk) -> Match | float:
    """Both at one size; the number of missed evaluations where one set for each SLO misses some."""
    services = slos // len(traffic.SLOS)
    drawn = shape(services, callers=2)
    with workplace() as folder, house(services, callers=2, scrape_seconds=traffic.STEP) as root:
        tree = build_tree(root)
        program = traffic.compiled(folder)
        recorded = [*traffic.layers(drawn), *traffic.constants(rules(tree)), *peer.layers(drawn)]
        planned, written = traffic.fill(program, folder, drawn, _PAST, recorded, seconds=30 + slos // 20)
        talk.say(f"ratio: wrote {written} in {written.seconds:.0f} s")
        targets = -(-services // SERVICES_A_TARGET)
        with traffic.served(program, planned, targets) as addresses, running(folder, addresses) as server:
            settle(talk)
            theirs = _peer(server, drawn, folder, talk)
            if theirs.missed:
                return theirs.missed
            server.use(str(tree / "prometheus" / "rules" / "*.yaml"))
            ours = watch(server, talk, cycles=CYCLES)
            require_full(server, services)
            server.use(None)
            settle(talk)
            return Match(slos=slos, theirs=theirs, ours=ours, baseline=idle(server, talk), written=written)


def _peer(server: Server, drawn: Shape, folder: Path, talk: Talk) -> Cost:
    path = folder / "peer.yaml"
    path.write_text(peer.rule_file(drawn.services), encoding="utf-8")
    server.use(str(path))
    cost = watch(server, talk, cycles=_PEER_CYCLES, until_missed=True)
    wanted = len(drawn.services) * len(traffic.SLOS)
    for window in (*peer.WINDOWS, peer.PERIOD):
        found = server.number(f'count(slo:sli_error:ratio_rate{window}{{sloth_window="{window}"}})')
        if found != wanted and not cost.missed:
            raise SystemExit(f"the peer has {found:,.0f} ratios over {window}, not {wanted:,}")
    return cost


def _method(match: Match, failed: list[str]) -> str:
    theirs, ours = (cost.cpu_seconds - match.baseline for cost in (match.theirs, match.ours))
    tried = f"at {' and at '.join(failed)} it missed some" if failed else "larger ones were not tried"
    return (
        f"{match.slos:,} SLOs, the largest size tried at which one set of rules for each SLO, in the shape that Sloth "
        f"documents, missed no evaluation in {match.theirs.elapsed:.0f} s ({tried}); CPU seconds of Prometheus for "
        f"each cycle of {CYCLE} s beyond {match.baseline:.2f} of scraping: ours {ours:.2f} (over "
        f"{match.ours.elapsed:.0f} s, {match.ours.missed:.0f} missed), one by one {theirs:.2f}; samples loaded in a "
        f"cycle {match.ours.samples_loaded / 1e6:.1f} and {match.theirs.samples_loaded / 1e6:.1f} million, resident "
        f"{match.ours.resident_bytes / 2**30:.2f} and {match.theirs.resident_bytes / 2**30:.2f} GiB; the same data "
        f"for both ({match.written}): the raw series that 3 days' windows read for 3 d, the others for 70 min, the "
        f"recorded series of both for as long as either reads them, up to 30 d"
    )
