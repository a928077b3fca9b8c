"""The schema in the ledger."""

from __future__ import annotations

from pathlib import Path

from handlers.domain.schema import Column, ColumnType, Role, Schema
from handlers.storage import schemas
from handlers.storage.ledger import Ledger

SCHEMA = Schema(
    2,
    (Column("a", ColumnType.TEXT, Role.ID), Column("b", ColumnType.NUMBER, Role.FEATURE, optional=True, blank=True)),
    negative_label="No",
)


def test_the_schema_is_empty_at_first_and_read_back_as_it_was_written(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite3").write() as connection:
        assert schemas.read(connection) == Schema()
        schemas.write(connection, SCHEMA)
        assert schemas.read(connection) == SCHEMA


def test_a_settled_schema_stays_settled_whoever_writes_columns_afterwards(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite3").write() as connection:
        schemas.write(connection, SCHEMA)
        schemas.settle(connection)
        assert not schemas.read(connection).provisional
        schemas.write(connection, SCHEMA)
        assert not schemas.read(connection).provisional
