"""The first step: a settled file is opened, and recognised where its content is known already."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from handlers import refusal
from handlers.commit_group import Group, Outcome
from handlers.domain.files import FileStamp, FileState, Reason, ignored_because, shown_name
from handlers.house import House
from handlers.storage import files, inbox
from handlers.storage.inbox import Drop


class NothingToRecord(Exception):
    """A file that has left its record already: it has failed in the same way before, or only its times are new."""


#: From this size in bytes on it is worth a question to the ledger whether a file need be read at all.
WORTH_ASKING = 1 << 20


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file that has settled. ``name``: as the system has it; ``unread``: the worker died on it, twice and alone;
    ``failed``: why it could not be taken, through no fault of its own."""

    name: str
    seen_at: str
    unread: bool = False
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """A file that leaves a record. ``outcome``: what became of it, or why it is refused, where that is clear without
    reading a row; None: it is to be read."""

    arrival: Arrival
    drop: Drop
    outcome: Outcome | Reason | None = None


def open_drop(house: House, arrival: Arrival) -> Received | None:
    """Open and hash a file; None where nothing is there, or it still changes. Runs ahead, beside others of its kind."""
    folder = house.workspace.source
    if arrival.failed is not None:
        reason = Reason("internal_error", arrival.failed, "It is tried again.")
        return _unread(arrival, folder, Outcome(FileState.FAILED, reason))
    ignored = ignored_because(arrival.name) or inbox.special(folder / arrival.name)
    if ignored is not None:
        return _unread(arrival, folder, Outcome(FileState.IGNORED, ignored))
    taken = inbox.take(folder, arrival.name, max_bytes=house.ingestion.max_file_bytes)
    if isinstance(taken, Drop):
        return Received(arrival, taken, _died_on() if arrival.unread else None)
    if taken.reason is None:
        return None
    state = FileState.FAILED if taken.ours else FileState.QUARANTINED
    return _unread(arrival, folder, Outcome(state, taken.reason))


def is_to_be_read(house: House, received: Received) -> bool:
    """Whether a row must be read to say what becomes of it. Small files are read rather than asked about."""
    if received.outcome is not None or received.drop.stamp.size < WORTH_ASKING:
        return received.outcome is None
    with house.ledger.read() as connection:
        return files.find_content(connection, received.drop.sha256) is None


def known_outcome(house: House, group: Group, received: Received, connection: Connection) -> Outcome | None:
    """What becomes of a file that is not new, or not to be read; None for one whose rows are to be placed.

    Raises NothingToRecord where it has failed like this before, or where only its times are new.
    """
    drop, outcome = received.drop, received.outcome
    if isinstance(outcome, Outcome):
        if outcome.state is FileState.FAILED and _failed_before(connection, drop.name, drop.stamp):
            raise NothingToRecord
        return outcome
    known = group.contents.get(drop.sha256) or files.find_content(connection, drop.sha256)
    if known is None:
        return None if outcome is None else refusal.keep_file(house.workspace, drop, outcome)
    if _same_file(connection, drop, known.seq):
        group.restamped.append((known.seq, drop.stamp))
        raise NothingToRecord
    detail = f"Its content is that of {known.name}, which was taken at {known.seen_at}."
    return Outcome(FileState.DUPLICATE, Reason("known_content", detail))


def _unread(arrival: Arrival, folder: Path, outcome: Outcome) -> Received | None:
    stamp = inbox.stamp_of(folder / arrival.name)
    return None if stamp is None else Received(arrival, Drop.unread(arrival.name, stamp), outcome)


def _died_on() -> Reason:
    detail = "The worker that read it died twice on this file alone."
    hint = "Look at the daemon's log and at the file; a smaller or repaired one is taken as a new file."
    return Reason("worker_died", detail, hint)


def _same_file(connection: Connection, drop: Drop, seq: int) -> bool:
    """The same inode under the same name with the same content: somebody touched it, nobody dropped it."""
    newest = files.newest_under(connection, shown_name(drop.name))
    if newest is None or newest[0].seq != seq:
        return False
    return (newest[1].device, newest[1].inode) == (drop.stamp.device, drop.stamp.inode)


def _failed_before(connection: Connection, name: str, stamp: FileStamp) -> bool:
    newest = files.newest_under(connection, shown_name(name))
    return newest is not None and newest[0].state is FileState.FAILED and newest[1] == stamp
