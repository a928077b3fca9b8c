"""Where the rows of a validated batch belong in the data set: new, there already, or a label for an earlier one."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.commit_group import Group, Outcome
from handlers.domain.batch import Batch, Placed
from handlers.domain.deduplication import Placement, place_all, place_keys, place_rows
from handlers.domain.files import FileState, Reason, RowCounts, RowFault
from handlers.domain.row_hash import row_hashes
from handlers.domain.schema import FILE_COLUMN, LINE_COLUMN, Column, Role, Schema
from handlers.house import House
from handlers.storage import dataset, decisions

KEY_LANE = 0x5851F42D4C957F2D
"""Sets the hashes of keys apart from those of rows, which live in the same index."""


def take(house: House, group: Group, batch: Batch, connection: Connection) -> Placed | Reason:
    """Give a batch its place in the group: its new rows are remembered for the commit.

    A file of later labels is refused where too many of its clients are not there.
    """
    if batch.kind == "rows":
        return place(group, batch, connection, house.workspace.parts)
    folder = house.workspace.parts
    numbers, faults = find_labelled(group, batch, connection, folder)
    if len(faults) + len(batch.rejected) > house.ingestion.max_rejected_fraction * batch.rows_read:
        lines = tuple(fault.line for fault in faults[:20])
        detail = f"{len(faults)} of {batch.rows_read} labels are of clients that are not in the data set."
        return Reason("unknown_clients", detail, "Drop the clients' rows first, then their labels.", lines)
    return place_labels(group, batch, (numbers, faults), connection, folder)


def place(group: Group, batch: Batch, connection: Connection, folder: Path) -> Placed:
    """Give every row of a batch its number, and remember the new ones for the commit."""
    seq, settings = group.next_seq, group.settings
    first, count = group.next_row, batch.table.num_rows
    names = batch.schema.names
    if settings.duplicates == "none":
        placement = place_all(count, first)
    else:
        hashes = row_hashes(batch.table, names, group.key)
        known = _or_labelled_later(group, batch, group.index.find(hashes), connection, folder)
        if settings.duplicates == "row":
            placement = place_rows(hashes, known, first)
        else:
            key_names = [column.name for column in batch.schema.columns if column.role in (Role.ID, Role.TIME)]
            keys = row_hashes(batch.table, key_names, group.key ^ KEY_LANE)
            placement = place_keys(hashes, known, keys, group.index.find(keys), first)
            group.index.put(keys[placement.kept], placement.numbers[placement.kept])
        group.index.put(hashes[placement.kept], placement.numbers[placement.kept])
    kept = placement.kept
    table = batch.table.filter(pa.array(kept))
    table = table.append_column(FILE_COLUMN, pa.array(np.full(table.num_rows, seq, dtype=np.int64)))
    table = table.append_column(LINE_COLUMN, pa.array(batch.lines[kept]))
    group.tables.append(table)
    group.firsts.append(first)
    group.superseded.append(placement.superseded)
    group.arrived_rows += _arrived(seq, batch, kept & (batch.labels >= 0))
    group.schema = batch.schema
    group.next_row += int(kept.sum())
    return Placed(seq, batch, placement, batch.rejected)


def _or_labelled_later(
    group: Group, batch: Batch, known: NDArray[np.int64], connection: Connection, folder: Path
) -> NDArray[np.int64]:
    """The stored row of each row, also where it came without its label and a later file gave it that very label."""
    target = batch.schema.with_role(Role.TARGET)
    if target is None or not (batch.labels >= 0).any():
        return known
    others = [name for name in batch.schema.names if name != target.name]
    bare = group.index.find(row_hashes(batch.table, others, group.key))
    asked = np.flatnonzero((known < 0) & (bare >= 0) & (batch.labels >= 0))
    if not len(asked):
        return known
    so_far = _labels_so_far(group, bare[asked], target, connection, folder)
    now = batch.table[target.name].take(pa.array(asked)).to_pylist()
    same = asked[[old == new for old, new in zip(so_far, now, strict=True)]]
    known = known.copy()
    known[same] = bare[same]
    return known


def find_labelled(
    group: Group, batch: Batch, connection: Connection, folder: Path
) -> tuple[NDArray[np.int64], list[RowFault]]:
    """The rows that later labels speak of: each client's newest, or the one of the time that is given.

    Returns the number of each label's row (-1: there is none), and the faults of those.
    """
    numbers = _locate(group, batch, connection, folder)
    return numbers, _unknown_clients(batch, numbers < 0)


def place_labels(
    group: Group, batch: Batch, found: tuple[NDArray[np.int64], list[RowFault]], connection: Connection, folder: Path
) -> Placed:
    """Give the labels to the rows that ``find_labelled`` has found.

    A label that the row has already is a duplicate; one that differs replaces it, but is not decided on again.
    """
    numbers, faults = found
    seq, target = group.next_seq, _target(batch.schema)
    before = _labels_so_far(group, numbers, target, connection, folder)
    now = batch.table[target.name].to_pylist()
    last = _last_of_each(numbers, (numbers >= 0) & (batch.labels >= 0))
    changed = np.fromiter((old != new for old, new in zip(before, now, strict=True)), dtype=bool, count=len(now))
    fresh = last & changed
    first = fresh & np.fromiter((old is None for old in before), dtype=bool, count=len(before))
    group.labels.append(_label_table(batch, numbers, first, seq).filter(pa.array(fresh)))
    group.labelled.update(zip(numbers[fresh].tolist(), np.asarray(now, dtype=object)[fresh].tolist(), strict=True))
    group.arrived_labels += _arrived(seq, batch, first)
    corrected = batch.labels[fresh & ~first]
    group.corrected += int((corrected == 1).sum()) - int((corrected == 0).sum())
    group.schema = batch.schema
    rejected = tuple(sorted((*batch.rejected, *faults), key=lambda fault: fault.line))
    return Placed(seq, batch, Placement(fresh, numbers, np.empty(0, dtype=np.int64)), rejected)


def outcome(placed: Placed, *, has_model: bool) -> Outcome:
    """What became of an accepted file."""
    batch, kept, rejected = placed.batch, int(placed.placement.kept.sum()), len(placed.rejected)
    counts = RowCounts(batch.rows_read, kept, batch.rows_read - rejected - kept, rejected)
    unlabelled = int(placed.unlabelled.sum())
    state, reason = FileState.INGESTED, None
    if batch.kind == "rows" and unlabelled == batch.table.num_rows:
        state = FileState.SCORED if has_model else FileState.WAITING
    if state is FileState.WAITING:
        reason = Reason("no_model_yet", "Its rows are in the data set; the first model will score them.")
    notes = batch.notes
    blank = int((batch.labels < 0).sum())
    if batch.kind == "labels" and blank:
        notes += (f"{blank} rows without a label changed nothing.",)
    return Outcome(state, reason, counts, unlabelled, notes)


def _arrived(seq: int, batch: Batch, chosen: NDArray[np.bool_]) -> list[decisions.Arrived]:
    if not chosen.any():
        return []
    labels = batch.labels[chosen]
    time = batch.schema.with_role(Role.TIME)
    if time is None or time.name not in batch.table.column_names:
        return [decisions.Arrived(seq, None, int(chosen.sum()), int((labels == 1).sum()))]
    periods = np.asarray(batch.table[time.name].to_pylist(), dtype=object)[chosen]
    rows, positives = Counter(periods.tolist()), Counter(periods[labels == 1].tolist())
    return [decisions.Arrived(seq, period, count, positives[period]) for period, count in rows.items()]


def _target(schema: Schema) -> Column:
    target = schema.with_role(Role.TARGET)
    if target is None:
        raise ValueError("a file of labels has the target column")
    return target


def _locate(group: Group, batch: Batch, connection: Connection, folder: Path) -> NDArray[np.int64]:
    """The number of each label's row: among those that are about to be committed, else in the data set."""
    by_role = [batch.schema.with_role(role) for role in (Role.ID, Role.TIME)]
    names = [column.name for column in by_role if column is not None and column.name in batch.table.column_names]
    pending = _newest_pending(group, tuple(names))
    keys = list(zip(*(batch.table[name].to_pylist() for name in names), strict=True))
    numbers = np.array([pending.get(key, -1) for key in keys], dtype=np.int64)
    committed = np.flatnonzero(numbers < 0)
    if len(committed):
        table = batch.table.take(pa.array(committed))
        times = table[names[1]].combine_chunks() if len(names) > 1 else None
        ids = table[names[0]].combine_chunks()
        numbers[committed] = dataset.locate(connection, folder, batch.schema, ids, times)
    return numbers


