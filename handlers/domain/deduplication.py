"""Which rows of a batch are new, and which number every row has in the data set."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]
Lanes = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Placement:
    """``kept``: bool[n], the row is stored. ``numbers``: int64[n], the number that the row has, stored now or there
    already. ``superseded``: numbers of stored rows that one of these replaces."""

    kept: NDArray[np.bool_]
    numbers: Numbers
    superseded: Numbers


def place_all(rows: int, first: int) -> Placement:
    """Every row is new: ``dataset.duplicates`` = none."""
    return Placement(np.ones(rows, dtype=bool), np.arange(first, first + rows), np.empty(0, dtype=np.int64))


def place_rows(hashes: Lanes, known: Numbers, first: int) -> Placement:
    """A row equal in all columns counts once: ``dataset.duplicates`` = row.

    ``hashes``: uint64[n, 2] of all values; ``known``: the number of the stored row with that hash, or -1; ``first``:
    the number that the next stored row gets. Of equal rows in the batch the first is stored.
    """
    positions = _first_positions(hashes)
    kept = (known < 0) & (positions == np.arange(len(hashes)))
    return Placement(kept, _numbers(kept, known, positions, first), np.empty(0, dtype=np.int64))


def place_keys(hashes: Lanes, known: Numbers, keys: Lanes, known_keys: Numbers, first: int) -> Placement:
    """Of rows with the same id and time the last wins: ``dataset.duplicates`` = key.

    A row that equals the stored row of its key changes nothing. Otherwise the last of its key in the batch is stored
    and replaces what was stored under the key.
    """
    last = len(keys) - 1 - _first_positions(keys[::-1])[::-1]
    unchanged = (known_keys >= 0) & (known == known_keys)
    winner_unchanged = unchanged[last]
    kept = (last == np.arange(len(keys))) & ~winner_unchanged
    superseded = known_keys[kept & (known_keys >= 0)]
    return Placement(kept, _numbers(kept, np.where(winner_unchanged, known_keys, -1), last, first), superseded)


def _first_positions(hashes: Lanes) -> Numbers:
    """For each element the position of the first equal one."""
    order = np.lexsort((hashes[:, 1], hashes[:, 0]))  # stable, so that the first of equal ones comes first
    ordered = hashes[order]
    starts = np.ones(len(order), dtype=bool)
    starts[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    result = np.empty(len(order), dtype=np.int64)
    result[order] = order[starts][np.cumsum(starts) - 1] if len(order) else order
    return result


def _numbers(kept: NDArray[np.bool_], known: Numbers, stands_for: Numbers, first: int) -> Numbers:
    own = first + np.cumsum(kept) - 1
    return np.where(known >= 0, known, own[stands_for])
