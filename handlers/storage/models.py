"""The ledger's record of every release, and which of them is current."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from handlers.storage.ledger import get_fact, set_fact
from handlers.storage.tables import models

CURRENT = "current_model"
PREVIOUS = "previous_model"


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """A release in the ledger. ``state`` is current, previous or retired."""

    version: int
    state: str
    provisional: bool
    estimator: str
    trained_rows: int
    dataset_version: int
    metrics: dict[str, Any]
    decision: int | None
    deployed_at: str


def add(connection: Connection, record: ModelRecord) -> None:
    """Record a release; ``set_current`` makes it the current one, in the same transaction."""
    connection.execute(
        models.insert().values(
            version=record.version,
            provisional=record.provisional,
            estimator=record.estimator,
            trained_rows=record.trained_rows,
            dataset_version=record.dataset_version,
            metrics=record.metrics,
            decision=record.decision,
            deployed_at=record.deployed_at,
            reported=False,
        )
    )


def set_current(connection: Connection, version: int) -> None:
    """Make a release the current one; the one that was is the previous one."""
    before = current(connection)
    if before != version:
        set_fact(connection, PREVIOUS, before)
        set_fact(connection, CURRENT, version)


def current(connection: Connection) -> int | None:
    """The version that is deployed, or None before the first."""
    version: int | None = get_fact(connection, CURRENT)
    return version


def previous(connection: Connection) -> int | None:
    """The version that was deployed before, or None."""
    version: int | None = get_fact(connection, PREVIOUS)
    return version


def next_version(connection: Connection) -> int:
    """One more than the newest version that was ever recorded."""
    return int(connection.execute(select(func.coalesce(func.max(models.c.version), 0))).scalar_one()) + 1


def find(connection: Connection, version: int) -> ModelRecord | None:
    """The release with this number."""
    row = connection.execute(select(models).where(models.c.version == version)).one_or_none()
    return None if row is None else _record(row, current(connection), previous(connection))


def page(connection: Connection, *, limit: int, before: int | None = None) -> list[ModelRecord]:
    """Newest first, at most ``limit``, older than ``before``."""
    statement = select(models).order_by(models.c.version.desc()).limit(limit)
    if before is not None:
        statement = statement.where(models.c.version < before)
    now, last = current(connection), previous(connection)
    return [_record(row, now, last) for row in connection.execute(statement)]


def unreported(connection: Connection) -> list[int]:
    """Releases whose report has not been written yet, oldest first."""
    return list(
        connection.scalars(select(models.c.version).where(models.c.reported.is_(False)).order_by(models.c.version))
    )


def set_reported(connection: Connection, version: int) -> None:
    """The report of this release is there."""
    connection.execute(update(models).where(models.c.version == version).values(reported=True))


def _record(row: Row[Any], now: int | None, last: int | None) -> ModelRecord:
    state = "current" if row.version == now else "previous" if row.version == last else "retired"
    return ModelRecord(
        version=row.version,
        state=state,
        provisional=row.provisional,
        estimator=row.estimator,
        trained_rows=row.trained_rows,
        dataset_version=row.dataset_version,
        metrics=row.metrics,
        decision=row.decision,
        deployed_at=row.deployed_at,
    )
