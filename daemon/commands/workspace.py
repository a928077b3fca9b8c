"""``init`` and ``demo``: a workspace is made, and given something to do."""

from __future__ import annotations

import json
import os
from contextlib import closing
from pathlib import Path

import click
import sqlalchemy.exc

from daemon import settings as configuration
from daemon.settings_checks import FOLDER_KEYS
from handlers.domain.files import Reason
from handlers.domain.schema import DatasetSettings
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


def require_estimators(settings: configuration.Settings, path: Path) -> None:
    """Try out the estimators that are named by their import paths. Raises BadConfiguration."""
    from daemon.estimator_check import require_usable

    try:
        require_usable(settings, path)
    except configuration.ConfigurationError as error:
        raise BadConfiguration(error) from error


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
    from handlers.demonstration import write_next_drop

    try:
        written = write_next_drop(workspace.source, known=_known(workspace.ledger))
    except OSError as error:
        raise click.ClickException(f"The files cannot be written: {error}.") from error
    for path in written:
        click.echo(str(path))


def columns_of(dataset: DatasetSettings) -> dict[str, str | None]:
    """What tells the demonstration's files from others."""
    return {key: getattr(dataset, key) for key in ("id_column", "target_column", "time_column")}


def _guessed(sample: Path) -> dict[str, str | int | None]:
    """What the sample's columns seem to mean; each guess is said on standard error."""
    from daemon.commands.sample import read_sample  # pyarrow, which the daemon's start does without
    from handlers.guessing import guess

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
