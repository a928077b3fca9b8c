"""The ledger's record of files."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from handlers.domain.files import FileRecord, FileStamp, FileState, Reason, RowCounts
from handlers.storage import files
from handlers.storage.ledger import Ledger

STAMP = FileStamp(1, 2, 300, 4_000_000_000, 5_000_000_000)


def record(seq: int, state: FileState = FileState.INGESTED, name: str = "drop.csv", sha256: str = "ab") -> FileRecord:
    return FileRecord(
        seq=seq,
        name=name,
        sha256=sha256,
        state=state,
        reason=None,
        notes=(),
        rows=RowCounts(10, 7, 2, 1),
        unlabelled=0,
        size=STAMP.size,
        seen_at="2026-01-01T00:00:00.000Z",
        committed_at="2026-01-01T00:00:01.000Z",
        seconds=0.5,
        dataset_version=1,
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.sqlite3")


def add(ledger: Ledger, *records: FileRecord, stamp: FileStamp = STAMP, published: bool = True) -> None:
    with ledger.write() as connection:
        for one in records:
            files.add_all(connection, [(one, stamp, published)])


def test_a_record_comes_back_as_it_was_written(ledger: Ledger) -> None:
    reason = Reason("labels", "Three labels.", "Correct it.", (3, 9))
    written = replace(record(1), reason=reason, notes=("guessed: semicolons",), name="käse\\xff.csv", sha256=None)
    add(ledger, written)
    with ledger.read() as connection:
        assert files.find_seq(connection, 1) == written
        assert files.page(connection, limit=5, before=None) == [written]


def test_numbers_rise_by_one(ledger: Ledger) -> None:
    with ledger.read() as connection:
        assert files.next_seq(connection) == 1
    add(ledger, record(1), record(2))
    with ledger.read() as connection:
        assert files.next_seq(connection) == 3


def test_known_content_is_that_of_the_first_file_that_was_taken(ledger: Ledger) -> None:
    refused = [FileState.FAILED, FileState.QUARANTINED, FileState.IGNORED, FileState.DUPLICATE]
    add(ledger, *(record(seq, state) for seq, state in enumerate(refused, start=1)))
    with ledger.read() as connection:
        assert files.find_content(connection, "ab") is None
    add(ledger, record(5), record(6, FileState.DUPLICATE), record(7, FileState.SCORED), record(8, sha256="cd"))
    with ledger.read() as connection:
        found = files.find_content(connection, "ab")
        assert found is not None
        assert found.seq == 5
        assert files.find_content(connection, "ef") is None


@pytest.mark.parametrize("change", ["device", "inode", "size", "mtime_ns", "ctime_ns"])
def test_a_file_with_another_stamp_is_not_known(ledger: Ledger, change: str) -> None:
    add(ledger, record(1))
    with ledger.read() as connection:
        assert files.is_known(connection, "drop.csv", STAMP)
        assert not files.is_known(connection, "drop.csv", replace(STAMP, **{change: 77}))
        assert not files.is_known(connection, "other.csv", STAMP)


def test_a_file_that_failed_is_not_known_and_is_tried_again(ledger: Ledger) -> None:
    add(ledger, record(1, FileState.FAILED))
    with ledger.read() as connection:
        assert not files.is_known(connection, "drop.csv", STAMP)


def test_a_touched_file_is_known_by_its_new_stamp_alone(ledger: Ledger) -> None:
    touched = replace(STAMP, mtime_ns=6_000_000_000, ctime_ns=6_000_000_001)
    add(ledger, record(1))
    with ledger.write() as connection:
        files.restamp(connection, 1, touched)
        assert files.is_known(connection, "drop.csv", touched)
        assert not files.is_known(connection, "drop.csv", STAMP)


def test_every_file_of_a_large_group_can_be_marked_as_published(ledger: Ledger) -> None:
    with ledger.write() as connection:
        driver = connection.connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        for seq in range(1, 4):
            files.add_all(connection, [(record(seq), STAMP, False)])
        files.set_published(connection, [*range(2, 40_000)])
    with ledger.read() as connection:
        assert [one.seq for one in files.unpublished(connection)] == [1]


def test_pages_are_newest_first_and_of_one_state(ledger: Ledger) -> None:
    add(ledger, *(record(seq, FileState.SCORED if seq % 2 else FileState.INGESTED) for seq in range(1, 7)))
    with ledger.read() as connection:
        assert [one.seq for one in files.page(connection, limit=3, before=None)] == [6, 5, 4]
        assert [one.seq for one in files.page(connection, limit=3, before=4)] == [3, 2, 1]
        assert [one.seq for one in files.page(connection, limit=9, before=None, state=FileState.SCORED)] == [5, 3, 1]
        assert files.counts(connection) == {"ingested": 3, "scored": 3}


def test_a_new_state_and_its_reason_replace_the_old_ones(ledger: Ledger) -> None:
    add(ledger, record(1, FileState.WAITING), record(2, FileState.WAITING))
    with ledger.write() as connection:
        files.set_state(connection, 1, FileState.QUARANTINED, Reason("x", "y"))
        assert files.find_seq(connection, 1).state is FileState.QUARANTINED
        assert files.find_seq(connection, 1).reason == Reason("x", "y")
        assert files.find_seq(connection, 2).reason is None


def test_the_names_of_the_data_set_are_those_of_every_file_whose_rows_are_in_it(ledger: Ledger) -> None:
    add(ledger, *(record(seq, state, name=state) for seq, state in enumerate(FileState, start=1)))
    with ledger.read() as connection:
        assert files.accepted_names(connection) == ["waiting", "ingested", "scored", "held"]


def test_the_counts_of_a_refusal_are_the_records_own(ledger: Ledger) -> None:
    counts = RowCounts(10, rejected=4)
    reason = Reason("too_many_rejected", "4 of 10.", "Correct them.", (3,), counts)
    add(ledger, replace(record(1, FileState.QUARANTINED), reason=reason, rows=counts))
    with ledger.read() as connection:
        found = files.find_seq(connection, 1)
    assert found.rows == counts
    assert found.reason == replace(reason, rows=RowCounts())


def test_refused_files_are_found_by_the_beginning_of_their_hash(ledger: Ledger) -> None:
    refused = FileState.QUARANTINED
    add(
        ledger,
        record(1, refused, sha256="abcd"),
        record(2, refused, sha256="abff"),
        record(3, refused, "again.csv", sha256="abcd"),
        record(4, FileState.INGESTED, sha256="abee"),
        record(5, refused, sha256="acaa"),
    )
    with ledger.read() as connection:
        assert {one.seq for one in files.refused_as(connection, "ab")} == {2, 3}
        assert [one.seq for one in files.refused_as(connection, "abcd")] == [3]
        assert files.refused_as(connection, "abe") == []
        newest = files.newest_of(connection, "abcd")
        assert newest is not None
        assert newest.seq == 3
        assert files.newest_of(connection, "ffff") is None


@pytest.mark.parametrize(
    ("state", "name", "answered"),
    [
        (FileState.INGESTED, "other.csv", True),
        (FileState.WAITING, "drop.csv", True),
        (FileState.QUARANTINED, "drop.csv", True),
        (FileState.QUARANTINED, "other.csv", False),
        (FileState.FAILED, "drop.csv", False),
    ],
)
def test_a_refusal_is_answered_by_a_later_record_of_its_content(
    ledger: Ledger, state: FileState, name: str, answered: bool
) -> None:
    before = record(1, FileState.QUARANTINED)
    unrelated = record(2, FileState.QUARANTINED, sha256="ff")
    later = record(3, state, name)
    repeated = record(4, FileState.DUPLICATE)
    add(ledger, before, unrelated, later, repeated)
    with ledger.read() as connection:
        found = files.refused_before(connection, [later, repeated])
    assert found == ([(before, later)] if answered else [])
