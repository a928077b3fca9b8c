"""Which rows of a batch are new, and which number every row has in the data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from handlers.domain.schema import Role, Schema
from handlers.domain.sorted_hashes import SortedHashes, sorted_hashes

Numbers = NDArray[np.int64]

KEY_LANE = 0x5851F42D4C957F2D
"""Sets the hashes of keys apart from those of rows, which live in the same index."""


@dataclass(frozen=True, slots=True)
class Placement:
    """``kept``: bool[n], the row is stored. ``numbers``: int64[n], the number that the row has, stored now or there
    already. ``superseded``: numbers of stored rows that one of these replaces."""

    kept: NDArray[np.bool_]
    numbers: Numbers
    superseded: Numbers


def key_hashes(table: pa.Table, schema: Schema, key: int) -> SortedHashes:
    """The hashes of the rows' keys: id and time. ``key``: the data set's, 64 bits."""
    names = [column.name for column in schema.columns if column.role in (Role.ID, Role.TIME)]
    return sorted_hashes(table, names, key ^ KEY_LANE)


def place_all(rows: int, first: int) -> Placement:
    """Every row is new: ``dataset.duplicates`` = none."""
    return Placement(np.ones(rows, dtype=bool), np.arange(first, first + rows), np.empty(0, dtype=np.int64))


def place_rows(hashes: SortedHashes, known: Numbers, first: int) -> Placement:
    """A row equal in all columns counts once: ``dataset.duplicates`` = row.

    ``hashes``: of all values; ``known``: the number of the stored row with that hash, or -1; ``first``: the number
    that the next stored row gets. Of equal rows in the batch the first is stored.
    """
    kept = known < 0
    if hashes.distinct:
        if kept.all():
            return place_all(len(kept), first)
        return Placement(kept, _numbers(kept, known, None, first), np.empty(0, dtype=np.int64))
    positions = hashes.first_positions()
    kept &= positions == np.arange(len(kept))
    return Placement(kept, _numbers(kept, known, positions, first), np.empty(0, dtype=np.int64))


def place_keys(known: Numbers, keys: SortedHashes, known_keys: Numbers, first: int) -> Placement:
    """Of rows with the same id and time the last wins: ``dataset.duplicates`` = key.

    ``known``: the number of the stored row that equals each in all columns, or -1; ``known_keys``: that of the row
    which is stored under its key. A row that equals the stored row of its key changes nothing. Otherwise the last of
    its key in the batch is stored and replaces what was stored under the key.
    """
    last = keys.last_positions()
    unchanged = (known_keys >= 0) & (known == known_keys)
    winner_unchanged = unchanged[last]
    kept = (last == np.arange(keys.rows)) & ~winner_unchanged
    superseded = known_keys[kept & (known_keys >= 0)]
    return Placement(kept, _numbers(kept, np.where(winner_unchanged, known_keys, -1), last, first), superseded)


def _numbers(kept: NDArray[np.bool_], known: Numbers, stands_for: Numbers | None, first: int) -> Numbers:
    """The number of each row; ``stands_for``: the row of the batch that is stored in its stead, None: itself."""
    own: Numbers = np.cumsum(kept, dtype=np.int64)
    own += first - 1
    return np.where(known >= 0, known, own if stands_for is None else own[stands_for])
