"""What need not be read again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from daemon.known_files import KnownFiles
from handlers.domain.files import FileRecord, FileStamp, FileState, RowCounts
from handlers.storage import files
from handlers.storage.ledger import Ledger

STAMP = FileStamp(1, 2, 3, 4, 5)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.sqlite3")
    yield opened
    opened.close()


def _add(ledger: Ledger, name: str, stamp: FileStamp, state: FileState = FileState.INGESTED) -> None:
    with ledger.write() as connection:
        seq = files.next_seq(connection)
        record = FileRecord(seq, name, str(seq), state, None, (), RowCounts(), 0, stamp.size, "", "", 0.0, 0)
        files.add_all(connection, [(record, stamp, True)])


def test_a_file_is_known_under_its_name_and_its_newest_stamp_only(ledger: Ledger) -> None:
    known = KnownFiles(ledger)
    newer = replace(STAMP, mtime_ns=9)
    _add(ledger, "a.csv", STAMP)
    assert not known("a.csv", STAMP)
    known.refresh()
    assert known("a.csv", STAMP)
    assert not known("b.csv", STAMP)
    assert not known("a.csv", newer)
    _add(ledger, "a.csv", newer)
    known.refresh()
    assert known("a.csv", newer)
    assert not known("a.csv", STAMP)


def test_a_name_that_is_not_utf_8_is_known_as_it_is_shown(ledger: Ledger) -> None:
    known = KnownFiles(ledger)
    _add(ledger, "kunde-\\xfc.csv", STAMP)
    known.refresh()
    assert known("kunde-\udcfc.csv", STAMP)


def test_a_failed_file_is_to_be_read_again(ledger: Ledger) -> None:
    known = KnownFiles(ledger)
    _add(ledger, "a.csv", STAMP, FileState.FAILED)
    known.refresh()
    assert not known("a.csv", STAMP)


def test_after_forgetting_only_what_the_ledger_says_now_is_known(ledger: Ledger) -> None:
    known = KnownFiles(ledger)
    _add(ledger, "a.csv", STAMP)
    _add(ledger, "b.csv", STAMP)
    known.refresh()
    with ledger.write() as connection:
        files.set_state(connection, 1, FileState.FAILED, None)
    known.refresh()
    assert known("a.csv", STAMP)
    known.forget()
    assert not known("a.csv", STAMP)
    assert known("b.csv", STAMP)
