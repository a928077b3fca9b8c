"""``retry``: refused files are taken again, after a correction of the configuration or of the schema."""

from __future__ import annotations

from pathlib import Path

import click

from daemon.commands import outcomes
from daemon.commands.answers import json_option, printable
from daemon.commands.asking import place_of
from daemon.commands.placing import Placed
from daemon.commands.workspace import config_option
from handlers import retrying
from handlers.storage.ledger import Ledger
from handlers.storage.workspace import Workspace


@click.command()
@config_option
@json_option
@click.argument("sha256", nargs=-1, required=True)
def retry(config: Path, as_json: bool, sha256: tuple[str, ...]) -> None:
    """Take refused files again, after a correction of the configuration.

    Or of the schema. A file is named by the beginning of its SHA256, as `attritiond files --state quarantined` shows
    it. Its copy in the quarantine goes back into the source folder. The exit code is 1 where it was refused again.
    """
    place = place_of(config)
    records = outcomes.take(place, lambda ledger: _put_back(place.workspace, ledger, sha256))
    outcomes.say(records, place.workspace, as_json=as_json)


def _put_back(workspace: Workspace, ledger: Ledger, prefixes: tuple[str, ...]) -> list[Placed]:
    """All are found before the first is put back. Raises ClickException."""
    try:
        with ledger.read() as connection:
            found = {record.seq: record for record in (retrying.find(connection, prefix) for prefix in prefixes)}
        return [Placed(*retrying.put_back(workspace, record)) for record in found.values()]
    except retrying.NotRetryable as error:
        raise click.ClickException(printable(str(error))) from error
