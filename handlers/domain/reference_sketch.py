"""What a champion's training window looked like, and counts of new rows that are held against it.

A sketch is small (about 40 kB for ten columns) and stored with the release. Counts of new rows add up, so a large file
is tallied in pieces; whatever is asked of a file afterwards needs its tally alone. Formulas: ``divergence``.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from handlers.domain.axes import Axis, Categories, Columns, Cuts, Floats, Indices

Counts = NDArray[np.int64]

#: Bins of a numeric column at its quantiles, or one for each value if it has fewer.
QUANTILES = 200
#: Values that have a bin for themselves alone: all of a column with no more of them, else those of 1% of the rows each.
MOST_SHARED = 100
#: So many new categories of a column are told apart; rows of further ones are counted together.
MOST_NEW = 1000
#: A value beyond this counts as if it were this far from zero: sums of larger ones may overflow.
LARGEST_VALUE = 1e100
#: A number is outside the reference range where it is beyond it by this part of its width,
OUTSIDE_WIDTH = 0.1
#: and by this part of its largest magnitude: or else each year would be outside the range of the years before it.
OUTSIDE_MAGNITUDE = 0.01


@dataclass(frozen=True, slots=True)
class Spread:
    """The finite values of a numeric column: mean, standard deviation (of the population) and range.

    ``positions``: for each bin but the last (missing), where the mean of its values lies: 0 at its lower end, 1 at its
    upper end.
    """

    mean: float
    deviation: float
    low: float
    high: float
    positions: tuple[float, ...]

    @property
    def tolerated(self) -> tuple[float, float]:
        """Give the range beyond which a number counts as outside."""
        margin = max(OUTSIDE_WIDTH * (self.high - self.low), OUTSIDE_MAGNITUDE * max(abs(self.low), abs(self.high)))
        return self.low - margin, self.high + margin


@dataclass(frozen=True, slots=True)
class ColumnSketch:
    """One column: its bins, the reference rows in each, and for numbers with a finite value their spread.

    The first and the last bin of numbers lie outside the reference range and are empty; then comes missing. The last
    two bins of categories are missing and unknown (which is empty). Categories stand by falling count.
    """

    axis: Axis
    counts: tuple[int, ...]
    spread: Spread | None = None

    @property
    def name(self) -> str:
        """Give the column's name."""
        return self.axis.column

    @property
    def missing(self) -> int:
        """Give the number of reference rows without a value."""
        return self.counts[missing_bin(self.axis)]

    @property
    def present(self) -> int:
        """Give the number of reference rows with a value."""
        return sum(self.counts) - self.missing

    @property
    def unseen(self) -> float:
        """Give the share of rows with a value whose category would be new by chance alone; 0 for numbers.

        It is the share of the categories that were seen once (Good, Biometrika 40(3-4), 1953).
        """
        if isinstance(self.axis, Cuts) or not self.present:
            return 0.0
        return sum(count == 1 for count in self.counts[:-2]) / self.present


