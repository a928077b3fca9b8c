"""A part's bytes: Parquet for what is large, an Arrow stream for what is small enough to ride in the ledger."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from handlers.storage.atomic import fsync_folder

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

ROW_GROUP = 131_072
"""Rows of a Parquet row group: what is read at once where not the whole part is wanted."""

_SAMPLE, _LOW_CARDINALITY = 8_000, 4_000
"""A text column with at most so many distinct values in a sample of so many is written as a dictionary."""


def write_parquet(folder: Path, name: str, table: pa.Table) -> int:
    """Write a Parquet file, sync it, give it its name, sync the folder; return its size in bytes.

    It is written for speed: integers as differences, numbers as they are, text with few distinct values as a
    dictionary, other text compressed. Raises OSError, and then nothing has the name that did not have it before.
    """
    return ParquetFile(folder, name, table).finish()


class ParquetFile:
    """A Parquet file that is written piece by piece, as ``write_parquet`` does it; ``finish`` gives it its name."""

    def __init__(self, folder: Path, name: str, first: pa.Table) -> None:
        """``first``: the first piece, which shows which text columns have few distinct values. Raises OSError."""
        import pyarrow.parquet as pq

        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / name
        self._temporary = folder / f"{name}.tmp"
        self._stream = self._temporary.open("wb")
        try:
            self._writer = pq.ParquetWriter(self._stream, first.schema, **_options(first))
            self.add(first)
        except BaseException:
            self._stream.close()
            raise

    def add(self, table: pa.Table) -> None:
        """The next piece, of the same schema. Raises OSError."""
        self._writer.write_table(table, row_group_size=ROW_GROUP)

    def finish(self) -> int:
        """Sync it, give it its name, sync the folder; the size in bytes. Raises OSError."""
        with self._stream:
            self._writer.close()
            self._stream.flush()
            os.fsync(self._stream.fileno())
            size = self._stream.tell()
        self._temporary.replace(self._path)
        fsync_folder(self._path.parent)
        return size


def write_parquet_to(stream: BinaryIO, tables: Iterable[pa.Table], schema: pa.Schema) -> None:
    """Write tables of one schema as one Parquet file; ``stream`` need not be able to seek.

    The first one shows which text columns have few distinct values.
    """
    import pyarrow.parquet as pq

    rest = iter(tables)
    first = next(rest, schema.empty_table())
    with pq.ParquetWriter(_Counted(stream), schema, **_options(first)) as writer:
        for table in chain([first], rest):
            writer.write_table(table, row_group_size=ROW_GROUP)


class _Counted:
    """What pyarrow asks of a file that it writes to: it wants to know where it is, which a pipe does not say."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._written = 0

    def write(self, data: bytes) -> int:
        self._stream.write(data)
        self._written += len(data)
        return len(data)

    def tell(self) -> int:
        return self._written

    def flush(self) -> None:
        self._stream.flush()

    def close(self) -> None:
        """The file is its owner's to close."""


def _options(sample: pa.Table) -> dict[str, Any]:
    """How to write tables like this one: integers as differences, no statistics, for nothing asks for them."""
    import pyarrow as pa

    low = {name for name in sample.column_names if _is_low(sample[name])}
    encodings: dict[str, str] = {}
    codecs: dict[str, str] = {}
    for field in sample.schema:
        codecs[field.name] = "none"
        if pa.types.is_integer(field.type):
            encodings[field.name] = "DELTA_BINARY_PACKED"
        elif pa.types.is_floating(field.type):
            encodings[field.name] = "PLAIN"
        elif _is_text(field.type) and field.name not in low:
            codecs[field.name] = "zstd"
    return {
        "use_dictionary": sorted(low),
        "column_encoding": encodings or None,
        "compression": codecs or "none",
        "write_statistics": False,
    }


def read_parquet(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """The named columns that are there (all by default)."""
    with _open(path) as file:
        return file.read(columns=_there(file, columns), use_threads=False)


def parquet_groups(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The same, one row group after the other."""
    with _open(path) as file:
        wanted = _there(file, columns)
        for group in range(file.num_row_groups):
            yield file.read_row_group(group, columns=wanted, use_threads=False)


def read_parquet_from(path: Path, place: int, columns: Sequence[str] | None = None) -> pa.Table:
    """The same from the row at ``place`` (the first is 0) to the end of its row group."""
    with _open(path) as file:
        starts = _group_starts(file)
        group = int(np.searchsorted(starts, place, side="right")) - 1
        table = file.read_row_group(group, columns=_there(file, columns), use_threads=False)
        return table.slice(place - int(starts[group]))


def take_parquet(path: Path, places: NDArray[np.int64], columns: Sequence[str] | None = None) -> pa.Table:
    """The rows at these places (int64[n], n > 0) in this order; only the row groups that hold them are read."""
    import pyarrow as pa

    with _open(path) as file:
        starts = _group_starts(file)
        groups = np.searchsorted(starts, places, side="right") - 1
        chosen, which = np.unique(groups, return_inverse=True)
        table = file.read_row_groups(chosen.tolist(), columns=_there(file, columns), use_threads=False)
        before = np.concatenate([[0], np.cumsum(np.diff(starts)[chosen])[:-1]])
        return table.take(pa.array(places - starts[groups] + before[which]))


def to_stream(table: pa.Table) -> pa.Buffer:
    """A table as an Arrow stream of one batch, uncompressed: reading it copies nothing."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return sink.getvalue()


def from_stream(data: bytes | pa.Buffer, columns: Sequence[str] | None = None) -> pa.Table:
    """The named columns that are there (all by default). They hold on to ``data``."""
    import pyarrow as pa

    with pa.ipc.open_stream(data) as reader:
        table = reader.read_all()
    if columns is None:
        return table
    there = set(table.column_names)
    return table.select([name for name in columns if name in there])


def _open(path: Path) -> pq.ParquetFile:
    import pyarrow.parquet as pq  # half as heavy as pyarrow itself, and small parts do without

    return pq.ParquetFile(path)


def _there(file: pq.ParquetFile, columns: Sequence[str] | None) -> list[str] | None:
    if columns is None:
        return None
    there = set(file.schema_arrow.names)
    return [name for name in columns if name in there]


def _group_starts(file: pq.ParquetFile) -> NDArray[np.int64]:
    """The place of each row group's first row, int64[groups + 1]; the last one is the number of rows."""
    rows = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    return np.concatenate([[0], np.cumsum(rows, dtype=np.int64)]).astype(np.int64)


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_low(column: pa.ChunkedArray) -> bool:
    import pyarrow as pa

    if not _is_text(column.type):
        return False
    places = np.unique(np.linspace(0, max(len(column) - 1, 0), min(_SAMPLE, len(column)), dtype=np.int64))
    return len(column.take(pa.array(places)).unique()) <= min(_LOW_CARDINALITY, max(len(places) // 2, 1))
