"""In which of a few cells of a column does each row lie, and how is that cell called for people?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from handlers.domain.axes import Columns, Cuts, Indices
from handlers.domain.cells import merged
from handlers.domain.reference_sketch import ColumnSketch

#: Numbers from here on are written out, without a fraction, and up to there.
WHOLE, MOST_DIGITS = 1_000.0, 1e9


@dataclass(frozen=True, slots=True, eq=False)
class RowCells:
    """``index``: the cell of each row, intp[n]; ``labels``: of each cell, with the names of the columns in it."""

    columns: tuple[str, ...]
    index: Indices
    labels: tuple[str, ...]


def row_cells(column: ColumnSketch, columns: Columns, most: int) -> RowCells:
    """Sort rows into at most ``most`` cells of about equal counts in the reference, and one for missing.

    The last cell of categories holds the rare and the new ones. Raises KeyError naming a column that is absent.
    """
    axis = column.axis
    bins = axis.index(columns)
    if isinstance(axis, Cuts):
        _, cells = np.unique(merged(np.asarray(column.counts[:-1], dtype=np.float64), most), return_inverse=True)
        labels = [f"{axis.column} {label}" for label in _ranges(axis, column.counts, cells)]
        cells = np.append(cells, len(labels))
    else:
        known = len(axis.categories)
        own = min(known, most - 1)
        cells = np.append(np.minimum(np.arange(known), own), [own + 1, own])
        named = [f'{axis.column} "{category}"' for category in axis.categories[:own]]
        labels = [*named, f"{axis.column} any other"]
    return RowCells((axis.column,), cells[bins].astype(np.intp, copy=False), (*labels, f"{axis.column} missing"))


def crossed(one: RowCells, other: RowCells) -> RowCells:
    """Give the cells of two columns together."""
    labels = tuple(f"{first}, {second}" for first in one.labels for second in other.labels)
    return RowCells(one.columns + other.columns, one.index * len(other.labels) + other.index, labels)


def _ranges(axis: Cuts, counts: tuple[int, ...], cells: Indices) -> list[str]:
    """Name each cell by the reference values in it: from the first of its bins that has any to the last."""
    filled = np.asarray(counts[:-1]) > 0
    last = int(cells[-1])
    ranges = []
    for cell in range(last + 1):
        bins = np.flatnonzero((cells == cell) & filled)
        if not len(bins):
            bins = np.flatnonzero(cells == cell)
        low, high = _begin(axis, int(bins[0])), _end(axis, int(bins[-1]))
        ranges.append(_range(None if cell == 0 else low, None if cell == last else high))
    return ranges


def _begin(axis: Cuts, place: int) -> float | None:
    return axis.cuts[place - 1] if place else None


def _end(axis: Cuts, place: int) -> float | None:
    """Give a bin's upper end, or its value if it holds one alone."""
    if place >= len(axis.cuts):
        return None
    end = axis.cuts[place]
    begin = _begin(axis, place)
    return begin if begin is not None and end == np.nextafter(begin, np.inf) else end


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        if high is not None:
            return f"up to {_number(high)}"
        return "any value" if low is None else f"from {_number(low)}"
    return _number(low) if low == high else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    """Write whole and large numbers out, others with four digits."""
    if (value == round(value) or abs(value) >= WHOLE) and abs(value) < MOST_DIGITS:
        return f"{value:,.0f}"
    return f"{value:.4g}"
