"""``reproduce``: a release is trained again from what it says of itself."""

from __future__ import annotations

from pathlib import Path

import click

from daemon.bootstrap import house_of
from daemon.commands.answers import answer_json, json_option, on_terminal, printable, sentences
from daemon.commands.workspace import config_option, read_configuration
from handlers.storage.ledger import Ledger


@click.command()
@config_option
@json_option
@click.argument("version", type=click.IntRange(min=1))
def reproduce(config: Path, as_json: bool, version: int) -> None:
    """Train release VERSION again, and say whether it is the same.

    It is trained from the rows, the recipe, the settings and the seed that it has recorded, in memory; nothing is
    changed. The exit code is 1 where its scorecard is another one.
    """
    from threadpoolctl import threadpool_limits

    from handlers import reproducing

    settings, workspace = read_configuration(config)
    with sentences():
        ledger = Ledger(workspace.ledger, read_only=True)
        ledger.require_current()
        if on_terminal():
            click.echo(f"Training model {version} again.", err=True)
        try:
            with threadpool_limits(1):  # as the daemon's workers: sums in another order are other models
                found = reproducing.reproduce(house_of(settings, config, ledger), version)
        except reproducing.NotReproducible as error:
            raise click.ClickException(printable(str(error))) from error
    if as_json:
        lists = {"differences": found.differences, "libraries": found.libraries}
        answer_json({"version": version, "equal": found.equal, **lists})
    else:
        for sentence in (*found.differences, *(f"Library: {one}." for one in found.libraries)):
            click.echo(printable(sentence))
        click.echo(
            f"Model {version} is {'equal' if found.equal else 'NOT equal'} to what is trained from its rows now."
        )
    if not found.equal:
        raise SystemExit(1)
