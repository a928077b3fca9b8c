"""Tables as CSV text: quoted only where a reader needs it, a missing value empty."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

_ROWS_AT_ONCE = 65_536
_NEEDS_QUOTES = '[",\r\n]'


def write_csv(tables: Iterable[pa.Table], stream: BinaryIO, schema: pa.Schema) -> None:
    """Write tables of one schema as UTF-8 CSV with a header and lines that end in a line feed.

    Integers are written as integers, other numbers in the shortest form that reads back as the same number. A missing
    value, NaN included, is an empty cell; an empty text, which is something else, is written as two quotes. In a table
    of one column a missing value is two quotes, too, because an empty line would be no row for most readers.
    """
    stream.write(_header(schema.names))
    for table in tables:
        for batch in table.to_batches(max_chunksize=_ROWS_AT_ONCE):
            if batch.num_rows and batch.num_columns:
                stream.write(_lines(batch))


def csv_blocks(tables: Iterable[pa.Table]) -> Iterator[bytes]:
    """The same text in blocks, for at least one table."""
    for number, table in enumerate(tables):
        stream = io.BytesIO()
        write_csv([table], stream, table.schema)
        text = stream.getvalue()
        yield text if number == 0 else text[len(_header(table.column_names)) :]


def to_csv(table: pa.Table) -> bytes:
    """Give the whole text at once."""
    stream = io.BytesIO()
    write_csv([table], stream, table.schema)
    return stream.getvalue()


def _header(names: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow(names)
    return text.getvalue().encode()


def _lines(batch: pa.RecordBatch) -> pa.Buffer:
    missing = '""' if batch.num_columns == 1 else ""
    cells = [_cells(column) for column in batch.columns]
    rows = pc.binary_join_element_wise(*cells, _text(","), null_handling="replace", null_replacement=missing)
    lines = pc.binary_join_element_wise(rows, _text(""), _text("\n"))
    # What a large string array made by a kernel holds is its rows, one after the other.
    size = int.from_bytes(lines.buffers()[1][len(lines) * 8 : len(lines) * 8 + 8].to_pybytes(), "little")
    return lines.buffers()[2][:size]


def _cells(column: pa.Array) -> pa.Array:
    """The column's values as they stand in the file, 64-bit offsets: a few long cells must not overflow a batch."""
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), pa.scalar(None, column.type), column)
    text = column.cast(pa.large_string())
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        return text
    needed = pc.or_(pc.match_substring_regex(text, _NEEDS_QUOTES), pc.equal(text, ""))
    if not pc.any(needed).as_py():
        return text
    quoted = pc.binary_join_element_wise(_text('"'), pc.replace_substring(text, '"', '""'), _text('"'), _text(""))
    return pc.if_else(needed, quoted, text)


def _text(value: str) -> pa.Scalar:
    return pa.scalar(value, pa.large_string())
