"""Distances between two samples, from their counts by cell or bin."""

from __future__ import annotations

import math

import numpy as np

from handlers.domain.axes import Cuts, Floats
from handlers.domain.reference_sketch import ColumnSketch, ColumnTally, lower_ends

#: A share counts as at least this much, and as at least half a row of the smaller sample: a cell that is new has a
#: large and finite part, and cells that are empty because the rows are few have a small one.
SMALLEST_SHARE = 1e-4


def population_stability_index(before: Floats, now: Floats) -> float:
    """Sum (now - before) ln(now / before) over the shares of the cells; each part, and so the sum, is at least 0.

    Without a shift it is distributed as chi-square with (cells - 1) degrees of freedom times (1/n + 1/m) (Yurdakul and
    Naranjo, Journal of Risk Model Validation 14(4), 2020). Both samples need rows.
    """
    rows = before.sum(), now.sum()
    smallest = max(SMALLEST_SHARE, 0.5 / min(rows))
    before, now = np.maximum(before / rows[0], smallest), np.maximum(now / rows[1], smallest)
    return float(((now - before) * np.log(now / before)).sum())


def jensen_shannon(before: Floats, now: Floats) -> float:
    """Give the root of Jensen and Shannon's divergence in bits: a metric from 0 to 1 (Endres and Schindelin, IEEE
    Transactions on Information Theory 49(7), 2003). Both samples need rows."""
    before, now = before / before.sum(), now / now.sum()
    middle = (before + now) / 2
    used = middle > 0
    parts = [
        np.log2(side[used] / middle[used], where=side[used] > 0, out=np.zeros(used.sum())) for side in (before, now)
    ]
    divergence = (before[used] * parts[0] + now[used] * parts[1]).sum() / 2
    return math.sqrt(min(max(float(divergence), 0.0), 1.0))


def wasserstein(column: ColumnSketch, counted: ColumnTally) -> float | None:
    """Give the first Wasserstein distance of a numeric column's values in reference standard deviations.

    It is the area between the two distribution functions. Within a bin the area follows from where the mean of its
    values lies, exactly if the functions do not cross there; if they do it is too small. None where one side has no
    values, or the reference has no spread to measure by.
    """
    axis, spread, now = column.axis, column.spread, counted.counts[:-1]
    if not isinstance(axis, Cuts) or spread is None or spread.deviation <= 0 or not now.sum():
        return None
    before = np.asarray(column.counts[:-1], dtype=np.float64)
    ends = lower_ends(axis)[:-1]
    widths = np.append(np.diff(ends), 0.0)  # the first bin's is 0, too: both outer bins end nowhere
    excess = np.asarray(spread.positions) * widths * before / before.sum() - counted.excess[:-1] / now.sum()
    below = np.cumsum(before) / before.sum() - np.cumsum(now) / now.sum()
    return float(np.abs(below * widths - excess).sum()) / spread.deviation
