"""The data set as readers see it: all parts in order, later labels applied, superseded rows left out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.domain.arrow_types import ARROW_TYPES
from handlers.domain.schema import FILE_COLUMN, LINE_COLUMN, Column, Role, Schema
from handlers.storage import parts, versions
from handlers.storage.corrections import (
    LABEL_FILE,
    LABEL_FIRST,
    LABEL_PERIOD,
    LABEL_ROW,
    LABEL_VALUE,
    Corrections,
)
from handlers.storage.decisions import Member
from handlers.storage.part_format import ROW_GROUP
from handlers.storage.parts import Part, PartKind
from handlers.storage.versions import View

__all__ = ["LABEL_FILE", "LABEL_FIRST", "LABEL_PERIOD", "LABEL_ROW", "LABEL_VALUE", "ROW_COLUMN"]

ROW_COLUMN = "__row__"
"""The number of a row in the data set: it is given at the commit and never changes."""


def version(connection: Connection) -> int:
    """The number of commits that have changed the data set."""
    return versions.newest(connection)


def total_rows(connection: Connection) -> int:
    """How many rows were ever given a number, superseded ones included."""
    return parts.end_of_rows(connection)


def count(connection: Connection) -> int:
    """How many rows the data set has."""
    return total_rows(connection) - parts.total(connection, PartKind.SUPERSEDED)


def snapshot(connection: Connection, folder: Path, schema: Schema, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows in the order of their numbers, with ``ROW_COLUMN``, the file's number and the line.

    ``columns`` limits the schema's columns (all by default), and what is read. Read inside one ledger transaction:
    parts are immutable, so what the transaction lists is what is there.
    """
    wanted = [column for column in schema.columns if columns is None or column.name in columns]
    listed = parts.listed(connection, PartKind.ROWS)
    tables = [conform(table, wanted) for table in _joined(parts.read_all(connection, folder, listed, _names(wanted)))]
    table = pa.concat_tables(tables) if tables else conform(pa.table({}), wanted)
    return _corrected(connection, table, 0, wanted, Corrections(folder))


def piece(
    connection: Connection, folder: Path, view: View, corrections: Corrections, first: int
) -> tuple[pa.Table, int] | None:
    """Rows of a version from number ``first`` on, as ``snapshot`` gives them, and where the next piece begins.

    It is as large as memory bears: a row group, or so many staged rows. Its table may be empty: superseded rows have
    numbers. None where the version has no such row.
    """
    columns = view.schema.columns
    listed = _run(parts.rows_between(connection, first, first + ROW_GROUP))
    if not listed or first >= listed[-1].end_row:
        return None
    place = first - listed[0].first_row
    if listed[0].staged:
        read = parts.read_all(connection, folder, listed, _names(columns))
        table = pa.concat_tables([conform(table, columns) for table in _joined(read)]).slice(place)
    else:
        table = conform(parts.read_from(folder, listed[0], place, _names(columns)), columns)
    # The numbers of files rise with those of the rows.
    table = table.slice(0, int(np.searchsorted(table[FILE_COLUMN].to_numpy(), view.last_file, side="right")))
    if not table.num_rows:
        return None
    return _corrected(connection, table, first, columns, corrections), first + table.num_rows


def rows_by_number(
    connection: Connection, folder: Path, columns: Sequence[Column], numbers: NDArray[np.int64]
) -> pa.Table:
    """The rows with these numbers (int64[n], each there), in that order, as they came: superseded ones included, and
    without later labels. Only the parts, and of files the row groups, that hold them are read."""
    if not len(numbers):
        return conform(pa.table({}), columns)
    listed = parts.rows_between(connection, int(numbers.min()), int(numbers.max()) + 1)
    places = np.searchsorted(np.array([part.first_row for part in listed]), numbers, side="right") - 1
    wanted = [(listed[place], np.flatnonzero(places == place)) for place in np.unique(places).tolist()]
    chosen = [(part, numbers[where] - part.first_row) for part, where in wanted]
    tables = [conform(table, columns) for table in parts.take_all(connection, folder, chosen, _names(columns))]
    order = np.argsort(np.concatenate([where for _, where in wanted]))
    return pa.concat_tables(tables).take(pa.array(order))


