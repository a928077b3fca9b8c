"""``run``: the daemon in the foreground, and the lock that keeps a second one out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import click

from daemon import log
from daemon.bootstrap import open_ledger
from daemon.commands.workspace import BadConfiguration, config_option, read_configuration
from daemon.configuration import ConfigurationError
from daemon.settings import Settings
from handlers.storage import lock
from handlers.storage.ledger import Ledger, LedgerError
from handlers.storage.workspace import Workspace
from server.front import keep_pandas_out

LOCK_PATIENCE_SECONDS = 3.0
"""Workers of a killed daemon hold its lock until they have ended, which takes them an instant."""


class TryAgainLater(click.ClickException):
    """Another daemon holds the lock: exit code 75."""

    exit_code = os.EX_TEMPFAIL


@click.command()
@config_option
def run(config: Path) -> None:
    """Run the daemon in the foreground."""
    settings, workspace = read_configuration(config)
    log.configure(settings.logging.level)
    keep_pandas_out()
    from daemon import daemon

    with locked(settings, workspace) as (ledger, descriptor):
        ended_well = asyncio.run(daemon.run(settings, config.absolute(), ledger=ledger, lock=descriptor))
    if not ended_well:
        raise SystemExit(1)


@contextlib.contextmanager
def locked(settings: Settings, workspace: Workspace) -> Iterator[tuple[Ledger, int]]:
    """The ledger, ready to be written, and the lock's descriptor. Raises TryAgainLater and BadConfiguration."""
    descriptor = _acquire(workspace.lock)
    try:
        ledger = open_ledger(settings, workspace)
        try:
            yield ledger, descriptor
        finally:
            ledger.close()
    except ConfigurationError as error:
        raise BadConfiguration(error) from error
    except LedgerError as error:
        raise click.ClickException(str(error)) from error
    finally:
        os.close(descriptor)


def _acquire(path: Path) -> int:
    until = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            return lock.acquire(path)
        except lock.LockHeld as error:
            if time.monotonic() >= until:
                raise TryAgainLater(str(error)) from error
        time.sleep(0.05)
