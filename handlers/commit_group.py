"""A group of files that is committed at once: parts are written and synced, then one transaction makes it true."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.domain.facts import Fact
from handlers.domain.files import FileRecord, FileStamp, FileState, Reason, RowCounts, shown_name
from handlers.domain.schema import DatasetSettings, Schema
from handlers.storage import dataset, decisions, events, files, parts, schemas
from handlers.storage.inbox import Drop
from handlers.storage.ledger import Ledger, get_fact, set_fact
from handlers.storage.parts import Part, PartKind
from handlers.storage.row_index import RowIndex

_NOT_FIRST = (FileState.DUPLICATE, FileState.FAILED, FileState.IGNORED, FileState.QUARANTINED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file."""

    state: FileState
    reason: Reason | None = None
    rows: RowCounts = RowCounts()
    unlabelled: int = 0
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Group:
    """What will be committed together. One process makes groups, so nobody changes the ledger's numbers meanwhile.

    ``firsts``: the number of the first row of each of ``tables``. ``by_key``: by the names of id (and time), the
    newest row with each of their values among the first ``indexed`` tables.
    """

    settings: DatasetSettings
    schema: Schema
    schema_before: Schema
    index: RowIndex
    key: int
    version: int
    first_row: int
    next_row: int
    next_seq: int
    records: list[tuple[FileRecord, FileStamp]] = field(default_factory=list)
    tables: list[pa.Table] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    by_key: dict[tuple[str, ...], dict[tuple[str, ...], int]] = field(default_factory=dict)
    indexed: dict[tuple[str, ...], int] = field(default_factory=dict)
    labels: list[pa.Table] = field(default_factory=list)
    labelled: dict[int, object] = field(default_factory=dict)
    superseded: list[NDArray[np.int64]] = field(default_factory=list)
    arrived_rows: list[decisions.Arrived] = field(default_factory=list)
    arrived_labels: list[decisions.Arrived] = field(default_factory=list)
    corrected: int = 0
    ranked: list[tuple[int, int | None, pa.Table]] = field(default_factory=list)
    contents: dict[str, FileRecord] = field(default_factory=dict)
    restamped: list[tuple[int, FileStamp]] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.next_row - self.first_row


def begin(connection: Connection, settings: DatasetSettings) -> Group:
    """A new group on what the ledger says now."""
    schema, next_row = schemas.read(connection), dataset.total_rows(connection)
    return Group(
        settings=settings,
        schema=schema,
        schema_before=schema,
        index=RowIndex(connection),
        key=int(get_fact(connection, "row_hash_key")),
        version=dataset.version(connection) + 1,
        first_row=next_row,
        next_row=next_row,
        next_seq=files.next_seq(connection),
    )


def record(group: Group, drop: Drop, outcome: Outcome, *, seen_at: str, seconds: float) -> FileRecord:
    """Remember what became of a file; the commit writes it. ``seconds``: the work that it was."""
    record = FileRecord(
        seq=group.next_seq,
        name=shown_name(drop.name),
        sha256=drop.sha256 or None,
        state=outcome.state,
        reason=outcome.reason,
        notes=outcome.notes,
        rows=outcome.rows,
        unlabelled=outcome.unlabelled,
        size=drop.stamp.size,
        seen_at=seen_at,
        committed_at="",
        seconds=seconds,
        dataset_version=group.version,
    )
    group.records.append((record, drop.stamp))
    group.next_seq += 1
    if drop.sha256 and outcome.state not in _NOT_FIRST:
        group.contents[drop.sha256] = record
    return record


def fact(record: FileRecord) -> Fact:
    """What the log says of a file."""
    events = {FileState.WAITING: "file.ingested"}
    fields: dict[str, object] = {"file": record.name, "sha256": record.sha256, "seconds": round(record.seconds, 4)}
    if record.reason is not None:
        fields |= {"reason": record.reason.code, "detail": record.reason.detail}
    if record.rows.read:
        counts = record.rows
        fields |= {
            "rows": counts.read,
            "ingested": counts.ingested,
            "duplicate": counts.duplicate,
            "rejected": counts.rejected,
        }
    return Fact(events.get(record.state, f"file.{record.state}"), fields)


