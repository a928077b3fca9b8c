"""Axes: in which bin of a column does a value lie? Scorecards and sketches of the reference window stand on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise, repeat

import numpy as np
from numpy.typing import NDArray

#: By name: float64 with NaN for missing, or an object array of str and None.
Columns = Mapping[str, np.ndarray]
Floats = NDArray[np.float64]
Indices = NDArray[np.intp]


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

    def index(self, columns: Columns) -> Indices:
        """Give the bin of each row. Raises KeyError naming a column that is absent."""
        return self._edges.searchsorted(columns[self.column], side="right")

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

    def index(self, columns: Columns) -> Indices:
        """Give the bin of each row. Raises KeyError naming a column that is absent."""
        values = columns[self.column].tolist()
        return np.fromiter(map(self._bins.get, values, repeat(self.size - 1)), np.intp, len(values))

    def labels(self) -> tuple[str, ...]:
        """Name the bins for people."""
        return (*self.categories, "missing", "any other")


Axis = Cuts | Categories
