"""A column of a file read as validation reads it: by blocks, by a plan, again where the plan turns out to be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from handlers.domain.column_reading import CellBlock, Plan, fitted, read_cells
from handlers.domain.column_settling import ColumnBrief, Settled, plan_column, revised, settle
from handlers.domain.evidence import NOTHING
from handlers.domain.files import Reason

#: Readings after which a plan must fit.
READINGS = 3


@dataclass(frozen=True)
class ReadColumn:
    settled: Settled
    values: pa.Array
    faults: list[int]
    readings: int


def read_file(blocks: Sequence[pa.StringArray], brief: ColumnBrief) -> ReadColumn | Reason:
    """Read the blocks of one column to the end."""
    plan = plan_column(brief)
    for reading in range(1, READINGS + 1):
        read: list[CellBlock] = []
        evidence = NOTHING
        for number, cells in enumerate(blocks):
            block = read_cells(cells, plan)
            if reading == 1 and number == 0:
                plan, block = _first(cells, brief, plan, block)
            read.append(block)
            evidence += block.evidence
        settled = settle(brief, plan, evidence)
        if isinstance(settled, Reason):
            return settled
        if settled.plan.reads_like(plan):
            return _put_together(settled, read, reading)
        plan = settled.plan
    raise AssertionError(f"{plan} does not fit after {READINGS} readings.")


def _first(cells: pa.StringArray, brief: ColumnBrief, plan: Plan, block: CellBlock) -> tuple[Plan, CellBlock]:
    for _ in range(READINGS):
        better = revised(brief, plan, block.evidence)
        if better.reads_like(plan):
            return better, block
        plan, block = better, read_cells(cells, better)
    raise AssertionError(f"{plan} does not fit the first block.")


def _put_together(settled: Settled, read: Sequence[CellBlock], readings: int) -> ReadColumn:
    values = pa.chunked_array([fitted(block.values, settled.type) for block in read]).combine_chunks()
    faults: list[int] = []
    before = 0
    for block in read:
        assert len(block.values) == 0 or block.values.take(pa.array(block.faults)).null_count == len(block.faults)
        faults += [before + row for row in block.faults.tolist()]
        before += len(block.values)
    return ReadColumn(settled, values, faults, readings)
