"""The data set's immutable Parquet files: written and synced first, then recorded in the ledger."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import Connection, Row, delete, func, select

from handlers.storage.atomic import fsync_folder
from handlers.storage.tables import parts


class PartKind(StrEnum):
    """``rows``: the rows themselves. ``labels``: (row, label, file) that came later. ``superseded``: rows that a
    later one with the same key replaced. ``scores``: what the champion said of a block before it was learned from.
    ``ranked``: what a model said of a file's unlabelled rows."""

    ROWS = "rows"
    LABELS = "labels"
    SUPERSEDED = "superseded"
    SCORES = "scores"
    RANKED = "ranked"


@dataclass(frozen=True, slots=True)
class Part:
    """A recorded part. ``first_row`` is the number in the data set of its first row (kind ``rows`` only).

    ``owner``: the file that was ranked, or the decision whose rows were scored. ``model``: the release that said so;
    None in a ranked part whose file still waits for its first model (its probabilities are missing).
    """

    path: str
    kind: PartKind
    rows: int
    size: int
    dataset_version: int
    first_row: int = 0
    owner: int | None = None
    model: int | None = None
    id: int = 0


def write(folder: Path, name: str, table: pa.Table) -> int:
    """Write, sync and rename a part; return its size in bytes. Without a ledger row it is rubbish."""
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f"{name}.tmp"
    with temporary.open("wb") as stream:
        pq.write_table(table, stream, compression="zstd")
        stream.flush()
        os.fsync(stream.fileno())
        size = stream.tell()
    temporary.replace(folder / name)
    fsync_folder(folder)
    return size


def record(connection: Connection, part: Part) -> int:
    """Record a part (its ``id`` is given by the ledger and returned)."""
    values = {
        "path": part.path,
        "kind": part.kind,
        "first_row": part.first_row,
        "owner": part.owner,
        "model": part.model,
        "rows": part.rows,
        "bytes": part.size,
        "dataset_version": part.dataset_version,
    }
    result = connection.execute(parts.insert().values(**values))
    return int(result.inserted_primary_key[0])  # type: ignore[index]  # an insert of one row always has one


def replace_ranked(connection: Connection, part: Part) -> int:
    """Record a ranked part; what the same release said of the same file before is forgotten."""
    connection.execute(delete(parts).where(parts.c.path == part.path))
    return record(connection, part)


def end_of_rows(connection: Connection) -> int:
    """The number that the next row gets. The newest part is found by the index, however many there are."""
    statement = select(parts.c.first_row + parts.c.rows).where(parts.c.kind == PartKind.ROWS)
    return int(connection.execute(statement.order_by(parts.c.id.desc()).limit(1)).scalar_one_or_none() or 0)


def total(connection: Connection, kind: PartKind) -> int:
    """How many rows the parts of a kind have together."""
    statement = select(func.coalesce(func.sum(parts.c.rows), 0)).where(parts.c.kind == kind)
    return int(connection.execute(statement).scalar_one())


def listed(connection: Connection, *kinds: PartKind) -> list[Part]:
    """The parts of these kinds in the order in which they were recorded."""
    return [_part(row) for row in connection.execute(select(parts).where(parts.c.kind.in_(kinds)).order_by(parts.c.id))]


def newest_ranked(connection: Connection, file: int | None = None) -> Part | None:
    """What the newest model said of the newest unlabelled drop, or of one file. None before the first model."""
    statement = select(parts).where(parts.c.kind == PartKind.RANKED, parts.c.model.is_not(None))
    if file is not None:
        statement = statement.where(parts.c.owner == file)
    row = connection.execute(statement.order_by(parts.c.owner.desc(), parts.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else _part(row)


def unranked(connection: Connection) -> list[Part]:
    """Parts of unlabelled rows that no model has scored yet, in the order of their files."""
    scored = select(parts.c.owner).where(parts.c.kind == PartKind.RANKED, parts.c.model.is_not(None))
    statement = select(parts).where(
        parts.c.kind == PartKind.RANKED, parts.c.model.is_(None), parts.c.owner.not_in(scored)
    )
    return [_part(row) for row in connection.execute(statement.order_by(parts.c.owner))]


def read(folder: Path, part: Part, columns: list[str] | None = None) -> pa.Table:
    """A part's table, or those of the named columns that it has."""
    with pq.ParquetFile(folder / part.path) as file:
        if columns is not None:
            there = set(file.schema_arrow.names)
            columns = [name for name in columns if name in there]
        return file.read(columns=columns, use_threads=False)


def sweep(connection: Connection, folder: Path) -> list[str]:
    """Remove what a killed process left: parts that no ledger row names. Returns their names."""
    if not folder.exists():
        return []
    known = set(connection.scalars(select(parts.c.path)))
    rubbish = sorted(entry.name for entry in folder.iterdir() if entry.name not in known and not entry.is_dir())
    for name in rubbish:
        (folder / name).unlink(missing_ok=True)
    return rubbish


def _part(row: Row[Any]) -> Part:
    return Part(
        path=row.path,
        kind=PartKind(row.kind),
        rows=row.rows,
        size=row.bytes,
        dataset_version=row.dataset_version,
        first_row=row.first_row,
        owner=row.owner,
        model=row.model,
        id=row.id,
    )
