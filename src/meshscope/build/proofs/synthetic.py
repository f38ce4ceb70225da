"""The small mesh on which the rules are proved: it has its own constants and the real rules."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property

from meshscope.build.options import Options
from meshscope.build.rules.files import querying_files
from meshscope.build.rules.indicators import Raw, Views, raw, views
from meshscope.build.rules.statics import static_groups
from meshscope.findings import Place
from meshscope.model.alerting import Alert
from meshscope.model.model import Model
from meshscope.model.people import Owner
from meshscope.model.provider import MeshProvider
from meshscope.model.services import Direction, Gateway, Service
from meshscope.model.slo import SLO, Availability, Latency
from meshscope.model.units import Duration, days, minutes, per_second, percent, seconds

NAMESPACE = "proof"
PROMISED = "promised"
PLACE = Place("services/proof.py", 1)
STEP = 30 * seconds
# Evaluated half as often as the rules run: promtool takes half the time. What counts evaluations can't be.
EVERY = 1 * minutes
OWN_RATES = (10, 5, 2, 1)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """What every proof needs: the synthetic mesh, the real one's settings, and how its raw series are spelt."""

    model: Model
    real: Model
    provider: MeshProvider
    options: Options
    callee: Service
    caller: Service
    silent: Service
    streaming: Service
    expected: tuple[Service, Service]
    promised: tuple[Service, ...]

    @cached_property
    def views(self) -> Views:
        """From where each synthetic service is counted."""
        return views(self.model, self.provider)

    @cached_property
    def raw(self) -> Raw:
        """The raw series that the real rules read."""
        return raw(self.real, self.provider, self.options)

    @cached_property
    def group_order(self) -> tuple[str, ...]:
        """Every group of the synthetic constants and of the real rules, in the order of reading."""
        statics = static_groups(self.model, self.provider, self.options)
        files = querying_files(self.real, self.raw, self.options)
        return tuple(group.name for group in (*statics, *(group for file in files for group in file.groups)))

    @property
    def step(self) -> Decimal:
        """Seconds between two samples."""
        return self.options.scaled(STEP).seconds

    def at(self, moment: Duration) -> str:
        """A moment in a test, scaled like the rules."""
        return self.options.duration(moment)


def bench(model: Model, provider: MeshProvider, options: Options) -> Bench:
    """The synthetic mesh for ``model``: the periods, a latency bound and the alerts that it uses."""
    cluster = one_cluster(model)
    owner = Owner(name="proof-owner", issues="github:proof/proof", pager="pagerduty:proof", place=PLACE)
    periods = model.periods or (30 * days,)
    slos = [SLO(name="availability", of=Availability(), objective=99.9 * percent, over=periods[0], place=PLACE)]
    # Of promises alone: an alert's own bound is in no rule about SLOs.
    bounds = sorted({slo.of.under for _, slo in model.slos if isinstance(slo.of, Latency)})
    if bounds:
        slos.append(
            SLO(name="latency", of=Latency(under=bounds[0]), objective=99 * percent, over=periods[-1], place=PLACE)
        )

    def service(name: str, *slos: SLO) -> Service:
        return Service(
            name=name, namespace=NAMESPACE, cluster=cluster, owner=owner, tier=1, slos=slos, runbook="r.md", place=PLACE
        )

    callee, caller, silent = service("callee", *slos), service("caller", slos[0]), service("silent", slos[0])
    streaming = replace(service("streaming"), streams=True)
    expected = tuple(replace(service(f"expected-{tier}"), tier=tier, volume=10 * per_second) for tier in (1, 2))
    promised = [_promised(over, (), cluster, owner) for over in periods]
    promised.append(_promised(periods[0], OWN_RATES, cluster, owner))
    subjects = [subject(alert, cluster, owner) for alert in model.alerts]
    outsiders = [other for alert in model.alerts if (other := outsider(alert, cluster, owner)) is not None]
    others = [streaming, *expected, *subjects, *outsiders]
    # Everybody is called by somebody, so that each service is seen from the client's side where there is one.
    visitor = Gateway(name="visitor", namespace=NAMESPACE, cluster=cluster, direction=Direction.INGRESS, place=PLACE)
    # Not by the gateway itself: what a gateway calls is held back by nothing.
    calls: list[tuple[Service | Gateway, Service]] = [(visitor, silent), (silent, caller)]
    calls += [(caller, service) for service in (callee, silent, *others)]
    synthetic = replace(
        model,
        services=tuple(sorted([callee, caller, silent, *promised, *others], key=lambda one: one.identity)),
        gateways=(visitor,),
        externals=(),
        calls=tuple(sorted((who.identity, whom.identity) for who, whom in calls)),
    )
    return Bench(
        model=synthetic,
        real=model,
        provider=provider,
        options=options,
        callee=callee,
        caller=caller,
        silent=silent,
        streaming=streaming,
        expected=(expected[0], expected[1]),
        promised=tuple(promised),
    )


def _promised(over: Duration, burn_rates: tuple[int, ...], cluster: str, owner: Owner) -> Service:
    """A service without traffic, for what its promise is held against."""
    named = SLO(
        name="availability",
        of=Availability(),
        objective=99 * percent,
        over=over,
        burn_rates=burn_rates,
        place=PLACE,
    )
    return Service(
        name=f"{PROMISED}-{'own-rates' if burn_rates else over}",
        namespace=NAMESPACE,
        cluster=cluster,
        owner=owner,
        slos=(named,),
        runbook="r.md",
        expects_traffic=False,
        place=PLACE,
    )


def one_cluster(model: Model) -> str:
    """The cluster of the synthetic mesh: the model's own, or one of several."""
    return model.mesh.cluster or next(iter(model.mesh.clusters), "")


def subject(alert: Alert, cluster: str, owner: Owner) -> Service:
    """A service that ``alert`` is about."""
    return Service(
        name=f"subject-of-{alert.name.replace('_', '-')}"[:63].rstrip("-"),
        namespace=alert.where.namespace or NAMESPACE,
        cluster=cluster,
        owner=alert.where.owner or owner,
        tier=alert.where.tier or 2,
        runbook="r.md",
        place=PLACE,
    )


def outsider(alert: Alert, cluster: str, owner: Owner) -> Service | None:
    """A service that ``alert`` leaves out; None where it is about every service."""
    where = alert.where
    if where.tier is None and where.owner is None and where.namespace is None:
        return None
    return Service(
        name=f"beside-{alert.name.replace('_', '-')}"[:63].rstrip("-"),
        namespace=NAMESPACE if where.namespace != NAMESPACE else "elsewhere",
        cluster=cluster,
        owner=Owner(name="another-owner", issues="github:proof/proof", place=PLACE) if where.owner else owner,
        tier=(where.tier % 3 + 1) if where.tier else 2,
        runbook="r.md",
        place=PLACE,
    )
