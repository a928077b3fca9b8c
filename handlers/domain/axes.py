"""Axes: in which bin of a column does a value lie? Scorecards and sketches of the reference window stand on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

from handlers.domain.coded_texts import CodedTexts

#: By name: float64 with NaN for missing, or an object array of str and None.
Columns = Mapping[str, np.ndarray]
#: The same, texts coded or not.
CodedColumns = Mapping[str, np.ndarray | CodedTexts]
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

#: From so many rows on, and up to so many cuts, bins are counted: a search that jumps about in random values is slower.
COUNTED_ROWS, COUNTED_CUTS = 256, 128
#: Rows whose comparisons with all cuts are in memory at once.
_ROWS_AT_ONCE = 16_384


@dataclass(frozen=True, slots=True)
class Cuts:
    """An axis over a numeric column: ``len(cuts) + 1`` bins, then one for missing.

    ``cuts`` rise strictly and are finite. A value equal to a cut belongs to the bin above it.
    """

    column: str
    cuts: tuple[float, ...]
    _edges: Floats = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        cuts = np.asarray(self.cuts, dtype=np.float64)
        if not np.isfinite(cuts).all() or (cuts[1:] <= cuts[:-1]).any():
            raise ValueError(f"{self.column}: the cuts must be finite and rise strictly")
        # numpy sorts NaN last and equal to itself, so a NaN edge makes one search find the bin of missing, too.
        object.__setattr__(self, "_edges", np.append(cuts, np.nan))

    @property
    def size(self) -> int:
        """Give the number of bins."""
        return len(self.cuts) + 2

    def index(self, columns: CodedColumns) -> Indices:
        """Give the bin of each row. Raises KeyError naming a column that is absent."""
        values = np.asarray(columns[self.column])
        if len(values) < COUNTED_ROWS or not 0 < len(self.cuts) <= COUNTED_CUTS:
            return self._edges.searchsorted(values, side="right")
        bins = np.empty(len(values), dtype=np.intp)
        cuts = self._edges[:-1, np.newaxis]
        for start in range(0, len(values), _ROWS_AT_ONCE):
            reached = values[start : start + _ROWS_AT_ONCE] >= cuts
            bins[start : start + _ROWS_AT_ONCE] = reached.view(np.uint8).sum(axis=0, dtype=np.uint8)
        bins[np.isnan(values)] = self.size - 1
        return bins

    def labels(self) -> tuple[str, ...]:
        """Name the bins for people."""
        cuts = [f"{cut:.6g}" for cut in self.cuts]
        if not cuts:
            return ("any value", "missing")
        between = [f"{low} to {high}" for low, high in pairwise(cuts)]
        return (f"below {cuts[0]}", *between, f"{cuts[-1]} and above", "missing")


@dataclass(frozen=True, slots=True)
class Categories:
    """An axis over a category column: one bin for each known category, then one for missing, one for unknown."""

    column: str
    categories: tuple[str, ...]
    _bins: Mapping[str | None, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        bins: dict[str | None, int] = {category: index for index, category in enumerate(self.categories)}
        if len(bins) != len(self.categories):
            raise ValueError(f"{self.column}: a category is named twice")
        bins[None] = len(self.categories)
        object.__setattr__(self, "_bins", bins)

    @property
    def size(self) -> int:
        """Give the number of bins."""
        return len(self.categories) + 2

    def index(self, columns: CodedColumns) -> Indices:
        """Give the bin of each row. Raises KeyError naming a column that is absent."""
        values = columns[self.column]
        if isinstance(values, CodedTexts):
            return self._places(values.texts)[values.codes]
        return self._places(values.tolist())

    def _places(self, texts: Sequence[str | None]) -> Indices:
        return np.fromiter(map(self._bins.get, texts, repeat(self.size - 1)), np.intp, len(texts))

    def labels(self) -> tuple[str, ...]:
        """Name the bins for people."""
        return (*self.categories, "missing", "any other")


Axis = Cuts | Categories
