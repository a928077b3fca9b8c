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
from handlers.storage.ledger import Ledger, get_facts, set_facts
from handlers.storage.parts import Growing, Part, PartKind, Prepared
from handlers.storage.row_index import RowIndex

FULL_ROWS, FULL_FILES = 500_000, 2_000
"""A group with so much is committed: what it holds in memory has a bound, and its files are safe."""
OWN_PART_ROWS = 100_000
"""A chunk of so many rows is written as a part of its own at once, so that it need not stay in memory."""
_NOT_FIRST = (FileState.DUPLICATE, FileState.FAILED, FileState.IGNORED, FileState.QUARANTINED)
_WITHOUT_SEQUEL = (FileState.FAILED, FileState.IGNORED)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file."""

    state: FileState
    reason: Reason | None = None
    rows: RowCounts = RowCounts()
    unlabelled: int = 0
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class Pending:
    """Rows that are about to be committed: tables with the number of the first row of each, and their labels."""

    tables: list[pa.Table] = field(default_factory=list)
    firsts: list[int] = field(default_factory=list)
    arrived: list[decisions.Arrived] = field(default_factory=list)


@dataclass(slots=True)
class Group:
    """What will be committed together. One process makes groups, so nobody changes the ledger's numbers meanwhile.

    ``written``: parts of rows that are on disk already, with their labels; ``pending``: the rows that are not.
    ``by_key``: by the names of id (and time), the newest row with each of their values among the first ``indexed``
    pending tables. ``facts``: single values of the ledger to be replaced; ``told``: what is to be logged beside the
    files' own lines. ``has_labels``: some rows of the data set were labelled by a later file. ``keeps_files``: files
    stay in the source folder, so that nothing follows a commit but the answer to unlabelled rows.
    """

    settings: DatasetSettings
    schema: Schema
    schema_before: Schema
    index: RowIndex
    key: int
    version: int
    folder: Path
    first_row: int
    next_row: int
    next_seq: int
    has_labels: bool
    keeps_files: bool = True
    records: list[tuple[FileRecord, FileStamp, bool]] = field(default_factory=list)
    pending: Pending = field(default_factory=Pending)
    written: list[tuple[Prepared, list[decisions.Arrived]]] = field(default_factory=list)
    by_key: dict[tuple[str, ...], dict[tuple[str, ...], int]] = field(default_factory=dict)
    indexed: dict[tuple[str, ...], int] = field(default_factory=dict)
    labels: list[pa.Table] = field(default_factory=list)
    labelled: dict[int, object] = field(default_factory=dict)
    superseded: list[pa.Table] = field(default_factory=list)
    arrived_rows: list[decisions.Arrived] = field(default_factory=list)
    arrived_labels: list[decisions.Arrived] = field(default_factory=list)
    corrected: int = 0
    ranked: dict[tuple[int, int | None], list[pa.Table]] = field(default_factory=dict)
    growing: dict[tuple[int, int | None], Growing] = field(default_factory=dict)
    contents: dict[str, FileRecord] = field(default_factory=dict)
    restamped: list[tuple[int, FileStamp]] = field(default_factory=list)
    facts: dict[str, object] = field(default_factory=dict)
    told: list[Fact] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return self.next_row - self.first_row

    @property
    def is_full(self) -> bool:
        return bool(self.written or self.growing) or self.rows >= FULL_ROWS or len(self.records) >= FULL_FILES


def begin(ledger: Ledger, folder: Path, settings: DatasetSettings, index: RowIndex, *, keeps_files: bool) -> Group:
    """A new group on what the ledger says now. ``folder``: of the parts; ``keeps_files``: see there."""
    with ledger.read() as connection:
        index.follow(connection)
        schema, next_row = schemas.read(connection), dataset.total_rows(connection)
        known = get_facts(connection, "row_hash_key", "dataset_version")
        return Group(
            settings=settings,
            schema=schema,
            schema_before=schema,
            index=index,
            key=int(known["row_hash_key"]),
            version=int(known.get("dataset_version", 0)) + 1,
            folder=folder,
            first_row=next_row,
            next_row=next_row,
            next_seq=files.next_seq(connection),
            has_labels=parts.exists(connection, PartKind.LABELS),
            keeps_files=keeps_files,
        )


def add_rows(group: Group, table: pa.Table, arrived: list[decisions.Arrived], superseded: NDArray[np.int64]) -> None:
    """Rows that get the next numbers, with file and line; their schema is the group's by now."""
    if len(superseded):
        file = np.full(len(superseded), group.next_seq, dtype=np.int64)
        group.superseded.append(pa.table({dataset.LABEL_ROW: superseded, dataset.LABEL_FILE: file}))
    group.arrived_rows += arrived
    if not table.num_rows:
        return
    if table.num_rows >= OWN_PART_ROWS:
        _flush(group)
    group.pending.tables.append(table)
    group.pending.firsts.append(group.next_row)
    group.pending.arrived += arrived
    group.next_row += table.num_rows
    if table.num_rows >= OWN_PART_ROWS:
        _flush(group)
        group.index.prepare()


