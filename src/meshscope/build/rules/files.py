"""The rule files of a mesh."""

from __future__ import annotations

from dataclasses import replace

from meshscope.artefacts.rules import Rule, RuleFile, RuleGroup
from meshscope.build.options import Options
from meshscope.build.ours import told_apart
from meshscope.build.rules.alerting import left_to_stack
from meshscope.build.rules.alerts import alert_rules, instance_rules, missing_signals
from meshscope.build.rules.bridge import bridge_rules
from meshscope.build.rules.given_up import given_up_alerts
from meshscope.build.rules.indicators import Raw, raw
from meshscope.build.rules.outages import since_good
from meshscope.build.rules.paging import CALLERS_GIVE_UP
from meshscope.build.rules.platform import platform_group
from meshscope.build.rules.recording import FAST, RARE, SLOW
from meshscope.build.rules.slo import (
    fast_rules,
    group,
    hourly_rules,
    slow_rules,
)
from meshscope.build.rules.slo_alerts import absence_alert, page_alerts, ticket_alerts
from meshscope.build.rules.statics import group_name, static_groups
from meshscope.build.rules.storm import storm_rules
from meshscope.build.rules.sums import rare_sums
from meshscope.build.rules.traffic import traffic_rules
from meshscope.build.rules.tuning import tuned_files
from meshscope.build.rules.unattributed import UNATTRIBUTED_FAILURES, unattributed_rules
from meshscope.model.alerting import Alert, Severity
from meshscope.model.mesh import Mesh
from meshscope.model.model import Model
from meshscope.model.provider import MeshProvider
from meshscope.model.signals import Scope
from meshscope.model.units import hours


def rule_files(model: Model, provider: MeshProvider, options: Options) -> tuple[RuleFile, ...]:
    """Static series first, then what reads them."""
    source = raw(model, provider, options)
    statics = RuleFile(
        name="objectives",
        about="Constants of the model: infos, objectives, definitions, call edges. One service's series stay in one "
        "group.",
        groups=static_groups(model, provider, options),
    )
    return (statics, *querying_files(model, source, options))


def querying_files(model: Model, source: Raw, options: Options) -> tuple[RuleFile, ...]:
    """Every file whose rules query; none of them grows with the number of services."""
    files = (
        RuleFile(
            name="slo",
            about="Every SLO's indicator, windows and alerts, for all services at once." + _unseen(source),
            groups=slo_groups(model, source, options),
        ),
        *_alert_file(model, source, options),
        RuleFile(
            name="platform",
            about="\n".join(
                line
                for line in (
                    "The observability itself: rules, scrapes, collectors, the agent and the watchdog.",
                    left_to_stack(model),
                )
                if line
            ),
            groups=(platform_group(model, options),),
        ),
    )
    return tuple(_named(file, model.mesh) for file in told_apart(tuned_files(files, model, options), model.mesh))


def _unseen(source: Raw) -> str:
    """What the provider does not report, so that a rule is left out: a line for each."""
    title = source.provider.title
    lacks = []
    if not source.provider.given_up:
        lacks.append(f"{CALLERS_GIVE_UP} is not here: {title} can't tell requests that their callers gave up.")
    if source.provider.unattributed is None:
        lacks.append(f"{UNATTRIBUTED_FAILURES} is not here: {title} names the service of every request.")
    if not source.counts_first_values:
        lacks.append(f"The first failures of a counter are not counted: {title} are pushed, not scraped.")
    return "".join(f"\n{line}" for line in lacks)


def _named(file: RuleFile, mesh: Mesh) -> RuleFile:
    return replace(file, groups=tuple(replace(group, name=group_name(mesh, group.name)) for group in file.groups))


def slo_groups(model: Model, source: Raw, options: Options) -> tuple[RuleGroup, ...]:
    """Base, short windows, pages, bridge and storm in one group, since each sees what the one before just wrote."""
    mesh = model.mesh
    fast = [*fast_rules(source, model), *page_alerts(mesh, options), *given_up_alerts(source, mesh)]
    fast += [*bridge_rules(mesh, options), *storm_rules(model, options)]
    slow = [*slow_rules(options), since_good(mesh, options), *ticket_alerts(model, options)]
    slow += [absence_alert(mesh, options), *traffic_rules(mesh, options)]
    rare = rare_sums(options) + unattributed_rules(source, mesh, RARE)
    return (
        group("slo:fast", FAST, fast, options),
        group("slo:slow", SLOW, slow, options),
        group("slo:rare", RARE, rare, options),
        group("slo:hourly", 1 * hours, hourly_rules(model, options), options),
    )


def _alert_file(model: Model, source: Raw, options: Options) -> tuple[RuleFile, ...]:
    missing = [alert for alert in model.alerts if missing_signals(alert, source)]
    about = "The alerts of alerts/*.py, each one rule over all services or instances."
    for alert in missing:
        wanted = ", ".join(missing_signals(alert, source))
        about += f"\n{alert.camel} is not here: {source.provider.title} has no {wanted} ({alert.place})."
    groups = _alert_groups(model, source, options)
    return (RuleFile(name="alerts", about=about, groups=groups),) if groups or missing else ()


def _alert_groups(model: Model, source: Raw, options: Options) -> tuple[RuleGroup, ...]:
    """Pages every half minute; tickets every two minutes, since nobody is woken by them."""
    known = [alert for alert in model.alerts if not missing_signals(alert, source)]
    pages = [alert for alert in known if alert.severity is Severity.PAGE]
    tickets = [alert for alert in known if alert.severity is not Severity.PAGE]

    def rules(alerts: list[Alert], *scopes: Scope) -> list[Rule]:
        chosen = (alert for alert in alerts if alert.scope in scopes)
        return [rule for alert in chosen for rule in alert_rules(alert, source, model.mesh)]

    base = instance_rules(source) if any(alert.scope is Scope.INSTANCE for alert in known) else []
    groups = (
        group("alerts:instances", FAST, base + rules(pages, Scope.INSTANCE), options),
        group("alerts:services", FAST, rules(pages, Scope.SERVICE), options),
        group("alerts:tickets", SLOW, rules(tickets, Scope.SERVICE, Scope.INSTANCE), options),
    )
    return tuple(one for one in groups if one.rules)
