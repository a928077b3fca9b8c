"""Nothing is lost: refused files are copied with their reason, rows set aside are written with theirs."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.commit_group import Outcome
from handlers.domain.files import FileState, Reason, RowFault
from handlers.storage import published
from handlers.storage.inbox import Drop
from handlers.storage.workspace import Workspace


def keep_file(workspace: Workspace, drop: Drop, reason: Reason) -> Outcome:
    """Copy a refused file into the quarantine, before the commit: its sender may remove it at any time.

    Raises ``inbox.Changed`` where a large file is not what was hashed any more.
    """
    published.write_quarantined(workspace, drop.sha256, name=drop.name, source=drop.content, reason=reason)
    return Outcome(FileState.QUARANTINED, reason, reason.rows)


def keep_rows(workspace: Workspace, drop: Drop, faults: Sequence[RowFault]) -> None:
    """Write the rows that were set aside from an accepted file, each with its line, column, code and value."""
    if faults:
        published.write_rejected(workspace, drop.sha256, drop.name, faults)
