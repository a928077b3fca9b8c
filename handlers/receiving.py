"""The first step: a settled file's bytes, or why there is nothing to read in them."""

from __future__ import annotations

import stat
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from handlers.commit_group import Group, Outcome
from handlers.domain.files import FileStamp, FileState, Reason, ignored_because, shown_name
from handlers.house import House
from handlers.storage import files
from handlers.storage.inbox import Drop, NotTaken, take


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that has settled. ``name``: as the system has it; ``unread``: the worker died on it, twice and alone;
    ``failed``: why it could not be taken, through no fault of its own."""

    name: str
    seen_at: str
    unread: bool = False
    failed: str | None = None


def receive(
    house: House, group: Group, arrival: Arrival, connection: Connection
) -> tuple[Drop, Outcome | Reason | None] | None:
    """The file as it was read; its outcome, or the reason to refuse it, where that is clear without reading a row.

    None where there is nothing to record: it is gone, it still changes, or only its times are new.
    """
    folder = house.workspace.source
    if arrival.failed is not None:
        return _failed(arrival.name, arrival.failed, connection, folder)
    ignored = ignored_because(arrival.name) or _special(folder / arrival.name)
    if ignored is not None:
        return _unread(folder, arrival.name, Outcome(FileState.IGNORED, ignored))
    taken = take(folder, arrival.name, max_bytes=house.ingestion.max_file_bytes)
    if isinstance(taken, NotTaken):
        return _not_taken(taken, arrival.name, connection, folder)
    known = group.contents.get(taken.sha256) or files.find_content(connection, taken.sha256)
    if known is None:
        return taken, _died_on() if arrival.unread else None
    if _same_file(connection, taken, known.seq):
        group.restamped.append((known.seq, taken.stamp))
        return None
    detail = f"Its content is that of {known.name}, which was taken at {known.seen_at}."
    return taken, Outcome(FileState.DUPLICATE, Reason("known_content", detail))


def _not_taken(taken: NotTaken, name: str, connection: Connection, folder: Path) -> tuple[Drop, Outcome] | None:
    if taken.reason is None or taken.stamp is None:
        return None
    if taken.ours and _failed_before(connection, name, taken.stamp):
        return None
    state = FileState.FAILED if taken.ours else FileState.QUARANTINED
    return _unread(folder, name, Outcome(state, taken.reason))


def _failed(name: str, why: str, connection: Connection, folder: Path) -> tuple[Drop, Outcome] | None:
    found = _unread(folder, name, Outcome(FileState.FAILED, Reason("internal_error", why, "It is tried again.")))
    return None if found is None or _failed_before(connection, name, found[0].stamp) else found


def _special(path: Path) -> Reason | None:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return None
    if stat.S_ISREG(mode):
        return None
    return Reason("not_a_file", "Links, folders and special files are not taken.", "Drop the CSV itself.")


def _unread(folder: Path, name: str, outcome: Outcome) -> tuple[Drop, Outcome] | None:
    try:
        stamp = FileStamp.of((folder / name).lstat())
    except OSError:
        return None
    return Drop(name, stamp, b"", ""), outcome


def _died_on() -> Reason:
    detail = "The worker that read it died twice on this file alone."
    hint = "Look at the daemon's log and at the file; a smaller or repaired one is taken as a new file."
    return Reason("worker_died", detail, hint)


def _same_file(connection: Connection, taken: Drop, seq: int) -> bool:
    """The same inode under the same name with the same content: somebody touched it, nobody dropped it."""
    newest = files.newest_under(connection, shown_name(taken.name))
    if newest is None or newest[0].seq != seq:
        return False
    return (newest[1].device, newest[1].inode) == (taken.stamp.device, taken.stamp.inode)


def _failed_before(connection: Connection, name: str, stamp: FileStamp) -> bool:
    newest = files.newest_under(connection, shown_name(name))
    return newest is not None and newest[0].state is FileState.FAILED and newest[1] == stamp
