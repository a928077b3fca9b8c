"""Writing whole files or nothing."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.storage.atomic import write_atomically, write_blocks_atomically


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


def test_a_file_can_be_private_from_its_first_moment(tmp_path: Path) -> None:
    seen = []

    def blocks() -> Iterator[bytes]:
        seen.extend(stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir())
        yield b"x"

    write_blocks_atomically(tmp_path / "secret", blocks(), mode=0o600)
    assert [*seen, stat.S_IMODE((tmp_path / "secret").stat().st_mode)] == [0o600, 0o600]


def test_content_may_come_in_blocks_and_what_fails_on_the_way_is_not_written(tmp_path: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"first, "
        assert not path.exists()
        yield b"second"

    def broken() -> Iterator[bytes]:
        yield b"other"
        raise ValueError("the source broke off")

    path = tmp_path / "drop.csv"
    write_blocks_atomically(path, blocks())
    with pytest.raises(ValueError, match="broke off"):
        write_blocks_atomically(path, broken())
    assert path.read_bytes() == b"first, second"
    assert list(tmp_path.iterdir()) == [path]


def test_zeros_take_no_space_and_are_there(tmp_path: Path) -> None:
    zeros = bytes(1 << 20)
    write_blocks_atomically(tmp_path / "a", (zeros, b"x", zeros, b"", zeros))
    assert (tmp_path / "a").read_bytes() == zeros + b"x" + zeros * 2
    assert (tmp_path / "a").stat().st_blocks * 512 < len(zeros)
    write_atomically(tmp_path / "b", b"")
    assert (tmp_path / "b").read_bytes() == b""
