"""Taking a file from the source folder: one open, one descriptor, so that what is hashed is what is parsed."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import xxhash

from handlers.domain.files import FileStamp, Reason
from handlers.storage.atomic import write_blocks_atomically

BLOCK = 2 << 20
#: A file up to this size is read once and held; a larger one is read again from its descriptor for every pass.
HELD_BYTES = 64 << 20


class Changed(Exception):
    """A file is no longer what was hashed when it was taken: it is taken again when it has settled."""


class Content:
    """The bytes of a file, from the beginning as often as wanted, also by several threads at the same time.

    ``size``: in bytes. ``held``: all of them, where they are in memory; None for a large file, and after ``close``.
    """

    __slots__ = ("_file", "held", "size")

    def __init__(self, held: bytes | None, file: _HashedFile | None = None) -> None:
        self.held = held
        self._file = file
        self.size = len(held) if held is not None else file.stamp.size if file is not None else 0

    @classmethod
    def of(cls, data: bytes) -> Content:
        """What somebody has in memory already."""
        return cls(data)

    def blocks(self, size: int = BLOCK) -> Iterator[bytes]:
        """All bytes in blocks of ``size``, the last one shorter, none empty.

        Raises Changed before the last block of a large file whose content is not what was hashed; OSError where it
        cannot be read; ValueError after ``close``.
        """
        if self._file is not None:
            yield from self._file.blocks(size)
            return
        if self.held is None:
            raise ValueError("the content was closed")
        held = self.held
        for start in range(0, len(held), size):
            yield held[start : start + size]

    def whole(self) -> bytes:
        """All bytes in one piece. Raises as ``blocks`` does."""
        return b"".join(self.blocks()) if self.held is None else self.held

    def copy_to(self, path: Path) -> None:
        """Write all bytes to ``path``, in one step and synced. Raises as ``blocks`` does, and then writes nothing."""
        write_blocks_atomically(path, self.blocks())

    def close(self) -> None:
        """Let go of the memory or the descriptor; closing twice does no harm."""
        if self._file is not None:
            self._file.stream.close()
        self.held = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True)
class Drop:
    """A file as it was read: ``content`` is what ``sha256`` was computed from, ``name`` as the system has it."""

    name: str
    stamp: FileStamp
    content: Content
    sha256: str

    @classmethod
    def unread(cls, name: str, stamp: FileStamp) -> Drop:
        """A file into which nobody has looked."""
        return cls(name, stamp, Content.of(b""), "")


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A file that could not be read. ``reason`` is None when it is gone or still changing: nothing to record."""

    reason: Reason | None
    stamp: FileStamp | None
    ours: bool = False


def take(folder: Path, name: str, *, max_bytes: int) -> Drop | NotTaken:
    """Open and hash a regular file, never through a link, and never one that changes while it is read.

    Whoever gets a drop closes its content.
    """
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return _not_opened(folder / name, error)
    status = os.fstat(descriptor)
    stamp = FileStamp.of(status)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        return NotTaken(_NOT_A_FILE, stamp)
    stream = io.FileIO(descriptor)
    taken: Drop | NotTaken | None = None
    try:
        taken = _too_large(stamp, max_bytes) or _read(name, stream, stamp)
    except Changed:
        taken = NotTaken(None, None)
    except OSError as error:
        taken = _ours(f"It could not be read: {error.strerror}.", stamp)
    finally:
        if not isinstance(taken, Drop) or taken.content.held is not None:
            stream.close()
    return taken


def special(path: Path) -> Reason | None:
    """Why what stands there is no file to be opened at all: a link, a folder, a pipe; None where nothing is there."""
    try:
        mode = path.lstat().st_mode
    except OSError:
        return None
    if stat.S_ISREG(mode):
        return None
    return Reason("not_a_file", "Links, folders and special files are not taken.", "Drop the CSV itself.")


def stamp_of(path: Path) -> FileStamp | None:
    """The stamp of what stands there, a link itself and not its target; None where nothing is."""
    try:
        return FileStamp.of(path.lstat())
    except OSError:
        return None


@dataclass(frozen=True, slots=True)
class _HashedFile:
    """An open file that was read whole once.

    ``digest`` tells whether a later pass reads the same bytes. It is a fast hash under a seed that nobody knows,
    because hashing with SHA-256 for every pass would cost as much as half of parsing.
    """

    stream: io.FileIO
    stamp: FileStamp
    seed: int
    digest: bytes

    def blocks(self, size: int) -> Iterator[bytes]:
        hasher = xxhash.xxh3_128(seed=self.seed)
        for block, last in _passed(self.stream, self.stamp, size):
            hasher.update(block)
            if last and hasher.digest() != self.digest:
                raise Changed
            yield block


def _passed(stream: io.FileIO, stamp: FileStamp, size: int) -> Iterator[tuple[bytes, bool]]:
    """Each block and whether it is the last one, which comes only if the file's stamp is still the same."""
    at = 0
    while at < stamp.size:
        block = _read_at(stream.fileno(), min(size, stamp.size - at), at)
        at += len(block)
        last = at == stamp.size
        if not block or (last and FileStamp.of(os.fstat(stream.fileno())) != stamp):
            raise Changed
        yield block, last


def _read_at(descriptor: int, size: int, at: int) -> bytes:
    """Bytes from a place, not from the file's position: two threads may be at two places."""
    block = os.pread(descriptor, size, at)
    while len(block) < size and (more := os.pread(descriptor, size - len(block), at + len(block))):
        block += more  # a network file system may give less than was asked for
    return block


def _read(name: str, stream: io.FileIO, stamp: FileStamp) -> Drop:
    if stamp.size <= HELD_BYTES:
        content = b"".join(block for block, _ in _passed(stream, stamp, max(stamp.size, 1)))
        return Drop(name, stamp, Content(content), hashlib.sha256(content).hexdigest())
    sha256 = hashlib.sha256()
    seed = secrets.randbits(64)
    again = xxhash.xxh3_128(seed=seed)
    for block, _ in _passed(stream, stamp, BLOCK):
        sha256.update(block)
        again.update(block)
    return Drop(name, stamp, Content(None, _HashedFile(stream, stamp, seed, again.digest())), sha256.hexdigest())


def _too_large(stamp: FileStamp, max_bytes: int) -> NotTaken | None:
    if stamp.size <= max_bytes:
        return None
    detail = f"The file has {stamp.size} bytes; at most {max_bytes} are taken."
    return NotTaken(Reason("too_large", detail, "Split it, or raise ingestion.max_file_bytes."), stamp)


_NOT_A_FILE = Reason("not_a_file", "It is not a regular file.", "Drop the CSV itself.")


def _not_opened(path: Path, error: OSError) -> NotTaken:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotTaken(None, None)
    stamp = stamp_of(path)
    if stamp is None:
        return NotTaken(None, None)
    if error.errno in (errno.ELOOP, errno.ENXIO):
        return NotTaken(Reason("not_a_file", "Links and special files are not taken.", "Drop the CSV itself."), stamp)
    return _ours(f"It could not be opened: {error.strerror}.", stamp)


def _ours(detail: str, stamp: FileStamp) -> NotTaken:
    hint = "Give the daemon's user the right to read it; it is tried again when its rights have changed."
    return NotTaken(Reason("unreadable", detail, hint), stamp, ours=True)
