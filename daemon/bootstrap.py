"""The one place that knows everybody: from settings to the objects that do the work."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.exc import DatabaseError

from daemon.configuration import ConfigurationError
from daemon.settings import Settings, workspace
from handlers.house import House, Learning
from handlers.storage import signing
from handlers.storage.ledger import Ledger, LedgerError, get_fact, set_fact
from handlers.storage.workspace import Workspace

IDENTITY = "identity"
ROW_HASH_KEY = "row_hash_key"


def house_of(settings: Settings, config: Path, ledger: Ledger | None = None) -> House:
    """What the pipeline works with, for the configuration file at ``config``."""
    folders = workspace(settings, config)
    return House(
        workspace=folders,
        ledger=Ledger(folders.ledger) if ledger is None else ledger,
        dataset=settings.dataset,
        ingestion=settings.ingestion,
        learning=Learning(settings.drift, settings.training, settings.promotion, settings.retention),
        now=now,
        timer=time.perf_counter,
    )


def now() -> str:
    """The time as the records have it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def open_ledger(settings: Settings, folders: Workspace) -> Ledger:
    """Make the folders, the keys and the ledger where they are missing. Call it with the lock held.

    Raises ConfigurationError where the data set there was made for another id, time, target or positive label, and
    LedgerError.
    """
    folders.make_folders()
    signing.make_keys(folders.keys)
    ledger = Ledger(folders.ledger)
    identity = _identity(settings)
    try:
        with ledger.write() as connection:
            known = get_fact(connection, IDENTITY)
            if known is None:
                set_fact(connection, IDENTITY, identity)
                set_fact(connection, ROW_HASH_KEY, secrets.randbits(63))
    except DatabaseError as error:
        ledger.close()
        raise LedgerError(f"The ledger {folders.ledger} cannot be written: {error.orig}") from error
    if known is not None and known != identity:
        ledger.close()
        changed = [name for name in identity if identity[name] != known[name]]
        sentence = (
            f"dataset.{changed[0]} is {identity[changed[0]]!r}, but the data set in {folders.dataset} was made with "
            f"{known[changed[0]]!r}. That is another workspace: set it back, or name another output_folder_path."
        )
        raise ConfigurationError((sentence,))
    return ledger


def _identity(settings: Settings) -> dict[str, Any]:
    dataset = settings.dataset
    return {
        "id_column": dataset.id_column,
        "time_column": dataset.time_column,
        "target_column": dataset.target_column,
        "positive_label": dataset.positive_label,
    }
