"""Is a file broken as a whole? Breaks of a delivery, not drift of the world: such a file is held, not learned from.

Gradual drift does not come in one file; a join that failed, a unit that changed or a table of codes that was replaced
does. So each limit is far above what drift does between one file and the next.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from handlers.domain.axes import Cuts
from handlers.domain.reference_sketch import ColumnSketch, ColumnTally, Sketch, Tally, missing_bin
from handlers.domain.significance import two_proportions

Kind = Literal["missing", "outside", "new_categories"]

#: A break is evident where chance makes one in a whole file at most once in 1,000 files.
EVIDENT_P = 0.001


class GateSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From where on a file is broken."""

    missing_jump: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.3
    """A column's missing share is higher by more than this part of the rows: a third of a column does not get lost by
    drift from one file to the next."""
    outside_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    """More than this part of a column's numbers lie outside the reference range, widened by a tenth: drift moves some
    rows past the old extremes, another unit or a constant moves most of them."""
    new_category_share: Annotated[float, msgspec.Meta(gt=0, le=1)] = 0.5
    """More than this part of a column's categories was never seen, beyond what a column of many rare ones has by
    chance: the model knows nothing of most rows."""
    minimum_rows: Annotated[int, msgspec.Meta(ge=1)] = 20
    """Rows, and for the last two rows with a value, below which nothing is called broken: a few rows can be odd."""


@dataclass(frozen=True, slots=True)
class Break:
    """One column that is broken. ``before`` and ``now``: the share that is too high, in the reference and in the file,
    of the rows; for ``outside`` and ``new_categories`` of the rows with a value. ``sentence``: for people, without a
    full stop."""

    column: str
    kind: Kind
    before: float
    now: float
    sentence: str

    @property
    def key(self) -> str:
        """What is broken and how: the same in every file that is broken so."""
        return f"{self.kind}: {self.column}"


def breaks(reference: Sketch, tally: Tally, settings: GateSettings) -> tuple[Break, ...]:
    """Find the columns that are broken, in the sketch's order; each at most once for each kind.

    Raises ValueError for the tally of another sketch.
    """
    evident = EVIDENT_P / max(len(reference.columns), 1)
    found = []
    for column, counted in zip(reference.columns, tally.columns, strict=True):
        for share in _shares(column, counted):
            enough = share.now[1] >= settings.minimum_rows and share.before[1] > 0
            if enough and _exceeds(share, settings) and two_proportions(share.before, share.now)[1] < evident:
                found.append(_break(share, column.name))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Share:
    """A share that may be too high, as (part, rows) in the reference and in the file."""

    kind: Kind
    before: tuple[int, int]
    now: tuple[int, int]


def _shares(column: ColumnSketch, counted: ColumnTally) -> Iterator[_Share]:
    rows, missing = int(counted.counts.sum()), int(counted.counts[missing_bin(column.axis)])
    present = column.present, rows - missing
    yield _Share("missing", (column.missing, column.present + column.missing), (missing, rows))
    if column.spread is not None:
        yield _Share("outside", (0, present[0]), (counted.outside, present[1]))
    if not isinstance(column.axis, Cuts):
        chance = round(column.unseen * present[0])
        yield _Share("new_categories", (chance, present[0]), (int(counted.counts[-1]), present[1]))


def _exceeds(share: _Share, settings: GateSettings) -> bool:
    before, now = share.before[0] / share.before[1], share.now[0] / share.now[1]
    if share.kind == "missing":
        return now - before > settings.missing_jump
    if share.kind == "outside":
        return now > settings.outside_share
    # Of the rows that would have a known category by chance.
    return now - before > settings.new_category_share * (1 - before)


def _break(share: _Share, column: str) -> Break:
    before, now = share.before[0] / share.before[1], share.now[0] / share.now[1]
    sentences = {
        "missing": f"{column}: {now:.0%} of the rows are empty, {before:.0%} were in the model's training data",
        "outside": f"{column}: {now:.0%} of the numbers lie outside the range of the model's training data",
        "new_categories": f"{column}: {now:.0%} of the values never occurred in the model's training data",
    }
    return Break(column, share.kind, before, now, sentences[share.kind])
