"""Files that cannot be read, or not yet: no permission, gone, changed while they are read."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from handlers.domain.files import FileState
from handlers.storage import inbox
from tests.integration.inputs.case import GOOD, GOOD_ROWS, KNOWN, shows
from tests.workshop import Workshop

Happening = Callable[[], None]


@pytest.fixture
def shop(tmp_path: Path) -> Workshop:
    """A workspace that has taken ``KNOWN``."""
    made = Workshop(tmp_path)
    (made.workspace.source / "known.csv").write_bytes(KNOWN)
    made.ingest("known.csv")
    return made


def ingest_nothing(shop: Workshop, name: str) -> None:
    """Take a file of which nothing is to be recorded."""
    before = shop.files()
    with pytest.raises(AssertionError, match=f"no record of {name}"):
        shop.ingest(name)
    assert shop.files() == before


def at_read(monkeypatch: pytest.MonkeyPatch, number: int, happening: Happening) -> list[int]:
    """Let something happen right after a file was read for the so-many-th time; returns the reads so far."""
    reads: list[int] = []
    pread = os.pread

    def read(descriptor: int, size: int, place: int) -> bytes:
        block = pread(descriptor, size, place)
        reads.append(len(block))
        if len(reads) == number:
            happening()
        return block

    monkeypatch.setattr(os, "pread", read)
    return reads


@shows("gone", "nothing")
def test_a_file_that_is_gone_leaves_no_record(shop: Workshop) -> None:
    path = shop.workspace.source / "gone.csv"
    path.write_bytes(GOOD)
    path.unlink()
    ingest_nothing(shop, "gone.csv")


@shows("truncated-while-read", "not yet")
@pytest.mark.parametrize(("held", "number"), [(True, 1), (False, 1), (False, 2), (False, 3)])
@pytest.mark.parametrize("size", [0, len(GOOD) // 2, len(GOOD) + 10])
def test_a_file_that_changes_while_it_is_read_is_taken_when_it_has_settled(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, held: bool, number: int, size: int
) -> None:
    """A large file is read several times, and each time must be like the first."""
    if not held:
        monkeypatch.setattr(inbox, "HELD_BYTES", len(GOOD) - 1)
    path = shop.workspace.source / "moving.csv"
    path.write_bytes(GOOD)
    reads = at_read(monkeypatch, number, lambda: os.truncate(path, size))
    ingest_nothing(shop, "moving.csv")
    assert len(reads) >= number
    assert shop.rows()[3:] == []
    path.write_bytes(GOOD)
    assert shop.ingest("moving.csv")[0].state is FileState.INGESTED
    assert shop.rows()[3:] == list(GOOD_ROWS)


@shows("truncated-while-read", "not yet")
def test_a_large_file_with_other_bytes_and_the_same_stamp_is_not_taken(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock of coarse ticks does not tell two writes apart; the content does."""
    monkeypatch.setattr(inbox, "HELD_BYTES", len(GOOD) - 1)
    path = shop.workspace.source / "moving.csv"
    path.write_bytes(GOOD)
    reads = at_read(monkeypatch, 1, lambda: rewrite_within_a_tick(path, monkeypatch))
    ingest_nothing(shop, "moving.csv")
    assert len(reads) > 1


def rewrite_within_a_tick(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Change a byte, and let no stamp show it."""
    status = path.stat()
    with path.open("r+b") as stream:
        stream.seek(len(GOOD) - 2)
        stream.write(b"0")
    monkeypatch.setattr(os, "fstat", lambda _descriptor: status)


@shows("no-permission", "failed", "unreadable")
@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_file_that_may_not_be_read_has_failed_and_is_tried_again(
    shop: Workshop, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """As the system answers it; in ``test_folder`` the system answers it."""
    path = shop.workspace.source / "locked.csv"
    path.write_bytes(GOOD)
    opening = os.open

    def deny(name: Path, *arguments: int) -> int:
        if name == path:
            raise OSError(number, os.strerror(number), str(name))
        return opening(name, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(inbox.os, "open", deny)
        (record,) = shop.ingest("locked.csv")
        shop.ingest("locked.csv")
    assert record.state is FileState.FAILED
    assert record.reason is not None
    assert record.reason.code == "unreadable"
    assert [one.name for one in shop.files()] == ["known.csv", "locked.csv"], "one record, however often it is tried"
    assert shop.ingest("locked.csv")[0].state is FileState.INGESTED
    assert shop.rows()[3:] == list(GOOD_ROWS)