def _newest_pending(group: Group, names: tuple[str, ...]) -> dict[tuple[str, ...], int]:
    """The newest row of each client (at each time) among those that are about to be committed."""
    newest = group.by_key.setdefault(names, {})
    for place in range(group.indexed.get(names, 0), len(group.tables)):
        keys = zip(*(group.tables[place][name].to_pylist() for name in names), strict=True)
        newest.update((key, group.firsts[place] + row) for row, key in enumerate(keys))
    group.indexed[names] = len(group.tables)
    return newest


def _labels_so_far(
    group: Group, numbers: NDArray[np.int64], target: Column, connection: Connection, folder: Path
) -> list[object]:
    """The target's value in each of these rows, None where it is blank or there is no such row."""
    committed = np.unique(numbers[(numbers >= 0) & (numbers < group.first_row)])
    rows = dataset.labels_by_number(connection, folder, target, committed)
    for number in numbers[numbers >= group.first_row].tolist():
        place = bisect_right(group.firsts, number) - 1
        table = group.tables[place]
        if target.name in table.column_names:
            rows[number] = table[target.name][number - group.firsts[place]].as_py()
    return [group.labelled.get(number, rows.get(number)) for number in numbers.tolist()]


def _label_table(batch: Batch, numbers: NDArray[np.int64], first: NDArray[np.bool_], seq: int) -> pa.Table:
    time = batch.schema.with_role(Role.TIME)
    has_time = time is not None and time.name in batch.table.column_names
    periods = batch.table[time.name] if has_time and time is not None else pa.nulls(len(numbers), pa.string())
    return pa.table(
        {
            dataset.LABEL_ROW: numbers,
            dataset.LABEL_VALUE: batch.table[_target(batch.schema).name],
            dataset.LABEL_PERIOD: periods,
            dataset.LABEL_FILE: np.full(len(numbers), seq, dtype=np.int64),
            dataset.LABEL_FIRST: first,
        }
    )


def _unknown_clients(batch: Batch, unknown: NDArray[np.bool_]) -> list[RowFault]:
    name = batch.table.column_names[0]
    id_column = batch.schema.with_role(Role.ID)
    if id_column is not None:
        name = id_column.name
    ids = batch.table[name].to_pylist()
    return [
        RowFault(int(batch.lines[row]), name, "unknown_client", str(ids[row])[:100]) for row in np.flatnonzero(unknown)
    ]


def _last_of_each(numbers: NDArray[np.int64], candidates: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which candidates count, bool[n]: of those that name the same row the last one. A blank label takes back none."""
    places = np.flatnonzero(candidates)
    chosen = places[len(places) - 1 - np.unique(numbers[places][::-1], return_index=True)[1]]
    result = np.zeros(len(numbers), dtype=bool)
    result[chosen] = True
    return result
