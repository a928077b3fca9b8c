"""The ledger: the SQLite database whose commit is the only moment at which something has happened."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event, select
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.pool import NullPool, QueuePool

from handlers.storage.migrations import MIGRATIONS, migrate
from handlers.storage.tables import facts

PREQUENTIAL, RUNNING_SCORES = "prequential", "running_scores"
"""The facts that hold the scores of all rows that were judged, and the counts that they are made of."""
LABELLED_DRIFT, UNLABELLED_DRIFT = "drift", "unlabelled_drift"
"""The facts that hold the newest diagnosis of labelled and of unlabelled rows."""
BUSY_SECONDS = 30.0
"""How long a writer waits for another one's transaction; the longest of ours is one commit of a group."""


class LedgerError(Exception):
    """The ledger cannot be opened; the message says why and what to do."""


class Ledger:
    """Opens transactions. One object may be shared by threads; each process makes its own."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open, and bring to the newest schema unless ``read_only``.

        Raises LedgerError where there is none to read, or where a newer attritiond wrote it.
        """
        self.path = path
        if read_only and not path.exists():
            raise LedgerError(f"There is no ledger at {path} yet. Start the daemon with `attritiond run` first.")
        mode = "rw" if read_only else "rwc"  # a reader of a WAL database must be able to make its -shm file
        self._engine: Engine = sqlalchemy.create_engine(
            f"sqlite:///file:{path}?mode={mode}&uri=true",
            poolclass=NullPool if read_only else QueuePool,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
            hide_parameters=True,  # an error's message goes to the log, a client's name must not
        )
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)
        if not read_only:
            self._migrate()

    def require_current(self) -> None:
        """A reader changes nothing, so it must find the tables that it knows. Raises LedgerError where it does not."""
        try:
            with self.read() as connection:
                version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
        except sqlalchemy.exc.DatabaseError as error:
            raise LedgerError(f"The ledger {self.path} cannot be opened: {error}") from error
        if version < len(MIGRATIONS):
            raise LedgerError(
                f"The ledger {self.path} is that of an older attritiond. `attritiond run` brings it up to date."
            )
        if version > len(MIGRATIONS):
            raise LedgerError(f"The ledger {self.path} is that of a newer attritiond: install the one that wrote it.")

    def _migrate(self) -> None:
        try:
            with self.write() as connection:
                migrate(connection)
        except (sqlalchemy.exc.DatabaseError, ValueError) as error:
            raise LedgerError(f"The ledger {self.path} cannot be opened: {error}") from error

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One snapshot: what is read inside never changes under the reader."""
        with self._engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: all of it is there after the block, or nothing."""
        with self._engine.connect() as connection:
            connection.info["write"] = True
            try:
                with connection.begin():
                    yield connection
            finally:
                connection.info["write"] = False

    def close(self) -> None:
        self._engine.dispose()


def _prepare(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # SQLAlchemy's BEGIN is the one below, not the driver's
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    # Some builds overwrite with zeros what is deleted: compaction would write each page that it frees twice.
    connection.execute("PRAGMA secure_delete=FAST")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.info.get("write") else "BEGIN")


def get_fact(connection: Connection, name: str, default: Any = None) -> Any:
    """A single value by its name."""
    value = connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar_one_or_none()
    return default if value is None else value


def get_facts(connection: Connection, *names: str) -> dict[str, Any]:
    """Those of the named values that are there, by name."""
    found = connection.execute(select(facts.c.name, facts.c.value).where(facts.c.name.in_(names)))
    return {str(row.name): row.value for row in found}


def set_fact(connection: Connection, name: str, value: Any) -> None:
    """Write a single value, replacing the one that was there."""
    set_facts(connection, {name: value})


def set_facts(connection: Connection, values: Mapping[str, Any]) -> None:
    """Write values by their names, replacing those that were there."""
    if values:
        statement = insert(facts)
        statement = statement.on_conflict_do_update(index_elements=["name"], set_={"value": statement.excluded.value})
        connection.execute(statement, [{"name": name, "value": value} for name, value in values.items()])
