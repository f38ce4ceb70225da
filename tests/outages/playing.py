"""Play rows: build their houses, evaluate their rules, tell their people, and say what is wrong."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from tests.outages.built import Built, Variant, build, checked
from tests.outages.firing import Moment, names, play, steps
from tests.outages.judging import judge
from tests.outages.rows import Row
from tests.outages.telling import Inbox, Told, inbox, tell

# Two processors: so many houses and promtools at once, and Alertmanagers, which mostly wait.
BUSY, WAITING = 2, 24
# Rows in one run of promtool: few, so that two share the work evenly.
BATCH = 6


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What came of a row: what is wrong, what fired, and who was told."""

    row: Row
    wrong: tuple[str, ...]
    moments: tuple[Moment, ...]
    told: tuple[Told, ...]

    def __str__(self) -> str:
        """All of it for a person."""
        lines = [f"{self.row.name}: {self.row.tells}", *(f"  WRONG {fault}" for fault in self.wrong)]
        lines += [
            f"  {moment.at / 60:7.1f} min fires: {', '.join(names(moment.alerts)) or 'nothing'}"
            for moment in self.moments
        ]
        for one in self.told:
            whats = sorted({f"{alert['alertname']} {alert.get('service', '')}" for alert in one.alerts})
            lines.append(f"  {one.at / 60:7.1f} min {one.how} to {one.who}: {', '.join(whats)}")
        return "\n".join(lines)


def verdicts(rows: Sequence[Row], promtool: Path, alertmanager: Path, folder: Path) -> Mapping[str, Verdict]:
    """Play all of ``rows``; by name."""
    with inbox() as box, ThreadPoolExecutor(BUSY) as busy, ThreadPoolExecutor(WAITING) as waiting:
        variants = {Variant.of(row): row.house.root for row in rows}
        houses = {one: busy.submit(build, one, root, folder / "houses") for one, root in variants.items()}
        batches = [
            (batch, busy.submit(_play, promtool, houses[Variant.of(batch[0])], batch, folder / "rules" / str(number)))
            for number, batch in enumerate(_batches(rows))
        ]
        told = [
            (row, waiting.submit(_tell, alertmanager, houses[Variant.of(row)], row, fires, box, folder / "told"))
            for batch, fires in batches
            for row in batch
        ]
        return {row.name: _verdict(row, houses[Variant.of(row)].result(), said.result()) for row, said in told}


def _batches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows of one house and one pace together, the long ones first."""

    def kind(row: Row) -> tuple[int, str]:
        return (-steps(row.lasts)[1], str(Variant.of(row)))

    for _, alike in groupby(sorted(rows, key=kind), kind):
        found = list(alike)
        yield from (found[first : first + BATCH] for first in range(0, len(found), BATCH))


def _play(
    promtool: Path, house: Future[Built], batch: Sequence[Row], folder: Path
) -> tuple[Mapping[str, list[Moment]], Built]:
    return play(promtool, house.result(), batch, folder), house.result()


def _tell(
    program: Path,
    house: Future[Built],
    row: Row,
    fires: Future[tuple[Mapping[str, list[Moment]], Built]],
    box: Inbox,
    folder: Path,
) -> tuple[list[Moment], list[Told]]:
    moments = fires.result()[0][row.name]
    told = tell(program, house.result().alertmanager, row, moments, box, folder / row.name)
    shutil.rmtree(folder / row.name, ignore_errors=True)
    return moments, told


def _verdict(row: Row, house: Built, played: tuple[Sequence[Moment], Sequence[Told]]) -> Verdict:
    moments, told = played
    said = house.said + (checked(house) if row.invisible else "")
    return Verdict(row=row, wrong=tuple(judge(row, told, said)), moments=tuple(moments), told=tuple(told))
