"""How a ledger gets the tables that the program speaks of, and nothing else."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
import sqlalchemy
from sqlalchemy.schema import CreateIndex, CreateTable

from handlers.domain.schema import Column, ColumnType, Role, Schema
from handlers.storage import dataset, part_format, schemas, versions
from handlers.storage.corrections import Corrections
from handlers.storage.ledger import Ledger, LedgerError, set_fact
from handlers.storage.migrations import MIGRATIONS
from handlers.storage.tables import metadata


def described(path: Path) -> dict[str, object]:
    """Every column, index and foreign key of a database, as SQLite itself sees them."""
    engine = sqlalchemy.create_engine(f"sqlite:///{path}", poolclass=sqlalchemy.pool.NullPool)
    found: dict[str, object] = {}
    with engine.connect() as connection:
        tables = connection.exec_driver_sql("SELECT name, sql FROM sqlite_master WHERE type = 'table'").all()
        for table, sql in tables:
            indexes = connection.exec_driver_sql(f"PRAGMA index_list({table})").all()
            found[table] = {
                "columns": connection.exec_driver_sql(f"PRAGMA table_xinfo({table})").all(),
                "keys": connection.exec_driver_sql(f"PRAGMA foreign_key_list({table})").all(),
                "indexes": sorted(
                    (index[1], index[2], *connection.exec_driver_sql(f"PRAGMA index_info({index[1]})").all())
                    for index in indexes
                ),
                "without_rowid": "WITHOUT ROWID" in sql,
            }
    return found


def test_a_migrated_ledger_has_exactly_what_the_tables_say(tmp_path: Path) -> None:
    Ledger(tmp_path / "migrated").close()
    engine = sqlalchemy.create_engine(f"sqlite:///{tmp_path / 'declared'}", poolclass=sqlalchemy.pool.NullPool)
    with engine.begin() as connection:
        for table in metadata.sorted_tables:
            connection.execute(CreateTable(table))
            for index in table.indexes:
                connection.execute(CreateIndex(index))
    assert described(tmp_path / "migrated") == described(tmp_path / "declared")


def test_a_ledger_is_opened_again_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    ledger = Ledger(path)
    with ledger.write() as connection:
        set_fact(connection, "a", 1)
    ledger.close()
    before = described(path)
    Ledger(path).close()
    assert described(path) == before
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    connection.close()


def test_a_ledger_from_the_future_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    Ledger(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    connection.close()
    with pytest.raises(LedgerError, match="install the attritiond that wrote it"):
        Ledger(path)
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)
    connection.close()


@pytest.mark.parametrize(("version", "what"), [(0, "attritiond run"), (1, "attritiond run"), (99, "newer attritiond")])
def test_a_reader_says_when_the_ledger_is_not_of_its_version(tmp_path: Path, version: int, what: str) -> None:
    path = tmp_path / "ledger"
    Ledger(path).close()
    Ledger(path, read_only=True).require_current()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {version}")
    connection.close()
    with pytest.raises(LedgerError, match=what):
        Ledger(path, read_only=True).require_current()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_bytes(b"not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger(tmp_path / "ledger")


def test_a_ledger_from_before_parts_were_staged_keeps_its_rows_and_its_schema(tmp_path: Path) -> None:
    path = tmp_path / "ledger"
    table = pa.table({"corporation": ["a", "b"], "__file__": [1, 1], "__line__": [2, 3]})
    schema = Schema(3, (Column("corporation", ColumnType.TEXT, Role.ID),))
    size = part_format.write_parquet(tmp_path, "rows-00000001.parquet", table)
    part_format.write_parquet(tmp_path, "superseded-00000002.parquet", pa.table({"row": [0]}))
    connection = sqlite3.connect(path)
    for statement in MIGRATIONS[0]:
        connection.execute(statement)
    connection.executemany(
        "INSERT INTO parts (path, kind, first_row, rows, bytes, dataset_version) VALUES (?, ?, 0, ?, ?, ?)",
        [("rows-00000001.parquet", "rows", 2, size, 1), ("superseded-00000002.parquet", "superseded", 1, 1, 2)],
    )
    document = json.dumps(schemas.to_document(schema))
    connection.executemany("INSERT INTO facts VALUES (?, ?)", [("schema", document), ("dataset_version", "2")])
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    with Ledger(path).read() as read:
        assert schemas.read(read) == schema
        assert dataset.snapshot(read, tmp_path, schema)["corporation"].to_pylist() == ["b"]
        view = replace(versions.view(read, 1), last_file=1)
        assert view.schema == schema
        found = dataset.piece(read, tmp_path, view, Corrections(tmp_path, view), 0)
        assert found is not None
        assert found[0]["corporation"].to_pylist() == ["a", "b"]
