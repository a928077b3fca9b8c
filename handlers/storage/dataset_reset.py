"""Forgetting the rows of a data set whose schema is to be learned anew."""

from __future__ import annotations

from sqlalchemy import Connection, delete, update

from handlers.domain.files import FileState
from handlers.storage.files import ACCEPTED
from handlers.storage.ledger import LABELLED_DRIFT, PREQUENTIAL, RUNNING_SCORES, UNLABELLED_DRIFT, get_fact, set_fact
from handlers.storage.schemas import SCHEMA
from handlers.storage.tables import facts, files, index_runs, parts, row_hashes, schema_versions, undecided
from handlers.storage.versions import SINCE

_OF_ROWS = (SCHEMA, "labels", PREQUENTIAL, RUNNING_SCORES, LABELLED_DRIFT, UNLABELLED_DRIFT)


def forget(connection: Connection) -> None:
    """Remove rows, hashes and the schema; accepted files become failed ones, which are taken again."""
    for table in (undecided, parts, index_runs, row_hashes):
        connection.execute(delete(table))
    reason = {"code": "schema_reset", "detail": "The schema was reset.", "hint": "It is taken again.", "lines": []}
    values = {"state": FileState.FAILED, "reason": reason, "published": True}
    connection.execute(update(files).where(files.c.state.in_(ACCEPTED)).values(**values))
    connection.execute(delete(facts).where(facts.c.name.in_(_OF_ROWS)))
    connection.execute(delete(schema_versions))
    version = int(get_fact(connection, "dataset_version", 0)) + 1
    set_fact(connection, "dataset_version", version)
    set_fact(connection, SINCE, version)
