"""What is told of the feedback agent, where somebody counts on one: it is dead, or can't do its work."""

from __future__ import annotations

from meshscope.build.agent import OWN_ALERTS, OWN_FAULTS
from meshscope.build.options import Options
from meshscope.build.promql import marked, one_of
from meshscope.build.rules.watch import Watch
from meshscope.model.model import Model
from meshscope.model.units import hours, minutes


def agent_watches(model: Model, options: Options) -> tuple[Watch, ...]:
    """Its silence, and its failures."""
    return (
        Watch(
            name=f"{OWN_ALERTS}Silent",
            expression=_silent(),
            # What Falco sees only the agent is told; of everything else people are told without it.
            page=bool(model.falco_rules),
            pending=3 * minutes,
            service="agent",
            summary="The agent does not work: {{ $labels.part }} is silent",
            description="`all`: it is dead, or Prometheus can't reach it. Any other is a part of it that has not said "
            "for too long that it lives. Until it is back nothing is acted on, no issue is opened, and nobody is told "
            "what Falco sees; of everything else people are told as ever. What Alertmanager could not deliver, the "
            "agent asks for when it is back.",
        ),
        Watch(
            name=f"{OWN_ALERTS}Failing",
            expression=_failing(options),
            page=False,
            pending=5 * minutes,
            service="agent",
            summary="The agent can't do all of its work: {{ $labels.part }}",
            description="`decisions`: alerts could not be dealt with, and were given up. `receivers`: alerts are "
            "refused, mostly since the ledger can't write; their senders try again. `deliveries`: alerts fire of which "
            "no sender tells, so the agent learns of them only by asking. `tracker`: issues can't be written. "
            "`credentials`: their newer file is wrong, the old one in force. Any other is a part that fails at each "
            "turn; /readyz says why.",
        ),
    )


def _silent() -> str:
    # An agent that is gone is absent for as long as it is gone: nothing of it grows old, whatever the window.
    age = "meshscope_agent_heartbeat_age_seconds"
    return (
        f"max by (part) ({age} > meshscope_agent_heartbeat_patience_seconds) or {marked(f'absent({age})', part='all')}"
    )


def _failing(options: Options) -> str:
    short, while_, hour = (options.duration(length) for length in (5 * minutes, 15 * minutes, 1 * hours))

    def grown(counter: str, window: str) -> str:
        return f"sum(increase(meshscope_agent_{counter}[{window}])) > 0"

    # Whatever is found by asking may only have been faster than its message; where no message comes at all, none will.
    sent = 'alerts_received_total{source=~"alertmanager|grafana"}'
    undelivered = f"({grown('alerts_undelivered_total', while_)}) unless ({grown(sent, while_)})"
    troubles = {
        "decisions": grown("alerts_dead_total", hour),
        "receivers": grown(f"refused_total{{{one_of('reason', OWN_FAULTS)}}}", short),
        "deliveries": undelivered,
        "tracker": grown('issues_total{outcome="failed"}', short),
        "credentials": "max(meshscope_agent_credentials_stale) > 0",
    }
    parts = [marked(trouble, part=part) for part, trouble in troubles.items()]
    return " or ".join(["max by (part) (meshscope_agent_part_failing) > 0", *parts])
