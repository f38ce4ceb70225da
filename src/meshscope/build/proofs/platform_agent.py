"""Stories about the feedback agent: dead, silent in part, unable to do its work."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from meshscope.build.agent import OWN_ALERTS
from meshscope.build.proofs.platform_series import STEPS, Firing, Over, Quiet, Stories, Teller
from meshscope.build.proofs.series import Phase, Series, series

_AGENT = "meshscope_agent_"
_PARTS = ("decide", "reconcile")


def _said(values: str, name: str, **labels: str) -> Series:
    return {**series(f"{_AGENT}{name}", labels, ()), "values": values}


def _beating(ages: str, part: str = "decide") -> list[Series]:
    """A part that may be silent for 90 seconds, and another one that never is."""
    return [
        *(_said(f"90x{STEPS}", "heartbeat_patience_seconds", part=each) for each in _PARTS),
        *(_said(ages if each == part else f"1x{STEPS}", "heartbeat_age_seconds", part=each) for each in _PARTS),
    ]


def _counted(name: str, *phases: tuple[int, int], **labels: str) -> Series:
    return series(f"{_AGENT}{name}", labels, (Phase(Decimal(increment), steps) for increment, steps in phases))


def _once(name: str, **labels: str) -> Series:
    return _counted(name, (0, 4), (1, 1), (0, STEPS), **labels)


def _for_a_while(name: str, **labels: str) -> Series:
    return _counted(name, (1, 25), (0, STEPS), **labels)


def _found(sent: int) -> list[Series]:
    """Alerts that were found by asking, while so many came by message."""
    came = _counted("alerts_received_total", (sent, STEPS), source="alertmanager", status="firing")
    return [_counted("alerts_undelivered_total", (1, STEPS)), came]


def _silent() -> Firing:
    return [
        ("one part is silent", _beating(f"91x{STEPS}"), {"part": "decide"}, ""),
        ("another one", _beating(f"600x{STEPS}", "reconcile"), {"part": "reconcile"}, ""),
        ("no agent was ever there", [], {"part": "all"}, ""),
    ]


def _unable() -> Firing:
    refused = _counted("refused_total", (1, STEPS), reason="ledger")
    untold = _counted("issues_total", (1, STEPS), outcome="failed")
    failing = _said(f"1x{STEPS}", "part_failing", part="reconcile")
    stale = _said(f"1x{STEPS}", "credentials_stale")
    return [
        ("an alert was given up", [_once("alerts_dead_total")], {"part": "decisions"}, ""),
        ("the ledger takes nothing", [refused], {"part": "receivers"}, ""),
        ("nothing is delivered", _found(0), {"part": "deliveries"}, ""),
        ("no issue can be written", [untold], {"part": "tracker"}, ""),
        ("its credentials are not those of the file", [stale], {"part": "credentials"}, ""),
        ("a part fails at each turn", [failing], {"part": "reconcile"}, ""),
    ]


def _able() -> Quiet:
    flawless = [
        *(_said(f"0x{STEPS}", "part_failing", part=part) for part in _PARTS),
        _said(f"0x{STEPS}", "credentials_stale"),
        _counted("alerts_dead_total", (0, STEPS)),
        _counted("issues_total", (1, STEPS), outcome="opened"),
    ]
    stranger = _counted("refused_total", (9, STEPS), reason="auth_unknown")
    passing = [_once("refused_total", reason="ledger"), _once("issues_total", outcome="failed")]
    turn = _said(f"0x4 1x3 0x{STEPS}", "part_failing", part="reconcile")
    return [
        ("all is well", flawless),
        ("a stranger is refused, again and again", [stranger]),
        ("a refusal, and a call to the tracker that failed, each once", passing),
        ("some turns of a part went wrong", [turn]),
        ("it asked before the message came", _found(1)),
        ("no series", []),
    ]


def _back() -> Over:
    gone = [{**each, "values": f"1x3 stale _x16 1x{STEPS}"} for each in _beating("1")]
    return [
        ("the part goes on", _beating(f"200x20 1x{STEPS}"), {"part": "decide"}),
        ("an agent that was killed is back", gone, {"part": "all"}),
    ]


def _able_again() -> Over:
    return [
        ("the ledger writes again", [_for_a_while("refused_total", reason="full")], {"part": "receivers"}),
        ("the tracker answers again", [_for_a_while("issues_total", outcome="failed")], {"part": "tracker"}),
        ("the newest file is right", [_said(f"1x25 0x{STEPS}", "credentials_stale")], {"part": "credentials"}),
    ]


AGENT: Mapping[str, Teller] = {
    f"{OWN_ALERTS}Silent": lambda _: Stories(
        firing=_silent(),
        quiet=[("a part is silent for as long as it may be", _beating(f"90x{STEPS}"))],
        over=_back(),
    ),
    f"{OWN_ALERTS}Failing": lambda _: Stories(firing=_unable(), quiet=_able(), over=_able_again()),
}
