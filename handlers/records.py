"""What the ledger holds, in the shapes that the API and the command line answer with. Newest first, page by page."""

from __future__ import annotations

from typing import Any, Generic, TypedDict, TypeVar

from handlers.domain.files import FileRecord, FileState, Reason
from handlers.domain.schema import ColumnType, Role
from handlers.storage import decisions, files
from handlers.storage.decisions import DecisionRecord
from handlers.storage.ledger import Ledger

SHORT_SHA256 = 12
"""So many digits tell any files apart that one will ever see."""

Item = TypeVar("Item")


class Page(TypedDict, Generic[Item]):
    """A part of a list. ``next`` is the cursor of what follows, null at the end."""

    items: list[Item]
    next: str | None


class FileReason(TypedDict):
    """Why a file is where it is: a stable code, a sentence, the lines that show it (at most 20) and what to do."""

    code: str
    detail: str
    lines: list[int]
    what_to_do: str


class FileRows(TypedDict):
    """What became of a file's rows: read = ingested + duplicate + rejected, but not where it was refused for them."""

    read: int
    ingested: int
    duplicate: int
    rejected: int


class FileItem(TypedDict):
    """A file that was seen."""

    name: str
    sha256: str | None
    state: FileState
    reason: FileReason | None
    notes: list[str]
    rows: FileRows
    bytes: int
    seen_at: str
    committed_at: str | None
    seconds: float


class CheckedColumn(TypedDict):
    """A column of a file that was checked. ``new``: the data set does not have it yet."""

    name: str
    type: ColumnType
    role: Role
    new: bool


class CheckedRow(TypedDict):
    """A row that would be set aside: where, why, what stands there, and what to do about it."""

    line: int
    column: str
    code: str
    value: str
    what_to_do: str


class CheckedRows(TypedDict):
    """How many rows were read, how many of them would be set aside, and how many have no label."""

    read: int
    rejected: int
    unlabelled: int


class FileCheck(TypedDict):
    """What would happen to a file. ``taken``: it would not be refused.

    ``kind``: ``rows``, or ``labels`` for a file that labels rows which came earlier; like encoding, compression and
    delimiter it is null where the file was not read that far. ``rejected``: the first 20 of the rows to be set aside.
    """

    name: str
    sha256: str | None
    bytes: int
    taken: bool
    state: FileState
    reason: FileReason | None
    kind: str | None
    encoding: str | None
    compression: str | None
    delimiter: str | None
    columns: list[CheckedColumn]
    notes: list[str]
    rows: CheckedRows
    rejected: list[CheckedRow]


class DecisionItem(TypedDict):
    """A decision; ``verdict`` and ``sentence`` are null while it is being made. ``record`` has the evidence."""

    id: int
    kind: str
    periods: list[str]
    rows: int
    dataset_version: int
    started_at: str
    ended_at: str | None
    verdict: str | None
    sentence: str | None
    policy: str | None
    model_version: int | None
    record: dict[str, Any] | None


def files_page(ledger: Ledger, limit: int, cursor: int | None = None, state: FileState | None = None) -> Page[FileItem]:
    """Files in the order in which they were recorded; ``cursor`` is the number of the last one that was seen."""
    with ledger.read() as connection:
        found = files.page(connection, limit=limit + 1, before=cursor, state=state)
    return {"items": [file_item(record) for record in found[:limit]], "next": next_cursor(found, limit, "seq")}


def decisions_page(ledger: Ledger, limit: int, cursor: int | None = None) -> Page[DecisionItem]:
    """Decisions by their number; ``cursor`` is the last number that was seen."""
    with ledger.read() as connection:
        found = decisions.page(connection, limit=limit + 1, before=cursor)
    return {"items": [decision_item(record) for record in found[:limit]], "next": next_cursor(found, limit, "id")}


def file_item(record: FileRecord) -> FileItem:
    """A file as the API shows it. Nothing is committed at an empty time."""
    rows = record.rows
    return {
        "name": record.name,
        "sha256": record.sha256,
        "state": record.state,
        "reason": reason_item(record.reason, record.sha256),
        "notes": list(record.notes),
        "rows": {
            "read": rows.read,
            "ingested": rows.ingested,
            "duplicate": rows.duplicate,
            "rejected": rows.rejected,
        },
        "bytes": record.size,
        "seen_at": record.seen_at,
        "committed_at": record.committed_at or None,
        "seconds": record.seconds,
    }


def reason_item(reason: Reason | None, sha256: str | None = None) -> FileReason | None:
    """A reason as the API shows it; a command in it names the file by its ``sha256``."""
    if reason is None:
        return None
    return {
        "code": reason.code,
        "detail": reason.detail,
        "lines": list(reason.lines),
        "what_to_do": reason.hint.replace("SHA256", (sha256 or "SHA256")[:SHORT_SHA256]),
    }


def decision_item(record: DecisionRecord) -> DecisionItem:
    """A decision as the API shows it."""
    evidence = record.record or {}
    return {
        "id": record.id,
        "kind": record.kind,
        "periods": list(record.periods),
        "rows": record.rows,
        "dataset_version": record.dataset_version,
        "started_at": record.started_at,
        "ended_at": record.ended_at,
        "verdict": record.verdict,
        "sentence": evidence.get("sentence"),
        "policy": evidence.get("policy"),
        "model_version": evidence.get("model_version"),
        "record": record.record,
    }


def next_cursor(found: list[Any], limit: int, key: str) -> str | None:
    """The cursor of what follows a page; one more than the page holds was asked for."""
    return str(getattr(found[limit - 1], key)) if len(found) > limit else None
