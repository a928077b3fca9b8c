"""The schema in the ledger. The ingest worker writes the columns; the model worker says when they are settled."""

from __future__ import annotations

from dataclasses import replace

import msgspec
from sqlalchemy import Connection

from handlers.domain.schema import Schema
from handlers.storage.ledger import get_fact, set_fact

SCHEMA, SETTLED = "schema", "schema_settled"


def read(connection: Connection) -> Schema:
    """The schema as it stands; the empty one before the first file."""
    stored = get_fact(connection, SCHEMA)
    if stored is None:
        return Schema()
    return replace(msgspec.convert(stored, Schema), provisional=not get_fact(connection, SETTLED, False))


def write(connection: Connection, schema: Schema) -> None:
    """Keep a changed schema."""
    set_fact(connection, SCHEMA, to_document(schema))


def settle(connection: Connection) -> None:
    """A model that is not provisional has been promoted: from here on types do not change by learning."""
    set_fact(connection, SETTLED, True)


def to_document(schema: Schema) -> dict[str, object]:
    """The schema as JSON values."""
    document: dict[str, object] = msgspec.to_builtins(schema)
    return document
