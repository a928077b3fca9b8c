"""Where the rows of a validated batch belong in the data set: new, or there already."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers import commit_group
from handlers.commit_group import Group, Outcome
from handlers.domain.batch import Batch, Chunk, Placed
from handlers.domain.deduplication import Placement, key_hashes, place_all, place_keys, place_rows
from handlers.domain.files import FileState, Reason, RowCounts
from handlers.domain.schema import FILE_COLUMN, LINE_COLUMN, DatasetSettings, Role, Schema
from handlers.domain.sorted_hashes import SortedHashes, sorted_hashes
from handlers.storage import dataset, decisions

HASHED_AHEAD = 2_000_000
"""The rows of a larger file are hashed chunk by chunk when they are placed: their hashes would fill the memory."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """What tells the rows of a chunk apart; ``keys``: only where rows with the same id and time replace each other."""

    rows: SortedHashes
    keys: SortedHashes | None


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch, and the hashes of each of its chunks; none where they are not needed, or are better made later.

    To be closed, by ``with``, when the rows have been placed.
    """

    batch: Batch
    hashes: tuple[Hashes, ...]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.batch.close()


def hashed(batch: Batch, settings: DatasetSettings, key: int) -> Rows:
    """Make the hashes of a batch's rows. Runs ahead, beside others. ``key``: the data set's, 64 bits."""
    if settings.duplicates == "none" or batch.kind != "rows" or batch.rows > HASHED_AHEAD:
        return Rows(batch, ())
    return Rows(batch, tuple(_hashes(chunk, batch.schema, settings, key) for chunk in batch.chunks))


def place(group: Group, rows: Rows, connection: Connection) -> Iterator[Placed]:
    """Give every row of a batch its number, chunk by chunk, and remember the new ones for the commit."""
    batch, seq = rows.batch, group.next_seq
    group.schema = batch.schema
    for number, chunk in enumerate(batch.chunks):
        if group.settings.duplicates == "none":
            placement = place_all(chunk.table.num_rows, group.next_row)
        else:
            own = rows.hashes[number] if rows.hashes else _hashes(chunk, batch.schema, group.settings, group.key)
            placement = _place(group, chunk, own, connection)
        kept = placement.kept
        table = _filtered(chunk.table, kept)
        table = table.append_column(FILE_COLUMN, pa.array(np.full(table.num_rows, seq, dtype=np.int64)))
        table = table.append_column(LINE_COLUMN, pa.array(chunk.lines[kept]))
        arrived = _arrived(seq, chunk, batch.schema, kept & (chunk.labels >= 0))
        commit_group.add_rows(group, table, arrived, placement.superseded)
        yield Placed(seq, chunk, batch.schema, placement)


def outcome(batch: Batch, ingested: int, unlabelled: int, *, has_model: bool) -> Outcome:
    """What became of an accepted file of rows, ``ingested`` of which were new, and ``unlabelled`` are to be scored."""
    rejected = len(batch.rejected)
    counts = RowCounts(batch.rows_read, ingested, batch.rows_read - rejected - ingested, rejected)
    state, reason = FileState.INGESTED, None
    if unlabelled == batch.rows:
        state = FileState.SCORED if has_model else FileState.WAITING
    if state is FileState.WAITING:
        reason = Reason("no_model_yet", "Its rows are in the data set; the first model will score them.")
    return Outcome(state, reason, counts, unlabelled, batch.notes)


def _hashes(chunk: Chunk, schema: Schema, settings: DatasetSettings, key: int) -> Hashes:
    keys = key_hashes(chunk.table, schema, key) if settings.duplicates == "key" else None
    return Hashes(sorted_hashes(chunk.table, schema.names, key), keys)


def _place(group: Group, chunk: Chunk, hashes: Hashes, connection: Connection) -> Placement:
    known = group.index.find(hashes.rows)
    if group.has_labels or group.labelled:
        known = _or_labelled_later(group, chunk, known, connection)
    if hashes.keys is None:
        placement = place_rows(hashes.rows, known, group.next_row)
    else:
        placement = place_keys(known, hashes.keys, group.index.find(hashes.keys), group.next_row)
        group.index.put(hashes.keys, placement.kept, placement.numbers)
    group.index.put(hashes.rows, placement.kept, placement.numbers)
    return placement


def _or_labelled_later(
    group: Group, chunk: Chunk, known: NDArray[np.int64], connection: Connection
) -> NDArray[np.int64]:
    """The stored row of each row, also where it came without its label and a later file gave it that very label."""
    target = group.schema.with_role(Role.TARGET)
    asked = np.flatnonzero((known < 0) & (chunk.labels >= 0))
    if target is None or not len(asked):
        return known
    others = [name for name in group.schema.names if name != target.name]
    table = chunk.table.take(pa.array(asked))
    bare = group.index.find(sorted_hashes(table, others, group.key))
    found = np.flatnonzero(bare >= 0)
    if not len(found):
        return known
    so_far = labels_so_far(group, bare[found], connection)
    now = table[target.name].take(pa.array(found)).to_pylist()
    same = found[[old == new for old, new in zip(so_far, now, strict=True)]]
    known = known.copy()
    known[asked[same]] = bare[same]
    return known


def labels_so_far(group: Group, numbers: NDArray[np.int64], connection: Connection) -> list[object]:
    """The target's value in each of these rows, None where it is blank or there is no such row.

    Of the rows of this group only those that are still in memory are known.
    """
    target = group.schema.with_role(Role.TARGET)
    if target is None:
        return [None] * len(numbers)
    committed = np.unique(numbers[(numbers >= 0) & (numbers < group.first_row)])
    rows = dataset.labels_by_number(connection, group.folder, target, committed)
    pending = group.pending
    for number in numbers[numbers >= group.first_row].tolist():
        place = int(np.searchsorted(pending.firsts, number, side="right")) - 1
        if place >= 0 and target.name in pending.tables[place].column_names:
            rows[number] = pending.tables[place][target.name][number - pending.firsts[place]].as_py()
    return [group.labelled.get(number, rows.get(number)) for number in numbers.tolist()]


def _arrived(seq: int, chunk: Chunk, schema: Schema, chosen: NDArray[np.bool_]) -> list[decisions.Arrived]:
    """How many labelled rows of each period there are among the chosen ones."""
    if not chosen.any():
        return []
    positive = chunk.labels[chosen] == 1
    time = schema.with_role(Role.TIME)
    if time is None or time.name not in chunk.table.column_names:
        return [decisions.Arrived(seq, None, int(chosen.sum()), int(positive.sum()))]
    return arrived_by_period(seq, chunk.table[time.name].filter(pa.array(chosen)), positive)


def arrived_by_period(seq: int, periods: pa.ChunkedArray, positive: NDArray[np.bool_]) -> list[decisions.Arrived]:
    """How many labelled rows there are of each period, in the order in which the periods were met."""
    table = pa.table({"period": periods, "positive": positive.astype(np.int64)})
    grouped = table.group_by("period", use_threads=False).aggregate([("positive", "count"), ("positive", "sum")])
    columns = (grouped[name].to_pylist() for name in ("period", "positive_count", "positive_sum"))
    return [decisions.Arrived(seq, period, rows, positives) for period, rows, positives in zip(*columns, strict=True)]


def _filtered(table: pa.Table, kept: NDArray[np.bool_]) -> pa.Table:
    if kept.all():
        return table
    mask = pa.array(kept)
    # Column by column takes half of what the table's own filter takes.
    return pa.table({name: table[name].filter(mask) for name in table.column_names})
