"""The one place that knows everybody: from settings to the objects that do the work."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.exc import DatabaseError

from daemon import identity
from daemon.configuration import ConfigurationError
from daemon.settings import Settings, workspace
from handlers.house import House, Learning
from handlers.storage import signing
from handlers.storage.ledger import Ledger, LedgerError, get_fact, set_fact
from handlers.storage.row_index import RowIndex
from handlers.storage.workspace import Workspace

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
        index=RowIndex(folders.index),
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
    try:
        with ledger.write() as connection:
            known = get_fact(connection, identity.FACT)
            if known is None:
                set_fact(connection, identity.FACT, identity.of(settings))
                set_fact(connection, ROW_HASH_KEY, secrets.randbits(63))
    except DatabaseError as error:
        ledger.close()
        raise LedgerError(f"The ledger {folders.ledger} cannot be written: {error.orig}") from error
    try:
        identity.require_same(settings, folders, known)
    except ConfigurationError:
        ledger.close()
        raise
    return ledger
