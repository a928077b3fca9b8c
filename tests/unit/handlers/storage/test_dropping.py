"""Putting a file into the source folder."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from handlers.domain.files import FileStamp
from handlers.storage.dropping import drop


def test_a_copy_appears_whole_and_replaces_what_was_there(tmp_path: Path) -> None:
    folder, path = tmp_path / "in", tmp_path / "a.csv"
    folder.mkdir()
    path.write_bytes(b"new")
    (folder / "a.csv").write_bytes(b"old")
    with (folder / "a.csv").open("rb") as reader:
        stamp = drop(path, folder)
        assert reader.read() == b"old"  # who reads the old one is not disturbed
    assert (folder / "a.csv").read_bytes() == b"new"
    assert path.read_bytes() == b"new"
    found = FileStamp.of((folder / "a.csv").stat())
    assert (found.inode, found.size, found.mtime_ns) == (stamp.inode, stamp.size, stamp.mtime_ns)


def test_the_longest_name_is_taken(tmp_path: Path) -> None:
    name = "x" * 251 + ".csv"
    (tmp_path / name).write_bytes(b"1")
    (tmp_path / "in").mkdir()
    drop(tmp_path / name, tmp_path / "in")
    assert os.listdir(tmp_path / "in") == [name]  # noqa: PTH208 - names alone


def test_nothing_is_left_behind_where_it_fails(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"1")
    folder = tmp_path / "in"
    (folder / "a.csv" / "something").mkdir(parents=True)
    with pytest.raises(OSError, match=r"a\.csv"):
        drop(tmp_path / "a.csv", folder)
    assert [each.name for each in folder.iterdir()] == ["a.csv"]
