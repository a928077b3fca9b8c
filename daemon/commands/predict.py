"""``predict``: the current release's answer for a CSV file."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

import click

from daemon.commands.answers import current_release, json_option, printable, reading
from daemon.commands.workspace import config_option
from handlers.clients import ClientsRefused, Fault
from handlers.domain.limits import Limits
from handlers.domain.release import Release
from handlers.prediction import MAX_REASONS, Prediction, TooManyReasons
from handlers.prediction import predict as predicted
from server import wire
from server.negotiation import CSV, JSON


@click.command()
@config_option
@json_option
@click.option("--reasons", type=click.IntRange(0, MAX_REASONS), default=0, help="Reasons to give for each client.")
@click.argument("file", type=click.File("rb"))
def predict(config: Path, as_json: bool, reasons: int, file: BinaryIO) -> None:
    """Score the clients of a CSV file with the current release.

    FILE may be -, the standard input. Nothing is stored. Prints CSV: id, probability, prediction; with --json what
    /v1/prediction answers.
    """
    with reading(config) as house:
        prediction = _predicted(current_release(house), file.read(), reasons)
    if not as_json:
        for warning in prediction.warnings:
            click.echo(printable(warning), err=True)
    body = wire.encode(prediction, JSON if as_json else CSV)
    click.echo(body, nl=as_json)


def _predicted(release: Release, content: bytes, reasons: int) -> Prediction:
    from handlers.client_tables import NotATable, from_csv

    try:
        return predicted(release, from_csv(release, content, Limits()), reasons=reasons)
    except (NotATable, TooManyReasons) as error:
        raise click.ClickException(printable(str(error))) from error
    except ClientsRefused as error:
        faults = [_said(fault) for fault in error.faults]
        raise click.ClickException("\n".join(["The file cannot be scored.", *faults])) from error


def _said(fault: Fault) -> str:
    """The message names the line, and sometimes the column."""
    named = fault.column is None or fault.column in fault.message
    return printable(fault.message if named else f"Column {fault.column}: {fault.message}")
