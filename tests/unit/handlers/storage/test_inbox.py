"""Taking a file: the bytes that were hashed, or why there are none; and reading a large one again and again."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from handlers.domain.files import FileStamp
from handlers.storage import inbox
from handlers.storage.inbox import Changed, Content, Drop, NotTaken, special, stamp_of, take

LARGE = bytes(range(1, 256)) * 20


def open_files(path: Path) -> int:
    """How many descriptors of this process are open on a file."""
    links = [Path("/proc/self/fd") / name for name in os.listdir("/proc/self/fd")]  # noqa: PTH208 - plain names
    return sum(os.path.lexists(link) and os.readlink(link) == str(path) for link in links)  # noqa: PTH115


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Drop]:
    """A file that is larger than what is held in memory."""
    monkeypatch.setattr(inbox, "HELD_BYTES", 1000)
    (tmp_path / "a.csv").write_bytes(LARGE)
    taken = take(tmp_path, "a.csv", max_bytes=1 << 20)
    assert isinstance(taken, Drop)
    yield taken
    taken.content.close()
    assert open_files(tmp_path / "a.csv") == 0


def test_a_file_is_read_whole_with_its_hash_and_stamp(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,2\n")
    taken = take(tmp_path, "a.csv", max_bytes=100)
    assert isinstance(taken, Drop)
    assert taken.content.whole() == b"a,b\n1,2\n"
    assert taken.sha256 == hashlib.sha256(b"a,b\n1,2\n").hexdigest()
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


@pytest.mark.parametrize("held", [100, 0])
@pytest.mark.parametrize("change", [b"second\n", b""])
def test_a_file_that_changes_while_it_is_read_is_left_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int, change: bytes
) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"first\n")
    monkeypatch.setattr(inbox, "HELD_BYTES", held)
    fstat, calls = os.fstat, []

    def changing(descriptor: int) -> os.stat_result:
        calls.append(descriptor)
        if len(calls) == 2:
            path.write_bytes(b"first\n" + change if change else b"")
        return fstat(descriptor)

    monkeypatch.setattr(inbox.os, "fstat", changing)
    assert take(tmp_path, "a.csv", max_bytes=100) == NotTaken(None, None)
    assert open_files(path) == 0


def test_a_file_that_is_cut_off_while_it_is_read_is_left_for_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inbox.os, "pread", lambda *arguments: b"")
    (tmp_path / "a.csv").write_bytes(b"first\n")
    assert take(tmp_path, "a.csv", max_bytes=100) == NotTaken(None, None)


def test_a_file_system_may_give_less_than_was_asked_for(large: Drop, monkeypatch: pytest.MonkeyPatch) -> None:
    pread = os.pread
    monkeypatch.setattr(inbox.os, "pread", lambda descriptor, size, at: pread(descriptor, min(size, 7), at))
    assert [len(block) for block in large.content.blocks(1000)] == [1000] * 5 + [100]


@pytest.mark.parametrize("held", [100, 0])
def test_a_disk_that_cannot_be_read_is_our_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int) -> None:
    def broken(*arguments: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(inbox, "HELD_BYTES", held)
    monkeypatch.setattr(inbox.os, "pread", broken)
    (tmp_path / "a.csv").write_bytes(b"x")
    taken = take(tmp_path, "a.csv", max_bytes=10)
    assert isinstance(taken, NotTaken)
    assert taken.ours
    assert taken.reason is not None
    assert taken.reason.detail == "It could not be read: Input/output error."
    assert open_files(tmp_path / "a.csv") == 0


def test_a_file_that_we_may_not_read_is_our_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*arguments: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "a.csv").write_text("x")
    monkeypatch.setattr(inbox.os, "open", forbidden)  # root may open everything
    taken = take(tmp_path, "a.csv", max_bytes=10)
    assert isinstance(taken, NotTaken)
    assert taken.reason is not None
    assert (taken.reason.code, taken.ours) == ("unreadable", True)
    assert take(tmp_path, "b.csv", max_bytes=10) == NotTaken(None, None)


def test_a_name_that_no_file_can_have_is_nothing_to_record(tmp_path: Path) -> None:
    assert take(tmp_path, "x" * 300, max_bytes=10) == NotTaken(None, None)


def test_a_small_file_is_held_and_its_descriptor_closed(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"first")
    taken = take(tmp_path, "a.csv", max_bytes=10)
    assert isinstance(taken, Drop)
    assert open_files(tmp_path / "a.csv") == 0
    (tmp_path / "a.csv").write_bytes(b"other")
    assert taken.content.held == b"first"
    assert list(taken.content.blocks(2)) == [b"fi", b"rs", b"t"]


def test_an_empty_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    taken = take(tmp_path, "a.csv", max_bytes=10)
    assert isinstance(taken, Drop)
    assert (taken.content.size, list(taken.content.blocks())) == (0, [])
    assert taken.sha256 == hashlib.sha256(b"").hexdigest()


@pytest.mark.parametrize("size", [1, 700, len(LARGE) - 1, len(LARGE), 1 << 20])
def test_a_large_file_is_read_from_its_beginning_as_often_as_wanted(large: Drop, size: int) -> None:
    assert large.content.held is None
    assert large.content.size == len(LARGE)
    assert large.sha256 == hashlib.sha256(LARGE).hexdigest()
    for _ in range(2):
        blocks = list(large.content.blocks(size))
        assert b"".join(blocks) == LARGE
        assert {len(block) for block in blocks[:-1]} <= {size}
    assert large.content.whole() == LARGE


def test_two_passes_over_a_large_file_do_not_disturb_each_other(large: Drop) -> None:
    pairs = list(zip(large.content.blocks(1000), large.content.blocks(1000), strict=True))
    assert all(one == other for one, other in pairs)
    next(large.content.blocks(1000))
    assert large.content.whole() == LARGE


def test_a_large_file_that_was_moved_away_is_not_read_to_its_end(large: Drop, tmp_path: Path) -> None:
    blocks = large.content.blocks(len(LARGE) // 2)
    assert next(blocks) == LARGE[: len(LARGE) // 2]
    (tmp_path / "a.csv").unlink()
    with pytest.raises(Changed):
        next(blocks)


@pytest.mark.parametrize("content", [LARGE + b"x", LARGE[:-1], b"", b"x" + LARGE[1:]])
def test_a_large_file_with_other_bytes_than_were_hashed_is_never_read_to_its_end(
    large: Drop, tmp_path: Path, content: bytes
) -> None:
    with (tmp_path / "a.csv").open("r+b") as file:
        file.write(content)
        file.truncate(len(content))
    for size in (1000, 1 << 20):
        read: list[bytes] = []
        with pytest.raises(Changed):
            read.extend(large.content.blocks(size))
        assert len(b"".join(read)) < len(LARGE)


def test_other_bytes_are_noticed_though_the_stamp_is_the_same(
    large: Drop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (tmp_path / "a.csv").open("r+b") as file:
        file.write(b"x")
    monkeypatch.setattr(inbox.FileStamp, "of", lambda status: large.stamp)
    with pytest.raises(Changed):
        large.content.whole()


def test_a_copy_is_written_block_by_block_or_not_at_all(large: Drop, tmp_path: Path) -> None:
    large.content.copy_to(tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == LARGE
    Content.of(b"held").copy_to(tmp_path / "other")
    assert (tmp_path / "other").read_bytes() == b"held"
    (tmp_path / "a.csv").write_bytes(b"changed")
    with pytest.raises(Changed):
        large.content.copy_to(tmp_path / "third")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv", "copy", "other"]


def test_a_content_that_was_closed_gives_nothing_and_may_be_closed_again(large: Drop) -> None:
    for content in (large.content, Content.of(b"held")):
        with content:
            assert content.size > 0
        content.close()
        with pytest.raises(ValueError, match="closed"):
            content.whole()


def test_what_is_no_file_is_known_without_opening_it(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a.csv")
    assert special(tmp_path / "a.csv") is None
    assert special(tmp_path / "nothing") is None
    for path in (tmp_path, tmp_path / "link"):
        reason = special(path)
        assert reason is not None
        assert reason.code == "not_a_file"
    assert stamp_of(tmp_path / "link") == FileStamp.of((tmp_path / "link").lstat())
    assert stamp_of(tmp_path / "nothing") is None


def test_a_file_that_nobody_looked_into_has_no_hash(tmp_path: Path) -> None:
    drop = Drop.unread("a.csv", FileStamp.of(tmp_path.stat()))
    assert (drop.sha256, drop.content.whole()) == ("", b"")
