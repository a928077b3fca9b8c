"""Taking a file from the source folder: one open, one descriptor, so that what is hashed is what is parsed."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from handlers.domain.files import FileStamp, Reason


@dataclass(frozen=True, slots=True)
class Drop:
    """A file as it was read: ``content`` is what ``sha256`` was computed from, ``name`` as the system has it."""

    name: str
    stamp: FileStamp
    content: bytes
    sha256: str


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A file that could not be read. ``reason`` is None when it is gone or still changing: nothing to record."""

    reason: Reason | None
    stamp: FileStamp | None
    ours: bool = False


def take(folder: Path, name: str, *, max_bytes: int) -> Drop | NotTaken:
    """Read a regular file whole, never through a link, and never one that changes while it is read."""
    try:
        descriptor = os.open(folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        return _not_opened(folder / name, error)
    status = os.fstat(descriptor)
    stamp = FileStamp.of(status)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        return NotTaken(Reason("not_a_file", "It is not a regular file.", "Drop the CSV itself."), stamp)
    with os.fdopen(descriptor, "rb") as stream:
        if status.st_size > max_bytes:
            reason = Reason(
                "too_large",
                f"The file has {status.st_size} bytes; at most {max_bytes} are taken.",
                "Split it, or raise ingestion.max_file_bytes.",
            )
            return NotTaken(reason, stamp)
        try:
            content = stream.read()
        except OSError as error:
            return _ours(f"It could not be read: {error.strerror}.", stamp)
        if FileStamp.of(os.fstat(descriptor)) != stamp or len(content) != stamp.size:
            return NotTaken(None, None)
    return Drop(name, stamp, content, hashlib.sha256(content).hexdigest())


def _not_opened(path: Path, error: OSError) -> NotTaken:
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return NotTaken(None, None)
    try:
        stamp = FileStamp.of(path.lstat())
    except OSError:
        return NotTaken(None, None)
    if error.errno in (errno.ELOOP, errno.ENXIO):
        return NotTaken(Reason("not_a_file", "Links and special files are not taken.", "Drop the CSV itself."), stamp)
    return _ours(f"It could not be opened: {error.strerror}.", stamp)


def _ours(detail: str, stamp: FileStamp) -> NotTaken:
    hint = "Give the daemon's user the right to read it; it is tried again when its rights have changed."
    return NotTaken(Reason("unreadable", detail, hint), stamp, ours=True)
