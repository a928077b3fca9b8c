"""Writing whole files or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers.storage.atomic import write_atomically


def test_the_content_replaces_what_was_there_and_leaves_no_sibling(tmp_path: Path) -> None:
    path = tmp_path / "drop.csv"
    path.write_bytes(b"old and longer")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_replacement_leaves_the_old_and_no_sibling(tmp_path: Path) -> None:
    path = tmp_path / "drop.csv"
    path.mkdir()  # a folder cannot be replaced by a file
    with pytest.raises(OSError, match=r"drop\.csv"):
        write_atomically(path, b"new")
    assert list(tmp_path.iterdir()) == [path]
    assert path.is_dir()


def test_a_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    ordinary = tmp_path / "ordinary"
    ordinary.touch()
    write_atomically(tmp_path / "written", b"x")
    assert (tmp_path / "written").stat().st_mode == ordinary.stat().st_mode
