"""A file of later labels: which rows it speaks of, and what it changes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers import ingestion
from handlers.commit_group import Group, Outcome
from handlers.domain.batch import Batch, Chunk
from handlers.domain.files import FileState, Reason, RowCounts, RowFault
from handlers.domain.schema import Column, Role, Schema
from handlers.storage import dataset, decisions

SHOWN_LINES = 20


@dataclass(frozen=True, slots=True)
class Found:
    """The number of the row that each label of each chunk speaks of (-1: there is none), and all rows that are set
    aside, those of unknown clients among them, by line."""

    numbers: tuple[NDArray[np.int64], ...]
    rejected: tuple[RowFault, ...]


def find(group: Group, batch: Batch, connection: Connection, max_rejected_fraction: float) -> Found | Reason:
    """The rows that later labels speak of: each client's newest, or the one of the time that is given.

    A file is refused where too many of its clients are not there.
    """
    numbers: list[NDArray[np.int64]] = []
    faults: list[RowFault] = []
    for chunk in batch.chunks:
        numbers.append(_locate(group, chunk, batch.schema, connection))
        faults += _unknown_clients(chunk, batch.schema, numbers[-1] < 0)
    rejected = len(faults) + len(batch.rejected)
    if rejected > max_rejected_fraction * batch.rows_read:
        lines = tuple(fault.line for fault in faults[:SHOWN_LINES])
        detail = f"{len(faults)} of {batch.rows_read} labels are of clients that are not in the data set."
        counts = RowCounts(batch.rows_read, rejected=rejected)
        return Reason("unknown_clients", detail, "Drop the clients' rows first, then their labels.", lines, counts)
    return Found(tuple(numbers), tuple(sorted((*batch.rejected, *faults), key=lambda fault: fault.line)))


def place(group: Group, batch: Batch, found: Found, connection: Connection) -> Outcome:
    """Give the labels to the rows that ``find`` has found.

    A label that the row has already is a duplicate; one that differs replaces it, but is not decided on again.
    """
    group.schema = batch.schema
    fresh = blank = 0
    for chunk, numbers in zip(batch.chunks, found.numbers, strict=True):
        fresh += _place(group, chunk, numbers, connection)
        blank += int((chunk.labels < 0).sum())
    rejected = len(found.rejected)
    counts = RowCounts(batch.rows_read, fresh, batch.rows_read - rejected - fresh, rejected)
    notes = batch.notes
    if blank:
        notes += (f"{blank} rows without a label changed nothing.",)
    return Outcome(FileState.INGESTED, None, counts, 0, notes)


def _place(group: Group, chunk: Chunk, numbers: NDArray[np.int64], connection: Connection) -> int:
    """Remember a chunk's labels for the commit; how many are new."""
    seq, target = group.next_seq, _target(group.schema)
    before = ingestion.labels_so_far(group, numbers, connection)
    now = chunk.table[target.name].to_pylist()
    last = _last_of_each(numbers, (numbers >= 0) & (chunk.labels >= 0))
    fresh = last & np.fromiter((old != new for old, new in zip(before, now, strict=True)), dtype=bool, count=len(now))
    first = fresh & np.fromiter((old is None for old in before), dtype=bool, count=len(before))
    periods = _periods(group, chunk, numbers, connection)
    table = _label_table(group.schema, chunk, numbers, first, seq)
    table = table.append_column(dataset.LABEL_PERIOD, periods)
    group.labels.append(table.filter(pa.array(fresh)))
    group.labelled.update(zip(numbers[fresh].tolist(), np.asarray(now, dtype=object)[fresh].tolist(), strict=True))
    group.arrived_labels += _arrived(seq, chunk, periods, first)
    corrected = chunk.labels[fresh & ~first]
    group.corrected += int((corrected == 1).sum()) - int((corrected == 0).sum())
    return int(fresh.sum())


def _arrived(seq: int, chunk: Chunk, periods: pa.ChunkedArray, first: NDArray[np.bool_]) -> list[decisions.Arrived]:
    if not first.any():
        return []
    return ingestion.arrived_by_period(seq, periods.filter(pa.array(first)), chunk.labels[first] == 1)


def _target(schema: Schema) -> Column:
    target = schema.with_role(Role.TARGET)
    if target is None:
        raise ValueError("a file of labels has the target column")
    return target


