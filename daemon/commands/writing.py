"""``deploy``, ``rollback`` and ``report``: through the running daemon, or alone."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from daemon.commands.answers import answer_json, json_option, on_terminal
from daemon.commands.asking import Place, alone, ask, place_of
from daemon.commands.workspace import config_option
from daemon.tasks import Activate, Report, Rescore
from handlers.storage import models
from handlers.storage.ledger import Ledger
from handlers.storage.report_folder import LATEST

POLL_SECONDS = 0.2
STANDSTILL = ("recovery", "ledger", "decision", "report")
"""The daemon's problems with which no report is written."""


@click.command()
@config_option
@json_option
@click.argument("version", type=click.IntRange(min=1))
def deploy(config: Path, as_json: bool, version: int) -> None:
    """Make release VERSION the current one."""
    _activate(config, version, as_json=as_json)


@click.command()
@config_option
@json_option
def rollback(config: Path, as_json: bool) -> None:
    """Make the previous release the current one again."""
    _activate(config, None, as_json=as_json)


@click.command()
@config_option
@json_option
def report(config: Path, as_json: bool) -> None:
    """Write the reports that are missing, and say where the newest is."""
    place = place_of(config)
    if ask(place, "/status", {}) is None:
        with alone(place, _unheard) as here:
            here.run(Report())
    else:
        _wait_for_reports(place)
    latest = place.workspace.reports / LATEST
    if not latest.is_dir():
        raise click.ClickException("There is no report yet: the first model brings the first one.")
    folder = latest.parent / latest.readlink()
    if as_json:
        answer_json({"folder": str(folder), "files": sorted(path.name for path in folder.iterdir())})
        return
    click.echo(str(folder))


def _activate(config: Path, version: int | None, *, as_json: bool) -> None:
    place = place_of(config)
    answer = ask(place, "/deploy", {"version": version})
    if answer is None:
        with alone(place, _unheard) as here:
            answer = {"model_version": here.run(Activate(version))}
            here.run(Rescore())
    if as_json:
        answer_json(answer)
        return
    click.echo(f"Model {answer['model_version']} is the current one.")


def _wait_for_reports(place: Place) -> None:
    """The running daemon writes them as soon as nothing is to be decided. Raises ClickException where it cannot."""
    ledger = Ledger(place.workspace.ledger, read_only=True)
    told = not on_terminal()
    while True:
        with ledger.read() as connection:
            missing = models.unreported(connection)
        if not missing:
            return
        if not told:
            click.echo(f"Waiting for the daemon to write {len(missing)} reports.", err=True)
            told = True
        answer = ask(place, "/status", {})
        if answer is None:
            raise click.ClickException("The daemon has stopped or does not answer; try again.")
        found = [answer["problems"][name] for name in STANDSTILL if name in answer["problems"]]
        if found:
            raise click.ClickException(found[0])
        time.sleep(POLL_SECONDS)


def _unheard(_event: str, _fields: dict[str, Any]) -> None:
    """What the ledger has recorded need not be said here."""
