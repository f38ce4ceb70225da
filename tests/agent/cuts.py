"""kill -9 at random moments while alerts come in: what was acknowledged, done and told is counted afterwards.

Senders post to the agent's own server, as Alertmanager does: what is not answered with 200 is sent again. All cuts are
of one ledger, one folder of issues and one troupe of real processes.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from meshscope.feedback.credentials import new_credential
from meshscope.feedback.settings import Caps
from meshscope.feedback.state import Received
from tests.agent.child import Look, Orders
from tests.agent.posting import spoken
from tests.agent.stage import QUICK, Actor, Troupe, filed, lone, shop, sound, told
from tests.feedback.world import alert
from tests.ports import free_port
from tests.waiting import until

NAMES = ("ledger", "checkout", "payment", "frontend")
SENDERS = 3
# Nothing but the guards of one instance stands between an alert and an act: as many acts as there can be.
OPEN = replace(
    QUICK,
    caps=Caps(service=10**6, owner=10**6, mesh=10**6, every_seconds=0.0, cool_down_seconds=0.0, strikes=10**6),
    flaps=10**6,
    tell_seconds=0.2,
)
_MAY_HAVE_HAPPENED = ("", "done", "gone", "unknown")


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What came of it: ``lost`` and ``doubled`` have to be zero."""

    cuts: int
    acknowledged: int
    """Alerts that were answered with 200."""
    lost: int
    """Of those, the ones that are not in the ledger as they were told last, or have no end."""
    acts: int
    doubled: int
    """Acts beyond one for an instance, deaths without one, and incidents and comments that are there twice."""
    untaken: int
    """Requests that no agent answered."""
    seconds: float


@dataclass
class _Sender(threading.Thread):
    """Posts one body after the other, each until it is taken."""

    port: int
    token: str
    troupe: Troupe
    dice: random.Random
    number: int
    ending: threading.Event
    last: dict[str, str] = field(default_factory=dict)
    """What was told last of each fingerprint, and taken."""
    taken: int = 0
    untaken: int = 0
    pods: set[str] = field(default_factory=set)
    error: BaseException | None = None

    def __post_init__(self) -> None:
        super().__init__(daemon=True)
        self._line: http.client.HTTPConnection | None = None
        self._firing: list[Received] = []
        self._count = 0

    def __hash__(self) -> int:
        return id(self)

    def run(self) -> None:
        try:
            while not self.ending.is_set():
                self._told([self._one() for _ in range(self.dice.randint(1, 3))])
                self.ending.wait(self.dice.uniform(0.0, 0.06))
        except BaseException as error:
            self.error = error
        finally:
            if self._line is not None:
                self._line.close()

    def _one(self) -> Received:
        """Something new, or the end of something."""
        if self._firing and self.dice.random() < 0.3:
            old = self._firing.pop(self.dice.randrange(len(self._firing)))
            return Received(**{**_fields(old), "status": "resolved"})
        self._count += 1
        name = self.dice.choice(NAMES)
        what = self.dice.random()
        if what < 0.25 and (pod := self._victim(name)):
            one = lone(name, pod, sender=str(self.number), number=str(self._count))
        elif what < 0.35:
            one = alert("ErrorBudgetBurn", name, sender=str(self.number), number=str(self._count))
        else:
            one = alert("NobodyKnowsThis", name, sender=str(self.number), number=str(self._count))
        mark = hashlib.sha256(json.dumps(one.labels, sort_keys=True).encode()).hexdigest()[:16]
        one = Received(**{**_fields(one), "fingerprint": mark})
        self._firing.append(one)
        return one

    def _victim(self, name: str) -> str:
        """An instance of the service where three run, so that the guards let it be killed."""
        running = sorted(self.troupe.running(name))
        if len(running) < 3:
            return ""
        pod = self.dice.choice(running)
        self.pods.add(pod)
        return pod

    def _told(self, alerts: list[Received]) -> None:
        # An alert that is told and over in one body is told as it is last.
        alerts = list({one.fingerprint: one for one in alerts}.values())
        body = json.dumps(
            {"version": "4", "groupKey": "{}", "status": "firing", "alerts": [spoken(one) for one in alerts]}
        ).encode()
        until(lambda: self._taken(body), "somebody takes it", 60.0)
        self.taken += len(alerts)
        self.last.update({one.fingerprint: one.status for one in alerts})

    def _taken(self, body: bytes) -> bool:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"}
        try:
            if self._line is None:
                self._line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            self._line.request("POST", "/v1/alerts/alertmanager", body, headers)
            answer = self._line.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException):
            self._line = None
            self.untaken += 1
            return False
        assert answer.status in (200, 503), answer.status
        return answer.status == 200


