"""How the ledger's schema came to be: one function for each version, applied once and in order."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from handlers.storage.tables import metadata


def _first(connection: Connection) -> None:
    metadata.create_all(connection)


MIGRATIONS: tuple[Callable[[Connection], None], ...] = (_first,)
"""Never edited, only appended to: a ledger of any age is brought up by what follows its ``user_version``."""


def migrate(connection: Connection) -> None:
    """Apply what is missing, inside the caller's transaction.

    Raises ValueError where the ledger is newer than this program.
    """
    version = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if version > len(MIGRATIONS):
        raise ValueError(
            f"it has schema version {version}, and this program knows versions up to {len(MIGRATIONS)}; "
            "install the attritiond that wrote it"
        )
    for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
        migration(connection)
        connection.exec_driver_sql(f"PRAGMA user_version={number}")
