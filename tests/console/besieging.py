"""Incidents in which everything that comes from outside is hostile."""

from collections.abc import Iterable

from meshscope.feedback.state import (
    Act,
    Approval,
    Decision,
    Evidence,
    Happened,
    Incident,
    Key,
    Member,
    Ticket,
)
from tests.console.boutique_nights import NOW

MORE = (
    '"><script>document.title="owned"</script>', "';alert(1)//", "<svg/onload=alert(1)>", "{{7*7}}{% raw %}",
    "javascript:alert(1)", "https://grafana.boutique.example.evil.example/d/x", "\u202egnp.exe", "\x00\x07",
    "`" * 500, "**" * 300, "\\" * 300, "a" * 100_000,
)  # fmt: skip


def hostile(text: str, number: int = 0, *, names: bool = True) -> Incident:
    """An incident in which everything is ``text``; without ``names`` all but what the agent chooses itself."""
    key = Key("eu-1", "shop", "ledger")
    one = Incident(id=f"ledger-hostile-{number}", service=key, owner=text if names else "payments", opened=NOW - 60,
                   revision=text, fixed_by=text, noise=text,
                   folded_into=text if names else "")  # fmt: skip
    one.members = [
        Member(alert=text, name=text, severity=text, summary=text, service=key, slo=slo, stage=text, pod=text,
               definition=text, runbook=text, dashboard=text, since=NOW - 50)
        for slo in (text, "")
    ]  # fmt: skip
    one.decisions = [
        Decision(at=NOW - 40, alert=text, action=action, verdict=verdict, code=text, why=text, target=text, uid=text,
                 passed=[text], plan=[text])
        for action, verdict in (("kill_instance", "declined"), (text, "asked"), ("quarantine", text))
    ]  # fmt: skip
    one.acts = [
        Act(key=text, action="kill_instance", target=text, uid=text, at=NOW - 30, deadline=NOW, alert=text,
            outcome=outcome, said=text, done_at=NOW - 29, replaced_at=NOW - 20, replacement=text, approved_by=text)
        for outcome in ("done", "refused", "unknown", text)
    ]  # fmt: skip
    one.approvals = [
        Approval(token=token, alert=text, action=text, target=text, uid=text, at=NOW, until=until, answer=answer,
                 by=text)
        for token, until, answer in (("t" * 22, NOW + 60, ""), ("u" * 22, NOW, "yes"))
    ]  # fmt: skip
    one.evidence = [Evidence(at=NOW - 31, instance=text, lines=[text, text], digest=text)]
    one.issue = Ticket(where=text, ref=text, url=text)
    one.story = [Happened(at=NOW - 5, what=text, who=text), Happened(at=NOW - 5, what=text)]
    return one


def storable(texts: Iterable[str], most: int = 1_000_000) -> list[str]:
    """Those that JSON can hold: what came over the wire has no halves of pairs."""
    return [text for text in texts if len(text) < most and not any("\ud800" <= one <= "\udfff" for one in text)]
