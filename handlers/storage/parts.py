"""The data set's immutable parts: prepared first, then recorded in the ledger, whose commit makes them true.

A large part is a Parquet file, written and synced before it is recorded. A small one is an Arrow stream inside the
ledger's own transaction (*staged*): one fsync instead of three. Compaction makes Parquet files of many staged parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, delete, func, select

from handlers.storage import part_format
from handlers.storage.tables import parts, staged

if TYPE_CHECKING:
    import pyarrow as pa

STAGED_BYTES = 1024 * 1024
"""A part of at most so many bytes in memory is staged: some 10,000 rows of nine columns, see ADR 10."""

_BLOBS_AT_ONCE, _BLOB_BYTES_AT_ONCE = 256, 16 * STAGED_BYTES
"""So many staged parts, of so many bytes together, are fetched by one statement."""

_OWNERS_AT_ONCE = 10_000


class PartKind(StrEnum):
    """``rows``: the rows themselves. ``labels``: (row, label, file) that came later. ``superseded``: rows that a
    later one with the same key replaced, and the file of that one. ``scores``: what the champion said of a block
    before it was learned from. ``ranked``: what a model said of a file's unlabelled rows."""

    ROWS = "rows"
    LABELS = "labels"
    SUPERSEDED = "superseded"
    SCORES = "scores"
    RANKED = "ranked"


@dataclass(frozen=True, slots=True)
class Part:
    """A part. ``path``: its unique name, which is that of its file unless it is ``staged``. ``size``: bytes of the
    file or of the stream. ``first_row``: the number in the data set of its first row (kind ``rows`` only).

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
    staged: bool = False

    @property
    def end_row(self) -> int:
        """The number after its last row's (kind ``rows`` only)."""
        return self.first_row + self.rows


@dataclass(frozen=True, slots=True)
class Prepared:
    """A part that can be recorded: its file is there to stay, or ``data`` is the Arrow stream to be staged."""

    part: Part
    data: pa.Buffer | None = None

    def table(self, folder: Path) -> pa.Table:
        """What it holds, whether it has been recorded or not."""
        if self.data is not None:
            return part_format.from_stream(self.data)
        return part_format.read_parquet(folder / self.part.path)


def prepare(folder: Path, part: Part, table: pa.Table) -> Prepared:
    """Make ready to record: a small table in memory, a large one as a synced Parquet file.

    ``part``: its path has no ending yet; rows, size and ``staged`` are filled in. Raises OSError. A file that is
    never recorded is rubbish, which the next start sweeps.
    """
    if table.nbytes <= STAGED_BYTES:
        data = part_format.to_stream(table)
        return Prepared(replace(part, rows=table.num_rows, size=data.size, staged=True), data)
    return prepare_file(folder, part, table)


def prepare_file(folder: Path, part: Part, table: pa.Table) -> Prepared:
    """The same as a Parquet file, however small the table is."""
    path = f"{part.path}.parquet"
    size = part_format.write_parquet(folder, path, table)
    return Prepared(replace(part, path=path, rows=table.num_rows, size=size, staged=False))


class Growing:
    """A part that is made piece by piece, so that nobody holds all of it. It becomes a Parquet file."""

    def __init__(self, folder: Path, part: Part, first: pa.Table) -> None:
        """``part``: its path without an ending; ``first``: the first piece. Raises OSError."""
        self._part = replace(part, path=f"{part.path}.parquet")
        self._file = part_format.ParquetFile(folder, self._part.path, first)
        self._rows = first.num_rows

    def add(self, table: pa.Table) -> None:
        """The next piece, of the same schema. Raises OSError."""
        self._file.add(table)
        self._rows += table.num_rows

    def finish(self) -> Prepared:
        """Make it ready to record. Raises OSError."""
        size = self._file.finish()
        return Prepared(replace(self._part, rows=self._rows, size=size, staged=False))


def record(connection: Connection, prepared: Prepared) -> int:
    """Record a prepared part inside the caller's transaction (its ``id`` is given by the ledger and returned)."""
    part, data = prepared.part, prepared.data
    values = {
        "path": part.path,
        "kind": part.kind,
        "first_row": part.first_row,
        "owner": part.owner,
        "model": part.model,
        "rows": part.rows,
        "bytes": part.size,
        "dataset_version": part.dataset_version,
        "staged": data is not None,
    }
    result = connection.execute(parts.insert().values(**values))
    number = int(result.inserted_primary_key[0])  # type: ignore[index]  # an insert of one row always has one
    if data is not None:
        # Not through SQLAlchemy's binary type, which would copy it.
        connection.exec_driver_sql("INSERT INTO staged (part, data) VALUES (?, ?)", (number, memoryview(data)))
    return number


def replace_ranked(connection: Connection, prepared: Prepared) -> int:
    """Record a ranked part; what the same release said of the same file before is forgotten."""
    part = prepared.part
    same = (parts.c.kind == PartKind.RANKED, parts.c.owner == part.owner, parts.c.model == part.model)
    connection.execute(delete(parts).where(*same))
    return record(connection, prepared)


def forget(connection: Connection, numbers: Sequence[int]) -> None:
    """Take parts out of the ledger, staged ones with what they hold. Nothing may refer to them any more."""
    connection.execute(delete(parts).where(parts.c.id.in_(numbers)))


