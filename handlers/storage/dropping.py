"""Putting a file into the source folder: it is complete when it appears under its name."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from handlers.domain.files import FileStamp
from handlers.storage.atomic import fsync_folder


def drop(path: Path, folder: Path, *, name: str | None = None) -> FileStamp:
    """Copy a file into the folder under its own or another name, replacing what is there; return the copy's stamp.

    Written to a name that is not taken, synced, renamed. Raises OSError, and then nothing is left behind.
    """
    temporary = folder / f".{secrets.token_hex(8)}.tmp"  # a long name has no room for more
    try:
        with path.open("rb") as source, temporary.open("xb") as copy:
            shutil.copyfileobj(source, copy, 1024 * 1024)
            copy.flush()
            os.fsync(copy.fileno())
            temporary.replace(folder / (name or path.name))
            stamp = FileStamp.of(os.fstat(copy.fileno()))
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    fsync_folder(folder)
    return stamp
