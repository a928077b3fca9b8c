"""Does a column by itself nearly give the target away? Then it was probably written down after the fact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlers.domain.axes import Axis, Categories, Columns, Cuts, Floats, Indices
from handlers.domain.metrics import Labels
from handlers.domain.reference_sketch import missing_bin

#: Above this a column is a leak: no column that is known beforehand was seen to rank so well alone.
LEAK_AUC = 0.98
#: Fewer rows, or fewer of a class, rank well by chance.
MINIMUM_ROWS = 50
MINIMUM_CLASS = 10
#: Bins at quantiles of all rows and of each class, so that also a rare class has its boundaries.
_QUANTILES = 30


@dataclass(frozen=True, slots=True)
class Leak:
    """A column that gives the target away. ``roc_auc``: of its values alone on rows held out, at least 0.98."""

    column: str
    roc_auc: float
    sentence: str


def leaks(columns: Columns, labels: Labels, *, seed: int = 0) -> tuple[Leak, ...]:
    """Find the columns that nearly give the labels away (1 left, 0 stayed; no others), the surest first.

    Each half of the rows is ranked by the rates that each bin, category or gap of the column has in the other half, so
    it holds for any shape, and a column of many categories cannot learn them by heart. Nothing is found below 50 rows
    or ten of a class. ``seed``: of the halves.
    """
    left = labels == 1
    if len(labels) < MINIMUM_ROWS or min(int(left.sum()), int((~left).sum())) < MINIMUM_CLASS:
        return ()
    halves = _halves(left, seed)
    found = []
    for name, values in columns.items():
        axis = _axis(name, values, left)
        auc = _held_out_auc(axis, columns, left, halves)
        if auc > LEAK_AUC:
            found.append(Leak(name, auc, _sentence(axis, columns, left, halves)))
    return tuple(sorted(found, key=lambda leak: (-leak.roc_auc, leak.column)))


def _halves(left: NDArray[np.bool_], seed: int) -> NDArray[np.bool_]:
    """Say for each row whether it is in the first half; both halves have half of each class."""
    first = np.zeros(len(left), dtype=np.bool_)
    rng = np.random.default_rng(seed)
    for rows in (np.flatnonzero(left), np.flatnonzero(~left)):
        first[rng.permutation(rows)[: len(rows) // 2]] = True
    return first


def _axis(name: str, values: NDArray[np.float64] | NDArray[np.object_], left: NDArray[np.bool_]) -> Axis:
    if values.dtype == np.object_:
        return Categories(name, tuple(sorted({value for value in values.tolist() if value is not None})))
    levels = np.arange(_QUANTILES) / _QUANTILES
    cuts = []
    for rows in (values, values[left], values[~left]):
        finite = rows[np.isfinite(rows)]
        if len(finite):
            cuts.append(np.quantile(finite, levels, method="inverted_cdf"))
    return Cuts(name, tuple(np.unique(np.concatenate(cuts)).tolist()) if cuts else ())


def _held_out_auc(axis: Axis, columns: Columns, left: NDArray[np.bool_], first: NDArray[np.bool_]) -> float:
    bins = axis.index(columns)
    return float(np.mean([_auc(bins, left, learned, axis.size) for learned in (first, ~first)]))


def _auc(bins: Indices, left: NDArray[np.bool_], learned: NDArray[np.bool_], size: int) -> float:
    """Rank the rows that were not learned from by the rate of their bin, drawn to the overall rate as by one row."""
    positive, negative = (np.bincount(bins[learned & side], minlength=size) for side in (left, ~left))
    rate = left[learned].mean()
    rates: Floats = (positive + rate) / (positive + negative + 1)
    _, place = np.unique(rates, return_inverse=True)
    ranked = place[bins]
    hits, misses = (np.bincount(ranked[~learned & side], minlength=place.max() + 1) for side in (left, ~left))
    below = np.cumsum(misses) - misses
    return float((hits * (below + misses / 2)).sum() / (hits.sum() * misses.sum()))


def _sentence(axis: Axis, columns: Columns, left: NDArray[np.bool_], first: NDArray[np.bool_]) -> str:
    name = axis.column
    gaps = (axis.index(columns) == missing_bin(axis)).astype(np.float64)
    alone = _held_out_auc(Cuts(name, (0.5,)), {name: gaps}, left, first)
    what = f"Whether {name} is empty" if alone > LEAK_AUC else f"{name} by itself"
    return f"{what} nearly gives the target away: it is probably known only afterwards."
