"""``run``: the daemon in the foreground, and the lock that keeps a second one out."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import uvloop

from daemon import early_signals, last_words, log
from daemon.bootstrap import open_ledger
from daemon.commands.workspace import BadConfiguration, config_option, read_configuration, require_estimators
from daemon.configuration import ConfigurationError
from daemon.doors import Doors
from daemon.listening import CannotStart
from daemon.settings import Settings
from daemon.tasks import Greeting, Role
from daemon.workers import Worker
from handlers.storage import lock
from handlers.storage.ledger import Ledger, LedgerError
from handlers.storage.workspace import Workspace
from server.front import keep_pandas_out

ROLES: tuple[Role, Role] = ("ingest", "model")
LOCK_PATIENCE_SECONDS = 3.0
"""Workers of a killed daemon hold its lock until they have ended, which takes them an instant."""


class TryAgainLater(click.ClickException):
    """Another daemon holds the lock: exit code 75."""

    exit_code = os.EX_TEMPFAIL


@click.command()
@config_option
def run(config: Path) -> None:
    """Run the daemon in the foreground."""
    early_signals.end_at()
    settings, workspace = read_configuration(config)
    log.configure(settings.logging.level)
    require_estimators(settings, config)
    last_words.install()
    keep_pandas_out(thrifty=True)
    doors = opened(settings, workspace)
    with locked(settings, workspace) as (ledger, descriptor):
        greeting = Greeting(msgspec.to_builtins(settings), str(config.absolute()))
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            ended_well = runner.run(_run(settings, config.absolute(), ledger, (greeting, descriptor), doors))
    if not ended_well:
        raise SystemExit(1)


async def _run(settings: Settings, config: Path, ledger: Ledger, start: tuple[Greeting, int], doors: Doors) -> bool:
    """Start the ingest worker first: what it imports and what the daemon imports is loaded side by side."""
    timeout = settings.engine.worker_timeout_seconds
    ingest, model = (Worker(role, *start, _told, timeout=timeout) for role in ROLES)
    await ingest.begin()
    from daemon import daemon

    try:
        return await daemon.run(settings, config, ledger=ledger, workers=(ingest, model), doors=doors)
    except CannotStart as error:
        raise click.ClickException(str(error)) from error


def opened(settings: Settings, workspace: Workspace) -> Doors:
    """Tokens and certificate, as they are configured. Raises BadConfiguration where their files cannot be used."""
    try:
        return Doors(settings.server, workspace.root)
    except ConfigurationError as error:
        raise BadConfiguration(error) from error


def _told(event: str, fields: dict[str, Any]) -> None:
    log.emit(event, **fields)


@contextlib.contextmanager
def locked(settings: Settings, workspace: Workspace) -> Iterator[tuple[Ledger, int]]:
    """The ledger, ready to be written, and the lock's descriptor.

    Raises TryAgainLater, BadConfiguration, and ClickException where the folders cannot be used.
    """
    try:
        descriptor = _acquire(workspace.lock)
    except OSError as error:
        raise _unusable(workspace.lock, error) from error
    try:
        try:
            ledger = open_ledger(settings, workspace)
        except OSError as error:
            raise _unusable(workspace.dataset, error) from error
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


def _unusable(path: Path, error: OSError) -> click.ClickException:
    return click.ClickException(
        f"{error.filename or path} cannot be used: {error.strerror or error}. Give the daemon's user the right to "
        f"write there, or name another folder in the configuration."
    )


def _acquire(path: Path) -> int:
    until = time.monotonic() + LOCK_PATIENCE_SECONDS
    while True:
        try:
            return lock.acquire(path)
        except lock.LockHeld as error:
            if time.monotonic() >= until:
                raise TryAgainLater(str(error)) from error
        time.sleep(0.05)
