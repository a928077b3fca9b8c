"""What is said of the ledger and of the disk."""

from __future__ import annotations

import contextlib
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon import machine_checks
from daemon.machine_checks import LedgerCheck, SpaceCheck
from handlers.storage.ledger import BUSY_SECONDS
from tests.unit.daemon.test_probing import Clock
from tests.unit.server.small_house import House, empty_house


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = empty_house(tmp_path)
    yield made
    made.ledger.close()


@contextlib.contextmanager
def _locked(ledger: Path) -> Iterator[None]:
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


def test_a_ledger_that_can_be_written_is_no_problem_and_nothing_is_left_of_the_trial(house: House) -> None:
    before = sorted(path.name for path in house.workspace.dataset.iterdir())
    assert LedgerCheck(house.workspace.ledger).look() is None
    assert sorted(path.name for path in house.workspace.dataset.iterdir()) == before
    with house.ledger.write():  # the lock was given back
        pass


def test_a_ledger_that_others_write_to_is_told_only_after_our_own_writers_have_given_up(house: House) -> None:
    clock = Clock()
    check = LedgerCheck(house.workspace.ledger, clock=clock)
    with _locked(house.workspace.ledger):
        assert check.look() is None
        clock.now += BUSY_SECONDS - 1
        assert check.look() is None
        clock.now += 2
        told = check.look()
        assert told is not None
        assert "has been locked by another process for 31 s" in told
    assert check.look() is None
    with _locked(house.workspace.ledger):
        assert check.look() is None, "it is another lock"


def test_a_ledger_that_is_gone_is_told_by_its_path_and_heals(house: House, tmp_path: Path) -> None:
    check = LedgerCheck(house.workspace.ledger)
    house.workspace.dataset.rename(tmp_path / "away")
    told = check.look()
    assert told is not None
    assert f"The ledger {house.workspace.ledger} cannot be written: No such file or directory." in told
    (tmp_path / "away").rename(house.workspace.dataset)
    assert check.look() is None


def test_a_file_that_is_no_ledger_is_told(house: House) -> None:
    house.ledger.close()  # its log of changes goes with it
    house.workspace.ledger.write_bytes(b"no database" * 1000)
    told = LedgerCheck(house.workspace.ledger).look()
    assert told is not None
    assert "cannot be written: file is not a database" in told


def test_room_enough_is_no_problem_and_is_counted_by_folder(house: House) -> None:
    check = SpaceCheck(house.workspace, 0)
    assert check.look() is None
    assert set(check.free) == {"source", "output", "models", "production"}
    assert min(check.free.values()) > 0


def test_too_little_room_is_told_once_for_a_disk_with_the_bytes_and_the_folder(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine_checks, "free_bytes", lambda _folder: 1_000_000)
    told = SpaceCheck(house.workspace, 2_000_000).look()
    assert told == (
        f"The disk is nearly full: 1,000,000 bytes are left for {house.workspace.root}; "
        "wanted are 2,000,000 (engine.minimum_free_bytes). Free space there."
    )


def test_a_folder_that_is_gone_is_left_to_others_to_tell(house: House) -> None:
    shutil.rmtree(house.workspace.models)
    check = SpaceCheck(house.workspace, 0)
    assert check.look() is None
    assert set(check.free) == {"source", "output", "production"}