def run_cuts(count: int, folder: Path, random_seed: int) -> Figures:
    """Kill the agent ``count`` times while alerts come in, let the last one come to rest, and count."""
    began = time.monotonic()
    dice = random.Random(random_seed)
    port = free_port()
    (folder / "agent").mkdir(parents=True)
    token, entry = new_credential("alertmanager", "alertmanager")
    with os.fdopen(os.open(folder / "agent" / "credentials.toml", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write(entry)
    ending = threading.Event()
    with Troupe(folder / "groups", NAMES) as troupe:
        given = Orders(
            folder=folder / "agent", groups=troupe.folder, known=shop(*NAMES), settings=OPEN, port=port, unbounded=True
        )
        senders = [
            _Sender(port, token, troupe, random.Random(random_seed + number), number, ending)
            for number in range(1, SENDERS + 1)
        ]
        for sender in senders:
            sender.start()
        try:
            for _ in range(count):
                _cut(given, senders, dice)
            actor = Actor(given)
        finally:
            # The last agent takes what they have in hand.
            ending.set()
        try:
            return _counted(count, actor, senders, troupe, began)
        finally:
            actor.end()
            sound(folder / "agent")


def _cut(given: Orders, senders: list[_Sender], dice: random.Random) -> None:
    """Start an agent, and kill it: some while they start, some at work."""
    before = sum(sender.taken for sender in senders)
    actor = Actor(given, wait=False)
    try:
        if dice.random() < 0.7:
            end = time.monotonic() + 5.0
            while sum(sender.taken for sender in senders) == before and time.monotonic() < end:
                time.sleep(0.002)
        time.sleep(dice.uniform(0.0, 0.15))
        assert actor.process.is_alive(), f"it ended by itself: {actor.heard(0.0)}"
    finally:
        actor.gone()


def _counted(count: int, actor: Actor, senders: list[_Sender], troupe: Troupe, began: float) -> Figures:
    for sender in senders:
        sender.join(60.0)
        assert not sender.is_alive(), "a sender does not end"
        assert sender.error is None, sender.error
    try:
        look = actor.until(lambda look: all(one.terminal for one in look.alerts), "all have an end", 60.0)
    except AssertionError:
        # What has no end is lost; it is counted.
        look = actor.look()
    until(lambda: all(map(troupe.full, troupe.names)), "three of each run again")
    last = {name: status for sender in senders for name, status in sender.last.items()}
    lost = _lost(look, last)
    doubled = _doubled(look, actor.orders.folder, troupe, {pod for sender in senders for pod in sender.pods})
    if lost or doubled:
        print("\n".join([*lost[:20], *doubled[:20], told(look)[:4000]]))
    return Figures(
        cuts=count, acknowledged=sum(sender.taken for sender in senders), lost=len(lost),
        acts=sum(act.outcome in ("done", "gone") for one in look.incidents for act in one.acts),
        doubled=len(doubled), untaken=sum(sender.untaken for sender in senders), seconds=time.monotonic() - began,
    )  # fmt: skip


def _lost(look: Look, last: Mapping[str, str]) -> list[str]:
    newest = {}
    for one in look.alerts:
        known = newest.setdefault(one.received.fingerprint, one)
        if known.episode < one.episode:
            newest[one.received.fingerprint] = one
    lost = [f"{one.key} has no end" for one in look.alerts if not one.terminal]
    for name, status in last.items():
        if name not in newest:
            lost.append(f"{name} was acknowledged, and is not in the ledger")
        elif (newest[name].resolved_at is not None) is not (status == "resolved"):
            lost.append(f"{name} was acknowledged as {status}, and the ledger knows nothing of that")
    return lost


def _doubled(look: Look, folder: Path, troupe: Troupe, wanted: set[str]) -> list[str]:
    acts = [act for one in look.incidents for act in one.acts if act.outcome in _MAY_HAVE_HAPPENED]
    found = [f"{uid} was acted on {times} times" for uid, times in Counter(a.uid for a in acts).items() if times > 1]
    found += [f"{act.target} was killed, and no alert named it" for act in acts if act.target not in wanted]
    dead = sum(troupe.started().values()) - sum(len(troupe.running(name)) for name in troupe.names)
    ended = {act.uid for act in acts}
    if dead != len(ended):
        found += [f"{dead} processes died, and {len(ended)} acts are in the ledger"] * abs(dead - len(ended))
    for name, times in Counter(one.service.name for one in look.incidents).items():
        found += [f"{name} has {times} incidents"] * (times - 1)
    files = filed(folder)
    found += [f"{one.key} has a comment twice" for one in files if len(set(one.comments)) < len(one.comments)]
    known = {one.id for one in look.incidents}
    found += [f"{one.key} is an issue of no incident" for one in files if one.key not in known]
    return found


def _fields(one: Received) -> dict[str, object]:
    return {name: getattr(one, name) for name in one.__struct_fields__}
