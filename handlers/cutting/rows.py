"""The rows of a text to text cells, block by block: none interpreted, each with its physical line.

A block is cut where a record ends outside quotes, so that it can be read alone, and is small enough for the cache of
a processor. What one block holds is all that is in memory, however long the text is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from handlers.cutting.blocks import Block, block_size, record_blocks
from handlers.cutting.cells import CellReader, Ragged
from handlers.domain.dialect import CARRIAGE_RETURN, LINE_FEED, line_breaks, line_ends, unsound_quote
from handlers.domain.files import Reason
from handlers.domain.header import Head, oversized, quote_refusal, record_limit
from handlers.domain.limits import Limits
from handlers.domain.rejected import fault_table, joined

#: Cells are looked at one by one for their length only where a record may be that long; below this always.
MEASURED_BYTES = 4_096
NO_ROWS = Reason("no_rows", "The file has a header and no rows.", "Send a file with at least one row.")
_TEXT = re.compile(rb"[^ \t\r\n\v\f]")

Columns = tuple[pa.StringArray, ...]
Lines = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows of a text, none of whose cells is interpreted. Empty lines and rows of another length are left out.

    ``columns``: one string array for each name, an empty cell being null; ``lines``: int64, the physical line of each
    row; ``faults``: a table of FAULTS, or None; ``trailing``: how many rows without any value ended the file and were
    left out, told in its last cut.
    """

    columns: tuple[pa.StringArray, ...]
    lines: Lines
    faults: pa.Table | None = None
    trailing: int = 0


def cut(
    pieces: Iterable[bytes], head: Head, limits: Limits, *, block_bytes: int | None = None
) -> Iterator[Cut | Reason]:
    """Cut the text that a head was read from, given in pieces from its beginning. A refusal is the last that comes.

    Where rows without any value stand between blocks, their faults may come after those of later lines.
    """
    cutter = _Cutter(head, limits)
    size = block_bytes or block_size(len(head.names))
    for block in record_blocks(pieces, head.start, record_limit(limits), size):
        result = cutter.cut(block)
        if isinstance(result, Reason):
            yield result
            return
        yield from result
    yield from cutter.end()


class _Cutter:
    """Cuts block after block, and keeps what one has to know of those before."""

    def __init__(self, head: Head, limits: Limits) -> None:
        self._head = head
        self._limits = limits
        self._reader = CellReader(len(head.names), head.delimiter)
        #: The physical line at which the next block begins.
        self._line = head.line
        #: Rows without any value that may be the file's last ones: their lines, as bits from a first line on.
        self._valueless: list[tuple[int, npt.NDArray[np.uint8]]] = []
        self._rows = 0
        self._text = False

    def cut(self, block: Block) -> Iterable[Cut] | Reason:
        if block.quoted:
            wrong = unsound_quote(block.view, self._head.delimiter)
            if wrong is not None:
                return self._refuse_quote(block, wrong)
        if not block.whole:
            return oversized(block.view, self._head.delimiter, self._line, self._limits)
        return self._cut(block)

    def end(self) -> list[Cut | Reason]:
        """What comes after the last block."""
        if not self._rows or not self._text:
            return [NO_ROWS]
        if not self._valueless:
            return []
        trailing = sum(int(np.count_nonzero(np.unpackbits(bits))) for _, bits in self._valueless)
        return [Cut(self._nulls(0), np.empty(0, np.int64), trailing=trailing)]

    def _refuse_quote(self, block: Block, wrong: int) -> Reason:
        """Refuse for a quote, unless a record before has to be refused."""
        ends = line_ends(block.view[:wrong]).ends
        line = self._line + line_breaks(block.cells[:wrong])
        before = self._cut(block.until(int(ends[-1]))) if len(ends) else None
        return before if isinstance(before, Reason) else quote_refusal(line)

    def _cut(self, block: Block) -> Iterable[Cut] | Reason:
        self._text = self._text or bool(_TEXT.search(block.data, block.start, block.end))
        columns, ragged = self._reader.read(block)
        numbered, self._line = _numbered(block, len(columns[0]) + len(ragged), self._line)
        if len(ragged) and _is_cut(ragged, block, len(numbered), len(columns)):
            line = int(numbered[-1])
            what = f"The last line ({line}) stops after {ragged.cells[-1]} of {len(columns)} cells."
            return Reason("truncated", what, "The file was cut off: send it again, whole.", (line,))
        long = self._long_column(block, columns)
        if long is not None:
            what = f"Column {long!r} has a cell of more than {self._limits.max_field_bytes} bytes."
            return Reason("field_too_large", what, "Leave such texts out.")
        lines = np.delete(numbered, ragged.numbers) if len(ragged) else numbered
        again = _repeats_header(self._head.names, columns)
        faults = self._faults(ragged, numbered, None if again is None else lines[again])
        self._rows += 0 if faults is None else faults.num_rows
        cuts, kept = self._without_values(block, columns, lines, ragged.numbers)
        if again is not None:
            kept = ~again if kept is None else kept & ~again
        if kept is not None:
            mask = pa.array(kept)
            columns, lines = tuple(column.filter(mask) for column in columns), lines[kept]
        self._rows += len(lines)
        return chain(cuts, [Cut(columns, lines, faults)] if len(lines) or faults is not None else [])

    def _long_column(self, block: Block, columns: Columns) -> str | None:
        limit = self._limits.max_field_bytes
        if not _may_be_long(block, limit):
            return None
        longest = (pc.max(pc.binary_length(column)).as_py() or 0 for column in columns)
        return next((name for name, size in zip(self._head.names, longest, strict=True) if size > limit), None)

    def _faults(self, ragged: Ragged, numbered: Lines, again: Lines | None) -> pa.Table | None:
        """The faults of rows of another length, and of rows that are the header ``again``: their lines."""
        found = []
        if len(ragged):
            filled = ~ragged.blank
            places = pa.array(numbered[ragged.numbers[filled]])
            found.append(fault_table(places, "", "ragged", ragged.texts.filter(pa.array(filled))))
        if again is not None:
            name = self._head.names[0]
            found.append(fault_table(pa.array(again), name, "repeated_header", pa.repeat(name, len(again))))
        faults = joined(found) if found else None
        return faults if faults is not None and faults.num_rows else None

    def _without_values(
        self, block: Block, columns: Columns, lines: Lines, gone: Lines
    ) -> tuple[Iterable[Cut], Mask | None]:
        """Leave out empty lines, and what a spreadsheet adds below: rows of delimiters that end the file.

        Such a row between others is a row: all its values are missing. Returns the rows of earlier blocks that turn
        out to be between others, and which rows of this block are left, None for all of them.
        """
        if not len(lines):
            return [], None
        filled = _filled(columns)
        if filled is None:
            return self._waiting(), None
        there = np.flatnonzero(filled)
        cuts = self._waiting() if len(there) else []
        empty = np.flatnonzero(~filled)
        records = np.delete(np.arange(len(lines) + len(gone)), gone)[empty]
        starts = np.concatenate((np.zeros(1, np.int64), line_ends(block.view).ends))[records]
        first = block.cells[starts]
        empty = empty[(first != LINE_FEED) & (first != CARRIAGE_RETURN)]
        below = empty > (there[-1] if len(there) else -1)
        filled[empty[~below]] = True
        if below.any():
            self._valueless.append(_packed(lines[empty[below]]))
        return cuts, filled

    def _waiting(self) -> Iterable[Cut]:
        """The rows without any value that waited for one with values, which has come: not all of them at once."""
        waiting, self._valueless = self._valueless, []
        places = (first + np.flatnonzero(np.unpackbits(bits)) for first, bits in waiting)
        return (Cut(self._nulls(len(lines)), lines) for lines in places)

    def _nulls(self, rows: int) -> Columns:
        return (pa.nulls(rows, pa.string()),) * len(self._head.names)


