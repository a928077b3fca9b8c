"""``ingest``: files are put into the source folder, and what became of each is said."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

import click

from daemon.bootstrap import now
from daemon.commands.answers import answer_json, json_option, on_terminal, printable, sentences
from daemon.commands.asking import Place, alone, ask, place_of
from daemon.commands.placing import Placed, check_names, place_file
from daemon.commands.workspace import config_option
from daemon.tasks import Arrived, Decide, Ingest, Recover, Rescore, WriteFinaldata
from handlers import decision_blocks
from handlers.domain.files import FileRecord, FileState
from handlers.domain.ordering import natural_key
from handlers.records import FileItem, file_item
from handlers.storage import files
from handlers.storage.ledger import Ledger

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar  # click gives its type no public name

POLL_SECONDS = 0.1
ASK_SECONDS = 1.0
GROUP_BYTES = 64 * 1024**2
"""What one commit takes in this process: progress is seen, and memory has a bound."""
REFUSED = (FileState.QUARANTINED, FileState.FAILED, FileState.IGNORED)
STANDSTILL = ("source_folder", "recovery", "ledger", "ingestion")
"""The daemon's problems with which no file is taken."""
TOLD = ("model.promoted", "model.kept")


class Outcome(TypedDict):
    """``items``: what became of each file, in the order in which they were named."""

    items: list[FileItem]


@click.command()
@config_option
@json_option
@click.argument("file", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def ingest(config: Path, as_json: bool, file: tuple[Path, ...]) -> None:
    """Put files into the source folder, and wait until they are taken.

    A FILE that lies there already is not copied. Without a running daemon, all of its work is done here, and models
    are trained. The exit code is 1 where a file was refused.
    """
    check_names(file)
    place = place_of(config, new=True)
    placed = _with_daemon(place, file) if ask(place, "/status", {}) is not None else _here(place, file)
    with sentences():
        records = _records(Ledger(place.workspace.ledger, read_only=True), placed)
    if as_json:
        answer_json(Outcome(items=[file_item(record) for record in records]))
    for record in records:
        if not as_json:
            click.echo(_sentence(record))
    if any(record.state in REFUSED for record in records):
        raise SystemExit(1)


# -- with a daemon --------------------------------------------------------------------------------------------------


def _with_daemon(place: Place, paths: Sequence[Path]) -> list[Placed]:
    with sentences():
        ledger = Ledger(place.workspace.ledger, read_only=True)
        placed = [place_file(path, place.workspace.source, ledger) for path in paths]
        ask(place, "/scan", {})
        with _bar(len(placed), "Waiting for the daemon") as bar:
            for one in placed:
                _wait(place, ledger, one)
                bar.update(1)
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


def _here(place: Place, paths: Sequence[Path]) -> list[Placed]:
    with alone(place, _tell) as here:
        placed = [place_file(path, place.workspace.source, here.ledger) for path in paths]
        here.run(Recover())
        with _bar(len(placed), "Taking files") as bar:
            for group in _groups(sorted(placed, key=lambda one: natural_key(one.name))):
                here.run(Ingest(tuple(Arrived(os.fsencode(one.name), now()) for one in group)))
                bar.update(len(group))
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


def _sentence(record: FileRecord) -> str:
    rows, reason = record.rows, record.reason
    counts = f"{rows.read:,} rows: {rows.ingested:,} ingested, {rows.duplicate:,} duplicate, {rows.rejected:,} rejected"
    said = counts if reason is None else f"{reason.detail} {reason.hint}".strip()
    return printable(
        f"{record.name}: {record.state}, {said}" if reason is None else f"{record.name}: {record.state}. {said}"
    )


def _bar(length: int, label: str) -> ProgressBar[int]:
    return click.progressbar(length=length, label=label, file=sys.stderr, hidden=not on_terminal())
