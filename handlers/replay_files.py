"""Files for a replay: what the ledger has of them, and rows that are validated as those of a drop, and kept nowhere."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.domain.files import Reason, shown_name
from handlers.domain.schema import FILE_COLUMN, LINE_COLUMN, Schema
from handlers.house import House
from handlers.storage import dataset, decisions, files, inbox, schemas, versions
from handlers.storage.corrections import Corrections
from handlers.storage.decisions import DecisionRecord, Member
from handlers.storage.inbox import Changed, Drop
from handlers.validation import validate


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of one source, with what ``dataset.conform`` needs. int64[n]: ``numbers`` rising; ``blocks``, the decision
    that took each, 0 for none; ``files``, which brought its label."""

    table: pa.Table
    numbers: NDArray[np.int64]
    blocks: NDArray[np.int64]
    files: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger has decided on these files: its decisions in their order, the members of each, and the columns
    that were known then."""

    decisions: tuple[DecisionRecord, ...] = ()
    members: dict[int, tuple[Member, ...]] = field(default_factory=dict)
    columns: dict[int, tuple[str, ...]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Read:
    """All that was read. ``names`` by the files' numbers; ``schema``: after all of them; ``columns``: those known after
    each file that the ledger does not know; ``next_decision``: a number that no decision has; ``unused``: files that
    take no part, with the reason."""

    schema: Schema
    next_decision: int
    recorded: Recorded
    rows: list[Rows] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)
    columns: dict[int, tuple[str, ...]] = field(default_factory=dict)
    unused: list[tuple[str, str]] = field(default_factory=list)


def read(house: House, paths: Sequence[Path], spill: Path) -> Read:
    """Read these files; ``spill``: the folder in which rows of a large one wait. Nothing else is written."""
    with house.ledger.read() as connection:  # one snapshot: what a running daemon does meanwhile is not seen
        found = Read(schemas.read(connection), decisions.newest(connection) + 1, Recorded())
        next_file, next_row = files.next_seq(connection), dataset.total_rows(connection)
        known: list[int] = []
        new: list[Rows] = []
        for path in dict.fromkeys(path.resolve() for path in paths):
            seq = next_file + len(new)
            taken = _taken(house, path, connection, found.schema, spill)
            if isinstance(taken, str):
                found.unused.append((shown_name(path.name), taken))
            elif isinstance(taken, int):
                known.append(taken)
                found.names[taken] = shown_name(path.name)
            else:
                found.schema, table = taken
                found.names[seq], found.columns[seq] = shown_name(path.name), found.schema.names
                numbers = np.arange(next_row, next_row + table.num_rows)
                next_row += table.num_rows
                new.append(Rows(table, numbers, np.zeros_like(numbers), np.full_like(numbers, seq)))
        stored, found.recorded = _stored(connection, house, known)
        found.rows = [*stored, *new]
    return found


def _taken(
    house: House, path: Path, connection: Connection, schema: Schema, spill: Path
) -> int | tuple[Schema, pa.Table] | str:
    """The number of a file that the ledger has taken; else its rows, and the schema after it; or why neither."""
    drop = inbox.take(path.parent, path.name, max_bytes=house.ingestion.max_file_bytes)
    if not isinstance(drop, Drop):
        return "It is gone, or still changes." if drop.reason is None else drop.reason.detail
    with drop.content:
        known = files.find_content(connection, drop.sha256)
        return known.seq if known is not None else _validated(house, drop, schema, spill)


def _validated(house: House, drop: Drop, schema: Schema, spill: Path) -> tuple[Schema, pa.Table] | str:
    settings, limits = house.dataset, house.limits
    try:
        batch = validate(drop.content, name=drop.name, schema=schema, settings=settings, limits=limits, spill=spill)
    except Changed:
        return "It still changes."
    if isinstance(batch, Reason):
        return batch.detail
    with closing(batch):
        if batch.kind != "rows":
            return "It has labels and no features, and the ledger does not know it."
        if batch.unlabelled == batch.rows:
            return "It has no labelled rows."
        return batch.schema, pa.concat_tables([_numbered(one.table, one.lines) for one in batch.chunks])


def _numbered(table: pa.Table, lines: NDArray[np.int64]) -> pa.Table:
    nowhere = pa.array(np.zeros(table.num_rows, dtype=np.int64))
    return table.append_column(FILE_COLUMN, nowhere).append_column(LINE_COLUMN, pa.array(lines))


def _stored(connection: Connection, house: House, known: list[int]) -> tuple[list[Rows], Recorded]:
    """The labelled rows that these files brought, but those that are held, and what was decided on them."""
    chosen, newest = set(known), decisions.newest(connection)
    taken = [one for one in decisions.members_between(connection, 1, newest) if one.file in chosen]
    waiting = [one for one in decisions.waiting(connection) if one.file in chosen]
    if not taken and not waiting:
        return [], Recorded()
    parts, schema = house.workspace.parts, schemas.read(connection)
    found = dataset.rows_of_members(connection, parts, schema, [*taken, *waiting])
    table = dataset.rows_by_number(connection, parts, schema.columns, found.numbers)
    table = dataset.corrected_rows(connection, table, found.numbers, schema.columns, Corrections(parts))
    there = np.isin(found.numbers, table[dataset.ROW_COLUMN].to_numpy())
    rows = Rows(table, *(values[there] for values in (found.numbers, found.decisions, found.files)))
    members: dict[int, tuple[Member, ...]] = {}
    for one in taken:
        members[one.decision or 0] = (*members.get(one.decision or 0, ()), one)
    records = [one for one in decisions.page(connection, limit=newest)[::-1] if one.id in members or not one.rows]
    columns = {one.id: versions.view(connection, one.dataset_version).schema.names for one in records}
    return [rows], Recorded(tuple(records), members, columns)