def _packed(lines: Lines) -> tuple[int, npt.NDArray[np.uint8]]:
    """Lines as their first, and a bit for each line from there on: a file may have millions of rows of delimiters."""
    first = int(lines[0])
    bits = np.zeros(int(lines[-1]) - first + 1, bool)
    bits[lines - first] = True
    return first, np.packbits(bits)


def _numbered(block: Block, records: int, line: int) -> tuple[Lines, int]:
    """The physical line at which each record of a block begins, and that at which the next block does."""
    breaks = records
    if block.quoted or block.data.find(b"\r", block.start, block.end) >= 0:
        breaks = line_breaks(block.cells) + (not block.ends_a_line)
    if breaks == records:
        return np.arange(line, line + records, dtype=np.int64), line + records
    lines = line_ends(block.view).lines + (line - 1)
    return lines[:records], int(lines[-1])


def _is_cut(ragged: Ragged, block: Block, records: int, columns: int) -> bool:
    """Whether the last row of the text is too short, and without a line end."""
    last = block.last and not block.ends_a_line and ragged.numbers[-1] == records - 1
    return bool(last and ragged.cells[-1] < columns and not ragged.blank[-1])


def _may_be_long(block: Block, limit: int) -> bool:
    """Whether a cell may be longer than the limit.

    Without quotes it is shorter than its line; and a line of that length would span one of these parts.
    """
    if block.end - block.start <= limit:
        return False
    part = limit // 2
    if block.quoted or part < MEASURED_BYTES:
        return True
    starts = range(block.start, block.end - part + 1, part)
    return not all(block.data.find(b"\n", start, start + part) >= 0 for start in starts)


def _repeats_header(names: tuple[str, ...], columns: Columns) -> Mask | None:
    """Which rows are the header again, as in files that were joined end to end; None for none."""
    same = None
    for name, column in zip(names, columns, strict=True):
        equal = pc.equal(column, name)
        if not equal.true_count:
            return None
        found = pc.fill_null(equal, False).to_numpy(zero_copy_only=False)
        same = found if same is None else same & found
    return same if same is not None and same.any() else None


def _filled(columns: Columns) -> Mask | None:
    """Which rows have any cell that is not empty; None for all of them. Blank lines have none."""
    if any(column.null_count == 0 for column in columns):
        return None
    filled = np.zeros(len(columns[0]), bool)
    for column in columns:
        filled |= column.is_valid().to_numpy(zero_copy_only=False)
        if filled.all():
            return None
    return filled