def labels_by_number(
    connection: Connection, folder: Path, target: Column, numbers: NDArray[np.int64]
) -> dict[int, object]:
    """The target's value in the rows with these numbers, later labels applied; None where it is blank."""
    stored = rows_by_number(connection, folder, [target], numbers)[target.name].to_pylist()
    found: dict[int, object] = dict(zip(numbers.tolist(), stored, strict=True))
    listed = parts.listed(connection, PartKind.LABELS) if len(numbers) else []
    for _, table in parts.read_all(connection, folder, listed, [LABEL_ROW, LABEL_VALUE]):
        about = table.filter(pa.array(np.isin(table[LABEL_ROW].to_numpy(), numbers)))
        values = about[LABEL_VALUE].cast(ARROW_TYPES[target.type]).to_pylist()
        found.update(zip(about[LABEL_ROW].to_pylist(), values, strict=True))
    return found


@dataclass(frozen=True, slots=True)
class MemberRows:
    """The rows that members of decision blocks stand for: three of int64[n], ``numbers`` rising and each once;
    ``decisions``: which has taken the row, 0 for none; ``files``: which brought its label."""

    numbers: NDArray[np.int64]
    decisions: NDArray[np.int64]
    files: NDArray[np.int64]


def rows_of_members(connection: Connection, folder: Path, schema: Schema, members: Sequence[Member]) -> MemberRows:
    """The labelled rows of these members."""
    of: dict[int, list[Member]] = {}
    for member in members:
        of.setdefault(member.part, []).append(member)
    listed = [part for part in parts.listed(connection, PartKind.ROWS, PartKind.LABELS) if part.id in of]
    names = [LABEL_ROW, LABEL_FILE, LABEL_PERIOD, LABEL_FIRST, FILE_COLUMN]
    names += [column.name for role in (Role.TARGET, Role.TIME) if (column := schema.with_role(role)) is not None]
    found = [_NO_ROWS]
    for part, table in parts.read_all(connection, folder, listed, names):
        found.append(_member_rows(table, schema, part, of[part.id]))
    numbers, places = np.unique(np.concatenate([one.numbers for one in found]), return_index=True)
    taken, files = (np.concatenate([getattr(one, name) for one in found])[places] for name in ("decisions", "files"))
    return MemberRows(numbers, taken, files)


def locate(
    connection: Connection, folder: Path, schema: Schema, ids: pa.Array, times: pa.Array | None
) -> NDArray[np.int64]:
    """The number of the newest row of each client (at its time, where ``times`` are given), or -1.

    Parts are read from the newest back until all are found.
    """
    id_column, time_column = schema.with_role(Role.ID), schema.with_role(Role.TIME)
    keys = list(zip(ids.to_pylist(), times.to_pylist() if times is not None else [None] * len(ids), strict=True))
    missing, found = set(keys), dict[tuple[str, str | None], int]()
    listed = parts.listed(connection, PartKind.ROWS)[::-1] if missing and id_column is not None else []
    names = [column.name for column in (id_column, time_column) if column is not None]
    for part, table in parts.read_all(connection, folder, listed, names):
        there = np.flatnonzero(pc.is_in(table[names[0]], value_set=ids).to_numpy())
        rows = table.take(pa.array(there))
        periods: list[str | None] = [None] * len(there)
        if times is not None and time_column is not None and time_column.name in rows.column_names:
            periods = rows[time_column.name].to_pylist()
        newest = dict(zip(zip(rows[names[0]].to_pylist(), periods, strict=True), there.tolist(), strict=True))
        for key in missing & newest.keys():
            found[key] = part.first_row + newest[key]
        missing -= newest.keys()
        if not missing:
            break
    return np.fromiter((found.get(key, -1) for key in keys), dtype=np.int64, count=len(keys))