def _flush(group: Group) -> None:
    """Write what is pending as a part. Until the ledger names it, it is rubbish."""
    pending, group.pending = group.pending, Pending()
    group.by_key.clear()
    group.indexed.clear()
    if not pending.tables:
        return
    table = pa.concat_tables([dataset.conform(one, group.schema.columns) for one in pending.tables])
    part = Part(
        f"rows-{group.version:08d}-{len(group.written)}",
        PartKind.ROWS,
        table.num_rows,
        0,
        group.version,
        first_row=pending.firsts[0],
    )
    group.written.append((parts.prepare(group.folder, part, table), pending.arrived))


def add_ranked(group: Group, model: int | None, table: pa.Table) -> None:
    """What a model said of unlabelled rows of the file whose turn it is; None: there is no model yet."""
    key = group.next_seq, model
    if key in group.growing:
        group.growing[key].add(table)
    elif table.num_rows >= OWN_PART_ROWS:
        group.growing[key] = Growing(group.folder, _ranked_part(group, *key), table)
    else:
        group.ranked.setdefault(key, []).append(table)


def _ranked_part(group: Group, file: int, model: int | None) -> Part:
    name = f"ranked-{file:08d}-{model or 0}"
    return Part(name, PartKind.RANKED, 0, 0, group.version, owner=file, model=model)


def record(group: Group, drop: Drop, outcome: Outcome, *, seen_at: str, seconds: float) -> None:
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
    nothing_follows = outcome.state in _WITHOUT_SEQUEL or (group.keeps_files and not outcome.unlabelled)
    group.records.append((record, drop.stamp, nothing_follows))
    group.next_seq += 1
    if drop.sha256 and outcome.state not in _NOT_FIRST:
        group.contents[drop.sha256] = record


def fact(record: FileRecord) -> Fact:
    """What the log says of a file."""
    events = {FileState.WAITING: "file.ingested"}
    fields: dict[str, object] = {"file": record.name, "sha256": record.sha256, "seconds": round(record.seconds, 4)}
    if record.reason is not None:
        reason = record.reason
        fields |= {"reason": reason.code, "detail": reason.detail if reason.logged is None else reason.logged}
    if record.rows.read:
        counts = record.rows
        fields |= {
            "rows": counts.read,
            "ingested": counts.ingested,
            "duplicate": counts.duplicate,
            "rejected": counts.rejected,
        }
    return Fact(events.get(record.state, f"file.{record.state}"), fields)


def commit(ledger: Ledger, group: Group, *, at: str) -> list[Fact]:
    """Make the group true: parts first, each synced, then the ledger's transaction. ``at``: the time of the commit."""
    records = [(replace(record, committed_at=at), stamp, done) for record, stamp, done in group.records]
    facts = [*(fact(record) for record, _, _ in records), *group.told]
    if not records and not group.restamped:
        return facts
    _flush(group)
    others = _others(group)
    group.index.prepare()
    contents = [record.sha256 for record, _, _ in records if record.sha256]
    with ledger.write() as connection:
        refused = files.quarantined_among(connection, contents)
        files.add_all(connection, [(one, stamp, done and one.sha256 not in refused) for one, stamp, done in records])
        for seq, stamp in group.restamped:
            files.restamp(connection, seq, stamp)
        for prepared, arrived in group.written:
            decisions.add_undecided(connection, parts.record(connection, prepared), arrived)
        for prepared in others:
            number = parts.record(connection, prepared)
            if prepared.part.kind is PartKind.LABELS:
                decisions.add_undecided(connection, number, group.arrived_labels)
        group.index.record(connection)
        _count(connection, group, [record for record, _, _ in records])
        if group.schema != group.schema_before:
            schemas.write(connection, group.schema)
        set_facts(connection, group.facts)
        events.add(connection, facts, at=at)
    return facts


def _others(group: Group) -> list[Prepared]:
    """Labels that came later, rows that are replaced, and what was ranked, each ready to be recorded."""
    version = group.version
    found = [
        (Part(f"labels-{version:08d}", PartKind.LABELS, 0, 0, version), group.labels),
        (Part(f"superseded-{version:08d}", PartKind.SUPERSEDED, 0, 0, version), group.superseded),
        *((_ranked_part(group, *key), tables) for key, tables in group.ranked.items()),
    ]
    prepared = [
        parts.prepare(group.folder, part, pa.concat_tables(tables))
        for part, tables in found
        if any(table.num_rows for table in tables)
    ]
    return prepared + [growing.finish() for growing in group.growing.values()]


def _count(connection: Connection, group: Group, records: list[FileRecord]) -> None:
    before = get_facts(connection, "labels", "timing")
    after: dict[str, object] = {}
    taught = group.schema != group.schema_before
    if taught or group.rows or any(table.num_rows for table in group.labels):
        after["dataset_version"] = group.version
    arrived = group.arrived_rows + group.arrived_labels
    if arrived or group.corrected:
        labels = before.get("labels", {"rows": 0, "positives": 0})
        labels["rows"] += sum(one.rows for one in arrived)
        labels["positives"] += sum(one.positives for one in arrived) + group.corrected
        after["labels"] = labels
    if records:
        timing = before.get("timing", {})
        spent = sum(record.seconds for record in records)
        sums = timing.get("ingestion", {"files": 0, "rows": 0, "seconds": 0.0})
        timing["ingestion"] = {
            "files": sums["files"] + len(records),
            "rows": sums["rows"] + group.rows,
            "seconds": round(sums["seconds"] + spent, 4),
            "last_seconds": round(spent, 4),
            "last_at": records[-1].committed_at,
        }
        after["timing"] = timing
    set_facts(connection, after)
