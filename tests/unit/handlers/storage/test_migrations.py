"""How a ledger gets the tables that the program speaks of, and nothing else."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
import sqlalchemy
from sqlalchemy.schema import CreateIndex, CreateTable

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


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_bytes(b"not a database, but long enough to be looked at as one" * 20)
    with pytest.raises(LedgerError, match="cannot be opened"):
        Ledger(tmp_path / "ledger")
