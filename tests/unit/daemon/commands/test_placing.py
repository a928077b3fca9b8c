"""Bringing files into the source folder: what is copied, what is not, and what is protected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from daemon.commands.placing import Placed, check_names, place_file
from handlers.domain.files import FileRecord, FileStamp, FileState, RowCounts
from handlers.storage import files
from handlers.storage.ledger import Ledger

AT = "2025-11-20T11:52:00.123Z"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(tmp_path / "ledger.sqlite3")
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "sourcedata"
    path.mkdir()
    return path


@pytest.fixture
def export(tmp_path: Path) -> Path:
    path = tmp_path / "clients.csv"
    path.write_text("a,b\n1,2\n")
    return path


def _take(ledger: Ledger, path: Path, state: FileState = FileState.INGESTED) -> None:
    with ledger.write() as connection:
        seq = files.next_seq(connection)
        record = FileRecord(seq, path.name, "0" * 64, state, None, (), RowCounts(), 0, 8, AT, AT, 0.1, 1)
        files.add_all(connection, [(record, FileStamp.of(path.stat()), True)])


def test_a_new_file_is_copied(folder: Path, export: Path, ledger: Ledger) -> None:
    placed = place_file(export, folder, ledger)
    assert (folder / "clients.csv").read_bytes() == export.read_bytes()
    assert placed.is_there(folder)
    (folder / "clients.csv").write_text("changed")
    assert not placed.is_there(folder)
    (folder / "clients.csv").unlink()
    assert not placed.is_there(folder)


def test_what_lies_there_already_is_not_copied(folder: Path, export: Path, ledger: Ledger) -> None:
    before = place_file(export, folder, ledger)
    assert place_file(folder / "clients.csv", folder, ledger).is_(before.stamp)
    assert place_file(export, folder, ledger).is_(before.stamp)


@pytest.mark.parametrize("state", [None, FileState.FAILED])
def test_a_file_that_waits_is_not_replaced(folder: Path, export: Path, ledger: Ledger, state: FileState | None) -> None:
    (folder / "clients.csv").write_text("somebody else's")
    if state is not None:
        _take(ledger, folder / "clients.csv", state)
    with pytest.raises(click.ClickException, match="has not been taken yet"):
        place_file(export, folder, ledger)
    assert (folder / "clients.csv").read_text() == "somebody else's"


def test_a_file_that_was_taken_is_replaced(folder: Path, export: Path, ledger: Ledger) -> None:
    (folder / "clients.csv").write_text("last month's")
    _take(ledger, folder / "clients.csv")
    place_file(export, folder, ledger)
    assert (folder / "clients.csv").read_bytes() == export.read_bytes()


def test_a_link_in_the_source_folder_is_not_written_through(
    folder: Path, export: Path, ledger: Ledger, tmp_path: Path
) -> None:
    (tmp_path / "target.csv").write_text("elsewhere")
    (folder / "clients.csv").symlink_to(tmp_path / "target.csv")
    with pytest.raises(click.ClickException, match="not a regular file"):
        place_file(export, folder, ledger)
    assert (tmp_path / "target.csv").read_text() == "elsewhere"


def test_names_that_would_not_be_taken_are_wrong_usage(tmp_path: Path) -> None:
    for name in ("notes.txt", ".hidden.csv", "half.csv.part"):
        (tmp_path / name).touch()
        with pytest.raises(click.UsageError, match=name):
            check_names([tmp_path / name])
    (tmp_path / "a.csv").touch()
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.csv").touch()
    check_names([tmp_path / "a.csv"])
    with pytest.raises(click.UsageError, match="more than once"):
        check_names([tmp_path / "a.csv", tmp_path / "b" / "a.csv"])


def test_a_name_that_is_not_utf_8_is_the_ledgers_name() -> None:
    assert Placed("caf\udce9.csv", FileStamp(1, 2, 3, 4, 5)).shown == r"caf\xe9.csv"
