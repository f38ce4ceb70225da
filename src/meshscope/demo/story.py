"""What happens live: one instance begins to fail, everybody who should is told, and when it is well again, that too."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from meshscope.demo.directions import Directions
from meshscope.demo.live import Live
from meshscope.demo.loop import killing, loops
from meshscope.demo.page import BAD, GOOD, Page
from meshscope.demo.receiver import CHAT, MAIL, PAGER, Message
from meshscope.demo.scenes import Scenes
from meshscope.demo.teller import Teller
from meshscope.findings import Finding, MeshscopeError, counted
from meshscope.model.alerting import WINDOWS, Alert
from meshscope.model.model import Model
from meshscope.model.people import Owner
from meshscope.model.services import Service
from meshscope.model.signals import Scope

_TICK = 0.15
_WARM_SECONDS = 60.0
# As much patience as a machine needs that is busy with something else, in true time.
_PATIENCE = 40 * 60.0
_WAYS = {PAGER: "PagerDuty", CHAT: "Slack", MAIL: "mail"}
_BURN = "ErrorBudgetBurn"

# What the story waits for, and what its end adds up.
FAULT_SEEN, PENDING, FIRED, OWNER_TOLD, BUDGET_TOLD, OVER = (
    "seen", "pending", "fired", "owner", "budget", "over",
)  # fmt: skip


@dataclass
class Told:
    """What was observed: seconds from the fault to each milestone, how often each was told, what was held back."""

    since: dict[str, float] = field(default_factory=dict)
    messages: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    held_back: Sequence[Mapping[str, str]] = ()


@dataclass(frozen=True, order=True)
class _Event:
    """A line of the table, and the milestone that it is."""

    when: float
    who: str
    text: str
    colour: str | None = field(default=None, compare=False)
    milestone: str = ""


class Story:
    """Tells what happens while it does."""

    def __init__(self, live: Live, page: Page) -> None:
        """About the instance that the script chose."""
        self.live = live
        self.page = page
        self.told = Told()
        self.model: Model = live.home.model
        self.service: Service = next(one for one in self.model.services if one.identity == live.script.target)
        self.player = live.script.cast[self.service.identity]
        self.pod = self.player.pods[0]
        self.alert = _about_instances(self.model)
        self._begun = 0.0
        self._seen: set[tuple[str, ...]] = set()
        self._pods: set[str] = set()
        """The instances that ran since the scene began."""
        patience = _PATIENCE * float(live.scale)
        played = loops(self.model, live.script)
        self.scenes = Scenes(Teller(live.loop, self, page, patience)) if played else None

    @property
    def owner(self) -> str:
        """Who is told of the service's trouble."""
        owner = self.service.owner or self.model.mesh.owner
        return owner.name if owner else "nobody"

    def run(self) -> None:
        """The whole story. Raises `MeshscopeError` when something doesn't happen, or a program ends."""
        self._until("the mesh is observed", lambda: not self._unseen(), _WARM_SECONDS, self._unseen)
        self.page.gap()
        for early in self._came():
            self.page.said("BEFORE", [f"{self._who(early)} was told of something else: {early.title}"], BAD)
        self.page.clock(self.live.scale)
        if self.scenes is not None:
            self.scenes.run()
            return
        self._fail(1.0)
        others = len(self.player.pods) - 1
        well = f"its {others} siblings are well" if others > 1 else "its sibling is well"
        self._tell(_Event(0.0, "fault", f"{self.pod} fails every request; {well}", BAD))
        self._until("the owner is told", lambda: OWNER_TOLD in self.told.since)
        self.told.held_back = self.live.held_back()
        self._fail(0.0)
        self._tell(
            _Event(self._now(), "fault", f"{self.pod} is well again; windows of {WINDOWS[0]} still see it", GOOD)
        )
        if self.alert is not None:
            self._until("the owner is told that it is over", lambda: OVER in self.told.since)

    # What raises the alerts of the scenes

    def begin(self) -> None:
        """The clock begins anew, and what fired before may be told again."""
        self._begun = time.time()
        self._pods.clear()
        self._seen &= {_seen(alert["labels"], str(alert["state"])) for alert in self.live.prometheus.alerts()} | {
            seen for seen in self._seen if seen[0] in _WAYS
        }
        self.told.since.pop(FAULT_SEEN, None)

    def one_fails(self, pod: str) -> None:
        """One instance began to fail."""
        self.pod = pod

    def all_fail(self) -> None:
        """All of them did; Prometheus will see."""

    def quiet(self) -> None:
        """Nothing fails any more; Prometheus will see."""

    def look(self) -> None:
        """Tell what Prometheus and people's ways say. Raises `MeshscopeError` when a program ended."""
        self.live.look()
        for event in sorted(self._events()):
            self._tell(event)
        if not self.told.held_back:
            self.told.held_back = self.live.held_back()

    def _unseen(self) -> str:
        """What is still missing: a scrape, a promise's indicator, a window without anything made up; empty if none."""
        ask = self.live.prometheus.now
        promised = sum(1 for _ in self.model.slos)
        full = self.live.since + float(WINDOWS[0].seconds) * float(self.live.scale)
        targets = ask("up")
        down = [target["metric"]["instance"] for target in targets if target["value"][1] != "1"]
        if down or len(targets) <= len(self.live.troupe.scraped):
            return f"{len(targets) - len(down)} targets are scraped, these fail: {', '.join(down) or 'none'}"
        for series in ("slo:errors:ratio_rate1h", "slo:errors:ratio_period"):
            if (found := len(ask(series))) != promised:
                return f"{series} has {found} of {counted(promised, 'SLO')}"
        if pending := self.live.prometheus.pending():
            return f"{counted(pending, 'alert')} about to fire"
        return "" if time.monotonic() > full else f"the window of {WINDOWS[0]} is not full"

    def _fail(self, share: float) -> None:
        self.live.loop.direct(Directions(pods={self.pod: share}))
        if share:
            self._begun = time.time()

    def _now(self) -> float:
        return time.time() - self._begun

    def _until(
        self, what: str, done: Callable[[], bool], seconds: float = 0.0, missing: Callable[[], str] = str
    ) -> None:
        end = time.monotonic() + (seconds or _PATIENCE * float(self.live.scale))
        while not done():
            self.live.look()
            if self._begun:
                for event in sorted(self._events()):
                    self._tell(event)
            if time.monotonic() > end:
                raise MeshscopeError(_never(what, missing(), self.live))
            time.sleep(_TICK)

    def _tell(self, event: _Event) -> None:
        if event.milestone:
            self.told.since.setdefault(event.milestone, event.when)
        self.page.happened(event.when, self.live.scale, event.who, event.text, event.colour)

    def _events(self) -> list[_Event]:
        """What happened since somebody last looked."""
        awaited = FAULT_SEEN not in self.told.since and self.live.loop.failing
        found = [self._first_failure()] if awaited else []
        self._pods.update(self.live.loop.pods)
        for alert in self.live.prometheus.alerts():
            since = datetime.fromisoformat(alert["activeAt"]).timestamp() - self._begun
            found.append(self._alert(alert["labels"], str(alert["state"]), since))
        found += [self._message(message) for message in self._came()]
        return [event for event in found if event is not None]

    def _came(self) -> Iterator[Message]:
        while not self.live.receiver.messages.empty():
            yield self.live.receiver.messages.get()

    def _first_failure(self) -> _Event | None:
        since = [at - self._begun for at in self.live.failed(self.player).values() if at > self._begun]
        return _Event(min(since), "visitors", "the first request fails", milestone=FAULT_SEEN) if since else None

    def _alert(self, labels: Mapping[str, str], state: str, since: float) -> _Event | None:
        seen = _seen(labels, state)
        name, whose, stage, _ = seen
        # Windows still see an instance that was gone before; that is nothing new.
        gone = "pod" in labels and whose == self.player.name and labels["pod"] not in self._pods
        if seen in self._seen or gone:
            return None
        self._seen.add(seen)
        if name == _BURN and state == "firing" and labels["severity"] == self.model.mesh.severities.page:
            return _Event(since, "Prometheus", f"{_BURN} fires for {whose}")
        if name not in {alert.camel for alert in killing(self.model)} or whose != self.player.name:
            return None
        if state == "pending":
            told = f"{name} is pending: {labels.get('pod', whose)} fails"
            return _Event(since, "Prometheus", told, milestone=PENDING) if stage != "page" else None
        what = {"agent": ", for the agent alone", "page": ", now for people"}.get(stage, "")
        return _Event(self._now(), "Prometheus", f"{name} fires{what}", milestone=FIRED)

    def _message(self, message: Message) -> _Event | None:
        who = self._who(message)
        self.told.messages[who, message.way, message.who] += 1
        seen = (message.way, message.thread, str(message.over))
        again = bool(message.thread) and seen in self._seen
        self._seen.add(seen)
        ours = (self.alert.camel if self.alert is not None else _BURN) in message.title
        milestone = BUDGET_TOLD
        if who == self.owner and ours:
            milestone = OVER if message.over else OWNER_TOLD
        verb = f"by {_WAYS[message.way]}" + (", added to that page" if again else "")
        colour = GOOD if message.over else BAD
        return _Event(message.at - self._begun, who, f"{message.title}  ({verb})", colour, milestone)

    def _who(self, message: Message) -> str:
        return next((owner.name for owner in self.model.owners if message.who in _addresses(owner)), message.who)


def _seen(labels: Mapping[str, str], state: str) -> tuple[str, str, str, str]:
    """What makes an alert another one to whoever reads: its name, whose it is, its stage and its state."""
    whose = f"{labels.get('namespace')}/{labels.get('service')}"
    return labels["alertname"], whose, labels.get("stage", ""), state


def _about_instances(model: Model) -> Alert | None:
    """The alert on instances that wakes somebody; None where the house has none."""
    wakes = (alert for alert in model.alerts if alert.scope is Scope.INSTANCE and alert.severity == "page")
    return next(wakes, None)


def _addresses(owner: Owner) -> tuple[str, ...]:
    contacts = (owner.pager, owner.chat)
    return (*(contact.partition(":")[2] for contact in contacts if contact), owner.mail or "")


def _never(what: str, missing: str, live: Live) -> Finding:
    reasons = [reason for reason in (missing, live.busy()) if reason]
    return Finding(
        code="demo/late",
        title=f"it takes too long until {what}",
        why="; ".join(reasons) or "every window is short here, and on a machine that is busy they may never fill",
        help="run `meshscope demo` again, or with --seconds 120, which lets time run half as fast",
    )