def commit(ledger: Ledger, folder: Path, group: Group, *, at: str) -> list[Fact]:
    """Make the group true: parts first, each synced, then the ledger's transaction. ``at``: the time of the commit."""
    group.records = [(replace(record, committed_at=at), stamp) for record, stamp in group.records]
    rows = _write_rows(folder, group)
    others = _write_others(folder, group)
    facts = [fact(record) for record, _ in group.records]
    with ledger.write() as connection:
        for record, stamp in group.records:
            files.add(connection, record, stamp, published=record.state in (FileState.FAILED, FileState.IGNORED))
        for seq, stamp in group.restamped:
            files.restamp(connection, seq, stamp)
        if rows is not None:
            decisions.add_undecided(connection, parts.record(connection, rows), group.arrived_rows)
        for part in others:
            number = parts.record(connection, part)
            if part.kind is PartKind.LABELS:
                decisions.add_undecided(connection, number, group.arrived_labels)
        group.index.write(connection)
        _count(connection, group)
        if group.schema != group.schema_before:
            schemas.write(connection, group.schema)
        events.add(connection, facts, at=at)
    return facts


def _write_rows(folder: Path, group: Group) -> Part | None:
    if not group.rows:
        return None
    columns = group.schema.columns
    table = pa.concat_tables([dataset.conform(table, columns) for table in group.tables])
    path = f"rows-{group.version:08d}.parquet"
    size = parts.write(folder, path, table)
    return Part(path, PartKind.ROWS, table.num_rows, size, group.version, first_row=group.first_row)


def _write_others(folder: Path, group: Group) -> list[Part]:
    written: list[tuple[str, PartKind, pa.Table, int | None, int | None]] = []
    labels = [table for table in group.labels if table.num_rows]
    if labels:
        table = pa.concat_tables(labels)
        written.append((f"labels-{group.version:08d}", PartKind.LABELS, table, None, None))
    superseded = np.concatenate([np.empty(0, dtype=np.int64), *group.superseded])
    if len(superseded):
        table = pa.table({dataset.LABEL_ROW: superseded})
        written.append((f"superseded-{group.version:08d}", PartKind.SUPERSEDED, table, None, None))
    for file, model, table in group.ranked:
        written.append((f"ranked-{file:08d}-{model or 0}", PartKind.RANKED, table, file, model))
    return [
        Part(
            f"{name}.parquet",
            kind,
            table.num_rows,
            parts.write(folder, f"{name}.parquet", table),
            group.version,
            owner=owner,
            model=model,
        )
        for name, kind, table, owner, model in written
    ]


def _count(connection: Connection, group: Group) -> None:
    changes = group.rows or any(table.num_rows for table in group.labels)
    if changes:
        set_fact(connection, "dataset_version", group.version)
    labels = get_fact(connection, "labels", {"rows": 0, "positives": 0})
    arrived = group.arrived_rows + group.arrived_labels
    labels["rows"] += sum(one.rows for one in arrived)
    labels["positives"] += sum(one.positives for one in arrived) + group.corrected
    set_fact(connection, "labels", labels)
    if not group.records:
        return
    timing = get_fact(connection, "timing", {})
    spent = sum(record.seconds for record, _ in group.records)
    before = timing.get("ingestion", {"files": 0, "rows": 0, "seconds": 0.0})
    timing["ingestion"] = {
        "files": before["files"] + len(group.records),
        "rows": before["rows"] + group.rows,
        "seconds": round(before["seconds"] + spent, 4),
        "last_seconds": round(spent, 4),
        "last_at": group.records[-1][0].committed_at,
    }
    set_fact(connection, "timing", timing)
