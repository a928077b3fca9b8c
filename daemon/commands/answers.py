"""How commands answer: JSON, aligned columns, and errors that are sentences."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click
import msgspec
from sqlalchemy.exc import SQLAlchemyError

from daemon.bootstrap import house_of
from daemon.commands.workspace import read_configuration
from handlers import activation
from handlers.domain.release import Release
from handlers.house import House
from handlers.storage.ledger import Ledger, LedgerError
from handlers.storage.releases import ReleaseError
from server.front import keep_pandas_out

Cell = str | int | None

NO_MODEL = "There is no model yet: labelled rows of both classes are waited for."

json_option = click.option("--json", "as_json", is_flag=True, help="Answer as JSON.")


limit_option = click.option(
    "--limit", type=click.IntRange(min=1), default=100, show_default=True, help="The largest number of lines."
)


@contextlib.contextmanager
def reading(config: Path) -> Iterator[House]:
    """What is there, for a command that changes nothing: beside a running daemon or without one."""
    keep_pandas_out()
    settings, workspace = read_configuration(config)
    with sentences():
        ledger = Ledger(workspace.ledger, read_only=True)
        ledger.require_current()
        yield house_of(settings, config, ledger)


@contextlib.contextmanager
def sentences() -> Iterator[None]:
    """Say what is wrong with the ledger, a release or a file in one sentence, and exit 1."""
    try:
        yield
    except (LedgerError, ReleaseError) as error:
        raise click.ClickException(str(error)) from error
    except SQLAlchemyError as error:
        raise click.ClickException(f"The ledger cannot be used: {error}") from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"It could not be done: {error}.") from error


def current_release(house: House) -> Release:
    """The release that is served, its signature and hashes checked. Raises ClickException before the first."""
    release = activation.current(house)
    if release is None:
        raise click.ClickException(NO_MODEL)
    return release


def answer_json(document: object) -> None:
    """Print JSON values."""
    click.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


def answer_table(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print columns under their names: whole numbers to the right, texts to the left, nothing for None."""
    numeric = [all(isinstance(row[place], int | None) for row in rows) for place in range(len(header))]
    lines = [list(header), *([_shown(cell) for cell in row] for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(header))]
    for line in lines:
        cells = zip(line, widths, numeric, strict=True)
        click.echo(
            "  ".join(cell.rjust(width) if right else cell.ljust(width) for cell, width, right in cells).rstrip()
        )


def printable(text: str) -> str:
    """Text for a terminal: a file's name or a client's id must not move the cursor."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def on_terminal() -> bool:
    """Is somebody looking at the messages?"""
    return sys.stderr.isatty()


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    return f"{cell:,}" if isinstance(cell, int) else printable(cell)
