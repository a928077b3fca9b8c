"""The data set as readers see it: all parts in order, later labels applied, superseded rows left out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.domain.schema import FILE_COLUMN, LINE_COLUMN, Column, ColumnType, Role, Schema
from handlers.storage import parts
from handlers.storage.decisions import Member
from handlers.storage.ledger import get_fact
from handlers.storage.parts import Part, PartKind

ROW_COLUMN = "__row__"
"""The number of a row in the data set: it is given at the commit and never changes."""

LABEL_ROW, LABEL_VALUE, LABEL_PERIOD, LABEL_FILE, LABEL_FIRST = "row", "value", "period", "file", "first"
"""The columns of a part of later labels. ``first``: the row had no label before; others are corrections."""

_ARROW = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.CATEGORY: pa.string(),
    ColumnType.TEXT: pa.string(),
}


def arrow_type(column: Column) -> pa.DataType:
    """How the values of a column are stored."""
    return _ARROW[column.type]


def version(connection: Connection) -> int:
    """The number of commits that have changed the data set."""
    return int(get_fact(connection, "dataset_version", 0))


def total_rows(connection: Connection) -> int:
    """How many rows were ever given a number, superseded ones included."""
    return parts.end_of_rows(connection)


def count(connection: Connection) -> int:
    """How many rows the data set has."""
    return total_rows(connection) - parts.total(connection, PartKind.SUPERSEDED)


def snapshot(connection: Connection, folder: Path, schema: Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows in the order of their numbers, with ``ROW_COLUMN``, the file's number and the line.

    ``columns`` limits the schema's columns (all by default). Read inside one ledger transaction: parts are
    immutable, so what the transaction lists is what is there.
    """
    wanted = [column for column in schema.columns if columns is None or column.name in columns]
    listed = parts.listed(connection, PartKind.ROWS)
    names = [column.name for column in wanted] + [FILE_COLUMN, LINE_COLUMN]
    tables = [conform(parts.read(folder, part, names), wanted) for part in listed]
    table = pa.concat_tables(tables) if tables else conform(pa.table({}), wanted)
    table = table.append_column(ROW_COLUMN, pa.array(np.arange(table.num_rows, dtype=np.int64)))
    target = schema.with_role(Role.TARGET)
    if target is not None and target in wanted:
        table = _apply_labels(connection, folder, table, target)
    keep = _kept(connection, folder, table.num_rows)
    return table if keep is None else table.filter(pa.array(keep))


def rows_by_number(
    connection: Connection, folder: Path, columns: Sequence[Column], numbers: NDArray[np.int64]
) -> pa.Table:
    """The rows with these numbers (int64[n], each there), in that order, as they came: superseded ones included, and
    without later labels. Only the parts that hold them are read."""
    listed = parts.listed(connection, PartKind.ROWS)
    places = np.searchsorted(np.array([part.first_row for part in listed]), numbers, side="right") - 1
    names = [*(column.name for column in columns), FILE_COLUMN, LINE_COLUMN]
    tables = [conform(pa.table({}), columns)]
    order = [np.empty(0, dtype=np.int64)]
    for place in np.unique(places).tolist():
        part, wanted = listed[place], np.flatnonzero(places == place)
        table = conform(parts.read(folder, part, names), columns)
        tables.append(table.take(pa.array(numbers[wanted] - part.first_row)))
        order.append(wanted)
    return pa.concat_tables(tables).take(pa.array(np.argsort(np.concatenate(order))))


def labels_by_number(
    connection: Connection, folder: Path, target: Column, numbers: NDArray[np.int64]
) -> dict[int, object]:
    """The target's value in the rows with these numbers, later labels applied; None where it is blank."""
    stored = rows_by_number(connection, folder, [target], numbers)[target.name].to_pylist()
    found: dict[int, object] = dict(zip(numbers.tolist(), stored, strict=True))
    for part in parts.listed(connection, PartKind.LABELS):
        table = parts.read(folder, part, [LABEL_ROW, LABEL_VALUE])
        table = table.filter(pa.array(np.isin(table[LABEL_ROW].to_numpy(), numbers)))
        values = table[LABEL_VALUE].cast(arrow_type(target)).to_pylist()
        found.update(zip(table[LABEL_ROW].to_pylist(), values, strict=True))
    return found


def block_rows(connection: Connection, folder: Path, schema: Schema, members: Sequence[Member]) -> NDArray[np.int64]:
    """The numbers of the rows that these members of a decision block stand for, each once, sorted."""
    by_id = {part.id: part for part in parts.listed(connection, PartKind.ROWS, PartKind.LABELS)}
    numbers: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    for part_id in sorted({member.part for member in members}):
        own = [member for member in members if member.part == part_id]
        numbers.append(_member_rows(folder, schema, by_id[part_id], own))
    return np.unique(np.concatenate(numbers))


