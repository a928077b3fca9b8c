"""``check``: the configuration is looked over; with ``--drop`` it is said what would happen to a file."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TypedDict

import click
import msgspec
import sqlalchemy.exc

from daemon import identity
from daemon import settings as configuration
from daemon.backlog import Unavailable, not_an_input, scan
from daemon.bootstrap import house_of
from daemon.commands.answers import Cell, answer_json, answer_table, json_option, printable, reading, sentences
from daemon.commands.running import opened
from daemon.commands.workspace import BadConfiguration, config_option, read_configuration, require_estimators
from daemon.settings_checks import FOLDER_KEYS
from handlers.domain.files import FileState
from handlers.house import House
from handlers.records import FileCheck
from handlers.storage.ledger import Ledger, LedgerError
from handlers.storage.workspace import Workspace
from server.front import keep_pandas_out

REFUSED = 1


@click.command()
@config_option
@json_option
@click.option(
    "--drop",
    "file",
    metavar="FILE",
    type=click.Path(exists=True, readable=False, path_type=Path),
    help="Say what would happen to this file, and take nothing.",
)
def check(config: Path, as_json: bool, file: Path | None) -> None:
    """Check the configuration, or what would happen to a file.

    Says where everything lies. With --drop: what would happen to FILE if it were dropped. It may lie anywhere, and is
    only read. The exit code is 1 where it would be refused.
    """
    try:
        settings, workspace = read_configuration(config)
        opened(settings, workspace)
        _require_fitting(settings, workspace)
        require_estimators(settings, config)
    except BadConfiguration as error:
        if as_json:
            answer = {"config": str(config), "valid": False, "problems": error.problems}
            click.echo(json.dumps(answer, indent=2))
        raise
    if file is None:
        _say_configuration(config, settings, workspace, as_json=as_json)
        return
    found = _checked(config, workspace, file)
    if as_json:
        answer_json(found)
    else:
        _say_file(found)
    if not found["taken"]:
        raise SystemExit(REFUSED)


def _require_fitting(settings: configuration.Settings, workspace: Workspace) -> None:
    try:
        identity.require_fitting(settings, workspace)
    except configuration.ConfigurationError as error:
        raise BadConfiguration(error) from error
    except (LedgerError, sqlalchemy.exc.DatabaseError) as error:
        raise click.ClickException(f"The data set cannot be read: {error}") from error


# -- the configuration ----------------------------------------------------------------------------------------------


class _Folder(TypedDict):
    path: str
    exists: bool
    writable: bool


class _Source(TypedDict):
    files: int
    bytes: int
    ignored: int
    problem: str | None


def _say_configuration(config: Path, settings: configuration.Settings, workspace: Workspace, *, as_json: bool) -> None:
    folders = {key: _folder(path) for key, path in zip(FOLDER_KEYS, _configured(workspace), strict=True)}
    source = _source(workspace.source)
    if as_json:
        plain = msgspec.to_builtins(settings)
        answer = {"config": str(config), "valid": True, "folders": folders, "source": source, "settings": plain}
        click.echo(json.dumps(answer, indent=2))
        return
    click.echo(f"{config}: the configuration can be used.")
    for key, folder in folders.items():
        click.echo(f"{key}: {folder['path']} ({_state(**folder)})")
    counts = f"{source['files']} files ({source['bytes']:,} bytes), {source['ignored']} ignored"
    click.echo(f"source: {source['problem'] or counts}")


def _configured(workspace: Workspace) -> tuple[Path, ...]:
    return workspace.source, workspace.dataset, workspace.test, workspace.models, workspace.production


def _folder(path: Path) -> _Folder:
    """Whether it is there, and whether this user can write to it, or make it."""
    there = next(folder for folder in (path, *path.parents) if os.access(folder, os.F_OK))
    writable = os.access(f"{there}/.", os.W_OK | os.X_OK)  # the dot: there is none below a file
    return {"path": str(path), "exists": there == path, "writable": writable}


def _state(*, path: str, exists: bool, writable: bool) -> str:
    if not exists:
        return "not there yet" if writable else "not there, and it CANNOT be made"
    if writable:
        return "there, writable"
    return "there, NOT writable" if os.access(f"{path}/.", os.F_OK) else "NOT a folder, or closed to you"


def _source(folder: Path) -> _Source:
    found = scan(folder)
    if isinstance(found, Unavailable):
        return {"files": 0, "bytes": 0, "ignored": 0, "problem": found.detail}
    inputs = [each for each in found if not_an_input(each.name, each.kind) is None]
    size = sum(each.stamp.size for each in inputs)
    return {"files": len(inputs), "bytes": size, "ignored": len(found) - len(inputs), "problem": None}


# -- a file ---------------------------------------------------------------------------------------------------------


def _checked(config: Path, workspace: Workspace, path: Path) -> FileCheck:
    from handlers import checking

    with (
        tempfile.TemporaryDirectory(prefix="attritiond-") as temporary,
        _house(config, workspace, Path(temporary)) as house,
        house.ledger.read() as connection,
    ):
        try:
            return checking.check(house, path, name=path.name, connection=connection, spill=Path(temporary) / "spill")
        except checking.Unsettled as error:
            raise click.ClickException(printable(str(error))) from error


@contextlib.contextmanager
def _house(config: Path, workspace: Workspace, temporary: Path) -> Iterator[House]:
    """The data set, only to be read; where there is none yet, one that is empty: the file would be its first."""
    if workspace.ledger.exists():
        with reading(config) as house:
            yield house
        return
    keep_pandas_out()
    with sentences(), closing(Ledger(temporary / "ledger.sqlite3")) as ledger:
        yield house_of(read_configuration(config)[0], config, ledger)


def _say_file(found: FileCheck) -> None:
    rows, reason = found["rows"], found["reason"]
    fate = "set aside" if found["taken"] else "not to be used"
    counts = f"{rows['read']:,} rows read, {rows['rejected']:,} of them {fate}" if rows["read"] else ""
    state = "a duplicate" if found["state"] is FileState.DUPLICATE else str(found["state"])
    parts = [f"{found['name']} would be {state}", counts]
    click.echo(printable(": ".join(part for part in parts if part) + "."))
    if reason is not None:
        click.echo(printable(reason["detail"]))
        if reason["lines"]:
            click.echo(f"Lines: {', '.join(f'{line:,}' for line in reason['lines'])}.")
        if reason["what_to_do"]:
            click.echo(printable(f"What to do: {reason['what_to_do']}"))
    if found["kind"] is not None:
        _say_content(found)


def _say_content(found: FileCheck) -> None:
    packed = "" if found["compression"] is None else f", packed with {found['compression']}"
    what = "labels of rows that are there" if found["kind"] == "labels" else "rows"
    cells = f"cells separated by {_named(found['delimiter'])}"
    click.echo(f"Read as {found['encoding']}{packed}, {cells}; it holds {what}.")
    for note in found["notes"]:
        click.echo(printable(f"Note: {note}"))
    click.echo()
    columns: list[tuple[Cell, ...]] = [
        (column["name"], str(column["type"]), str(column["role"]), "new" if column["new"] else None)
        for column in found["columns"]
    ]
    answer_table(("COLUMN", "TYPE", "ROLE", ""), columns)
    if not found["rejected"]:
        return
    shown = len(found["rejected"])
    which = "The rows" if shown == found["rows"]["rejected"] else f"The first {shown} rows"
    click.echo(f"\n{which} that cannot be used:")
    faults = [(str(row["line"]), row["column"], row["code"], _cut(row["value"])) for row in found["rejected"]]
    answer_table(("LINE", "COLUMN", "CODE", "VALUE"), faults)
    for code, what_to_do in {row["code"]: row["what_to_do"] for row in found["rejected"]}.items():
        click.echo(f"{code}: {what_to_do}")


def _named(delimiter: str | None) -> str:
    from handlers.domain.dialect import DELIMITER_NAMES

    return f"{DELIMITER_NAMES.get(delimiter or '', repr(delimiter))}s"


def _cut(value: str) -> str:
    longest = 60
    return value if len(value) <= longest else f"{value[: longest - 1]}…"
