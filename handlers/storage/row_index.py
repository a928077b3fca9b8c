"""Which rows are there already: the 128-bit hashes of all rows, kept in the ledger itself.

The table is a B-tree, so that looking up and adding cost what is new times a logarithm, and a commit makes rows
and hashes visible together.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.domain.row_hash import hash_bytes

_CHUNK = 5_000  # under SQLite's limit of 32,766 parameters, and few statements

Lanes = NDArray[np.uint64]


class RowIndex:
    """The hashes that the ledger holds, and over them those that the next commit will add."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._pending: dict[bytes, int] = {}

    def find(self, hashes: Lanes) -> NDArray[np.int64]:
        """The number of the row with each hash, or -1. ``hashes``: uint64[n, 2]."""
        keys = hash_bytes(hashes)
        found = {key: self._pending[key] for key in keys if key in self._pending}
        asked = [key for key in dict.fromkeys(keys) if key not in found]
        for start in range(0, len(asked), _CHUNK):
            chunk = tuple(asked[start : start + _CHUNK])
            statement = f"SELECT hash, row FROM row_hashes WHERE hash IN ({','.join('?' * len(chunk))})"  # noqa: S608 - only question marks
            found.update((bytes(key), number) for key, number in self._connection.exec_driver_sql(statement, chunk))
        return np.fromiter((found.get(key, -1) for key in keys), dtype=np.int64, count=len(keys))

    def put(self, hashes: Lanes, rows: NDArray[np.int64]) -> None:
        """Say which row has each hash; where the hash was known, the new row takes its place."""
        self._pending.update(zip(hash_bytes(hashes), rows.tolist(), strict=True))

    def write(self, connection: Connection) -> None:
        """Write what is pending, inside the transaction that makes the rows visible."""
        if self._pending:
            pairs = list(self._pending.items())
            connection.exec_driver_sql("INSERT OR REPLACE INTO row_hashes (hash, row) VALUES (?, ?)", pairs)
