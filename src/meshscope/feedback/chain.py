"""The ledger's chain: each record's hash holds the one before it, and signed anchors hold the chain to a second place.

Pure: nothing here reads a file or a clock. A change, a removal, an insertion or a new order of records breaks the
chain; who can rewrite every hash meets the anchors, which need the private key. What comes after the last anchor is
not protected yet, and who holds the key, or can take ledger and anchors back to an older day together, is not found.
"""

from __future__ import annotations

import hashlib
import struct
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from meshscope.feedback.ports import Entry, Record
from meshscope.findings import Finding, Level

GENESIS = bytes(32)
EPOCH = "epoch"
"""Kind and subject of the records that say who writes, since when, and whether the ledger was restored."""
START, RESTORE, CLEAR = "start", "restore", "clear"
MOST_FINDINGS = 100

_RECORD = b"meshscope ledger record 1\0"
_ANCHOR = "meshscope ledger anchor 1"
_FIXED = struct.Struct(">Qd?")
_LENGTH = struct.Struct(">Q")


class Signer(Protocol):
    """Whoever holds the private key."""

    def sign(self, message: bytes) -> bytes:
        """The signature of ``message``."""


class Verifier(Protocol):
    """Whoever holds the public key."""

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is the key's own of ``message``."""


@dataclass(frozen=True, kw_only=True)
class Head:
    """The end of a chain: the last record's number and hash; 0 and `GENESIS` of an empty one."""

    number: int = 0
    hash: bytes = GENESIS


def judge(entry: Entry) -> None:
    """Raise `ValueError` for an entry that can't be written: it would take with it whatever is written together."""
    for text in (entry.kind, entry.subject, entry.about):
        text.encode()
    if not entry.kind or not entry.subject:
        raise ValueError("an entry has a kind and a subject")
    if not isinstance(entry.body, bytes):
        raise ValueError("an entry's body is bytes")


def digest(previous: bytes, record: Record) -> bytes:
    """The hash of ``record`` after the one with the hash ``previous``: SHA-256 over both, each part with its length.

    Raises `UnicodeEncodeError` for a text that is no text.
    """
    entry = record.entry
    parts = [_RECORD, previous, _FIXED.pack(record.number, record.at, entry.open)]
    for part in (entry.kind.encode(), entry.subject.encode(), entry.about.encode(), entry.body):
        parts += (_LENGTH.pack(len(part)), part)
    return hashlib.sha256(b"".join(parts)).digest()


def chained(head: Head, at: float, entries: Iterable[Entry]) -> tuple[list[tuple[Record, bytes]], Head]:
    """``entries`` as records with their hashes, appended after ``head``; and the new head."""
    links: list[tuple[Record, bytes]] = []
    number, current = head.number, head.hash
    for entry in entries:
        number += 1
        record = Record(number=number, at=at, entry=entry)
        current = digest(current, record)
        links.append((record, current))
    return links, Head(number=number, hash=current)


class Epoch(msgspec.Struct, frozen=True, kw_only=True):
    """A stretch of the ledger by one writer. ``restored``: it lacks what was done after ``base``, and may not act."""

    number: int
    why: str
    pid: int = 0
    boot: str = ""
    started: float = 0.0
    by: str = ""
    schema: int = 0
    restored: bool = False
    base: int = 0
    """The last record that the backup held; only where ``why`` is ``restore``."""


def epoch_entry(epoch: Epoch) -> Entry:
    """The entry that writes ``epoch``: open as long as a person has to clear a restored ledger."""
    return Entry(kind=EPOCH, subject=EPOCH, body=msgspec.json.encode(epoch), open=epoch.restored)


def read_epoch(record: Record) -> Epoch:
    """The epoch that a record holds. Raises `msgspec.DecodeError`."""
    return msgspec.json.decode(record.entry.body, type=Epoch)


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    number: int
    hash: str
    at: float
    epoch: int
    signature: str


@dataclass(frozen=True, kw_only=True)
class Anchor:
    """A signed end of the chain: the record ``number`` had ``hash``. One line of JSON, bytes as hexadecimal."""

    number: int
    hash: bytes
    at: float
    epoch: int
    signature: bytes = b""

    def message(self) -> bytes:
        """What is signed."""
        return f"{_ANCHOR}\n{self.epoch}\n{self.number}\n{self.at!r}\n{self.hash.hex()}\n".encode()

    def line(self) -> bytes:
        """The anchor as it is written, with the end of its line."""
        line = _Line(self.number, self.hash.hex(), self.at, self.epoch, self.signature.hex())
        return msgspec.json.encode(line) + b"\n"


