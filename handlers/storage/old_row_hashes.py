"""The hashes of rows as ledgers had them before there were runs: a table of 16 bytes, lane A then B, big endian."""

from __future__ import annotations

import numpy as np
from sqlalchemy import Connection

from handlers.storage.index_filter import Places, Words

_AT_ONCE = 100_000


def read_old_hashes(connection: Connection) -> tuple[Words, Words, Places]:
    """Both lanes and the row numbers, ascending by the hash."""
    cursor = connection.exec_driver_sql("SELECT hash, row FROM row_hashes ORDER BY hash")
    lanes, numbers = [np.empty((0, 2), ">u8")], [np.empty(0, np.int64)]
    for rows in cursor.partitions(_AT_ONCE):
        hashes, places = zip(*rows, strict=True)
        lanes.append(np.frombuffer(b"".join(hashes), ">u8").reshape(-1, 2))
        numbers.append(np.array(places, np.int64))
    both = np.concatenate(lanes).astype(np.uint64)
    return np.ascontiguousarray(both[:, 0]), np.ascontiguousarray(both[:, 1]), np.concatenate(numbers)
