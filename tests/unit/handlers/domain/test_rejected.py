"""Rows that were set aside, held as columns: a sequence like any other."""

from __future__ import annotations

import pyarrow as pa
import pytest

from handlers.domain.files import RowFault
from handlers.domain.rejected import FAULT_CHARACTERS, FAULTS, RejectedRows, fault_table, joined

FAULTS_OF_LINES = [RowFault(line, "n", "not_a_number", f"x{line}") for line in range(2, 7)]


def table(*lines: int, column: str = "n") -> pa.Table:
    texts = pa.array([f"x{line}" for line in lines], pa.string())
    return fault_table(pa.array(lines, pa.int64()), column, "not_a_number", texts)


def test_faults_are_found_by_index_and_slice_across_tables() -> None:
    rows = RejectedRows([table(2), table(3, 4, 5), table(6)])
    assert len(rows) == 5
    assert list(rows) == [rows[place] for place in range(5)] == FAULTS_OF_LINES
    assert (rows[-1], rows[-5]) == (FAULTS_OF_LINES[4], FAULTS_OF_LINES[0])
    assert rows[1:4] == tuple(FAULTS_OF_LINES[1:4])
    assert rows[:100] == tuple(FAULTS_OF_LINES)
    for place in (5, -6):
        with pytest.raises(IndexError):
            rows[place]


def test_rows_that_are_made_of_faults_give_them_back() -> None:
    assert list(RejectedRows.of(FAULTS_OF_LINES)) == FAULTS_OF_LINES
    assert not RejectedRows()
    assert list(RejectedRows.of([])) == []


def test_joined_faults_are_in_the_order_of_their_lines_and_then_as_they_came() -> None:
    faults = RejectedRows([joined([table(5, 7), table(2, 5, column="m")])])
    assert [(fault.line, fault.column) for fault in faults] == [(2, "m"), (5, "n"), (5, "m"), (7, "n")]
    assert joined([]).schema == FAULTS


def test_a_long_cell_is_cut_and_a_blank_one_is_text() -> None:
    texts = pa.array(["é" * (FAULT_CHARACTERS + 1), None], pa.string())
    faults = RejectedRows([fault_table(pa.array([2, 3], pa.int64()), "n", "not_a_number", texts)])
    assert [fault.value for fault in faults] == ["é" * FAULT_CHARACTERS, ""]
