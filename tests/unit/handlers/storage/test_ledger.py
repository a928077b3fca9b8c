"""Transactions: all of one or nothing, and a reader's snapshot never changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.storage.ledger import Ledger, LedgerError, get_fact, set_fact


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite3")


def read(ledger: Ledger, name: str) -> object:
    with ledger.read() as connection:
        return get_fact(connection, name)


def test_a_fact_is_read_back_replaced_and_has_a_default(ledger: Ledger) -> None:
    for value in (1, {"a": [1.5, None]}, "text", False):
        with ledger.write() as connection:
            set_fact(connection, "x", value)
        assert read(ledger, "x") == value
    with ledger.read() as connection:
        assert get_fact(connection, "absent", 7) == 7


def test_a_transaction_that_fails_leaves_nothing(ledger: Ledger) -> None:
    def fail() -> None:
        with ledger.write() as connection:
            set_fact(connection, "x", 1)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert read(ledger, "x") is None
    with ledger.write() as connection:
        set_fact(connection, "x", 2)
    assert read(ledger, "x") == 2


def test_a_reader_sees_one_state_and_does_not_wait_for_the_writer(ledger: Ledger) -> None:
    with ledger.write() as connection:
        set_fact(connection, "x", 1)
    with ledger.read() as reader:
        assert get_fact(reader, "x") == 1
        with ledger.write() as connection:
            set_fact(connection, "x", 2)
        assert get_fact(reader, "x") == 1
    assert read(ledger, "x") == 2


def test_another_process_opens_it_read_only_and_cannot_open_what_is_not_there(tmp_path: Path, ledger: Ledger) -> None:
    with ledger.write() as connection:
        set_fact(connection, "x", 1)
    assert read(Ledger(ledger.path, read_only=True), "x") == 1
    with pytest.raises(LedgerError, match="attritiond run"):
        Ledger(tmp_path / "absent", read_only=True)
    assert not (tmp_path / "absent").exists()


def test_a_commit_is_synced_to_the_disk(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() == "wal"
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar_one() == 1
