"""What would happen to a file if it were dropped: it is read by the rules for drops, and nothing is kept."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import Connection

from handlers import labelling
from handlers.commit_group import Group
from handlers.domain.batch import Batch
from handlers.domain.files import FileState, Reason, RowFault, ignored_because, shown_name
from handlers.domain.limits import Limits
from handlers.domain.schema import Schema
from handlers.house import House
from handlers.records import CheckedColumn, CheckedRow, FileCheck, reason_item
from handlers.storage import files, inbox, models, schemas
from handlers.storage.inbox import Changed, Drop
from handlers.validation import validate

SHOWN_ROWS = 20
FIXES: Mapping[str, str] = MappingProxyType(
    {
        "ragged": "Give the row as many cells as the header has; put a cell that holds the delimiter in quotes.",
        "repeated_header": "Remove the line: the header may stand at the top alone.",
        "missing_id": "Fill in the client's id.",
        "missing_time": "Fill in the period of the row.",
        "impossible_date": "Write a date that the calendar has, such as 2024-02-29.",
        "not_a_number": "Write a plain number, such as 1234.5, or leave the cell empty.",
        "unknown_label": "Write one of the two labels, or leave the cell empty where the label is not known yet.",
        "unknown_client": "Drop the client's own row first, then its label; compare the spelling of the id.",
    }
)
"""What to do about a row that is set aside, by the fault's code."""
_REFUSED = (FileState.QUARANTINED, FileState.FAILED, FileState.IGNORED)


class Unsettled(Exception):
    """The file is gone, or changes while it is read."""


def check(house: House, path: Path, *, name: str, connection: Connection, spill: Path) -> FileCheck:
    """What would happen to the file at ``path`` if it were dropped as ``name``, by what the ledger says now.

    Nothing is written but, of a large file, to the folder ``spill``, and that is removed. Raises Unsettled.
    """
    stamp = inbox.stamp_of(path)
    if stamp is None:
        raise _unsettled(path)
    ignored = ignored_because(name) or inbox.special(path)
    if ignored is not None:
        return _unread(name, None, stamp.size, FileState.IGNORED, ignored)
    taken = inbox.take(path.parent, path.name, max_bytes=house.ingestion.max_file_bytes)
    if isinstance(taken, Drop):
        try:
            with taken.content:
                return _read(house, dataclasses.replace(taken, name=name), connection, spill)
        except Changed:
            raise _unsettled(path) from None
    if taken.reason is None:
        raise _unsettled(path)
    state = FileState.FAILED if taken.ours else FileState.QUARANTINED
    return _unread(name, None, stamp.size, state, taken.reason)


def _unsettled(path: Path) -> Unsettled:
    return Unsettled(f"{shown_name(str(path))} is gone, or changes while it is read; try again.")


def _read(house: House, drop: Drop, connection: Connection, spill: Path) -> FileCheck:
    known = files.find_content(connection, drop.sha256)
    if known is not None:
        reason = Reason("known_content", f"Its content is that of {known.name}, which was taken at {known.seen_at}.")
        return _unread(drop.name, drop.sha256, drop.content.size, FileState.DUPLICATE, reason)
    schema, limits = schemas.read(connection), house.limits
    batch = _validated(house, drop, schema, limits, spill)
    refusal = batch if isinstance(batch, Reason) else None
    if refusal is not None and refusal.code == "too_many_rejected":
        # To show which rows: that works as long as there is one that can be used.
        batch = _validated(house, drop, schema, dataclasses.replace(limits, max_rejected_fraction=1.0), spill)
    if isinstance(batch, Reason):
        return _unread(drop.name, drop.sha256, drop.content.size, FileState.QUARANTINED, refusal)
    try:
        return _described(house, drop, batch, refusal, connection)
    finally:
        batch.close()


def _validated(house: House, drop: Drop, schema: Schema, limits: Limits, spill: Path) -> Batch | Reason:
    return validate(drop.content, name=drop.name, schema=schema, settings=house.dataset, limits=limits, spill=spill)


def _described(house: House, drop: Drop, batch: Batch, refusal: Reason | None, connection: Connection) -> FileCheck:
    """What a file holds that can be read; ``refusal``: why it would be refused all the same."""
    schema, unlabelled = schemas.read(connection), batch.unlabelled
    rejected: Sequence[RowFault] = batch.rejected
    state, reason = FileState.INGESTED, None
    if batch.kind == "labels":
        unknown, rejected = _labels(house, batch, schema, connection)
        refusal = refusal or unknown
    elif unlabelled == batch.rows:
        state = FileState.WAITING if models.current(connection) is None else FileState.SCORED
        if state is FileState.WAITING:
            reason = Reason("no_model_yet", "Its rows would wait in the data set for the first model.")
    if refusal is not None:
        state, reason = FileState.QUARANTINED, refusal
    return {
        **_unread(drop.name, drop.sha256, drop.content.size, state, reason),
        "kind": batch.kind,
        "encoding": batch.layout.encoding,
        "compression": "gzip" if batch.layout.compressed else None,
        "delimiter": batch.layout.delimiter,
        "columns": _columns(batch, schema),
        "notes": list(batch.notes),
        "rows": {"read": batch.rows_read, "rejected": len(rejected), "unlabelled": unlabelled},
        "rejected": [_row(fault) for fault in itertools.islice(rejected, SHOWN_ROWS)],
    }


def _labels(
    house: House, batch: Batch, schema: Schema, connection: Connection
) -> tuple[Reason | None, Sequence[RowFault]]:
    """Why a file of labels would be refused, or None; and its rows that would be set aside."""
    limit = house.ingestion.max_rejected_fraction
    found = labelling.find(_nothing_pending(house, schema), batch, connection, limit)
    if not isinstance(found, Reason):
        return None, found.rejected
    every = labelling.find(_nothing_pending(house, schema), batch, connection, 1.0)
    return found, batch.rejected if isinstance(every, Reason) else every.rejected


def _columns(batch: Batch, schema: Schema) -> list[CheckedColumn]:
    """The file's columns, in its order, then optional ones that it lacks."""
    there, after = schema.by_name, batch.schema.by_name
    names = batch.chunks[0].table.column_names
    return [
        {"name": name, "type": after[name].type, "role": after[name].role, "new": name not in there} for name in names
    ]


def _row(fault: RowFault) -> CheckedRow:
    return {
        "line": fault.line,
        "column": fault.column,
        "code": fault.code,
        "value": fault.value,
        "what_to_do": FIXES[fault.code],
    }


def _nothing_pending(house: House, schema: Schema) -> Group:
    """A group into which nothing was taken yet, to look up what labels speak of."""
    return Group(
        settings=house.dataset,
        schema=schema,
        schema_before=schema,
        index=house.index,
        key=0,
        version=0,
        folder=house.workspace.parts,
        first_row=0,
        next_row=0,
        next_seq=0,
        has_labels=False,
        keeps_files=True,
    )


def _unread(name: str, sha256: str | None, size: int, state: FileState, reason: Reason | None) -> FileCheck:
    """All that can be said where no row was read."""
    rows = reason.rows if reason is not None else None
    return {
        "name": shown_name(name),
        "sha256": sha256,
        "bytes": size,
        "taken": state not in _REFUSED,
        "state": state,
        "reason": reason_item(reason),
        "kind": None,
        "encoding": None,
        "compression": None,
        "delimiter": None,
        "columns": [],
        "notes": [],
        "rows": {"read": rows.read if rows else 0, "rejected": rows.rejected if rows else 0, "unlabelled": 0},
        "rejected": [],
    }
