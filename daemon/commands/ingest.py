"""``ingest``: files are put into the source folder, and what became of each is said."""

from __future__ import annotations

from pathlib import Path

import click

from daemon.commands import outcomes
from daemon.commands.answers import json_option
from daemon.commands.asking import place_of
from daemon.commands.placing import check_names, place_file
from daemon.commands.workspace import config_option


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
    source = place.workspace.source
    records = outcomes.take(place, lambda ledger: [place_file(path, source, ledger) for path in file])
    outcomes.say(records, place.workspace, as_json=as_json)