def end_of_rows(connection: Connection) -> int:
    """The number that the next row gets. The last part is found by the index, however many there are."""
    statement = select(parts.c.first_row + parts.c.rows).where(parts.c.kind == PartKind.ROWS)
    return int(connection.execute(statement.order_by(parts.c.first_row.desc()).limit(1)).scalar_one_or_none() or 0)


def exists(connection: Connection, kind: PartKind) -> bool:
    """Is there any part of this kind?"""
    return connection.execute(select(parts.c.id).where(parts.c.kind == kind).limit(1)).first() is not None


def total(connection: Connection, kind: PartKind) -> int:
    """How many rows the parts of a kind have together."""
    statement = select(func.coalesce(func.sum(parts.c.rows), 0)).where(parts.c.kind == kind)
    return int(connection.execute(statement).scalar_one())


def listed(connection: Connection, *kinds: PartKind) -> list[Part]:
    """The parts of these kinds: those of rows in the order of the rows, others in that of their commits."""
    return selected(connection, select(parts).where(parts.c.kind.in_(kinds)))


def owned(connection: Connection, kind: PartKind, owners: Sequence[int]) -> list[Part]:
    """The parts of a kind that belong to these files or decisions, in the order of ``listed``."""
    found = []
    for begin in range(0, len(owners), _OWNERS_AT_ONCE):
        some = list(owners[begin : begin + _OWNERS_AT_ONCE])
        found += selected(connection, select(parts).where(parts.c.kind == kind, parts.c.owner.in_(some)))
    return found


def selected(connection: Connection, statement: Select[Any]) -> list[Part]:
    """The parts that a statement finds, in the order of ``listed``."""
    ordered = statement.order_by(parts.c.first_row, parts.c.dataset_version, parts.c.id)
    return [_part(row) for row in connection.execute(ordered)]


def rows_between(connection: Connection, first: int, end: int) -> list[Part]:
    """The parts that hold rows with the numbers from ``first`` to before ``end``, in their order."""
    before = select(func.max(parts.c.first_row)).where(parts.c.kind == PartKind.ROWS, parts.c.first_row <= first)
    start = connection.execute(before).scalar_one()
    statement = select(parts).where(parts.c.kind == PartKind.ROWS, parts.c.first_row < end)
    return selected(connection, statement.where(parts.c.first_row >= (first if start is None else start)))


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


def read(connection: Connection, folder: Path, part: Part, columns: Sequence[str] | None = None) -> pa.Table:
    """A part's table, or those of the named columns that it has. In the transaction that has told of the part."""
    return next(table for _, table in read_all(connection, folder, [part], columns))


def read_all(
    connection: Connection, folder: Path, chosen: Iterable[Part], columns: Sequence[str] | None = None
) -> Iterator[tuple[Part, pa.Table]]:
    """Each part and its table as ``read`` gives it, in the order given; one statement fetches many staged ones."""
    for is_staged, run in groupby(chosen, key=lambda part: part.staged):
        if is_staged:
            for batch in _batches(run):
                blobs = _blobs(connection, [part.id for part in batch])
                for part in batch:
                    yield part, part_format.from_stream(blobs.pop(part.id), columns)
        else:
            for part in run:
                yield part, part_format.read_parquet(folder / part.path, columns)


def batches(
    connection: Connection, folder: Path, part: Part, columns: Sequence[str] | None = None
) -> Iterator[pa.Table]:
    """The same, piece by piece: memory does not grow with the part."""
    if part.staged:
        yield read(connection, folder, part, columns)
    else:
        yield from part_format.parquet_groups(folder / part.path, columns)


def read_from(folder: Path, part: Part, place: int, columns: Sequence[str] | None = None) -> pa.Table:
    """The rows of a Parquet part from a place (the first is 0) on: as many as its row group has left."""
    return part_format.read_parquet_from(folder / part.path, place, columns)


def take_all(
    connection: Connection,
    folder: Path,
    chosen: Sequence[tuple[Part, NDArray[np.int64]]],
    columns: Sequence[str] | None = None,
) -> Iterator[pa.Table]:
    """Of each part the rows at these places (int64[n], n > 0; the first is 0), in the order given."""
    import pyarrow as pa

    blobs = read_all(connection, folder, [part for part, _ in chosen if part.staged], columns)
    for part, places in chosen:
        if part.staged:
            yield next(blobs)[1].take(pa.array(places))
        else:
            yield part_format.take_parquet(folder / part.path, places, columns)


def sweep(connection: Connection, folder: Path) -> list[str]:
    """Remove what a killed process left: files that no ledger row names. Returns their names."""
    if not folder.exists():
        return []
    known = set(connection.scalars(select(parts.c.path).where(~parts.c.staged)))
    rubbish = sorted(entry.name for entry in folder.iterdir() if entry.name not in known and not entry.is_dir())
    for name in rubbish:
        (folder / name).unlink(missing_ok=True)
    return rubbish


def _batches(run: Iterable[Part]) -> Iterator[list[Part]]:
    batch: list[Part] = []
    size = 0
    for part in run:
        if batch and (len(batch) == _BLOBS_AT_ONCE or size + part.size > _BLOB_BYTES_AT_ONCE):
            yield batch
            batch, size = [], 0
        batch.append(part)
        size += part.size
    if batch:
        yield batch


def _blobs(connection: Connection, numbers: list[int]) -> dict[int, bytes]:
    found = connection.execute(select(staged).where(staged.c.part.in_(numbers)))
    return {row.part: row.data for row in found}


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
        staged=row.staged,
    )
