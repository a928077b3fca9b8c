"""The row index made anew from the stored rows, where a file of it is missing or damaged."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.domain.deduplication import key_hashes
from handlers.domain.facts import Fact
from handlers.domain.sorted_hashes import SortedHashes, sorted_hashes
from handlers.house import House
from handlers.storage import parts, schemas
from handlers.storage.index_runs import IndexDamaged
from handlers.storage.ledger import get_fact
from handlers.storage.parts import PartKind


def mend(house: House) -> list[Fact]:
    """Make the index anew where it cannot be used; otherwise nothing is done. Returns what the log says of it."""
    with house.ledger.read() as connection:
        try:
            house.index.follow(connection)
        except IndexDamaged as error:
            why = str(error)
        else:
            return []
    started = house.timer()
    rows = rebuild(house)
    return [Fact("index.rebuilt", {"rows": rows, "seconds": round(house.timer() - started, 3), "detail": why})]


def rebuild(house: House) -> int:
    """Make the index anew from the stored rows; returns how many there are.

    What was put and not committed is forgotten. Raises OSError, and then the index is as it was.
    """
    with house.ledger.read() as connection:
        stored = parts.listed(connection, PartKind.ROWS) if house.dataset.duplicates != "none" else []
        house.index.rebuild(house.ledger, _entries(house, connection, stored))
    return sum(part.rows for part in stored)


def _entries(
    house: House, connection: Connection, stored: list[parts.Part]
) -> Iterator[tuple[SortedHashes, NDArray[np.int64]]]:
    """The hashes of all rows that were ever stored, as ingestion puts them, with the rows' numbers."""
    key = int(get_fact(connection, "row_hash_key"))
    schema = schemas.read(connection)
    for part in stored:
        first = part.first_row
        for table in parts.batches(connection, house.workspace.parts, part, schema.names):
            numbers = np.arange(first, first + table.num_rows)
            if house.dataset.duplicates == "key":
                yield key_hashes(table, schema, key), numbers
            yield sorted_hashes(table, schema.names, key), numbers
            first += table.num_rows
