"""A few cells for many bins: distances and tests over hundreds of bins would measure their noise."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from handlers.domain.axes import Floats, Indices
from handlers.domain.significance import EXPECTED_COUNT

#: Cells of present values at most; the convention is 10 to 20.
MOST_CELLS = 20


def merged(counts: Floats, most: int) -> Indices:
    """Give for each of some ordered bins the cell it belongs to, of at most ``most`` with about equal counts.

    Up to ``most`` bins stay as they are. A bin belongs to the cell in which the middle of its rows lies, so one that
    many rows share keeps a cell of its own.
    """
    if len(counts) <= most:
        return np.arange(len(counts))
    middle = (np.cumsum(counts) - counts / 2) / max(counts.sum(), 1)
    cells: Indices = np.minimum(middle * most, most - 1).astype(np.intp)
    return cells


def summed(counts: Floats, cells: Indices) -> Floats:
    """Add up what stands by bin to what stands by cell: float64[cells]."""
    sums: Floats = np.bincount(cells, weights=counts).astype(np.float64, copy=False)
    return sums


def numeric_cells(before: Floats, now: Floats) -> tuple[Floats, Floats]:
    """Give the counts by cell of two samples of numbers from their counts by bin.

    The cells follow from the reference; the bins outside its range, the first and the last, stay by themselves. There
    are so few that each is expected to hold ten rows of either sample: with five of all, as the rule for rare cells
    has it, chi-square was exceeded by chance twice as often as it says.
    """
    most = min(MOST_CELLS - 2, int(min(before.sum(), now.sum()) / (2 * EXPECTED_COUNT)))
    inner = merged(before[1:-1], max(most, 2)) + 1
    cells = np.concatenate(([0], inner, [inner.max(initial=0) + 1]))[: len(before)]
    return summed(before, cells), summed(now, cells)


def category_cells(before: Floats, now: Floats, new: Mapping[str, int]) -> tuple[Floats, Floats]:
    """Give the counts by cell of two samples of categories; ``before`` and ``now`` end with missing and unknown.

    The most frequent categories, new ones included, have cells of their own, the others share the last one. Frequent
    in both together: if the reference alone chose, its share of them would be too high by the choice itself, and a
    column of many rare categories would seem to drift.
    """
    named = np.fromiter(new.values(), np.float64, len(new))
    known = np.concatenate((before[:-2], np.zeros(len(named))))
    known_now = np.concatenate((now[:-2], named))
    both = known + known_now
    rows = known.sum(), known_now.sum() + now[-1] - named.sum()
    enough = both * min(rows) >= EXPECTED_COUNT * sum(rows)
    own = np.argsort(-both, kind="stable")[: MOST_CELLS - 1]
    own = own[enough[own]]
    rest = rows[0] - known[own].sum(), rows[1] - known_now[own].sum()
    return np.append(known[own], rest[0]), np.append(known_now[own], rest[1])
