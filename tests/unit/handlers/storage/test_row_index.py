"""The index of the rows that are there already: a dictionary whose truth is the ledger's commit."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.storage import dataset_reset, row_index
from handlers.storage.index_runs import IndexDamaged
from handlers.storage.ledger import Ledger, set_fact
from handlers.storage.migrations import MIGRATIONS
from handlers.storage.row_index import RowIndex
from tests.unit.handlers.domain.hash_bytes import hash_bytes
from tests.unit.handlers.storage.index_pieces import hashes, pair

ALL = list(range(50))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.sqlite3")
    with ledger.write() as connection:
        set_fact(connection, "row_hash_key", 99)
    yield ledger
    ledger.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "index"


@pytest.fixture
def small_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run of ten hashes is a large one."""
    monkeypatch.setattr(row_index, "FILE_ROWS", 10)


def opened(ledger: Ledger, folder: Path) -> RowIndex:
    index = RowIndex(folder)
    follow(index, ledger)
    return index


def follow(index: RowIndex, ledger: Ledger) -> None:
    with ledger.read() as connection:
        index.follow(connection)


def put(index: RowIndex, entries: dict[int, int]) -> None:
    kept = np.ones(len(entries), dtype=bool)
    index.put(hashes(entries), kept, np.array(list(entries.values()), dtype=np.int64))


def commit(index: RowIndex, ledger: Ledger, entries: dict[int, int]) -> None:
    follow(index, ledger)
    put(index, entries)
    index.prepare()
    with ledger.write() as connection:
        index.record(connection)


def fail(index: RowIndex, ledger: Ledger) -> None:
    """A transaction that is rolled back after the index was recorded in it."""
    with ledger.write() as connection:
        index.record(connection)
        connection.rollback()


def find(index: RowIndex, numbers: list[int]) -> list[int]:
    return index.find(hashes(numbers)).tolist()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


def enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two runs are enough to be merged."""
    monkeypatch.setattr(row_index, "_MERGED_BLOBS", 2)
    monkeypatch.setattr(row_index, "_MERGED_FILES", 2)


def test_a_committed_hash_is_found_with_its_row_and_another_is_not(ledger: Ledger, folder: Path) -> None:
    index = opened(ledger, folder)
    commit(index, ledger, {5: 50, 6: 60})
    follow(index, ledger)
    for one in (index, opened(ledger, folder)):
        assert find(one, [6, 7, 5, 6]) == [60, -1, 50, 60]
        assert find(one, []) == []
    assert names(folder) == set()


def test_an_empty_index_finds_nothing(ledger: Ledger, folder: Path) -> None:
    index = opened(ledger, folder)
    commit(index, ledger, {})
    follow(index, ledger)
    assert find(index, [1]) == [-1]
    assert index.merge(ledger) is None
    with ledger.read() as connection:
        assert index.sweep(connection) == []


def test_what_is_pending_is_found_before_the_commit_and_forgotten_without_it(ledger: Ledger, folder: Path) -> None:
    index = opened(ledger, folder)
    put(index, {1: 10})
    assert find(index, [1, 2]) == [10, -1]
    assert find(opened(ledger, folder), [1]) == [-1]
    follow(index, ledger)
    assert find(index, [1]) == [-1]


def test_only_kept_rows_are_put_and_of_equal_ones_the_last(ledger: Ledger, folder: Path) -> None:
    index = opened(ledger, folder)
    kept = np.array([True, True, False, True, True, False])
    index.put(hashes([1, 2, 3, 1, 4, 1]), kept, np.array([10, 20, 30, 11, 40, 12]))
    assert find(index, [1, 2, 3, 4]) == [11, 20, -1, 40]
    index.put(hashes([7, 8]), np.array([False, False]), np.array([1, 2]))
    assert find(index, [7, 8]) == [-1, -1]


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("count", [3, 30])
def test_a_commit_that_fails_leaves_no_hash_and_no_file(ledger: Ledger, folder: Path, count: int) -> None:
    index = opened(ledger, folder)
    commit(index, ledger, {100: 1})
    follow(index, ledger)
    put(index, {number: number for number in range(count)})
    index.prepare()
    fail(index, ledger)
    assert find(index, [2]) == [2]
    follow(index, ledger)
    assert find(index, [2, 100]) == [-1, 1]
    assert names(folder) == set()
    commit(index, ledger, {2: 70})
    follow(index, ledger)
    assert find(index, [2]) == find(opened(ledger, folder), [2]) == [70]


@pytest.mark.usefixtures("small_files")
def test_large_runs_are_files_and_small_ones_between_them_are_not(ledger: Ledger, folder: Path) -> None:
    index = opened(ledger, folder)
    for first, count in ((0, 3), (3, 3), (10, 20), (6, 4), (30, 9)):
        put(index, {number: 1000 + number for number in range(first, first + count)})
    index.prepare()
    index.prepare()  # a file that is there is not written again
    with ledger.write() as connection:
        index.record(connection)
    follow(index, ledger)
    assert len(names(folder)) == 2
    with ledger.read() as connection:
        rows = connection.exec_driver_sql("SELECT rows, data IS NULL FROM index_runs ORDER BY id").all()
    assert rows == [(6, 0), (20, 1), (13, 1)]
    expected = [1000 + number if number < 39 else -1 for number in range(45)]
    assert find(index, list(range(45))) == find(opened(ledger, folder), list(range(45))) == expected


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["commit", "commit", "commit", "fail", "merge", "stop", "reopen", "forget"]),
        st.lists(st.dictionaries(st.sampled_from(ALL), st.integers(0, 10_000), max_size=14), max_size=3),
    ),
    max_size=14,
)


@settings(deadline=None, max_examples=60)
@given(STEPS)
def test_it_is_a_dictionary_whatever_happens(steps: list[tuple[str, list[dict[int, int]]]]) -> None:
    truth: dict[int, int] = {}
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_index, "FILE_ROWS", 8)
        enough(patch)
        ledger, folder = Ledger(Path(root) / "ledger"), Path(root) / "index"
        index = opened(ledger, folder)
        for step, groups in steps:
            follow(index, ledger)
            pending = dict(truth)
            for group in groups:
                put(index, group)
                pending.update(group)
            assert find(index, ALL) == [pending.get(number, -1) for number in ALL]
            if step in ("commit", "fail"):
                index.prepare()
                with ledger.write() as connection:
                    index.record(connection)
                    if step == "fail":
                        connection.rollback()
                truth = pending if step == "commit" else truth
            elif step in ("merge", "stop"):
                index.merge(ledger, lambda step=step: step == "stop")
            elif step == "reopen":
                index = opened(ledger, folder)
                with ledger.read() as connection:
                    index.sweep(connection)
            else:
                with ledger.write() as connection:
                    dataset_reset.forget(connection)
                truth = {}
            follow(index, ledger)
            assert find(index, ALL) == [truth.get(number, -1) for number in ALL]
        with ledger.read() as connection:
            named = set(connection.exec_driver_sql("SELECT name FROM index_runs WHERE data IS NULL").scalars())
            opened(ledger, folder).sweep(connection)
        assert names(folder) == named
        assert find(opened(ledger, folder), ALL) == [truth.get(number, -1) for number in ALL]
        ledger.close()


def test_many_small_commits_stay_few_runs_in_memory(ledger: Ledger, folder: Path) -> None:
    index = opened(ledger, folder)
    for number in range(300):
        commit(index, ledger, {3 * number: number, 3 * number + 1: number})
    follow(index, ledger)
    assert len(index._young) < 20
    assert find(index, list(range(900))) == [number // 3 if number % 3 < 2 else -1 for number in range(900)]


@pytest.mark.usefixtures("small_files")
def test_merging_takes_what_came_since_and_older_runs_that_are_not_much_larger(
    ledger: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enough(monkeypatch)
    index = opened(ledger, folder)
    sizes = []
    first = 0
    for count in (100, 100, 20, 20, 20, 20, 40, 60):
        commit(index, ledger, {number: number for number in range(first, first + count)})
        first += count
        done = index.merge(ledger)
        if done is not None:
            sizes.append((done.runs, done.rows))
            with ledger.read() as connection:
                assert names(folder) == set(connection.exec_driver_sql("SELECT name FROM index_runs").scalars())
            assert sum(path.stat().st_size for path in folder.iterdir()) >= done.bytes
    # The first two; 40 beside 200; the next 40 with those 40; then 100 are half as many as 200: all of them.
    assert sizes == [(2, 200), (2, 40), (3, 80), (4, 380)]
    assert index.merge(ledger) is None
    for one in (index, opened(ledger, folder)):
        assert find(one, list(range(first + 1))) == [*range(first), -1]


@pytest.mark.usefixtures("small_files")
def test_an_overdue_merge_does_not_ask_and_leaves_older_runs_alone(
    ledger: Ledger, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enough(monkeypatch)
    index = opened(ledger, folder)
    for number in range(7):
        commit(index, ledger, {20 * number + place: number for place in range(20)})
        assert index.merge(ledger, lambda: True) is None
    commit(index, ledger, {20 * 7 + place: 7 for place in range(20)})
    done = index.merge(ledger, lambda: True)
    assert done is not None
    assert (done.runs, done.rows) == (8, 160)
    assert find(index, list(range(161))) == [*(number // 20 for number in range(160)), -1]


def test_files_that_nobody_names_are_swept(ledger: Ledger, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("0123456789abcdef.run", "x.tmp"):
        (folder / name).write_bytes(b"rubbish")
    with ledger.read() as connection:
        assert RowIndex(folder).sweep(connection) == ["0123456789abcdef.run", "x.tmp"]
    assert names(folder) == set()


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("damage", ["gone", "short", "rows", "blob"])
def test_a_run_that_cannot_be_used_is_told_and_the_index_can_be_made_anew(
    ledger: Ledger, folder: Path, damage: str
) -> None:
    commit(opened(ledger, folder), ledger, {number: 100 + number for number in range(20)})
    commit(opened(ledger, folder), ledger, {1: 7})
    (file,) = folder.iterdir()
    if damage == "gone":
        file.unlink()
    elif damage == "short":
        file.write_bytes(file.read_bytes()[:-4])
    else:
        changes = {
            "rows": "UPDATE index_runs SET rows = 19 WHERE rows = 20",
            "blob": "UPDATE index_runs SET data = x'00'",
        }
        with ledger.write() as connection:
            connection.exec_driver_sql(changes[damage])
    index = RowIndex(folder)
    for _ in range(2):
        with pytest.raises(IndexDamaged, match="anew"):
            follow(index, ledger)
    index.rebuild(ledger, [(hashes(range(20)), np.arange(100, 120)), (hashes([1]), np.array([7]))])
    for one in (index, opened(ledger, folder)):
        assert find(one, [0, 1, 19, 20]) == [100, 7, 119, -1]
    assert len(names(folder)) == 1


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("count", [4, 25])
@pytest.mark.parametrize("merges", [False, True])
def test_the_hashes_of_an_older_ledger_are_taken_over(
    tmp_path: Path, folder: Path, count: int, *, merges: bool
) -> None:
    old = {number: 1000 + number for number in range(count)}
    keys = hash_bytes(np.array([pair(number) for number in old], dtype=np.uint64))
    with sqlite3.connect(tmp_path / "older") as older:
        for statement in MIGRATIONS[0]:
            older.execute(statement)
        older.execute("PRAGMA user_version = 1")
        older.executemany("INSERT INTO row_hashes VALUES (?, ?)", list(zip(keys, old.values(), strict=True)))
    older.close()
    ledger = Ledger(tmp_path / "older")
    index = opened(ledger, folder)
    follow(index, ledger)
    assert find(index, [0, 3, 30]) == [1000, 1003, -1]
    put(index, {30: 5})
    index.prepare()
    fail(index, ledger)
    follow(index, ledger)
    assert find(index, [0, 3, 30]) == [1000, 1003, -1]
    if merges:
        assert index.merge(ledger) is None
    else:
        commit(index, ledger, {3: 8, 31: 9})
    with ledger.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM row_hashes").scalar_one() == 0
    follow(index, ledger)
    for one in (index, opened(ledger, folder)):
        assert find(one, [0, 3, 30, 31]) == ([1000, 1003, -1, -1] if merges else [1000, 8, -1, 9])
    ledger.close()


def test_an_older_ledger_whose_rows_are_forgotten_leaves_nothing_behind(ledger: Ledger, folder: Path) -> None:
    (key,) = hash_bytes(np.array([pair(1)], dtype=np.uint64))
    with ledger.write() as connection:
        connection.exec_driver_sql("INSERT INTO row_hashes VALUES (?, 5)", (key,))
    index = opened(ledger, folder)
    assert find(index, [1]) == [5]
    with ledger.write() as connection:
        dataset_reset.forget(connection)
    follow(index, ledger)
    assert find(index, [1]) == [-1]
