"""The index of the rows that are there already."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from handlers.storage.ledger import Ledger
from handlers.storage.row_index import RowIndex


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite3")


def hashes(*numbers: int) -> np.ndarray:
    """Two lanes that both matter."""
    return np.array([[number, 2**64 - 1 - number] for number in numbers], dtype=np.uint64).reshape(-1, 2)


def commit(ledger: Ledger, keys: np.ndarray, rows: list[int]) -> None:
    with ledger.write() as connection:
        index = RowIndex(connection)
        index.put(keys, np.array(rows, dtype=np.int64))
        index.write(connection)


def find(ledger: Ledger, keys: np.ndarray) -> list[int]:
    with ledger.read() as connection:
        return RowIndex(connection).find(keys).tolist()


def test_a_committed_hash_is_found_with_its_row_and_another_is_not(ledger: Ledger) -> None:
    commit(ledger, hashes(5, 6), [50, 60])
    assert find(ledger, hashes(6, 7, 5, 6)) == [60, -1, 50, 60]
    assert find(ledger, np.array([[5, 6]], dtype=np.uint64)) == [-1]


def test_nothing_is_found_of_nothing(ledger: Ledger) -> None:
    commit(ledger, hashes(), [])
    assert find(ledger, hashes()) == []
    assert find(ledger, hashes(1)) == [-1]


def test_what_is_pending_is_found_before_the_commit_and_only_by_its_own_group(ledger: Ledger) -> None:
    with ledger.read() as connection:
        index = RowIndex(connection)
        index.put(hashes(1), np.array([10]))
        assert index.find(hashes(1, 2)).tolist() == [10, -1]
    assert find(ledger, hashes(1)) == [-1]


def test_a_hash_that_is_put_again_gets_its_new_row(ledger: Ledger) -> None:
    commit(ledger, hashes(1, 2), [10, 20])
    commit(ledger, hashes(1), [30])
    assert find(ledger, hashes(1, 2)) == [30, 20]


def test_more_hashes_than_a_statement_holds_are_found(ledger: Ledger) -> None:
    keys = hashes(*range(40_000))
    commit(ledger, keys[::2], list(range(0, 40_000, 2)))
    found = np.array(find(ledger, keys))
    assert (found[::2] == np.arange(0, 40_000, 2)).all()
    assert (found[1::2] == -1).all()