def locate(
    connection: Connection, folder: Path, schema: Schema, ids: pa.Array, times: pa.Array | None
) -> NDArray[np.int64]:
    """The number of the newest row of each client (at its time, where ``times`` are given), or -1.

    Parts are read from the newest back until all are found.
    """
    id_column, time_column = schema.with_role(Role.ID), schema.with_role(Role.TIME)
    keys = list(zip(ids.to_pylist(), times.to_pylist() if times is not None else [None] * len(ids), strict=True))
    missing, found = set(keys), dict[tuple[str, str | None], int]()
    names = [column.name for column in (id_column, time_column) if column is not None]
    for part in reversed(parts.listed(connection, PartKind.ROWS)):
        if not missing or id_column is None:
            break
        table = parts.read(folder, part, names)
        there = pc.is_in(table[id_column.name], value_set=ids).to_numpy()
        rows = np.flatnonzero(there)
        clients = table[id_column.name].filter(pa.array(there)).to_pylist()
        periods: list[str | None] = [None] * len(rows)
        if times is not None and time_column is not None and time_column.name in table.column_names:
            periods = table[time_column.name].filter(pa.array(there)).to_pylist()
        newest = {key: int(row) for key, row in zip(zip(clients, periods, strict=True), rows, strict=True)}
        for key in missing & newest.keys():
            found[key] = part.first_row + newest[key]
        missing -= newest.keys()
    return np.fromiter((found.get(key, -1) for key in keys), dtype=np.int64, count=len(keys))


def _member_rows(folder: Path, schema: Schema, part: Part, members: list[Member]) -> NDArray[np.int64]:
    if part.kind is PartKind.LABELS:
        table = parts.read(folder, part)
        files, periods = table[LABEL_FILE], table[LABEL_PERIOD].to_pylist()
        rows = table[LABEL_ROW].to_numpy()
        labelled = table[LABEL_FIRST].to_numpy()
    else:
        target, time = schema.with_role(Role.TARGET), schema.with_role(Role.TIME)
        names = [column.name for column in (target, time) if column is not None]
        table = parts.read(folder, part, [*names, FILE_COLUMN])
        files = table[FILE_COLUMN]
        has_time = time is not None and time.name in table.column_names
        periods = table[time.name].to_pylist() if has_time and time is not None else [None] * part.rows
        rows = np.arange(part.first_row, part.first_row + part.rows, dtype=np.int64)
        labelled = table[target.name].is_valid().to_numpy() if target is not None else np.zeros(part.rows, dtype=bool)
    wanted = {(member.file, member.period) for member in members}
    pairs = zip(files.to_pylist(), periods, strict=True)
    chosen = np.fromiter((pair in wanted for pair in pairs), dtype=bool, count=len(rows))
    numbers: NDArray[np.int64] = rows[chosen & labelled]
    return numbers


def conform(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """The columns with the types of today's schema, file and line; one that is not there is all missing."""
    fields = [(column.name, arrow_type(column)) for column in columns]
    fields += [(FILE_COLUMN, pa.int64()), (LINE_COLUMN, pa.int64())]
    there = set(table.column_names)
    arrays = {
        name: _cast(table[name], kind) if name in there else pa.nulls(table.num_rows, kind) for name, kind in fields
    }
    return pa.table(arrays)


def _cast(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Integers beyond 2**53 become the nearest number: an error would make the whole data set unreadable."""
    return values.cast(kind, safe=not (pa.types.is_integer(values.type) and pa.types.is_floating(kind)))


def _apply_labels(connection: Connection, folder: Path, table: pa.Table, target: Column) -> pa.Table:
    listed = parts.listed(connection, PartKind.LABELS)
    if not listed:
        return table
    later = pa.concat_tables(
        [
            pa.table({LABEL_ROW: part[LABEL_ROW], LABEL_VALUE: part[LABEL_VALUE].cast(arrow_type(target))})
            for part in (parts.read(folder, part) for part in listed)
        ]
    )
    source = np.full(table.num_rows, -1, dtype=np.int64)
    source[later[LABEL_ROW].to_numpy()] = np.arange(later.num_rows)  # the last one of a row wins
    has = source >= 0
    values = later[LABEL_VALUE].combine_chunks().take(pa.array(source, mask=~has))
    merged = pc.if_else(pa.array(has), values, table[target.name])
    return table.set_column(table.column_names.index(target.name), target.name, merged)


def _kept(connection: Connection, folder: Path, rows: int) -> NDArray[np.bool_] | None:
    listed = parts.listed(connection, PartKind.SUPERSEDED)
    if not listed:
        return None
    keep = np.ones(rows, dtype=bool)
    for part in listed:
        keep[parts.read(folder, part)[LABEL_ROW].to_numpy()] = False
    return keep
