"""A block of records to text cells, by pyarrow, and the records that have another number of cells."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa
from pyarrow import csv as pa_csv

from handlers.cutting.blocks import Block
from handlers.domain.rejected import FAULT_CHARACTERS

UTF8_BOM = b"\xef\xbb\xbf"


@dataclass(frozen=True, slots=True)
class Ragged:
    """A record of another length: its number in its block, from 0; how many cells; its text, cut to what is kept."""

    number: int
    cells: int
    text: str
    blank: bool


class CellReader:
    """Reads the blocks of one text one after the other. Not for two threads at the same time."""

    def __init__(self, columns: int, delimiter: str) -> None:
        # Names by position: pyarrow need not know what the header says, and two names may be alike.
        positions = [str(position) for position in range(columns)]
        self._columns = columns
        self._ragged: list[Ragged] = []
        self._read = pa_csv.ReadOptions(use_threads=False, column_names=positions)
        self._parse = pa_csv.ParseOptions(
            delimiter=delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=self._set_aside,
        )
        self._convert = pa_csv.ConvertOptions(
            column_types=dict.fromkeys(positions, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            check_utf8=False,
        )

    def read(self, block: Block) -> tuple[tuple[pa.StringArray, ...], list[Ragged]]:
        """Read whole records of sound quotes: the columns, an empty cell or line being null, and what is no row."""
        view: bytes | memoryview = block.view
        if block.data.startswith(UTF8_BOM, block.start):
            # pyarrow drops a byte order mark at the start of what it is given; here it is part of the first cell.
            view = UTF8_BOM + block.view
        self._read.block_size = len(view) + 1
        self._ragged = []
        table = pa_csv.read_csv(pa.py_buffer(view), self._read, self._parse, self._convert)
        batches = table.to_batches()
        return tuple(batches[0].columns) if len(batches) == 1 else self._joined(table), self._ragged

    def _joined(self, table: pa.Table) -> tuple[pa.StringArray, ...]:
        """The columns of a table of several batches, or of none."""
        nothing = pa.array([], pa.string())
        return tuple(pa.concat_arrays([nothing, *column.chunks]) for column in table.columns)

    def _set_aside(self, row: pa_csv.InvalidRow) -> str:
        text = row.text
        blank = text.isspace() or not text
        kept = text.rstrip("\r\n")[:FAULT_CHARACTERS]
        self._ragged.append(Ragged(row.number - 1, row.actual_columns, kept, blank))
        return "skip"
