"""What an alert says to the person whom it wakes, as Prometheus templates.

Each annotation is written once, over a `Voice` that says how a label or a query's result is put: the template voice
writes Prometheus's template language, the unit tests' voice the text that the template must give.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from meshscope.build.boards import board_uid
from meshscope.build.promql import IDENTITY, quoted
from meshscope.build.rules.burn import BUDGET, THRESHOLD
from meshscope.build.rules.outages import LITTLE_WINDOWS, OUTAGE_WINDOW
from meshscope.build.runbooks import runbook_of
from meshscope.model.mesh import Mesh


class Voice(Protocol):
    """How labels, the value and looked-up labels are put into a text."""

    def label(self, name: str) -> str:
        """The alert's label ``name``."""

    def chosen(self, label: str, texts: Mapping[str, str]) -> str:
        """The one of ``texts`` whose name is the value of the alert's label ``label``."""

    def percentage(self) -> str:
        """The alert's value as a percentage."""

    def whole(self) -> str:
        """The alert's value as a whole number."""

    def spent(self) -> str:
        """The share of its error budget that an SLO spends within the alert's long window at that window's rate."""

    def looked_up(self, series: str, label: str, extra: tuple[str, ...] = ()) -> str:
        """``label`` of the one series called ``series`` that has the alert's identity and its labels ``extra``."""


# What `Template.chosen` writes for one value of a label, for whoever reads it back.
CHOSEN = re.compile(r'{{ if eq \$labels\.(?P<label>\w+) "(?P<value>[^"]*)" }}(?P<text>.*?){{ end }}', re.DOTALL)


@dataclass(frozen=True)
class Template:
    """The voice that writes Prometheus templates."""

    def label(self, name: str) -> str:
        """``{{ $labels.name }}``."""
        return f"{{{{ $labels.{name} }}}}"

    def chosen(self, label: str, texts: Mapping[str, str]) -> str:
        """All of ``texts``, each if the label has its name."""
        said = (f"{{{{ if eq $labels.{label} {quoted(value)} }}}}{text}{{{{ end }}}}" for value, text in texts.items())
        return "".join(said)

    def percentage(self) -> str:
        """The value, rounded by Prometheus to four digits."""
        return "{{ $value | humanizePercentage }}"

    def whole(self) -> str:
        """The value without decimals."""
        return '{{ printf "%.0f" $value }}'

    def spent(self) -> str:
        """Factor times window, by period, from what the alert was held against: an SLO may have rates of its own."""
        names = (*IDENTITY, "slo")
        matchers = ",".join(f"{name}=%q" for name in names)
        values = " ".join(f"$labels.{name}" for name in names)
        query = f"100 * %g * max({THRESHOLD}{{{matchers},long=%q}}) / max({BUDGET}{{{matchers}}})"
        query += " / max(slo:period:seconds{period=%q})"
        asked = f"(parseDuration $labels.long) {values} $labels.long {values} $labels.period"
        return (
            f"{{{{ with printf {quoted(query)} {asked} | query }}}}"
            '{{ . | first | value | printf "%.3g" }}{{ end }}%'
        )

    def looked_up(self, series: str, label: str, extra: tuple[str, ...] = ()) -> str:
        """One query for each alert that fires; ``%q`` escapes whatever stands in a label."""
        names = (*IDENTITY, *extra)
        matchers = ",".join(f"{name}=%q" for name in names)
        values = " ".join(f"$labels.{name}" for name in names)
        return (
            f'{{{{ with printf "{series}{{{matchers}}}" {values} | query }}}}'
            f"{{{{ . | first | label {quoted(label)} }}}}{{{{ end }}}}"
        )


def links(voice: Voice, mesh: Mesh, board: str, scope: tuple[str, ...] = IDENTITY) -> dict[str, str]:
    """Where to look: the runbook, the dashboard with the service chosen, and the agent's incident."""
    chosen = "&".join(f"var-{name}={voice.label(name)}" for name in scope)
    incident = "&".join(f"{name}={voice.label(name)}" for name in IDENTITY)
    return {
        "runbook_url": voice.looked_up("service:info", "runbook"),
        "dashboard_url": f"{mesh.grafana.rstrip('/')}/d/{board}?{chosen}",
        "incident_url": f"{mesh.console.rstrip('/')}/incidents?{incident}",
    }


def burn_annotations(voice: Voice, mesh: Mesh, board: str) -> dict[str, str]:
    """What a burn-rate alert says."""
    return _of_slo(
        voice,
        mesh,
        board,
        f"breaks its promise of {voice.label('slo')}: {voice.percentage()} of requests were bad in the last "
        f"{voice.label('long')}",
        f"At this pace the service spends at least {voice.spent()} of its error budget for "
        f"{voice.label('period')} within {voice.label('long')}. It goes on now: the shorter window burns as well.",
    )


def outage_annotations(voice: Voice, mesh: Mesh, board: str) -> dict[str, str]:
    """What the alert on an outage says."""
    return _of_slo(
        voice,
        mesh,
        board,
        f"is out ({voice.label('slo')}): {voice.percentage()} of requests were bad in the last {OUTAGE_WINDOW}",
        "Nearly nothing succeeds, however large the error budget is.",
    )


