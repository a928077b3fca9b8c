"""How writing commands reach what they change: through the running daemon, or alone, with its lock."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec

from daemon import control
from daemon.commands.answers import sentences
from daemon.commands.running import locked
from daemon.commands.workspace import read_configuration
from daemon.settings import Settings
from daemon.tasks import Greeting, Refused, Task
from handlers.storage.ledger import Ledger
from handlers.storage.workspace import Workspace

STATUS_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Place:
    """A workspace, and the configuration that it was found by."""

    config: Path
    settings: Settings
    workspace: Workspace


@dataclass(frozen=True, slots=True)
class Alone:
    """The pipeline in this process, and the ledger that it writes to."""

    ledger: Ledger
    run: Callable[[Task], Any]


def place_of(config: Path, *, new: bool = False) -> Place:
    """Where the configuration file points to. ``new``: there need not be a ledger yet."""
    settings, workspace = read_configuration(config)
    if not new:
        with sentences():
            Ledger(workspace.ledger, read_only=True).close()
    return Place(config.absolute(), settings, workspace)


def ask(place: Place, route: str, body: dict[str, Any]) -> dict[str, Any] | None:
    """The running daemon's answer, None where no daemon runs. Raises ClickException where it refuses."""
    patience = STATUS_PATIENCE_SECONDS if route == "/status" else None
    try:
        answer = control.ask(place.workspace, route, body, patience=patience)
    except control.NoDaemon:
        return None
    if "error" in answer:
        raise click.ClickException(answer["error"])
    return answer


@contextlib.contextmanager
def alone(place: Place, tell: Callable[[str, dict[str, Any]], None]) -> Iterator[Alone]:
    """Work in this process, with the daemon's lock. Raises TryAgainLater where another process holds it."""
    from threadpoolctl import threadpool_limits

    from daemon.worker_tasks import Workbench

    with sentences(), locked(place.settings, place.workspace) as (ledger, _):
        bench = Workbench(Greeting(msgspec.to_builtins(place.settings), str(place.config)), tell)
        try:
            # One thread, as the daemon's workers: sums in another order are other models.
            with contextlib.closing(bench), threadpool_limits(1):
                yield Alone(ledger, bench.run)
        except Refused as error:
            raise click.ClickException(str(error)) from error
