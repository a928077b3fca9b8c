"""``export``: the data set for other programs, as it is or as it was."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import click

from daemon.commands.answers import reading
from daemon.commands.workspace import config_option
from handlers.export import Form
from handlers.export import export as write_to
from handlers.storage.versions import UnknownVersion


@click.command()
@config_option
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the standard output."
)
@click.option(
    "--as-of",
    "version",
    type=click.IntRange(min=0),
    help="The data set as it was at this version: a model's dataset_version, or one up to that of /v1/summarystats.",
)
def export(config: Path, form: Form, output: Path | None, version: int | None) -> None:
    """Print the data set, the original columns first and in their order."""
    if form == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is not text: name a file with -o, or use a pipe.")
    try:
        with reading(config) as house, _opened(output) as stream:
            write_to(house.ledger, house.workspace, stream, form=form, version=version)
    except UnknownVersion as error:
        raise click.ClickException(str(error)) from error


def _opened(path: Path | None) -> contextlib.AbstractContextManager[BinaryIO]:
    if path is None:
        return contextlib.nullcontext(sys.stdout.buffer)
    # Something like /dev/null is written into and never replaced.
    return path.open("wb") if path.exists() and not path.is_file() else _replaced(path)


@contextlib.contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    """A file that appears under its name when it is complete."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