def nothing_succeeds_annotations(voice: Voice, mesh: Mesh, board: str) -> dict[str, str]:
    """What the alert on little traffic of which nothing is good says."""
    return _of_slo(
        voice,
        mesh,
        board,
        f"has had no good request for at least {LITTLE_WINDOWS[0]} ({voice.label('slo')}), and {voice.whole()} bad "
        "ones",
        "Retries within five minutes count as one failure, so this is more than one user's bad luck.",
    )


def spent_annotations(voice: Voice, mesh: Mesh, board: str) -> dict[str, str]:
    """What the alert on a spent budget says."""
    return _of_slo(
        voice,
        mesh,
        board,
        f"has spent its error budget of {voice.label('slo')} for {voice.label('period')}: {voice.percentage()} of "
        "requests were bad",
        "The promise is broken for this period. It is kept again when enough of what was bad is older than the period.",
    )


def absent_annotations(voice: Voice, mesh: Mesh, board: str) -> dict[str, str]:
    """What the alert on an absent indicator says."""
    texts = {
        "requests": "Nothing is known of this promise: no request to the service is reported, good or bad. Say "
        "expects_traffic=False where silence is normal.",
        "bucket": "Requests to the service are reported, but not how many were answered within the promise's bound: it "
        "is no bucket of the latency histogram, or the histogram is not collected.",
    }
    summary = f"has no indicator for {voice.label('slo')}"
    return _of_slo(voice, mesh, board, summary, voice.chosen("missing", texts))


def _of_slo(voice: Voice, mesh: Mesh, board: str, summary: str, description: str) -> dict[str, str]:
    return {
        "summary": f"{voice.label('namespace')}/{voice.label('service')} {summary}",
        "description": description,
        **links(voice, mesh, board),
        "definition": voice.looked_up("slo:definition:info", "definition", ("slo",)),
    }


def given_up_annotations(voice: Voice, mesh: Mesh, board: str) -> dict[str, str]:
    """What an alert on requests that are given up says."""
    whose = f"{voice.label('namespace')}/{voice.label('service')}"
    return {
        "summary": f"{whose} does not answer: {voice.percentage()} of requests were given up by their callers "
        "in the last 5 minutes",
        "description": "The callers hung up or reset the request before any answer. Nothing was counted as failed: "
        "what would have been answered is unknown. Say streams=True where clients end what they watch.",
        **links(voice, mesh, board),
        "definition": str(mesh.place) if mesh.place else "mesh.py",
    }


def unattributed_annotations(voice: Voice, mesh: Mesh, board: str) -> dict[str, str]:
    """What an alert on failures without a service says."""
    whose = f"{voice.label('namespace')}/{voice.label('service')}"
    return {
        "summary": f"{voice.whole()} requests of {whose} failed in the last hour; whom they were for is unknown",
        "description": "Its proxy has no route or no cluster for them, and the host that was called is no service of "
        "this mesh: a name that is wrong, a service that was deleted, or one outside the mesh.",
        **links(voice, mesh, board),
        "definition": str(mesh.place) if mesh.place else "mesh.py",
    }


def traffic_annotations(voice: Voice, mesh: Mesh, board: str) -> dict[str, str]:
    """What an alert on traffic that fell to nothing says."""
    whose = f"{voice.label('namespace')}/{voice.label('service')}"
    return {
        "summary": f"{whose} gets no traffic: less than 1% of the {voice.whole()} requests expected in 30 minutes",
        "description": "Expected is the least of its volume and of what came at this time of yesterday and a week ago. "
        "Nothing fails where nobody calls: look at what is in front of it. Say expects_traffic=False where silence is "
        "normal.",
        **links(voice, mesh, board),
        "definition": str(mesh.place) if mesh.place else "mesh.py",
    }


def alert_annotations(
    voice: Voice, mesh: Mesh, board: str, summary: str, description: str, definition: str, instance: bool
) -> dict[str, str]:
    """What an alert of a definition file says."""
    whose = f"{voice.label('namespace')}/{voice.label('service')}"
    named = f"{whose} instance {voice.label('pod')}" if instance else whose
    return {
        "summary": f"{named}: {summary}",
        **({"description": description} if description else {}),
        **links(voice, mesh, board, (*IDENTITY, "pod") if instance else IDENTITY),
        "definition": definition,
    }


def platform_annotations(mesh: Mesh, summary: str, description: str, alert: str) -> dict[str, str]:
    """What ``alert``, about more than one service, says; nothing is looked up, since rules may be what fails."""
    return {
        "summary": summary,
        "description": description,
        "runbook_url": f"{mesh.runbooks.rstrip('/')}/{runbook_of(alert)}",
        "dashboard_url": f"{mesh.grafana.rstrip('/')}/d/{board_uid(mesh, 'mesh-overview')}",
        "incident_url": f"{mesh.console.rstrip('/')}/incidents",
        "definition": str(mesh.place) if mesh.place else "mesh.py",
    }
