"""A block of records to text cells, by pyarrow, and the records that have another number of cells."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pa_csv

from handlers.cutting.blocks import Block
from handlers.domain.dialect import CARRIAGE_RETURN, LINE_FEED, QUOTE, line_ends
from handlers.domain.file_kinds import UTF8_BOM
from handlers.domain.rejected import FAULT_CHARACTERS

#: pyarrow tells of records of another length one by one, which is dear: so many of a block, and they are looked for
#: together.
TOLD_ONE_BY_ONE = 500

Columns = tuple[pa.StringArray, ...]
Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ragged:
    """The records of a block that have another number of cells: their numbers in it, from 0, how many cells each has,
    and its text without the line end, cut to what is kept."""

    numbers: Numbers
    cells: Numbers
    texts: pa.StringArray

    @classmethod
    def of(cls, numbers: Numbers, cells: Numbers, texts: pa.StringArray) -> Ragged:
        """Of the whole texts of the records."""
        texts = pc.utf8_rtrim(texts, characters="\r\n")
        return cls(numbers, cells, pc.utf8_slice_codeunits(texts, 0, FAULT_CHARACTERS))

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def blank(self) -> npt.NDArray[np.bool_]:
        """Which of them are blank lines."""
        blank = pc.equal(pc.utf8_trim_whitespace(self.texts), "")
        return np.asarray(blank.to_numpy(zero_copy_only=False))


@lru_cache(maxsize=1)
def _nothing() -> Ragged:
    # Made when it is asked for: the first array that pyarrow makes loads pandas, which the ingest worker keeps out.
    return Ragged(np.empty(0, np.int64), np.empty(0, np.int64), pa.array([], pa.string()))


def _positions(columns: int) -> list[str]:
    """Names by position: pyarrow need not know what the header says, and two names may be alike."""
    return [str(position) for position in range(columns)]


@lru_cache(maxsize=16)
def _as_text(columns: int) -> pa_csv.ConvertOptions:
    """Every cell is text, an empty one null. Kept, because making it costs as much as reading a small file."""
    return pa_csv.ConvertOptions(
        column_types=dict.fromkeys(_positions(columns), pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        check_utf8=False,
    )


class CellReader:
    """Reads the blocks of one text one after the other. Not for two threads at the same time."""

    def __init__(self, columns: int, delimiter: str) -> None:
        self._columns = columns
        self._delimiter = ord(delimiter)
        self._told: list[pa_csv.InvalidRow] = []
        self._read = pa_csv.ReadOptions(use_threads=False, column_names=_positions(columns))
        self._parse = pa_csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,
            # It must not lead back here: what is held in C++ is not seen by the collector, and would be kept for ever.
            invalid_row_handler=partial(_tell, self._told),
        )
        self._convert = _as_text(columns)

    def read(self, block: Block) -> tuple[Columns, Ragged]:
        """Read whole records of sound quotes: the columns, an empty cell or line being null, and what is no row."""
        told = self._told
        try:
            columns = self._cells(block.view, marked=block.data.startswith(UTF8_BOM, block.start))
            if not told:
                return columns, _nothing()
            numbers = np.array([row.number - 1 for row in told], np.int64)
            cells = np.array([row.actual_columns for row in told], np.int64)
            return columns, Ragged.of(numbers, cells, pa.array([row.text for row in told], pa.string()))
        except pa.ArrowInvalid:
            if len(told) < TOLD_ONE_BY_ONE:
                raise
            return self._sorted_out(block)
        finally:
            told.clear()

    def _cells(self, view: bytes | memoryview, *, marked: bool) -> Columns:
        # pyarrow drops a byte order mark at the start of what it is given; here it is part of the first cell.
        view = UTF8_BOM + bytes(view) if marked else view
        self._read.block_size = len(view) + 1
        # Not read_csv: that hands the work to another thread, even when it is told to use none, and waits for it.
        table = pa_csv.open_csv(pa.py_buffer(view), self._read, self._parse, self._convert).read_all()
        batches = table.to_batches()
        if len(batches) == 1:
            return tuple(batches[0].columns)
        nothing = pa.array([], pa.string())
        return tuple(pa.concat_arrays([nothing, *column.chunks]) for column in table.columns)

    def _sorted_out(self, block: Block) -> tuple[Columns, Ragged]:
        """Read a block with many records of another length, which are found by counting."""
        view, cells = block.view, block.cells
        ends = line_ends(view).ends
        if not block.ends_a_line:
            ends = np.append(ends, len(cells))
        starts = np.concatenate((np.zeros(1, np.int64), ends[:-1]))
        between = np.flatnonzero(cells == self._delimiter)
        if block.quoted:
            between = between[np.searchsorted(np.flatnonzero(cells == QUOTE), between) % 2 == 0]
        counts = np.diff(np.searchsorted(between, ends), prepend=0) + 1
        empty = (cells[starts] == LINE_FEED) | (cells[starts] == CARRIAGE_RETURN)
        ragged = (counts != self._columns) & ~empty
        numbers = np.flatnonzero(ragged)
        offsets = pa.py_buffer(np.concatenate((starts[:1], ends)).astype(np.int32))
        records = pa.StringArray.from_buffers(len(ends), offsets, pa.py_buffer(view))
        # A CR that ends a record must not come to stand before the LF of a blank line.
        cells = cells.copy()
        cells[ends - 1] = np.where(cells[ends - 1] == CARRIAGE_RETURN, LINE_FEED, cells[ends - 1])
        rest = cells[np.repeat(~ragged, ends - starts)].tobytes()
        columns = (
            self._cells(rest, marked=rest.startswith(UTF8_BOM))
            if rest
            else (pa.array([], pa.string()),) * self._columns
        )
        return columns, Ragged.of(numbers, counts[numbers], records.take(pa.array(numbers)))


def _tell(told: list[pa_csv.InvalidRow], row: pa_csv.InvalidRow) -> str:
    told.append(row)
    return "error" if len(told) >= TOLD_ONE_BY_ONE else "skip"
