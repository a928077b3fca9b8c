"""The ledger's record of every file that was ever seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, func, select, update

from handlers.domain.files import FileRecord, FileStamp, FileState, Reason, RowCounts
from handlers.storage.tables import files

_CHUNK = 10_000  # SQLite takes 32,766 parameters in a statement


STAMP = ("device", "inode", "size", "mtime_ns", "ctime_ns")
"""The columns of a stamp, in its order."""
ACCEPTED = (FileState.INGESTED, FileState.SCORED, FileState.WAITING, FileState.HELD)
"""The states of files whose rows are in the data set."""
_FIRST_WITH_CONTENT = "SELECT seq FROM files WHERE sha256 = ? AND state IN (?, ?, ?, ?) ORDER BY seq LIMIT 1"


def next_seq(connection: Connection) -> int:
    """The number of the next record. One process writes files, so nobody else takes it in between."""
    return int(connection.execute(select(func.coalesce(func.max(files.c.seq), 0))).scalar_one()) + 1


def add_all(connection: Connection, records: Sequence[tuple[FileRecord, FileStamp, bool]]) -> None:
    """Write new records, each under its own ``seq``, with its stamp and whether nothing follows its commit."""
    if records:
        values = [{"seq": record.seq, **_values(record, stamp), "published": done} for record, stamp, done in records]
        connection.execute(files.insert(), values)


def find_content(connection: Connection, sha256: str) -> FileRecord | None:
    """The accepted file that brought this content first. A refused one is read again: the settings may be others."""
    # Asked for every file: as text it costs a fifth of what it costs to build the statement.
    seq = connection.exec_driver_sql(_FIRST_WITH_CONTENT, (sha256, *ACCEPTED)).scalar_one_or_none()
    return None if seq is None else find_seq(connection, seq)


def find_seq(connection: Connection, seq: int) -> FileRecord:
    """The record with this number. Raises NoResultFound."""
    return _record(connection.execute(select(files).where(files.c.seq == seq)).one())


def newest_under(connection: Connection, name: str) -> tuple[FileRecord, FileStamp] | None:
    """The newest record under a name, and the stamp that the file had then."""
    row = connection.execute(select(files).where(files.c.name == name).order_by(files.c.seq.desc()).limit(1)).first()
    return None if row is None else (_record(row), _stamp(row))


def refused_as(connection: Connection, prefix: str) -> list[FileRecord]:
    """The newest quarantined record of each content whose SHA-256 begins like this (hexadecimal, lower case)."""
    newest = select(func.max(files.c.seq)).where(
        files.c.sha256 >= prefix,
        files.c.sha256 < prefix + "g",  # what follows every hexadecimal digit
        files.c.state == FileState.QUARANTINED,
    )
    return _records(connection, select(files).where(files.c.seq.in_(newest.group_by(files.c.sha256))))


def newest_of(connection: Connection, sha256: str) -> FileRecord | None:
    """The newest record of a content."""
    statement = select(files).where(files.c.sha256 == sha256).order_by(files.c.seq.desc()).limit(1)
    row = connection.execute(statement).one_or_none()
    return None if row is None else _record(row)


def quarantined_among(connection: Connection, contents: Sequence[str]) -> set[str]:
    """Those of these contents (SHA-256) that were refused and on which something is still to be done."""
    found: set[str] = set()
    for begin in range(0, len(contents), _CHUNK):
        chunk = files.c.sha256.in_(contents[begin : begin + _CHUNK])
        found.update(connection.scalars(select(files.c.sha256).where(chunk, files.c.state == FileState.QUARANTINED)))
    return found


def refused_before(connection: Connection, later: Sequence[FileRecord]) -> list[tuple[FileRecord, FileRecord]]:
    """The quarantined records that one of these later ones of the same content has answered, each with its answer.

    That is one whose rows were taken, or one that was refused under the same name again.
    """
    refused = {record.sha256: record for record in later if record.state is FileState.QUARANTINED}
    answers = refused | {record.sha256: record for record in later if record.state in ACCEPTED}
    contents = [sha256 for sha256 in answers if sha256 is not None]
    found: list[FileRecord] = []
    for begin in range(0, len(contents), _CHUNK):
        chunk = files.c.sha256.in_(contents[begin : begin + _CHUNK])
        found += _records(connection, select(files).where(chunk, files.c.state == FileState.QUARANTINED))
    pairs = [(record, answers[record.sha256]) for record in found]
    return [
        (record, answer)
        for record, answer in pairs
        if record.seq < answer.seq and (answer.state in ACCEPTED or answer.name == record.name)
    ]


def is_known(connection: Connection, name: str, stamp: FileStamp) -> bool:
    """Has exactly this file been taken? Spares the rehash of what lies in the folder; identifies nothing."""
    known = newest_under(connection, name)
    return known is not None and known[1] == stamp and known[0].state is not FileState.FAILED


def restamp(connection: Connection, seq: int, stamp: FileStamp) -> None:
    """The same content in the same file, with other times: only the stamp is new."""
    values = {"device": stamp.device, "inode": stamp.inode, "mtime_ns": stamp.mtime_ns, "ctime_ns": stamp.ctime_ns}
    connection.execute(update(files).where(files.c.seq == seq).values(**values))


def set_state(connection: Connection, seq: int, state: FileState, reason: Reason | None) -> None:
    """Move a file to another state, with its reason."""
    values = {"state": state, "reason": _reason(reason)}
    connection.execute(update(files).where(files.c.seq == seq).values(**values))


def set_published(connection: Connection, seqs: Sequence[int]) -> None:
    """What follows the commit (predictions, archive) has been done for these."""
    for begin in range(0, len(seqs), _CHUNK):
        chunk = seqs[begin : begin + _CHUNK]
        connection.execute(update(files).where(files.c.seq.in_(chunk)).values(published=True))


def set_unpublished(connection: Connection, seq: int) -> None:
    """Its predictions are to be written anew."""
    connection.execute(update(files).where(files.c.seq == seq).values(published=False))


def unpublished(connection: Connection) -> list[FileRecord]:
    """Files whose commit has not been followed up yet, in their order."""
    return _records(connection, select(files).where(files.c.published.is_(False)).order_by(files.c.seq))


def are_followed_up(connection: Connection, seqs: Collection[int]) -> bool:
    """Whether what follows the commits of these files is done: older records of their contents are answered, too."""
    pending = connection.scalars(select(files.c.seq).where(files.c.published.is_(False)))
    return set(seqs).isdisjoint(pending)


def page(connection: Connection, *, limit: int, before: int | None, state: FileState | None = None) -> list[FileRecord]:
    """Newest first, at most ``limit``, older than ``before``."""
    statement = select(files).order_by(files.c.seq.desc()).limit(limit)
    if before is not None:
        statement = statement.where(files.c.seq < before)
    if state is not None:
        statement = statement.where(files.c.state == state)
    return _records(connection, statement)


def counts(connection: Connection) -> dict[str, int]:
    """How many files are in each state."""
    rows = connection.execute(select(files.c.state, func.count()).group_by(files.c.state))
    return {row[0]: row[1] for row in rows}


def newest_arrival(connection: Connection) -> str | None:
    """When the newest file whose rows are in the data set was committed, ISO 8601 UTC; None before the first."""
    wanted = select(files.c.committed_at).where(files.c.state.in_(ACCEPTED)).order_by(files.c.seq.desc()).limit(1)
    return connection.execute(wanted).scalar_one_or_none()


def accepted_names(connection: Connection) -> list[str]:
    """The names whose rows are in the data set, in the order in which they came."""
    return list(connection.scalars(select(files.c.name).where(files.c.state.in_(ACCEPTED)).order_by(files.c.seq)))


def names(connection: Connection, seqs: Sequence[int]) -> tuple[str, ...]:
    """The names of these files, in the order in which they came."""
    statement = select(files.c.name).where(files.c.seq.in_(seqs)).order_by(files.c.seq)
    return tuple(connection.scalars(statement))


def accepted(connection: Connection) -> list[tuple[FileRecord, FileStamp]]:
    """Every file whose rows are in the data set, with the stamp that it had, in the order in which they came."""
    rows = connection.execute(select(files).where(files.c.state.in_(ACCEPTED)).order_by(files.c.seq))
    return [(_record(row), _stamp(row)) for row in rows]


def stamps_since(connection: Connection, seq: int) -> list[tuple[int, str, FileStamp]]:
    """Number, name and stamp of every record after ``seq`` that need not be read again, in their order."""
    wanted = select(files.c.seq, files.c.name, *(files.c[field] for field in STAMP))
    statement = wanted.where(files.c.seq > seq, files.c.state != FileState.FAILED).order_by(files.c.seq)
    return [(number, name, FileStamp(*stamp)) for number, name, *stamp in connection.execute(statement)]


def _records(connection: Connection, statement: Select[Any]) -> list[FileRecord]:
    return [_record(row) for row in connection.execute(statement)]


def _values(record: FileRecord, stamp: FileStamp) -> dict[str, Any]:
    return {
        "name": record.name,
        "sha256": record.sha256,
        "state": record.state,
        "reason": _reason(record.reason),
        "notes": list(record.notes),
        "rows_read": record.rows.read,
        "rows_ingested": record.rows.ingested,
        "rows_duplicate": record.rows.duplicate,
        "rows_rejected": record.rows.rejected,
        "unlabelled": record.unlabelled,
        "size": stamp.size,
        "seen_at": record.seen_at,
        "committed_at": record.committed_at,
        "seconds": record.seconds,
        "dataset_version": record.dataset_version,
        "device": stamp.device,
        "inode": stamp.inode,
        "mtime_ns": stamp.mtime_ns,
        "ctime_ns": stamp.ctime_ns,
    }


def _reason(reason: Reason | None) -> dict[str, Any] | None:
    """As it is stored: its counts are the record's."""
    if reason is None:
        return None
    return {"code": reason.code, "detail": reason.detail, "hint": reason.hint, "lines": list(reason.lines)}


def _stamp(row: Row[Any]) -> FileStamp:
    return FileStamp(row.device, row.inode, row.size, row.mtime_ns, row.ctime_ns)


def _record(row: Row[Any]) -> FileRecord:
    reason = row.reason
    if reason is not None:
        reason = Reason(reason["code"], reason["detail"], reason["hint"], tuple(reason["lines"]))
    return FileRecord(
        seq=row.seq,
        name=row.name,
        sha256=row.sha256,
        state=FileState(row.state),
        reason=reason,
        notes=tuple(row.notes),
        rows=RowCounts(row.rows_read, row.rows_ingested, row.rows_duplicate, row.rows_rejected),
        unlabelled=row.unlabelled,
        size=row.size,
        seen_at=row.seen_at,
        committed_at=row.committed_at,
        seconds=row.seconds,
        dataset_version=row.dataset_version,
    )
