"""UTF-8 text to a table of text cells: the header, the rows with their lines, and the rows of another length."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as pa_csv

from handlers.domain.dialect import DELIMITER_NAMES, LineEnds, delimiter_of, line_ends, split, unsound_quote
from handlers.domain.files import Reason, RowFault
from handlers.domain.limits import Limits

SAMPLE_ROWS = 5
#: A record longer than this is not looked at when the delimiter is chosen.
SAMPLE_BYTES = 100_000
#: The length to which the text of a row or cell that was set aside is kept.
FAULT_CHARACTERS = 1_000
UTF8_BOM = b"\xef\xbb\xbf"
#: What a blank line may hold; other spaces are text.
ASCII_SPACE = " \t\r\n\v\f"
#: pyarrow counts the bytes of a block in 32 bits.
MAX_BLOCK = 2**31 - 1


@dataclass(frozen=True, slots=True)
class TextTable:
    """A file cut into cells, none of them interpreted. Empty lines and rows of another length are left out.

    ``columns``: one string array for each name, an empty cell being null; ``lines``: the physical line of each row.
    """

    names: tuple[str, ...]
    columns: tuple[pa.StringArray, ...]
    lines: npt.NDArray[np.int64]
    faults: tuple[RowFault, ...]
    notes: tuple[str, ...]

    @property
    def rows_read(self) -> int:
        """All rows but blank lines, those set aside included."""
        return len(self.lines) + len(self.faults)


@dataclass(frozen=True, slots=True)
class _Header:
    names: tuple[str, ...]
    delimiter: str
    record: int
    notes: tuple[str, ...]


def parse(data: bytes, *, known: AbstractSet[str], limits: Limits) -> TextTable | Reason:
    """Cut a text into cells. ``known``: case-folded column names that may be expected; they help find the delimiter."""
    layout = line_ends(data)
    header = _header(data, layout, known)
    if isinstance(header, Reason):
        return header
    if len(header.names) > limits.max_columns:
        what = f"The file has {len(header.names)} columns; {limits.max_columns} are allowed."
        return Reason("too_many_columns", what, "Send only the columns that are needed.", (1,))
    quote = unsound_quote(data, header.delimiter)
    if quote is not None:
        line = _physical_line(data, quote)
        what = f"A quotation mark in line {line} is never closed, or stands inside a cell that is not quoted."
        return Reason("quotes", what, "Put the cell in quotes and double each quotation mark inside it.", (line,))
    return _rows(data, layout, header, limits)


def _header(data: bytes, layout: LineEnds, known: AbstractSet[str]) -> _Header | Reason:
    first = 0
    while not _record(data, layout, first).strip(ASCII_SPACE):
        first += 1
    record = _record(data, layout, first)
    after = range(first + 1, min(first + 1 + SAMPLE_ROWS, len(layout.lines)))
    sample = [text for text in (_record(data, layout, row) for row in after) if text.strip()]
    delimiter = delimiter_of(record, [text for text in sample if len(text) < SAMPLE_BYTES], known)
    if isinstance(delimiter, Reason):
        return delimiter
    raw = split(record.rstrip("\r\n"), delimiter)
    if not raw:
        return Reason(
            "header", "The first line cannot be read as column names.", "Begin with a line of column names.", (1,)
        )
    names = tuple(name.strip() for name in raw)
    notes = []
    if delimiter != ",":
        notes.append(f"The cells are separated by a {DELIMITER_NAMES[delimiter]}.")
    if names != tuple(raw):
        notes.append("Spaces around column names were removed.")
    return _Header(names, delimiter, first, tuple(notes))


def _record(data: bytes, layout: LineEnds, row: int) -> str:
    start = int(layout.ends[row - 1]) if row else 0
    end = int(layout.ends[row]) if row < len(layout.ends) else len(data)
    return data[start:end].decode()


def _physical_line(data: bytes, position: int) -> int:
    before = data[:position]
    return before.count(b"\n") + before.replace(b"\r\n", b"").count(b"\r") + 1


def _rows(data: bytes, layout: LineEnds, header: _Header, limits: Limits) -> TextTable | Reason:
    body = data[int(layout.ends[header.record]) :] if header.record < len(layout.ends) else b""
    if not body.strip():
        return Reason("no_rows", "The file has a header and no rows.", "Send a file with at least one row.")
    table, ragged = _cells(body, header)
    first = header.record + 1
    if ragged and _is_cut(ragged[-1], body, last=len(layout.lines) - first):
        line = int(layout.lines[-1])
        what = f"The last line ({line}) stops after {ragged[-1].actual_columns} of {len(header.names)} cells."
        return Reason("truncated", what, "The file was cut off: send it again, whole.", (line,))
    numbers = np.arange(table.num_rows + len(ragged), dtype=np.int64)
    gone = [row.number - 1 for row in ragged]
    lines = layout.lines[first + np.delete(numbers, gone)]
    columns = tuple(column.combine_chunks() for column in table.columns)
    long = _long_column(header.names, columns, limits) if len(data) > limits.max_field_bytes else None
    if long is not None:
        what = f"Column {long!r} has a cell of more than {limits.max_field_bytes} bytes."
        return Reason("field_too_large", what, "Leave such texts out.")
    faults = [
        RowFault(int(layout.lines[first + row.number - 1]), "", "ragged", row.text.rstrip("\r\n")[:FAULT_CHARACTERS])
        for row in ragged
        if row.text.strip()
    ]
    again = _repeats_header(header.names, columns)
    faults += [RowFault(int(line), header.names[0], "repeated_header", header.names[0]) for line in lines[again]]
    left_out, trailing = _without_values(data, layout, columns, first + np.delete(numbers, gone))
    notes = header.notes
    if trailing:
        notes += (f"{trailing} rows without any value at the end of the file were left out.",)
    kept = ~left_out & ~again
    if not kept.all():
        mask = pa.array(kept)
        columns = tuple(column.filter(mask) for column in columns)
    return TextTable(header.names, columns, lines[kept], tuple(faults), notes)


def _cells(body: bytes, header: _Header) -> tuple[pa.Table, list[pa_csv.InvalidRow]]:
    """Let pyarrow cut the rows, as one block: so it numbers them, and a cell may be of any length."""
    # pyarrow drops a byte order mark at the start of what it is given; here it would be part of the first cell.
    block = UTF8_BOM + body if body.startswith(UTF8_BOM) else body
    ragged: list[pa_csv.InvalidRow] = []
    # Names by position: pyarrow need not know what the header says, and two names may be alike.
    positions = [str(position) for position in range(len(header.names))]

    def set_aside(row: pa_csv.InvalidRow) -> str:
        ragged.append(row)
        return "skip"

    table = pa_csv.read_csv(
        pa.py_buffer(block),
        pa_csv.ReadOptions(use_threads=False, block_size=min(len(block) + 1, MAX_BLOCK), column_names=positions),
        pa_csv.ParseOptions(
            delimiter=header.delimiter,
            newlines_in_values=True,
            ignore_empty_lines=False,
            invalid_row_handler=set_aside,
        ),
        pa_csv.ConvertOptions(
            column_types=dict.fromkeys(positions, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
            check_utf8=False,
        ),
    )
    return table, ragged


def _is_cut(row: pa_csv.InvalidRow, body: bytes, *, last: int) -> bool:
    """Whether a row is the last one, too short, and without a line end."""
    ends = body.endswith((b"\n", b"\r"))
    return row.number == last and not ends and row.actual_columns < row.expected_columns and bool(row.text.strip())


def _long_column(names: tuple[str, ...], columns: tuple[pa.StringArray, ...], limits: Limits) -> str | None:
    longest = (pc.max(pc.binary_length(column)).as_py() or 0 for column in columns)
    return next((name for name, size in zip(names, longest, strict=True) if size > limits.max_field_bytes), None)


def _repeats_header(names: tuple[str, ...], columns: tuple[pa.StringArray, ...]) -> npt.NDArray[np.bool_]:
    """Which rows are the header again, as in files that were joined end to end."""
    same = np.ones(len(columns[0]), bool)
    for name, column in zip(names, columns, strict=True):
        same &= pc.fill_null(pc.equal(column, name), False).to_numpy(zero_copy_only=False)
        if not same.any():
            break
    return same


def _without_values(
    data: bytes, layout: LineEnds, columns: tuple[pa.StringArray, ...], records: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.bool_], int]:
    """Which rows are left out, and how many of them hold delimiters: empty lines, and what a spreadsheet adds below.

    A row of delimiters between others is a row: all its values are missing.
    """
    left_out = ~_filled(columns)
    trailing, last = 0, len(left_out) - 1
    for row in np.flatnonzero(left_out)[::-1].tolist():
        below = row == last
        last -= below
        if _record(data, layout, int(records[row])).strip(ASCII_SPACE):
            left_out[row] = below
            trailing += below
    return left_out, trailing


def _filled(columns: tuple[pa.StringArray, ...]) -> npt.NDArray[np.bool_]:
    """Which rows have any cell that is not empty; blank lines have none."""
    filled = np.zeros(len(columns[0]), bool)
    for column in columns:
        filled |= column.is_valid().to_numpy(zero_copy_only=False)
        if filled.all():
            break
    return filled