def anchored(head: Head, *, at: float, epoch: int, signer: Signer | None) -> Anchor:
    """The anchor for ``head``; without a signature where there is no signer."""
    bare = Anchor(number=head.number, hash=head.hash, at=float(at), epoch=epoch)
    if signer is None:
        return bare
    return Anchor(**{**vars(bare), "signature": signer.sign(bare.message())})


def read_anchor(line: bytes) -> Anchor:
    """The anchor that a line holds. Raises `ValueError` where it holds none."""
    try:
        told = msgspec.json.decode(line, type=_Line, strict=True)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
    return Anchor(
        number=told.number,
        hash=bytes.fromhex(told.hash),
        at=told.at,
        epoch=told.epoch,
        signature=bytes.fromhex(told.signature),
    )


@dataclass(frozen=True, kw_only=True)
class Verified:
    """What a verification found. ``tail`` records after number ``protected``, of ``tail_seconds``, are not protected.

    ``anchors`` counts those that hold; ``lost`` the records that were signed once and that a restore left out.
    """

    findings: tuple[Finding, ...] = ()
    more: int = 0
    """Findings beyond the first `MOST_FINDINGS`, which are not listed."""
    records: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    anchors: int = 0
    protected: int = 0
    tail: int = 0
    tail_seconds: float = 0.0
    epochs: tuple[Epoch, ...] = ()
    lost: int = 0
    heads: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong; a warning is nothing wrong."""
        return not any(finding.level >= Level.ERROR for finding in self.findings)


@dataclass(frozen=True, kw_only=True)
class Link:
    """A record as it is stored, with the hash beside it; ``record`` None where what is stored is no record."""

    number: int
    hash: bytes
    record: Record | None


@dataclass
class Verification:
    """Judges a chain of which it sees each link, in the order of their numbers, and then says what it found."""

    anchors: Sequence[Anchor]
    findings: list[Finding] = field(default_factory=list)
    more: int = 0
    _records: int = 0
    _first_at: float = 0.0
    _last: Link = field(default_factory=lambda: Link(number=0, hash=GENESIS, record=None))
    _last_at: float = 0.0
    _by_number: Mapping[int, Sequence[Anchor]] = field(default_factory=dict)
    _held: list[tuple[Anchor, float]] = field(default_factory=list)
    _astray: list[Anchor] = field(default_factory=list)
    _epochs: list[tuple[int, Epoch]] = field(default_factory=list)

    def __post_init__(self) -> None:
        by_number: dict[int, list[Anchor]] = defaultdict(list)
        for anchor in self.anchors:
            by_number[anchor.number].append(anchor)
        self._by_number = by_number

    def see(self, link: Link) -> None:
        """Take the next link."""
        if link.number < 1:
            self.find(changed(link.number))
            return
        expected = self._last.number + 1
        if link.number != expected:
            self.find(missing(expected, link.number - 1))
        elif link.record is None or digest(self._last.hash, link.record) != link.hash:
            self.find(changed(link.number))
        if link.record is not None:
            self._last_at = link.record.at
            self._first_at = self._first_at if self._records else link.record.at
            self._read(link.record)
        for anchor in self._by_number.get(link.number, ()):
            if anchor.hash == link.hash:
                self._held.append((anchor, self._last_at))
            else:
                self._astray.append(anchor)
        self._records += 1
        self._last = link

    def find(self, finding: Finding) -> None:
        """Keep a finding, up to a number of them."""
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)
        else:
            self.more += 1

    def _read(self, record: Record) -> None:
        if record.entry.kind == EPOCH:
            try:
                self._epochs.append((record.number, read_epoch(record)))
            except msgspec.DecodeError:
                self.find(changed(record.number))

    def end(self) -> Verified:
        """What was found, once every link was seen."""
        seen = {anchor.number for anchor, _ in self._held} | {anchor.number for anchor in self._astray}
        beyond = [anchor for anchor in self.anchors if anchor.number not in seen]
        protected, since = max(((anchor.number, at) for anchor, at in self._held), default=(0, self._first_at))
        lost = self._judge([*self._astray, *beyond], protected)
        if lost:
            self.find(_left_out(lost))
        return Verified(
            findings=tuple(self.findings),
            more=self.more,
            records=self._records,
            first_at=self._first_at,
            last_at=self._last_at,
            anchors=len(self._held),
            protected=protected,
            tail=self._last.number - protected,
            tail_seconds=max(self._last_at - since, 0.0) if self._last.number > protected else 0.0,
            epochs=tuple(epoch for _, epoch in self._epochs),
            lost=lost,
        )

    def _judge(self, astray: Iterable[Anchor], protected: int) -> int:
        """Find anchors that don't hold, but for those that a restore explains; how many records that left out.

        Only a restore that an anchor holds explains anything: everybody can write a record that says so.
        """
        restores = [
            epoch for number, epoch in self._epochs if epoch.why == RESTORE and epoch.restored and number <= protected
        ]
        lost: Counter[int] = Counter()
        for anchor in astray:
            why = [one for one in restores if one.number > anchor.epoch and one.base < anchor.number]
            if why:
                base = min(one.base for one in why)
                lost[base] = max(lost[base], anchor.number - base)
            elif anchor.number > self._last.number:
                self.find(truncated(self._last.number, anchor))
            else:
                self.find(_differs(anchor))
        return sum(lost.values())


def trusted(anchors: Sequence[Anchor], key: Verifier | None) -> tuple[list[Anchor], list[Finding]]:
    """The anchors that ``key`` signed, and what is wrong with the others; without a key all, with a warning."""
    if key is None:
        return list(anchors), [_unsigned()] if anchors else []
    good = [anchor for anchor in anchors if key.verifies(anchor.message(), anchor.signature)]
    kept = set(map(id, good))
    return good, [_forged(anchor) for anchor in anchors if id(anchor) not in kept]


def stamp(at: float) -> str:
    """A time as a person reads it, in UTC."""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (ValueError, OverflowError, OSError):
        return f"second {at!r}"


_MEND = "keep these files as they are, find out who could write them, and `meshscope ledger restore` a backup"


def changed(number: int) -> Finding:
    """A record that is not what was written."""
    return Finding(
        code="ledger/changed-record",
        title=f"record {number} is not what was written",
        why="its hash does not follow from it and the record before it: one of them was changed, moved or put in",
        help=_MEND,
        subject=str(number),
    )


def missing(first: int, last: int) -> Finding:
    """Records that are not there."""
    which = f"record {first} is" if first >= last else f"records {first} to {last} are"
    return Finding(
        code="ledger/missing-records",
        title=f"{which} missing",
        why="records are numbered without gaps, and nothing removes one: somebody did",
        help=_MEND,
    )


def truncated(last: int, anchor: Anchor) -> Finding:
    """A ledger that ends before what was signed."""
    return Finding(
        code="ledger/truncated",
        title=f"the ledger ends at record {last}, and record {anchor.number} was signed on {stamp(anchor.at)}",
        why="what came after is gone, acts of the agent perhaps among it, which it could repeat",
        help=_MEND,
        subject=str(anchor.number),
    )


def _differs(anchor: Anchor) -> Finding:
    return Finding(
        code="ledger/anchor-differs",
        title=f"the chain at record {anchor.number} is not the one that was signed on {stamp(anchor.at)}",
        why="the records up to there were written anew, with hashes that fit each other",
        help=_MEND,
        subject=str(anchor.number),
    )


def _forged(anchor: Anchor) -> Finding:
    return Finding(
        code="ledger/bad-signature",
        title=f"the anchor of record {anchor.number} is not signed by this key",
        why="it was changed or made by somebody else, or the public key is not the agent's; it protects nothing",
        help="give the agent's public key with --key; if it is that one, find out who could write the files",
        subject=str(anchor.number),
    )


def _unsigned() -> Finding:
    return Finding(
        code="ledger/unsigned",
        title="no public key is given, so the anchors' signatures are not looked at",
        why="whoever can write the anchors can write them to fit a changed ledger",
        help="give the agent's public key with --key",
        level=Level.WARNING,
    )


def _left_out(lost: int) -> Finding:
    return Finding(
        code="ledger/restored",
        title=f"at least {lost} records that were signed are not in this ledger, which was restored from a backup",
        why="the restore is recorded and signed; what the agent did in those records is known from elsewhere only",
        help="nothing is to be done if you restored it; the issues and the cluster's own audit log tell what was done",
        level=Level.WARNING,
    )
