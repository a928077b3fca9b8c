"""Taking a file: the bytes that were hashed, or why there are none."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from handlers.domain.files import FileStamp
from handlers.storage import inbox
from handlers.storage.inbox import Drop, NotTaken, take


def test_a_file_is_read_whole_with_its_hash_and_stamp(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,2\n")
    taken = take(tmp_path, "a.csv", max_bytes=100)
    assert isinstance(taken, Drop)
    assert taken.content == b"a,b\n1,2\n"
    assert taken.sha256 == hashlib.sha256(taken.content).hexdigest()
    assert taken.stamp == FileStamp.of((tmp_path / "a.csv").stat())


def test_a_name_that_is_not_utf8_is_taken(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff.csv")
    (tmp_path / name).write_bytes(b"x")
    taken = take(tmp_path, name, max_bytes=10)
    assert isinstance(taken, Drop)
    assert taken.name == name


def test_what_is_gone_is_nothing_to_record(tmp_path: Path) -> None:
    assert take(tmp_path, "a.csv", max_bytes=10) == NotTaken(None, None)
    assert take(tmp_path / "no folder", "a.csv", max_bytes=10) == NotTaken(None, None)


@pytest.mark.parametrize("kind", ["link", "folder", "pipe", "dangling"])
def test_only_regular_files_are_taken_and_a_pipe_does_not_block(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.csv"
    (tmp_path / "secret").write_text("x")
    {
        "link": lambda: path.symlink_to(tmp_path / "secret"),
        "folder": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "dangling": lambda: path.symlink_to(tmp_path / "nowhere"),
    }[kind]()
    taken = take(tmp_path, "a.csv", max_bytes=10)
    assert isinstance(taken, NotTaken)
    assert taken.reason is not None
    assert (taken.reason.code, taken.ours) == ("not_a_file", False)


def test_a_file_beyond_the_limit_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"x" * 11)
    taken = take(tmp_path, "a.csv", max_bytes=10)
    assert isinstance(taken, NotTaken)
    assert taken.reason is not None
    assert (taken.reason.code, "11 bytes" in taken.reason.detail) == ("too_large", True)
    (tmp_path / "a.csv").write_bytes(b"x" * 10)
    assert isinstance(take(tmp_path, "a.csv", max_bytes=10), Drop)


def test_a_file_that_changes_while_it_is_read_is_left_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"first\n")
    fstat, calls = os.fstat, []

    def appending(descriptor: int) -> os.stat_result:
        calls.append(descriptor)
        if len(calls) == 2:
            with path.open("ab") as stream:
                stream.write(b"second\n")
        return fstat(descriptor)

    monkeypatch.setattr(inbox.os, "fstat", appending)
    assert take(tmp_path, "a.csv", max_bytes=100) == NotTaken(None, None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_we_may_not_read_is_our_fault(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x")
    (tmp_path / "a.csv").chmod(0)
    taken = take(tmp_path, "a.csv", max_bytes=10)
    assert isinstance(taken, NotTaken)
    assert taken.ours
