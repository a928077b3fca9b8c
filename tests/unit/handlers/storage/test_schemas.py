"""The schema in the ledger."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from handlers.domain.schema import Column, ColumnType, Role, Schema
from handlers.storage import schemas
from handlers.storage.ledger import Ledger, set_fact

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


def test_every_schema_is_kept_with_the_version_of_the_data_set_that_it_first_belonged_to(tmp_path: Path) -> None:
    later = replace(SCHEMA, version=3, columns=SCHEMA.columns[:1])
    with Ledger(tmp_path / "ledger.sqlite3").write() as connection:
        for version, schema in ((4, SCHEMA), (9, later)):
            set_fact(connection, "dataset_version", version)
            schemas.write(connection, schema)
        found = schemas.history(connection)
        assert [(one.dataset_version, one.schema) for one in found] == [(4, SCHEMA), (9, later)]
        as_of = {version: schemas.as_of(connection, version) for version in (3, 4, 8, 9, 99)}
    assert as_of == {3: Schema(), 4: SCHEMA, 8: SCHEMA, 9: later, 99: later}


def test_of_two_schemas_at_one_version_the_later_one_counts(tmp_path: Path) -> None:
    with Ledger(tmp_path / "ledger.sqlite3").write() as connection:
        schemas.write(connection, replace(SCHEMA, version=1))
        schemas.write(connection, SCHEMA)
        assert schemas.as_of(connection, 0) == SCHEMA