def _locate(group: Group, chunk: Chunk, schema: Schema, connection: Connection) -> NDArray[np.int64]:
    """The number of each label's row: among those that are about to be committed, else in the data set."""
    by_role = [schema.with_role(role) for role in (Role.ID, Role.TIME)]
    names = [column.name for column in by_role if column is not None and column.name in chunk.table.column_names]
    pending = _newest_pending(group, tuple(names))
    keys = list(zip(*(chunk.table[name].to_pylist() for name in names), strict=True))
    numbers = np.array([pending.get(key, -1) for key in keys], dtype=np.int64)
    committed = np.flatnonzero(numbers < 0)
    if len(committed):
        table = chunk.table.take(pa.array(committed))
        times = table[names[1]].combine_chunks() if len(names) > 1 else None
        ids = table[names[0]].combine_chunks()
        numbers[committed] = dataset.locate(connection, group.folder, schema, ids, times)
    return numbers


def _newest_pending(group: Group, names: tuple[str, ...]) -> dict[tuple[str, ...], int]:
    """The newest row of each client (at each time) among those that are about to be committed."""
    newest = group.by_key.setdefault(names, {})
    pending = group.pending
    for place in range(group.indexed.get(names, 0), len(pending.tables)):
        keys = zip(*(pending.tables[place][name].to_pylist() for name in names), strict=True)
        newest.update((key, pending.firsts[place] + row) for row, key in enumerate(keys))
    group.indexed[names] = len(pending.tables)
    return newest


def _periods(group: Group, chunk: Chunk, numbers: NDArray[np.int64], connection: Connection) -> pa.ChunkedArray:
    """The period of each label: the one that is given, else that of the row which it labels."""
    time = group.schema.with_role(Role.TIME)
    if time is not None and time.name in chunk.table.column_names:
        return chunk.table[time.name]
    found: list[str | None] = [None] * len(numbers)
    if time is not None:
        known = _periods_of_rows(group, time, np.unique(numbers[numbers >= 0]), connection)
        found = [known.get(number) for number in numbers.tolist()]
    return pa.chunked_array([pa.array(found, pa.string())])


def _periods_of_rows(
    group: Group, time: Column, numbers: NDArray[np.int64], connection: Connection
) -> dict[int, str | None]:
    committed = numbers[numbers < group.first_row]
    stored = dataset.rows_by_number(connection, group.folder, [time], committed)[time.name].to_pylist()
    known: dict[int, str | None] = dict(zip(committed.tolist(), stored, strict=True))
    pending = group.pending
    for number in numbers[numbers >= group.first_row].tolist():
        place = int(np.searchsorted(pending.firsts, number, side="right")) - 1
        if place >= 0 and time.name in pending.tables[place].column_names:
            known[number] = pending.tables[place][time.name][number - pending.firsts[place]].as_py()
    return known


def _label_table(
    schema: Schema, chunk: Chunk, numbers: NDArray[np.int64], first: NDArray[np.bool_], seq: int
) -> pa.Table:
    return pa.table(
        {
            dataset.LABEL_ROW: numbers,
            dataset.LABEL_VALUE: chunk.table[_target(schema).name],
            dataset.LABEL_FILE: np.full(len(numbers), seq, dtype=np.int64),
            dataset.LABEL_FIRST: first,
        }
    )


def _unknown_clients(chunk: Chunk, schema: Schema, unknown: NDArray[np.bool_]) -> list[RowFault]:
    id_column = schema.with_role(Role.ID)
    name = chunk.table.column_names[0] if id_column is None else id_column.name
    ids = chunk.table[name].to_pylist()
    return [
        RowFault(int(chunk.lines[row]), name, "unknown_client", str(ids[row])[:100]) for row in np.flatnonzero(unknown)
    ]


def _last_of_each(numbers: NDArray[np.int64], candidates: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which candidates count, bool[n]: of those that name the same row the last one. A blank label takes back none."""
    places = np.flatnonzero(candidates)
    chosen = places[len(places) - 1 - np.unique(numbers[places][::-1], return_index=True)[1]]
    result = np.zeros(len(numbers), dtype=bool)
    result[chosen] = True
    return result
