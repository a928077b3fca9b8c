"""Reading the columns of a file block by block: a plan says how, evidence says at the end whether it was right.

The plan is hopeful: a column that is new is read as plain integers. After the first block it is ``revised``; at the
end of the file ``settle`` says what the column is. Where that reads otherwise than the plan that was followed, the file
is read again with the plan that was settled on; the third reading, at the latest, fits.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handlers.domain.arrow_types import ARROW_TYPES
from handlers.domain.evidence import NOTHING, Evidence
from handlers.domain.exact_casts import NO_ROWS, Rows
from handlers.domain.number_reading import Asked, read_numbers
from handlers.domain.number_styles import NumberStyle
from handlers.domain.schema import ColumnType
from handlers.domain.text_reading import impossible_dates, text_evidence, to_text

#: How the types are stored.


class Purpose(StrEnum):
    """What is to be found out about the cells of a column, beside their values."""

    ID = "id"
    """Each row must have one."""
    TIME = "time"
    """Each row must have one, and it must be possible."""
    KEPT = "kept"
    """Text that is text whatever it holds: nothing."""
    OPEN = "open"
    """Text that may be categories: how many different ones there are."""
    KNOWN = "known"
    """Numbers that stay numbers: whether they are integers, and how they are written."""
    NEW = "new"
    """A column that was never seen: everything."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How the cells of a column are read: as text or as numbers, of which style, and what has to be found out."""

    type: ColumnType
    purpose: Purpose
    style: NumberStyle = NumberStyle.PLAIN

    def reads_like(self, other: Plan) -> bool:
        """Whether both give the same values, an integer being the same as the number that equals it."""
        numeric = self.type.is_numeric
        return numeric == other.type.is_numeric and (not numeric or self.style is other.style)

    def fault_code(self, text: str) -> str:
        """Say what is wrong with a cell that was set aside."""
        if self.purpose is Purpose.TIME and text.strip():
            return "impossible_date"
        return f"missing_{self.purpose}" if self.purpose in (Purpose.ID, Purpose.TIME) else "not_a_number"


@dataclass(frozen=True, slots=True)
class CellBlock:
    """The cells of one block. ``faults``: the rows whose cell cannot be used, in order; their values are null."""

    values: pa.Array
    faults: Rows
    evidence: Evidence


def read_cells(cells: pa.StringArray, plan: Plan) -> CellBlock:
    """Read the cells of one block by the plan for their column. Values under one plan are of int64 or float64."""
    if plan.type.is_numeric:
        asked = Asked(plan.style, integers=plan.type is ColumnType.INTEGER, learn=plan.purpose is Purpose.NEW)
        numbers = read_numbers(cells, asked)
        return CellBlock(numbers.values, numbers.faults, numbers.evidence)
    values = to_text(cells)
    if plan.purpose in (Purpose.ID, Purpose.TIME):
        return CellBlock(*_required(values, plan), NOTHING)
    if plan.purpose is Purpose.KEPT:
        return CellBlock(values, NO_ROWS, NOTHING)
    evidence = text_evidence(values)
    if plan.purpose is Purpose.NEW:
        # Of texts alone it shows nothing about numbers, and of numbers nothing about texts.
        evidence += read_numbers(cells, Asked(plan.style, learn=True)).evidence
    return CellBlock(values, NO_ROWS, evidence)


def fitted(values: pa.Array, type: ColumnType) -> pa.Array:
    """Return a block's values as the column is stored: integers as numbers where it became one of these."""
    wanted = ARROW_TYPES[type]
    # Only a column that has just been learned may hold integers that a float64 rounds, as its text would be rounded.
    return values if values.type == wanted else values.cast(wanted, safe=False)


def _required(values: pa.StringArray, plan: Plan) -> tuple[pa.StringArray, Rows]:
    """Return the cells of a column in which each row must have one, impossible dates as null, and the faults."""
    if plan.purpose is Purpose.TIME:
        impossible = impossible_dates(values)
        if impossible is not None:
            values = pc.if_else(impossible, pa.scalar(None, pa.string()), values)
    return values, np.flatnonzero(values.is_null()) if values.null_count else NO_ROWS
