"""A ledger as others read it while the agent writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from meshscope.adapters.ledgers.connections import Readers
from meshscope.adapters.ledgers.schema import COLUMNS, records_of
from meshscope.feedback.ports import Record

NAME = "ledger.sqlite"
_SECONDS = 2.0


class Reading:
    """The ledger of the agent whose state lies in ``state``; nothing is written."""

    def __init__(self, state: Path) -> None:
        self._readers = Readers(state / NAME, _SECONDS)

    def heads(self, kind: str) -> Sequence[Record]:
        """The newest record of each subject of ``kind``. Raises `LedgerError`."""
        query = f"SELECT {COLUMNS} FROM records WHERE number IN (SELECT number FROM heads WHERE kind = ?)"  # noqa: S608
        return records_of(self._readers.rows(query, (kind,)))
