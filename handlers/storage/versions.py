"""The data set's versions: each commit that changed it made one, and it can be read as it was at any of them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from handlers.domain.schema import Schema
from handlers.storage import schemas
from handlers.storage.ledger import get_fact
from handlers.storage.tables import files

SINCE = "dataset_since"
"""The fact that says which version the schema was last reset with: what was before it is forgotten."""
FINALDATA = "finaldata_version"
"""The fact that says which version ``finaldata.csv`` was last brought up to."""


class UnknownVersion(ValueError):
    """The data set never had this version, or it is forgotten; the message says which ones there are."""


@dataclass(frozen=True, slots=True)
class View:
    """The data set as it was at a version: what the files up to ``last_file`` brought, under the schema of then."""

    version: int
    last_file: int
    schema: Schema


def newest(connection: Connection) -> int:
    """The number of the last commit that changed the data set; 0 before the first."""
    return int(get_fact(connection, "dataset_version", 0))


def finaldata_is_behind(connection: Connection) -> bool:
    """Has the data set changed since ``finaldata.csv`` was last brought up to it, or removed?"""
    version = newest(connection)
    return version > 0 and get_fact(connection, FINALDATA) != version


def view(connection: Connection, version: int | None = None) -> View:
    """The data set at a version (None: now). Raises UnknownVersion."""
    now = newest(connection)
    chosen = now if version is None else version
    first = int(get_fact(connection, SINCE, 0))
    if not first <= chosen <= now:
        why = " What was before was forgotten when the schema was reset." if first else ""
        raise UnknownVersion(f"The data set has no version {chosen}: there are {first} to {now}.{why}")
    # The numbers of files rise with the versions, and recent versions are asked for most.
    numbers = select(files.c.seq).where(files.c.dataset_version <= chosen).order_by(files.c.seq.desc()).limit(1)
    last_file = connection.execute(numbers).scalar_one_or_none() or 0
    return View(chosen, int(last_file), schemas.as_of(connection, chosen))
