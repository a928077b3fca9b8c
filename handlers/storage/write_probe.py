"""Can the data set be written to? Asked by trying, at the cost of a lock that is given back and of one block."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path
from typing import Literal

BLOCK = 4096
_AT_ONCE = 0.0


def try_to_write(ledger: Path) -> Literal["written", "locked"]:
    """Take the ledger's write lock and give it back, and write a block of a nameless file beside it.

    The lock shows whether a commit may begin, the block whether the disk takes it; nothing is left of either.
    ``locked``: somebody else is writing, or holds the lock. Raises OSError or sqlite3.Error with what is wrong.
    """
    with tempfile.TemporaryFile(dir=ledger.parent, buffering=0) as file:
        file.write(os.urandom(BLOCK))
    with contextlib.closing(sqlite3.connect(f"file:{ledger}?mode=rw", uri=True, timeout=_AT_ONCE)) as connection:
        connection.isolation_level = None
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY:
                return "locked"
            raise
        connection.execute("ROLLBACK")
    return "written"


def free_bytes(folder: Path) -> int | None:
    """How many bytes this process may still write there; None where the file system does not say. Raises OSError."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize if found.f_blocks else None
