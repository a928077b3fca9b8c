"""``export``: the data set for other programs."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal

import click

from daemon.commands.answers import reading
from daemon.commands.workspace import config_option
from handlers.export import export_csv, export_parquet


@click.command()
@config_option
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file instead of the standard output."
)
def export(config: Path, form: Literal["csv", "parquet"], output: Path | None) -> None:
    """Print the data set, the original columns first and in their order."""
    if form == "parquet" and (output is None or _is_special(output)):
        raise click.UsageError("Parquet is written to a file: name one with -o.")
    with reading(config) as house:
        if output is None:
            export_csv(house.ledger, house.workspace, sys.stdout.buffer)
        elif form == "parquet":
            export_parquet(house.ledger, house.workspace, output.absolute())
        else:
            with output.open("wb") if _is_special(output) else _replaced(output) as stream:
                export_csv(house.ledger, house.workspace, stream)


def _is_special(path: Path) -> bool:
    """Is it something like /dev/null, to be written into and never to be replaced?"""
    return path.exists() and not path.is_file()


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
