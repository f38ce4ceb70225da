"""Where the agent's ledger lies in its state folder, and with which key its anchors are signed."""

from __future__ import annotations

from pathlib import Path

from meshscope.adapters.ledgers.sqlite import SqliteLedger
from meshscope.adapters.signers.ed25519 import new_key, read_key, write_public
from meshscope.wiring.clock import SystemClock

LEDGER, ANCHORS, KEY, PUBLIC = "ledger.sqlite", "anchors.jsonl", "anchor-key", "anchor-key.pub"


def open_ledger(state: Path, anchors: Path | None = None) -> SqliteLedger:
    """The ledger in ``state``, to be written. Raises `MeshscopeError` where it can't be, or another one writes it."""
    state.mkdir(parents=True, exist_ok=True)
    key = state / KEY
    signer = read_key(key) if key.exists() else new_key(key)
    if not (state / PUBLIC).exists():
        write_public(state / PUBLIC, signer.verifier)
    return SqliteLedger(state / LEDGER, anchors=anchors or state / ANCHORS, signer=signer, clock=SystemClock())
