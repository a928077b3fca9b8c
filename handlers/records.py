"""What the ledger holds, in the shapes that the API and the command line answer with. Newest first, page by page."""

from __future__ import annotations

from typing import Any, Generic, TypedDict, TypeVar

from handlers.domain.files import FileRecord, FileState, Reason
from handlers.domain.release import Release
from handlers.domain.schema import ColumnType, Role
from handlers.storage import decisions, files, models
from handlers.storage.decisions import DecisionRecord
from handlers.storage.ledger import PREQUENTIAL, Ledger, get_fact
from handlers.storage.models import ModelRecord

#: Releases in the history of scores.
HISTORY = 100

Item = TypeVar("Item")
Scores = dict[str, float | int | None]


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


class ModelItem(TypedDict):
    """A release. ``metrics``: of its recipe on held-out rows before the final refit."""

    version: int
    state: str
    provisional: bool
    estimator: str
    trained_rows: int
    dataset_version: int
    metrics: dict[str, Any]
    deployed_at: str


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


class ModelDetail(ModelItem):
    """A release, with the decision that made it where there was one."""

    decision: DecisionItem | None


class EvaluatedOn(TypedDict):
    """The rows behind the score: ``testdata``, or ``held_out`` rows of the data set."""

    what: str
    rows: int | None


class HistoryItem(TypedDict):
    """The held-out score of a release."""

    version: int
    f1: float | None
    deployed_at: str


class Scoring(TypedDict):
    """How good the current release is.

    ``metrics``: of its recipe on held-out rows; ``prequential``: over all rows scored before they were learned from.
    """

    model_version: int
    f1: float | None
    metrics: Scores
    evaluated_on: EvaluatedOn
    prequential: Scores | None
    test: Scores | None
    history: list[HistoryItem]


def files_page(ledger: Ledger, limit: int, cursor: int | None = None, state: FileState | None = None) -> Page[FileItem]:
    """Files in the order in which they were recorded; ``cursor`` is the number of the last one that was seen."""
    with ledger.read() as connection:
        found = files.page(connection, limit=limit + 1, before=cursor, state=state)
    return {"items": [file_item(record) for record in found[:limit]], "next": _next(found, limit, "seq")}


def models_page(ledger: Ledger, limit: int, cursor: int | None = None) -> Page[ModelItem]:
    """Releases by their version; ``cursor`` is the last version that was seen."""
    with ledger.read() as connection:
        found = models.page(connection, limit=limit + 1, before=cursor)
    return {"items": [model_item(record) for record in found[:limit]], "next": _next(found, limit, "version")}


def decisions_page(ledger: Ledger, limit: int, cursor: int | None = None) -> Page[DecisionItem]:
    """Decisions by their number; ``cursor`` is the last number that was seen."""
    with ledger.read() as connection:
        found = decisions.page(connection, limit=limit + 1, before=cursor)
    return {"items": [decision_item(record) for record in found[:limit]], "next": _next(found, limit, "id")}


def model(ledger: Ledger, version: int) -> ModelDetail | None:
    """One release, or None."""
    with ledger.read() as connection:
        record = models.find(connection, version)
        if record is None:
            return None
        made_by: list[DecisionRecord] = []
        if record.decision is not None:
            made_by = decisions.page(connection, limit=1, before=record.decision + 1)
    decision = made_by[0] if made_by and made_by[0].id == record.decision else None
    return {**model_item(record), "decision": None if decision is None else decision_item(decision)}


def scoring(ledger: Ledger, release: Release) -> Scoring:
    """How good a release is. ``f1`` is that of ``testdata`` where that exists, as in ``latestscore.txt``."""
    with ledger.read() as connection:
        prequential: Scores | None = get_fact(connection, PREQUENTIAL)
        history = models.page(connection, limit=HISTORY)
    what, measured = ("held_out", release.metrics) if release.test is None else ("testdata", release.test)
    rows = measured.get("rows")
    return {
        "model_version": release.version,
        "f1": measured.get("f1"),
        "metrics": dict(release.metrics),
        "evaluated_on": {"what": what, "rows": None if rows is None else int(rows)},
        "prequential": prequential,
        "test": None if release.test is None else dict(release.test),
        "history": [
            {"version": record.version, "f1": record.metrics.get("f1"), "deployed_at": record.deployed_at}
            for record in history
        ],
    }


def file_item(record: FileRecord) -> FileItem:
    """A file as the API shows it. Nothing is committed at an empty time."""
    rows = record.rows
    return {
        "name": record.name,
        "sha256": record.sha256,
        "state": record.state,
        "reason": reason_item(record.reason),
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


def reason_item(reason: Reason | None) -> FileReason | None:
    """A reason as the API shows it."""
    if reason is None:
        return None
    return {
        "code": reason.code,
        "detail": reason.detail,
        "lines": list(reason.lines),
        "what_to_do": reason.hint,
    }


def model_item(record: ModelRecord) -> ModelItem:
    """A release as the API shows it."""
    return {
        "version": record.version,
        "state": record.state,
        "provisional": record.provisional,
        "estimator": record.estimator,
        "trained_rows": record.trained_rows,
        "dataset_version": record.dataset_version,
        "metrics": record.metrics,
        "deployed_at": record.deployed_at,
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


def _next(found: list[Any], limit: int, key: str) -> str | None:
    """The cursor of what follows a page; one more than the page holds was asked for."""
    return str(getattr(found[limit - 1], key)) if len(found) > limit else None
