"""The terms of a scorecard: what a value, or a pair of values, is worth in log-odds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from handlers.domain.axes import Axis, Cuts, Floats, Indices

#: A value further from the mean than this many standard deviations counts as if it were this far.
CLIP_DEVIATIONS = 4.0
#: A value beyond this counts as if it were this far from zero: the square of one that is larger may overflow.
LARGEST_VALUE = 1e100


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line over a numeric column: ``slope * clip((value - centre) / scale) + offset``, or ``missing``.

    ``low`` and ``high`` are the smallest and largest values it was learned from: nothing is computed with them, but
    a range or a figure of the effect beyond them would show what has never been seen.
    """

    column: str
    centre: float
    scale: float
    slope: float
    offset: float
    missing: float
    low: float
    high: float

    def __post_init__(self) -> None:
        numbers = (self.centre, self.scale, self.slope, self.offset, self.missing, self.low, self.high)
        if not np.isfinite(numbers).all() or self.scale <= 0 or self.low > self.high:
            raise ValueError(f"{self.column}: a line needs finite numbers, a scale above 0 and low <= high")

    @property
    def columns(self) -> tuple[str, ...]:
        """Give the columns it reads."""
        return (self.column,)

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Give the axes it looks up: none."""
        return ()

    def effect(self, values: Floats) -> Floats:
        """Give the effect of each value in log-odds."""
        # minimum and maximum cost a third of what np.clip does for a single row.
        near = np.minimum(np.maximum(values, -LARGEST_VALUE), LARGEST_VALUE)
        deviations = np.minimum(np.maximum((near - self.centre) / self.scale, -CLIP_DEVIATIONS), CLIP_DEVIATIONS)
        effects: Floats = deviations * self.slope + self.offset
        gaps = np.isnan(values)
        if gaps.any():
            effects[gaps] = self.missing
        return effects

    def shifted(self, by: float) -> Line:
        """Give the same line with ``by`` added to every effect."""
        return replace(self, offset=self.offset + by, missing=self.missing + by)

    def scaled(self, by: float) -> Line:
        """Give the same line with every effect multiplied by ``by``."""
        return replace(self, slope=self.slope * by, offset=self.offset * by, missing=self.missing * by)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """An effect for each bin of one axis, or for each pair of bins of two. ``effects`` has one dimension an axis."""

    axes: tuple[Axis, ...]
    effects: Floats

    def __post_init__(self) -> None:
        effects = np.array(self.effects, dtype=np.float64, order="C")
        effects.flags.writeable = False
        object.__setattr__(self, "effects", effects)
        name = " x ".join(self.columns)
        if len(self.axes) not in (1, 2):
            raise ValueError(f"{name or 'a term'}: a table has one axis or two")
        if effects.shape != tuple(axis.size for axis in self.axes):
            raise ValueError(f"{name}: there must be one effect for each bin, missing and unknown included")
        if not np.isfinite(effects).all():
            raise ValueError(f"{name}: the effects must be finite")

    @property
    def columns(self) -> tuple[str, ...]:
        """Give the columns it reads."""
        return tuple(axis.column for axis in self.axes)

    def effect(self, bins: Sequence[Indices]) -> Floats:
        """Give the effect of each row in log-odds; ``bins``: for each axis the bin of each row."""
        if len(bins) == 1:
            return self.effects.take(bins[0])
        return self.effects.take(bins[0] * self.axes[1].size + bins[1])

    def shifted(self, by: float) -> Table:
        """Give the same table with ``by`` added to every effect."""
        return Table(self.axes, self.effects + by)

    def scaled(self, by: float) -> Table:
        """Give the same table with every effect multiplied by ``by``."""
        return Table(self.axes, self.effects * by)


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """Lines and steps over one numeric column, added up: one term, so that a column has one effect and one reason."""

    lines: tuple[Line, ...]
    steps: Table

    def __post_init__(self) -> None:
        name = " x ".join(self.steps.columns)
        if len(self.steps.axes) != 1 or not isinstance(self.steps.axes[0], Cuts):
            raise ValueError(f"{name}: lines are added to steps over one numeric column")
        if not self.lines or any(line.column != name for line in self.lines):
            raise ValueError(f"{name}: a sum needs lines over the column of its steps")

    @property
    def columns(self) -> tuple[str, ...]:
        """Give the column it reads."""
        return self.steps.columns

    @property
    def axes(self) -> tuple[Axis, ...]:
        """Give the axis of its steps."""
        return self.steps.axes

    def effect(self, values: Floats, bins: Indices) -> Floats:
        """Give the effect of each value in log-odds; ``bins``: the bin of each in the axis of the steps."""
        effects = self.steps.effect((bins,))
        for line in self.lines:
            effects += line.effect(values)
        return effects

    def shifted(self, by: float) -> Sum:
        """Give the same sum with ``by`` added to every effect."""
        return Sum(self.lines, self.steps.shifted(by))

    def scaled(self, by: float) -> Sum:
        """Give the same sum with every effect multiplied by ``by``."""
        return Sum(tuple(line.scaled(by) for line in self.lines), self.steps.scaled(by))

    def corners(self) -> tuple[Floats, Floats]:
        """Give positions, rising, and the effect at each: between two neighbours the effect is straight.

        A position that comes twice is a jump, the effect just below it first. From the smallest to the largest value
        that was learned from; float64[k] each.
        """
        axis = self.steps.axes[0]
        cuts = np.asarray(axis.cuts if isinstance(axis, Cuts) else (), dtype=np.float64)
        ends = np.concatenate(([line.low for line in self.lines], [line.high for line in self.lines], cuts))
        bends = [line.centre + side * CLIP_DEVIATIONS * line.scale for line in self.lines for side in (-1, 1)]
        inside = [bend for bend in bends if ends.min() < bend < ends.max()]
        positions = np.unique(np.concatenate((ends, inside)))
        places = np.sort(np.concatenate((positions, cuts)))
        bins = np.searchsorted(cuts, places, side="right")
        # Of the two at a cut the first is what the value just below it has.
        bins[np.searchsorted(places, cuts, side="left")] -= 1
        return places, self.effect(places, bins)

    def missing(self) -> float:
        """Give the effect of a missing value."""
        return float(self.effect(np.array([np.nan]), np.array([self.axes[0].size - 1]))[0])


Term = Line | Table | Sum


def effect_range(term: Term) -> float:
    """Give largest minus smallest effect: how much a term can matter, in log-odds. Missing and unknown count."""
    if isinstance(term, Table):
        return float(np.ptp(term.effects))
    if isinstance(term, Sum):
        return float(np.ptp(np.append(term.corners()[1], term.missing())))
    ends = term.effect(np.array([term.low, term.high, np.nan]))
    return float(np.ptp(ends))


@dataclass(frozen=True, slots=True)
class Curve:
    """The shape of a term's effect as plain values, for figures and pages.

    Each column has a ``kind`` ("line", "steps" or "categories"), ``positions`` (the ends and corners of a line, one
    that comes twice being a jump; the cuts of steps; nothing for categories) and ``labels``, one for each effect.
    ``effects`` is a list, or for a pair of columns a list of rows. The last of numbers is that of missing.
    """

    columns: tuple[str, ...]
    kinds: tuple[str, ...]
    positions: tuple[tuple[float, ...], ...]
    labels: tuple[tuple[str, ...], ...]
    effects: list[float] | list[list[float]]


def curve(term: Term) -> Curve:
    """Give the shape of a term's effect."""
    if isinstance(term, Table):
        kinds = tuple("steps" if isinstance(axis, Cuts) else "categories" for axis in term.axes)
        cuts = tuple(axis.cuts if isinstance(axis, Cuts) else () for axis in term.axes)
        return Curve(term.columns, kinds, cuts, tuple(axis.labels() for axis in term.axes), term.effects.tolist())
    if isinstance(term, Sum):
        places, known = term.corners()
        positions: tuple[float, ...] = tuple(places.tolist())
        effects = [*known.tolist(), term.missing()]
    else:
        positions = (term.low, term.high)
        effects = term.effect(np.array([*positions, np.nan])).tolist()
    labels = (*(f"{position:.6g}" for position in positions), "missing")
    return Curve(term.columns, ("line",), (positions,), (labels,), effects)
