"""Where the agent's ledger lies in its state folder, and with which key its anchors are signed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from meshscope.adapters.ledgers import copies
from meshscope.adapters.ledgers.copies import Backup, Restored
from meshscope.adapters.ledgers.sqlite import SqliteLedger
from meshscope.adapters.ledgers.verify import verify
from meshscope.adapters.signers.ed25519 import Ed25519Signer, new_key, read_key, read_public, write_public
from meshscope.feedback.chain import Verified
from meshscope.wiring.clock import SystemClock

LEDGER, ANCHORS, KEY, PUBLIC = "ledger.sqlite", "anchors.jsonl", "anchor-key", "anchor-key.pub"


def open_ledger(state: Path, anchors: Path | None = None) -> SqliteLedger:
    """The ledger in ``state``, to be written. Raises `MeshscopeError` where it can't be, or another one writes it."""
    state.mkdir(parents=True, exist_ok=True)
    return SqliteLedger(
        state / LEDGER, anchors=anchors or state / ANCHORS, signer=_signer(state), clock=SystemClock()
    )  # fmt: skip


def verified(state: Path, anchors: Path | None, tell: Callable[[str], object]) -> Verified:
    """What is wrong with the ledger in ``state``, which an agent may write meanwhile. Raises `MeshscopeError`."""
    public = state / PUBLIC
    return verify(
        state / LEDGER,
        anchors=anchors or state / ANCHORS,
        key=read_public(public) if public.exists() else None,
        tell=tell,
    )


def backed_up(state: Path, target: Path) -> Backup:
    """Copy the ledger in ``state``, which an agent may write meanwhile, to ``target``. Raises `MeshscopeError`."""
    return copies.copied(state / LEDGER, target)


def restored(backup: Path, state: Path, anchors: Path | None, by: str) -> Restored:
    """Put ``backup`` in the place of the ledger in ``state``. Raises `MeshscopeError` where that one lives."""
    state.mkdir(parents=True, exist_ok=True)
    return copies.restored(
        backup, state / LEDGER, anchors=anchors or state / ANCHORS, signer=_signer(state), clock=SystemClock(), by=by
    )


def rebuilt(state: Path) -> int:
    """Make the ledger's derived table anew; how many of its rows were wrong. Raises `MeshscopeError`."""
    return copies.rebuilt(state / LEDGER)


def _signer(state: Path) -> Ed25519Signer:
    key = state / KEY
    signer = read_key(key) if key.exists() else new_key(key)
    if not (state / PUBLIC).exists():
        write_public(state / PUBLIC, signer.verifier)
    return signer
