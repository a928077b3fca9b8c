"""The rows of a file that were set aside: a sequence of row faults that costs the memory of their bytes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handlers.domain.files import RowFault

FAULTS: Final = pa.schema({"line": pa.int64(), "column": pa.string(), "code": pa.string(), "value": pa.string()})
#: The length to which the text of a row or cell that was set aside is kept.
FAULT_CHARACTERS = 1_000


def fault_table(lines: pa.Array, column: str, code: str, values: pa.StringArray) -> pa.Table:
    """Faults of one kind in one column. ``lines``: int64[n]; ``values``: the cells, None read as blank."""
    texts = pc.utf8_slice_codeunits(pc.fill_null(values, ""), 0, FAULT_CHARACTERS)
    return pa.Table.from_arrays(
        [lines, pa.repeat(column, len(lines)), pa.repeat(code, len(lines)), texts], schema=FAULTS
    )


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Faults of several tables in one, by line; faults of the same line stay in their order."""
    if not tables:
        return FAULTS.empty_table()
    table = pa.concat_tables(tables).combine_chunks()
    lines = table["line"].to_numpy()
    if len(lines) > 1 and (np.diff(lines) < 0).any():
        return table.take(pa.array(np.argsort(lines, kind="stable")))
    return table


class RejectedRows(Sequence[RowFault]):
    """Row faults, held as columns: tables of FAULTS, which may be loaded anew at each access.

    Equal to any sequence of the same faults. Iterate over it where all are wanted; an index looks for its table.
    """

    __slots__ = ("_ends", "_tables")

    def __init__(self, tables: Sequence[pa.Table] = (), lengths: Sequence[int] | None = None) -> None:
        """``lengths``: the rows of each table, where they are known and a table is dear to load."""
        self._tables = tables
        self._ends = np.cumsum([table.num_rows for table in tables] if lengths is None else lengths)

    @classmethod
    def of(cls, faults: Iterable[RowFault]) -> RejectedRows:
        """Hold what comes as single faults."""
        rows = [(fault.line, fault.column, fault.code, fault.value) for fault in faults]
        columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * len(FAULTS)
        return cls([pa.table(columns, schema=FAULTS)] if rows else [])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __iter__(self) -> Iterator[RowFault]:
        for table in self._tables:
            for batch in table.to_batches(max_chunksize=10_000):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    yield RowFault(*row)

    @overload
    def __getitem__(self, index: int) -> RowFault: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[RowFault, ...]: ...
    def __getitem__(self, index: int | slice) -> RowFault | tuple[RowFault, ...]:
        if isinstance(index, slice):
            return tuple(self[position] for position in range(*index.indices(len(self))))
        position = range(len(self))[index]
        number = int(np.searchsorted(self._ends, position, side="right"))
        table = self._tables[number]
        row = position - (int(self._ends[number - 1]) if number else 0)
        return RowFault(*(column[row].as_py() for column in table.columns))

    def __repr__(self) -> str:
        return f"RejectedRows({len(self)} rows)"
