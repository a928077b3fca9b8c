"""Which parts are staged, that is, lie in the ledger and not in a file: what compaction asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from handlers.storage.parts import Part, PartKind, selected
from handlers.storage.tables import parts


@dataclass(frozen=True, slots=True)
class Staged:
    """How many parts are staged, and how many rows and bytes they have together."""

    parts: int
    rows: int
    size: int


def first(connection: Connection, kind: PartKind, limit: int) -> list[Part]:
    """The first ``limit`` staged parts of a kind, in the order of ``listed``."""
    return selected(connection, select(parts).where(parts.c.staged, parts.c.kind == kind).limit(limit))


def totals(connection: Connection, kind: PartKind) -> Staged:
    """What of a kind is staged."""
    counted = select(func.count(), func.total(parts.c.rows), func.total(parts.c.bytes))
    count, rows, size = connection.execute(counted.where(parts.c.staged, parts.c.kind == kind)).one()
    return Staged(int(count), int(rows), int(size))


def among(connection: Connection, numbers: Sequence[int]) -> int:
    """How many of the parts with these numbers are there and staged."""
    statement = select(func.count()).where(parts.c.staged, parts.c.id.in_(numbers))
    return int(connection.execute(statement).scalar_one())


def next_file(connection: Connection, after: Part) -> int | None:
    """The version of the first part of the same kind, recorded later, that is a file. None where there is none."""
    statement = select(func.min(parts.c.dataset_version)).where(
        parts.c.kind == after.kind, ~parts.c.staged, parts.c.dataset_version > after.dataset_version
    )
    found: int | None = connection.execute(statement).scalar_one()
    return found