def conform(table: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """The columns with the types of today's schema, file and line; one that is not there is all missing."""
    fields = [(column.name, ARROW_TYPES[column.type]) for column in columns]
    fields += [(FILE_COLUMN, pa.int64()), (LINE_COLUMN, pa.int64())]
    there = set(table.column_names)
    arrays = {
        name: _cast(table[name], kind) if name in there else pa.nulls(table.num_rows, kind) for name, kind in fields
    }
    return pa.table(arrays)


def _names(columns: Sequence[Column]) -> list[str]:
    return [*(column.name for column in columns), FILE_COLUMN, LINE_COLUMN]


def _run(listed: list[Part]) -> list[Part]:
    """Those at the beginning that are staged, or the first alone, which is a file."""
    if not listed or not listed[0].staged:
        return listed[:1]
    return list(next(run for _, run in groupby(listed, key=lambda part: part.staged)))


def _joined(read: Iterable[tuple[Part, pa.Table]]) -> Iterator[pa.Table]:
    """The tables in their order, small ones put together: their columns are copied, what else they held is let go."""
    small: list[pa.Table] = []
    rows = 0
    for part, table in read:
        if small and (not part.staged or table.schema != small[0].schema or rows + part.rows > ROW_GROUP):
            yield pa.concat_tables(small).combine_chunks()
            small, rows = [], 0
        if part.staged:
            small.append(table)
            rows += part.rows
        else:
            yield table
    if small:
        yield pa.concat_tables(small).combine_chunks()


def _corrected(
    connection: Connection, table: pa.Table, first: int, columns: Sequence[Column], corrections: Corrections
) -> pa.Table:
    """Number the rows from ``first`` on, apply later labels, leave out what was superseded."""
    numbers = np.arange(first, first + table.num_rows, dtype=np.int64)
    return corrected_rows(connection, table, numbers, columns, corrections)


def corrected_rows(
    connection: Connection,
    table: pa.Table,
    numbers: NDArray[np.int64],
    columns: Sequence[Column],
    corrections: Corrections,
) -> pa.Table:
    """Rows with these numbers (int64[n], rising) as readers see them: numbered, later labels applied, superseded ones
    left out."""
    table = table.append_column(ROW_COLUMN, pa.array(numbers))
    target = next((column.name for column in columns if column.role is Role.TARGET), None)
    if target is not None:
        labelled = corrections.labelled(connection, table[target], numbers)
        table = table.set_column(table.column_names.index(target), target, labelled)
    keep = corrections.kept(connection, numbers)
    return table if keep is None else table.filter(pa.array(keep))


_NO_ROWS = MemberRows(*(np.empty(0, dtype=np.int64) for _ in range(3)))


def _member_rows(table: pa.Table, schema: Schema, part: Part, members: list[Member]) -> MemberRows:
    if part.kind is PartKind.LABELS:
        files, periods = table[LABEL_FILE], table[LABEL_PERIOD]
        rows = table[LABEL_ROW].to_numpy()
        labelled = table[LABEL_FIRST].to_numpy()
    else:
        target, time = schema.with_role(Role.TARGET), schema.with_role(Role.TIME)
        files, periods = table[FILE_COLUMN], pa.nulls(part.rows, pa.string())
        if time is not None and time.name in table.column_names:
            periods = table[time.name]
        rows = np.arange(part.first_row, part.end_row, dtype=np.int64)
        labelled = table[target.name].is_valid().to_numpy() if target is not None else np.zeros(part.rows, dtype=bool)
    taken = _taken_by(files, periods, members)
    chosen = (taken >= 0) & labelled
    return MemberRows(rows[chosen], taken[chosen], files.to_numpy()[chosen])


def _taken_by(files: pa.ChunkedArray, periods: pa.Array | pa.ChunkedArray, members: list[Member]) -> NDArray[np.int64]:
    """The decision of the member with the file and the period of each row, 0 for none; -1 where there is no member."""
    whole = periods.combine_chunks() if isinstance(periods, pa.ChunkedArray) else periods
    encoded = whole.dictionary_encode()
    code = {period: number for number, period in enumerate(encoded.dictionary.to_pylist(), start=1)}
    code[None] = 0
    codes = encoded.indices.cast(pa.int64()).fill_null(-1).to_numpy() + 1
    known = sorted(
        (member.file * len(code) + code[member.period], member.decision or 0)
        for member in members
        if member.period in code
    )
    if not known:
        return np.full(len(codes), -1, dtype=np.int64)
    keys, decided = (np.array(column, dtype=np.int64) for column in zip(*known, strict=True))
    rows = files.to_numpy() * len(code) + codes
    places = np.minimum(np.searchsorted(keys, rows), len(keys) - 1)
    return np.where(keys[places] == rows, decided[places], -1)


def _cast(values: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """Integers beyond 2**53 become the nearest number: an error would make the whole data set unreadable."""
    return values.cast(kind, safe=not (pa.types.is_integer(values.type) and pa.types.is_floating(kind)))
