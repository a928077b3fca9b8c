"""Files are put into the source folder, and what became of each is waited for and said."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import click

from daemon.bootstrap import now
from daemon.commands.answers import answer_json, on_terminal, printable, sentences
from daemon.commands.asking import Place, alone, ask
from daemon.commands.placing import Placed
from daemon.tasks import Arrived, Decide, Ingest, Recover, Rescore, WriteFinaldata
from handlers import decision_blocks
from handlers.domain.files import FileRecord, FileState
from handlers.domain.ordering import natural_key
from handlers.records import FileItem, file_item
from handlers.storage import files
from handlers.storage.ledger import Ledger
from handlers.storage.workspace import Workspace

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar  # click gives its type no public name

POLL_SECONDS = 0.1
ASK_SECONDS = 1.0
FOLLOW_UP_SECONDS = 10.0
GROUP_BYTES = 64 * 1024**2
"""What one commit takes in this process: progress is seen, and memory has a bound."""
REFUSED = (FileState.QUARANTINED, FileState.FAILED, FileState.IGNORED)
STANDSTILL = ("source_folder", "recovery", "ledger", "ingestion")
"""The daemon's problems with which no file is taken."""
TOLD = ("model.promoted", "model.kept")

Put = Callable[[Ledger], list[Placed]]
"""Puts files into the source folder; the ledger tells what was taken before."""


class Outcome(TypedDict):
    """``items``: what became of each file, in the order in which they were named."""

    items: list[FileItem]


def take(place: Place, put: Put) -> list[FileRecord]:
    """Put files into the source folder and wait until they are taken: by the running daemon, or here, with its lock.

    The records are in the order in which the files were put. Raises ClickException where one is not taken.
    """
    placed = _with_daemon(place, put) if ask(place, "/status", {}) is not None else _here(place, put)
    with sentences():
        return _records(Ledger(place.workspace.ledger, read_only=True), placed)


def say(records: Sequence[FileRecord], workspace: Workspace, *, as_json: bool) -> None:
    """Say what became of each file. Exits 1 where one was refused."""
    if as_json:
        answer_json(Outcome(items=[file_item(record) for record in records]))
    for record in records:
        if not as_json:
            for line in _lines(record, workspace):
                click.echo(printable(line))
    if any(record.state in REFUSED for record in records):
        raise SystemExit(1)


# -- with a daemon --------------------------------------------------------------------------------------------------


def _with_daemon(place: Place, put: Put) -> list[Placed]:
    with sentences():
        ledger = Ledger(place.workspace.ledger, read_only=True)
        placed = put(ledger)
        ask(place, "/scan", {})
        with _bar(placed, "Waiting for the daemon") as bar:
            for one in placed:
                _wait(place, ledger, one)
                bar.update(_weight(one))
        _wait_for_the_rest(ledger, placed)
    return placed


def _wait(place: Place, ledger: Ledger, one: Placed) -> None:
    """Until the ledger has the file. Raises ClickException where the daemon says that it cannot be."""
    asked = time.monotonic()
    while True:
        there = one.is_there(place.workspace.source)  # before the ledger is read: a file is moved after its commit
        if _record(ledger, one) is not None:
            return
        if not there:
            raise click.ClickException(f"{printable(one.shown)} was replaced or removed before it was taken.")
        if time.monotonic() - asked >= ASK_SECONDS:
            _check(place, one)
            asked = time.monotonic()
        time.sleep(POLL_SECONDS)


def _wait_for_the_rest(ledger: Ledger, placed: Sequence[Placed]) -> None:
    """For what follows the commits, as predictions do; where that cannot be done, the daemon tells and tries again."""
    seqs = [record.seq for record in _records(ledger, placed)]
    until = time.monotonic() + FOLLOW_UP_SECONDS
    while time.monotonic() < until:
        with ledger.read() as connection:
            if files.are_followed_up(connection, seqs):
                return
        time.sleep(POLL_SECONDS)


def _check(place: Place, one: Placed) -> None:
    answer = ask(place, "/status", {})
    if answer is None:
        raise click.ClickException("The daemon has stopped; the files are in the source folder and taken at its start.")
    problems: dict[str, str] = answer["problems"]
    of_files = [sentence for name, sentence in problems.items() if name == "files" and one.shown in sentence]
    found = [problems[name] for name in STANDSTILL if name in problems] + of_files
    if found:
        raise click.ClickException(f"{printable(found[0])} The files stay in the source folder and are tried again.")


# -- in this process ------------------------------------------------------------------------------------------------


def _here(place: Place, put: Put) -> list[Placed]:
    with alone(place, _tell) as here:
        placed = put(here.ledger)
        here.run(Recover())
        with _bar(placed, "Taking files") as bar:
            for group in _groups(sorted(placed, key=lambda one: natural_key(one.name))):
                here.run(Ingest(tuple(Arrived(os.fsencode(one.name), now(), size=_weight(one)) for one in group)))
                bar.update(sum(map(_weight, group)))
        here.run(WriteFinaldata())
        if on_terminal():
            click.echo("Learning from new rows, where there are any.", err=True)
        while True:
            with here.ledger.read() as connection:
                if decision_blocks.wanted(connection) is None:
                    return placed
            if here.run(Decide()) is not None:
                here.run(Rescore())


def _groups(placed: Sequence[Placed]) -> Iterator[list[Placed]]:
    group: list[Placed] = []
    for one in placed:
        if group and sum(other.stamp.size for other in group) + one.stamp.size > GROUP_BYTES:
            yield group
            group = []
        group.append(one)
    yield group


def _tell(event: str, fields: dict[str, Any]) -> None:
    if event in TOLD:
        click.echo(fields["detail"], err=True)


# -- what became of them --------------------------------------------------------------------------------------------


def _records(ledger: Ledger, placed: Sequence[Placed]) -> list[FileRecord]:
    found = [_record(ledger, one) for one in placed]
    lost = [one.shown for one, record in zip(placed, found, strict=True) if record is None]
    if lost:
        raise click.ClickException(f"{printable(', '.join(lost))}: changed or removed before it was taken.")
    return [record for record in found if record is not None]


def _record(ledger: Ledger, one: Placed) -> FileRecord | None:
    with ledger.read() as connection:
        newest = files.newest_under(connection, one.shown)
    return None if newest is None or not one.is_(newest[1]) else newest[0]


def _lines(record: FileRecord, workspace: Workspace) -> Iterator[str]:
    """A sentence on the file, and what its sender should look at below it."""
    rows, reason = record.rows, record.reason
    counts = f"{rows.read:,} rows: {rows.ingested:,} ingested, {rows.duplicate:,} duplicate, {rows.rejected:,} rejected"
    if reason is None:
        yield f"{record.name}: {record.state}, {counts}"
    else:
        yield f"{record.name}: {record.state}. {reason.detail} {reason.hint}".strip()
        if reason.lines:
            yield f"  Lines: {', '.join(f'{line:,}' for line in reason.lines)}"
    for note in record.notes:
        yield f"  Note: {note}"
    if record.state is FileState.QUARANTINED and record.sha256 is not None:
        yield f"  Its copy is in {workspace.quarantine}; after a correction: attritiond retry {record.sha256[:12]}"
    elif rows.rejected:
        yield f"  The rows set aside are in {workspace.rejected}"


def _bar(placed: Sequence[Placed], label: str) -> ProgressBar[int]:
    """On a terminal only."""
    length = sum(map(_weight, placed))
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not on_terminal())


def _weight(one: Placed) -> int:
    """What a file counts for in the bar: its bytes, an empty one a little."""
    return max(one.stamp.size, 1)
