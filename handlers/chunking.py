"""The rows of a file, gathered block by block into chunks; those of a large file wait on disk until it is read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from handlers.domain.batch import Chunk
from handlers.domain.rejected import RejectedRows, joined
from handlers.storage.spill import Spill, Spilled

CHUNK_ROWS = 1 << 20
#: Faults of one file that are held in memory, in bytes; more wait on disk.
FAULT_BYTES = 16 << 20
#: So many faults are kept, whatever part of the rows they are.
KEPT_FAULTS = 1_000_000

T = TypeVar("T")
Lines = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as they were read: the ``columns`` of values, the ``lines`` of the rows, their ``labels``."""

    columns: Sequence[pa.Array | pa.ChunkedArray]
    lines: Lines
    labels: Labels

    def part(self, start: int, rows: int) -> Rows:
        """Some of the rows, not copied."""
        stop = start + rows
        return Rows([column[start:stop] for column in self.columns], self.lines[start:stop], self.labels[start:stop])

    @classmethod
    def joined(cls, blocks: Sequence[Rows]) -> Rows:
        """The rows of several blocks. Integers become numbers where some of their column are."""
        if len(blocks) == 1:
            return blocks[0]
        columns = [_chunked(parts) for parts in zip(*(block.columns for block in blocks), strict=True)]
        lines, labels = ([block.lines for block in blocks], [block.labels for block in blocks])
        return cls(columns, np.concatenate(lines), np.concatenate(labels))

    def table(self) -> pa.Table:
        """The rows as a table, to be written to disk."""
        arrays = [*self.columns, pa.array(self.lines), pa.array(self.labels)]
        return pa.Table.from_arrays(arrays, names=[str(place) for place in range(len(arrays))])

    @classmethod
    def of_table(cls, table: pa.Table) -> Rows:
        """The rows of a table that ``table`` has made."""
        *columns, lines, labels = table.columns
        return cls(columns, lines.to_numpy(), labels.to_numpy())


class ChunkWriter:
    """Gathers blocks of rows into chunks, which all but those of a small file wait on disk for the end of the file."""

    def __init__(self, spill: Spill) -> None:
        self._spill = spill
        self._blocks: list[Rows] = []
        self._gathered = 0
        self._spilled: list[Spilled] = []
        self.rows = 0
        self.unlabelled = 0

    def add(self, block: Rows) -> None:
        """Take the rows of one block. Raises OSError where the disk is full."""
        total, start = len(block.lines), 0
        self.rows += total
        self.unlabelled += int(np.count_nonzero(block.labels < 0))
        while start < total:
            if self._gathered == CHUNK_ROWS:
                self._write()
            rows = min(total - start, CHUNK_ROWS - self._gathered)
            self._blocks.append(block if rows == total else block.part(start, rows))
            self._gathered += rows
            start += rows

    def finish(self, build: Callable[[Rows], Chunk]) -> Sequence[Chunk]:
        """All chunks, at least one row having been taken; each is made of its rows by ``build``."""
        if not self._spilled:
            return (build(Rows.joined(self._blocks)),)
        self._write()
        return _Loaded([partial(_built, waiting, build) for waiting in self._spilled])

    def _write(self) -> None:
        self._spilled.append(self._spill.put(Rows.joined(self._blocks).table()))
        self._blocks, self._gathered = [], 0


def _built(waiting: Spilled, build: Callable[[Rows], Chunk]) -> Chunk:
    return build(Rows.of_table(waiting.load()))


def _chunked(parts: Sequence[pa.Array]) -> pa.ChunkedArray:
    if len({part.type for part in parts}) > 1:
        return pa.chunked_array([part.cast(pa.float64(), safe=False) for part in parts])
    return pa.chunked_array(parts)


class FaultWriter:
    """Gathers the faults of a file, tables of FAULTS that come block by block.

    Where they are many, and more than the part of all rows that is ``allowed``, they are counted and no longer kept:
    the file will be refused. Should the rest of it be better, it has to be read again, with all of them ``allowed``.
    """

    def __init__(self, spill: Spill, allowed: float) -> None:
        self._spill = spill
        self._allowed = allowed
        self.complete = True
        self._held: list[pa.Table] = []
        self._bytes = 0
        self._spilled: list[Spilled] = []
        self.rows = 0

    def add(self, faults: pa.Table, rows: int) -> None:
        """Take the faults of one block; ``rows`` without a fault were read so far. Raises OSError where the disk is
        full."""
        self.rows += faults.num_rows
        if not self.complete:
            return
        self.complete = self.rows <= max(KEPT_FAULTS, self._allowed * (self.rows + rows))
        self._held.append(faults)
        self._bytes += faults.nbytes
        if self._bytes > FAULT_BYTES:
            self._spilled.append(self._spill.put(joined(self._held)))
            self._held, self._bytes = [], 0

    def finish(self) -> RejectedRows:
        """All faults; by line, unless there are so many that they wait on disk."""
        last = joined(self._held) if self._held else None
        if not self._spilled:
            return RejectedRows([] if last is None else [last])
        load = [waiting.load for waiting in self._spilled]
        lengths = [waiting.rows for waiting in self._spilled]
        if last is not None:
            load.append(lambda: last)
            lengths.append(last.num_rows)
        return RejectedRows(_Loaded(load), lengths)


class _Loaded(Sequence[T]):
    """What is made anew at each access of tables that wait on disk."""

    def __init__(self, load: Sequence[Callable[[], T]]) -> None:
        self._load = load

    def __len__(self) -> int:
        return len(self._load)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return _Loaded(self._load[index]) if isinstance(index, slice) else self._load[index]()
