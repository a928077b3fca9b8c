"""``init``, ``check`` and ``demo``: a workspace is made, looked over, and given something to do."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path
from typing import TypedDict

import click
import msgspec
import sqlalchemy.exc

from daemon import identity
from daemon import settings as configuration
from daemon.backlog import Unavailable, not_an_input, scan
from daemon.commands.sample import read_sample
from daemon.settings_checks import FOLDER_KEYS
from handlers.demonstration import write_next_drop
from handlers.domain.files import Reason
from handlers.domain.schema import DatasetSettings
from handlers.guessing import guess
from handlers.storage import files
from handlers.storage.atomic import write_atomically
from handlers.storage.ledger import Ledger, LedgerError
from handlers.storage.workspace import Workspace

CONFIG_NAME = "config.json"
DEMONSTRATION = DatasetSettings(time_column="month", value_column="annual_contract_value")


class BadConfiguration(click.ClickException):
    """The configuration cannot be used: exit code 78."""

    exit_code = os.EX_CONFIG

    def __init__(self, error: configuration.ConfigurationError) -> None:
        super().__init__(str(error))
        self.problems = error.problems


config_option = click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path(CONFIG_NAME),
    show_default=True,
    help="The configuration file.",
)


def read_configuration(path: Path) -> tuple[configuration.Settings, Workspace]:
    """The settings, and where everything lies. Raises BadConfiguration."""
    try:
        settings = configuration.read(path, os.environ)
    except configuration.ConfigurationError as error:
        raise BadConfiguration(error) from error
    return settings, configuration.workspace(settings, path)


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")
def check(config: Path, as_json: bool) -> None:
    """Check the configuration, and say where everything lies."""
    try:
        settings, workspace = read_configuration(config)
        _require_fitting(settings, workspace)
    except BadConfiguration as error:
        if as_json:
            answer = {"config": str(config), "valid": False, "problems": error.problems}
            click.echo(json.dumps(answer, indent=2))
        raise
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


@click.command()
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--from",
    "sample",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV file of your own data; its first rows tell what the columns mean. Nothing is copied.",
)
def init(folder: Path, sample: Path | None) -> None:
    """Make a new workspace in DIR: folders and a config.json."""
    path = folder / CONFIG_NAME
    if os.path.lexists(path):
        raise click.ClickException(f"{path} is there already and stays as it is. Name another folder.")
    dataset = {} if sample is None else _guessed(sample)
    settings = configuration.Settings()
    content = {key: getattr(settings, key) for key in FOLDER_KEYS} | ({"dataset": dataset} if dataset else {})
    workspace = configuration.workspace(settings, path)
    try:
        workspace.make_folders()
        workspace.test.mkdir(exist_ok=True)
        write_atomically(path, (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise click.ClickException(f"The workspace cannot be made: {error}.") from error
    if sample is None:
        standard = DatasetSettings()
        columns = f"id_column is {standard.id_column!r}, target_column {standard.target_column!r}"
        click.echo(f"Nothing was guessed: {columns}, positive_label {standard.positive_label!r}.", err=True)
    click.echo(f'If that is wrong, correct it under "dataset" in {path} before the first start.', err=True)
    click.echo(f"Then: attritiond run --config {path}, and put CSV files into {workspace.source}.", err=True)
    click.echo(str(path))


@click.command()
@config_option
def demo(config: Path) -> None:
    """Write the next month of the demonstration into the source folder."""
    settings, workspace = read_configuration(config)
    if columns_of(settings.dataset) != columns_of(DEMONSTRATION):
        named = ", ".join(f"{key} {value!r}" for key, value in columns_of(DEMONSTRATION).items())
        raise click.ClickException(
            f"{config} is for other data: the demonstration's clients are not mixed with yours. It needs {named}, "
            "as the config.json of the checkout has them."
        )
    try:
        written = write_next_drop(workspace.source, known=_known(workspace.ledger))
    except OSError as error:
        raise click.ClickException(f"The files cannot be written: {error}.") from error
    for path in written:
        click.echo(str(path))


def columns_of(dataset: DatasetSettings) -> dict[str, str | None]:
    """What tells the demonstration's files from others."""
    return {key: getattr(dataset, key) for key in ("id_column", "target_column", "time_column")}


def _require_fitting(settings: configuration.Settings, workspace: Workspace) -> None:
    try:
        identity.require_fitting(settings, workspace)
    except configuration.ConfigurationError as error:
        raise BadConfiguration(error) from error
    except (LedgerError, sqlalchemy.exc.DatabaseError) as error:
        raise click.ClickException(f"The data set cannot be read: {error}") from error


def _configured(workspace: Workspace) -> tuple[Path, ...]:
    return workspace.source, workspace.dataset, workspace.test, workspace.models, workspace.production


class _Folder(TypedDict):
    path: str
    exists: bool
    writable: bool


class _Source(TypedDict):
    files: int
    bytes: int
    ignored: int
    problem: str | None


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


def _guessed(sample: Path) -> dict[str, str | int | None]:
    """What the sample's columns seem to mean; each guess is said on standard error."""
    try:
        found = read_sample(sample)
        if isinstance(found, Reason):
            raise click.ClickException(f"{sample} cannot be used: {found.detail} {found.hint}")
        guessed = guess(found.header, found.rows)
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{sample} cannot be used: {error}") from error
    for sentence in (*found.notes, *guessed.sentences):
        click.echo(sentence, err=True)
    return guessed.settings


def _known(ledger: Path) -> list[str]:
    """The names of the files that were taken; none where there is no ledger yet."""
    if not ledger.exists():
        return []
    try:
        with closing(Ledger(ledger, read_only=True)) as opened, opened.read() as connection:
            return files.accepted_names(connection)
    except (LedgerError, sqlalchemy.exc.SQLAlchemyError) as error:
        raise click.ClickException(f"The ledger {ledger} cannot be read: {error}") from error