@dataclass(frozen=True, slots=True)
class Sketch:
    """The reference window: its number of rows, at least 1, and its columns."""

    rows: int
    columns: tuple[ColumnSketch, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ColumnTally:
    """New rows by bin of the sketch, int64[bins].

    ``excess``: for numbers, float64[bins], the sum over each bin's rows of their distance from the bin's lower end (for
    the first bin, from its upper end, below 0). ``outside``: rows beyond the tolerated range. ``new``: new categories
    with their rows, up to MOST_NEW of them.
    """

    counts: Counts
    excess: Floats
    outside: int
    new: dict[str, int]

    def __add__(self, other: ColumnTally) -> ColumnTally:
        new = dict(self.new)
        for category, rows in other.new.items():
            if category in new or len(new) < MOST_NEW:
                new[category] = new.get(category, 0) + rows
        return ColumnTally(self.counts + other.counts, self.excess + other.excess, self.outside + other.outside, new)


@dataclass(frozen=True, slots=True, eq=False)
class Tally:
    """New rows, counted by the sketch's bins: their number and one entry for each of its columns, in its order."""

    rows: int
    columns: tuple[ColumnTally, ...]

    def __add__(self, other: Tally) -> Tally:
        """Count both together. Raises ValueError where they are of different sketches."""
        added = tuple(mine + theirs for mine, theirs in zip(self.columns, other.columns, strict=True))
        return Tally(self.rows + other.rows, added)


def missing_bin(axis: Axis) -> int:
    """Give the bin of rows without a value."""
    return axis.size - (2 if isinstance(axis, Categories) else 1)


def sketch(columns: Columns) -> Sketch:
    """Describe a reference window. Raises ValueError if it has no rows or no columns."""
    rows = _rows(columns, tuple(columns))
    described = (
        _category_sketch(name, values) if values.dtype == np.object_ else _numeric_sketch(name, values)
        for name, values in columns.items()
    )
    return Sketch(rows, tuple(described))


def tally(reference: Sketch, columns: Columns) -> Tally:
    """Count new rows by the sketch's bins. Raises KeyError naming a column that is absent, ValueError without rows."""
    rows = _rows(columns, tuple(column.name for column in reference.columns))
    return Tally(rows, tuple(_column_tally(column, columns) for column in reference.columns))


def _column_tally(column: ColumnSketch, columns: Columns) -> ColumnTally:
    axis = column.axis
    bins = axis.index(columns)
    counts = np.bincount(bins, minlength=axis.size).astype(np.int64, copy=False)
    excess = np.zeros(axis.size if isinstance(axis, Cuts) else 0)
    if isinstance(axis, Categories):
        unknown = columns[axis.column][bins == axis.size - 1].tolist() if counts[-1] else []
        # Counter keeps the order in which categories came, so the first MOST_NEW of them are kept in any case.
        return ColumnTally(counts, excess, 0, dict(islice(Counter(unknown).items(), MOST_NEW)))
    if column.spread is None:
        return ColumnTally(counts, excess, 0, {})
    values = columns[axis.column]
    low, high = column.spread.tolerated
    outside = int(np.count_nonzero(values < low) + np.count_nonzero(values > high))
    return ColumnTally(counts, _excess(axis, values, bins, column.spread), outside, {})


def _excess(axis: Cuts, values: Floats, bins: Indices, spread: Spread) -> Floats:
    """A value that is further outside than the reference is wide counts as if it were that far: one wild value must
    not make a distance."""
    width = spread.high - spread.low
    near = np.minimum(np.maximum(values, spread.low - width), spread.high + width)
    excess: Floats = np.bincount(bins, weights=near - lower_ends(axis)[bins], minlength=axis.size).astype(
        np.float64, copy=False
    )
    excess[-1] = 0.0  # missing: NaN
    return excess


def lower_ends(axis: Cuts) -> Floats:
    """Give where each bin begins, float64[bins]; the first, which begins nowhere, has its upper end. Needs a cut."""
    cuts = np.clip(axis.cuts, -LARGEST_VALUE, LARGEST_VALUE)
    return np.concatenate((cuts[:1], cuts, [0.0]))


def _numeric_sketch(name: str, values: Floats) -> ColumnSketch:
    finite = np.sort(values[np.isfinite(values)])
    axis = Cuts(name, _cuts(finite))
    bins = axis.index({name: values})
    counts = np.bincount(bins, minlength=axis.size)
    if not len(finite):
        return ColumnSketch(axis, tuple(counts.tolist()))
    near = np.clip(finite, -LARGEST_VALUE, LARGEST_VALUE)
    spread = Spread(float(near.mean()), float(near.std()), float(near[0]), float(near[-1]), ())
    excess = _excess(axis, values, bins, spread)[:-1]
    ends = lower_ends(axis)[:-1]
    room = np.append(np.diff(ends), 0.0) * counts[:-1]
    inner = room > 0
    positions = np.zeros(len(room))
    positions[inner] = np.clip(np.round(excess[inner] / room[inner], 4), 0.0, 1.0)
    spread = Spread(spread.mean, spread.deviation, spread.low, spread.high, tuple(positions.tolist()))
    return ColumnSketch(axis, tuple(counts.tolist()), spread)


def _cuts(ordered: Floats) -> tuple[float, ...]:
    """Cuts are values of the data: where many rows share a value, its bin begins at that value. A second cut, the next
    number after it, keeps its bin apart from what lies between it and the next value: integers that become fractions
    would not be seen otherwise. The same behind the largest value makes a bin of what is above the range."""
    if not len(ordered):
        return ()
    values, counts = np.unique(ordered, return_counts=True)
    cuts = values
    if len(values) > QUANTILES:
        places = np.ceil(np.arange(1, QUANTILES) / QUANTILES * len(ordered)).astype(np.intp) - 1
        cuts = np.append(ordered[places], ordered[0])
    shared = values if len(values) <= MOST_SHARED else values[counts * MOST_SHARED >= len(ordered)]
    with np.errstate(over="ignore"):
        ends = np.nextafter(np.append(shared, ordered[-1]), np.inf)
    cuts = np.unique(np.concatenate((cuts, shared, ends[np.isfinite(ends)])))
    return tuple(cuts.tolist())


def _category_sketch(name: str, values: NDArray[np.object_]) -> ColumnSketch:
    counts = Counter(values.tolist())
    missing = counts.pop(None, 0)
    ranked = sorted(counts, key=lambda category: (-counts[category], category))
    return ColumnSketch(Categories(name, tuple(ranked)), (*(counts[category] for category in ranked), missing, 0))


def _rows(columns: Columns, names: tuple[str, ...]) -> int:
    lengths = {len(columns[name]) for name in names}
    if len(lengths) != 1 or 0 in lengths:
        raise ValueError(f"columns of equal length with at least one row are needed, not of {sorted(lengths)}")
    return lengths.pop()
