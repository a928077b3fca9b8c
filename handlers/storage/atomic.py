"""Writing so that a reader, or a power cut, finds the old content or the new one, never a part."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path


def write_atomically(path: Path, content: bytes, *, mode: int = 0o666, owner: tuple[int, int] | None = None) -> None:
    """Replace ``path`` by ``content``: temporary sibling, fsync, rename, fsync of the folder.

    The sibling's name begins with a dot and ends with ``.tmp``, which the watched folder ignores. The permissions
    are those that a new file gets, of ``mode``; ``owner``: the user and the group that it is to belong to. Raises
    OSError, and then nothing is left behind and ``path`` is as it was.
    """
    write_blocks_atomically(path, (content,), mode=mode, owner=owner)


def write_blocks_atomically(
    path: Path, blocks: Iterable[bytes], *, mode: int = 0o666, owner: tuple[int, int] | None = None
) -> None:
    """Write content that comes in blocks as ``write_atomically`` does. What ``blocks`` raises is raised likewise.

    A block of zeros becomes a hole, so that the copy of a sparse file does not fill the disk.
    """
    sibling = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    descriptor = os.open(sibling, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            for block in blocks:
                if block.strip(b"\x00"):
                    file.write(block)
                else:
                    file.seek(len(block), os.SEEK_CUR)
            file.truncate(file.tell())
            if owner is not None:
                os.fchown(file.fileno(), *owner)
            file.flush()
            os.fsync(file.fileno())
        sibling.replace(path)
    except BaseException:
        sibling.unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder last: what was created, renamed or removed in it before this call."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
