"""What is told of the feedback agent, where somebody counts on one: it is dead, or can't do its work."""

from __future__ import annotations

from meshscope.build.agent import OWN_ALERTS, OWN_FAULTS
from meshscope.build.options import Options
from meshscope.build.promql import marked, one_of
from meshscope.build.rules.reach import Reach, reach
from meshscope.build.rules.watch import Watch
from meshscope.model.model import Model
from meshscope.model.units import hours, minutes


def agent_watches(model: Model, options: Options) -> tuple[Watch, ...]:
    """Its silence, and its failures."""
    own = reach(model.mesh)
    return (
        Watch(
            name=f"{OWN_ALERTS}Silent",
            expression=_silent(own),
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
            expression=_failing(own, options),
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


def _silent(own: Reach) -> str:
    # An agent that is gone is absent for as long as it is gone: nothing of it grows old, whatever the window.
    age, patience = (own.series(f"meshscope_agent_heartbeat_{what}_seconds") for what in ("age", "patience"))
    return f"max by ({own.labels('part')}) ({age} > {patience}) or {marked(f'absent({age})', part='all')}"


def _failing(own: Reach, options: Options) -> str:
    short, while_, hour = (options.duration(length) for length in (5 * minutes, 15 * minutes, 1 * hours))

    def grown(counter: str, window: str, *matchers: str) -> str:
        counted = own.series(f"meshscope_agent_{counter}", *matchers)
        return f"sum by ({own.labels()}) (increase({counted}[{window}])) > 0"

    # Whatever is found by asking may only have been faster than its message; where no message comes at all, none will.
    sent = grown("alerts_received_total", while_, one_of("source", ("alertmanager", "grafana")))
    undelivered = f"({grown('alerts_undelivered_total', while_)}) unless ({sent})"
    troubles = {
        "decisions": grown("alerts_dead_total", hour),
        "receivers": grown("refused_total", short, one_of("reason", OWN_FAULTS)),
        "deliveries": undelivered,
        "tracker": grown("issues_total", short, 'outcome="failed"'),
        "credentials": f"max by ({own.labels()}) ({own.series('meshscope_agent_credentials_stale')}) > 0",
    }
    parts = [marked(trouble, part=part) for part, trouble in troubles.items()]
    failing = f"max by ({own.labels('part')}) ({own.series('meshscope_agent_part_failing')}) > 0"
    return " or ".join([failing, *parts])
