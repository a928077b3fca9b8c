"""The schema in the ledger. The ingest worker writes the columns; the model worker says when they are settled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import msgspec
from sqlalchemy import Connection, select

from handlers.domain.schema import Schema
from handlers.storage.ledger import get_fact, set_fact
from handlers.storage.tables import schema_versions

SCHEMA, SETTLED = "schema", "schema_settled"


@dataclass(frozen=True, slots=True)
class SchemaVersion:
    """A schema, and the version of the data set that it first belonged to."""

    dataset_version: int
    schema: Schema


def read(connection: Connection) -> Schema:
    """The schema as it stands; the empty one before the first file."""
    stored = get_fact(connection, SCHEMA)
    return Schema() if stored is None else _schema(connection, stored)


def write(connection: Connection, schema: Schema) -> None:
    """Keep a changed schema, beside those that were before it.

    It belongs to the data set's version as the ledger says it: a commit writes that one first.
    """
    document = to_document(schema)
    set_fact(connection, SCHEMA, document)
    version = get_fact(connection, "dataset_version", 0)
    connection.execute(schema_versions.insert().values(dataset_version=version, document=document))


def as_of(connection: Connection, dataset_version: int) -> Schema:
    """The schema that belonged to a version of the data set; the empty one before the first file."""
    statement = select(schema_versions.c.document).where(schema_versions.c.dataset_version <= dataset_version)
    stored = connection.execute(statement.order_by(schema_versions.c.id.desc()).limit(1)).scalar_one_or_none()
    return Schema() if stored is None else _schema(connection, stored)


def history(connection: Connection) -> list[SchemaVersion]:
    """Every schema that there was, the oldest first."""
    found = connection.execute(select(schema_versions).order_by(schema_versions.c.id))
    return [SchemaVersion(row.dataset_version, _schema(connection, row.document)) for row in found]


def settle(connection: Connection) -> None:
    """A model that is not provisional has been promoted: from here on types do not change by learning."""
    set_fact(connection, SETTLED, True)


def to_document(schema: Schema) -> dict[str, object]:
    """The schema as JSON values."""
    document: dict[str, object] = msgspec.to_builtins(schema)
    return document


def _schema(connection: Connection, stored: object) -> Schema:
    return replace(msgspec.convert(stored, Schema), provisional=not get_fact(connection, SETTLED, False))
