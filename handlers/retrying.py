"""A refused file is taken again: its copy in the quarantine goes back into the source folder.

There it is a file like any other, so that a process that dies in between loses nothing.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import re
import stat
from pathlib import Path

from sqlalchemy import Connection

from handlers.domain.files import FileRecord, FileStamp, ignored_because, shown_name
from handlers.storage import files
from handlers.storage.dropping import drop
from handlers.storage.published import free_name, quarantined_copy
from handlers.storage.workspace import Workspace

_PREFIX = re.compile("[0-9a-f]{4,64}")


class NotRetryable(Exception):
    """The file cannot be taken again; the message says why and what to do. ``unknown``: there is no such file."""

    def __init__(self, message: str, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.unknown = unknown


def find(connection: Connection, prefix: str) -> FileRecord:
    """The quarantined file whose SHA-256 begins like this, 4 digits at least. Raises NotRetryable."""
    wanted = prefix.lower()
    if not _PREFIX.fullmatch(wanted):
        raise NotRetryable("Name the file by the beginning of its SHA-256: 4 to 64 hexadecimal digits.", unknown=True)
    found = files.refused_as(connection, wanted)
    if not found:
        raise NotRetryable(
            f"There is no quarantined file whose SHA-256 begins with {wanted}; "
            "`attritiond files --state quarantined` lists those there are.",
            unknown=True,
        )
    if len(found) > 1:
        names = ", ".join(f"{record.name} ({(record.sha256 or '')[:12]})" for record in found[:3])
        raise NotRetryable(f"More than one quarantined file begins with {wanted}: {names}. Give more digits.")
    return found[0]


def put_back(workspace: Workspace, record: FileRecord) -> tuple[str, FileStamp]:
    """Copy a quarantined file into the source folder, under its name or, where another file has that, a free one.

    Returns the name, as the system has it, and the stamp. Raises NotRetryable, and OSError.
    """
    sha256 = record.sha256 or ""
    copy = quarantined_copy(workspace, sha256, record.name)
    if copy is None:
        raise NotRetryable(f"The copy of {record.name} is no longer in {workspace.quarantine}. Drop the file again.")
    with copy.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() != sha256:
            raise NotRetryable(f"{copy} has been changed: it is another file now. Copy it into {workspace.source}.")
    name = _name(workspace.source, copy, record)
    return name, drop(copy, workspace.source, name=name)


def _name(folder: Path, copy: Path, record: FileRecord) -> str:
    sha256 = record.sha256 or ""
    own = copy.name.removeprefix(f"{sha256}-")
    if "\\" not in record.name:
        own = record.name  # the copy's may have been cut
    if shown_name(own) == record.name:
        place = folder / own
        if _is_same(place, copy):
            return own  # what lies there has been read; a new file in its place is read again
        name = free_name(folder, own, sha256).name
        if ignored_because(name) is None:
            return name
    return f"{sha256}.csv.gz" if record.name.lower().endswith(".gz") else f"{sha256}.csv"


def _is_same(place: Path, copy: Path) -> bool:
    if not os.path.lexists(place):
        return False
    return stat.S_ISREG(place.lstat().st_mode) and filecmp.cmp(place, copy, shallow=False)
