"""How far new rows lie from the rows a model learned from: distances, their evidence, and which columns alert.

Nothing here decides about learning: harmless shifts are as frequent as harmful ones. It is a diagnosis. An alert needs
an effect that matters and evidence that it is none of chance, corrected for the number of columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from handlers.domain.axes import Cuts, Floats
from handlers.domain.cells import category_cells, numeric_cells
from handlers.domain.distances import jensen_shannon, population_stability_index, wasserstein
from handlers.domain.reference_sketch import ColumnSketch, ColumnTally, Sketch, Tally, missing_bin
from handlers.domain.significance import (
    bonferroni,
    chi_square_quantile,
    chi_square_tail,
    holm,
    kolmogorov_smirnov,
    two_proportions,
    two_sample_chi_square,
)

#: A population stability index above this is called a shift by the convention of credit scoring (Siddiqi, Credit Risk
#: Scorecards, 2006).
SHIFT = 0.2
#: A change of the missing share by more than this: one row in ten is scored by another table entry than before.
MISSING_CHANGE = 0.1
#: A share of categories never seen above this: one row in twenty is scored without knowing what the value is worth.
NEW_SHARE = 0.05
#: A Wasserstein distance above this many standard deviations: 0.3 is between a small and a medium difference of means
#: (Cohen, Statistical Power Analysis, 1988). At 500 rows chance made 0.06 on average and at most 0.22 in 2,100 columns.
WASSERSTEIN = 0.3
#: An alert's adjusted p-value is below this: one file in 1,000 without drift, were the effect not asked for as well.
ALARM_P = 0.001


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """How far one column has moved. Shares are parts of the rows; a test that does not apply is None.

    ``psi``: population stability index over at most 20 cells and missing, above ``null_quantile`` in one case of 1,000
    where nothing has moved. ``jensen_shannon``: distance over the same cells, 0 to 1. ``kolmogorov_smirnov`` and
    ``wasserstein`` (in reference standard deviations): of a numeric column's values, from the sketch's bins, and so
    lower bounds. ``chi_square`` has ``degrees`` of freedom, over the cells of present values. ``missing_z``: of two
    proportions. ``new_categories``: never seen in the reference, and ``new_share``, the part of the rows with a value
    that have one of them; ``unseen`` of it is expected by chance. ``outside_share``: the part of the numbers outside
    the reference range, widened by a tenth. ``p_value``: the smallest of the column's tests times their number;
    ``adjusted_p``: the same after Holm's correction over the columns. ``importance``: as it was passed in.
    """

    name: str
    psi: float = 0.0
    null_quantile: float = 0.0
    jensen_shannon: float = 0.0
    kolmogorov_smirnov: float | None = None
    kolmogorov_smirnov_p: float | None = None
    wasserstein: float | None = None
    chi_square: float | None = None
    degrees: int = 0
    chi_square_p: float | None = None
    missing_before: float = 0.0
    missing_now: float = 0.0
    missing_z: float = 0.0
    missing_p: float = 1.0
    new_categories: int = 0
    new_share: float = 0.0
    unseen: float = 0.0
    outside_share: float = 0.0
    p_value: float = 1.0
    adjusted_p: float = 1.0
    importance: float = 1.0

    @property
    def effect(self) -> bool:
        """Whether any distance is large enough to matter."""
        return (
            (self.psi > SHIFT and self.psi > self.null_quantile)
            or abs(self.missing_now - self.missing_before) > MISSING_CHANGE
            or self.new_share - self.unseen > NEW_SHARE
            or (self.wasserstein or 0.0) > WASSERSTEIN
        )

    @property
    def alert(self) -> bool:
        """An effect that matters, and that chance does not explain."""
        return self.effect and self.adjusted_p < ALARM_P

    @property
    def severity(self) -> float:
        """How far the column has moved, from 0 (equal shares) to 1 (nothing in common): Jensen and Shannon's distance.

        It alone of the distances is bounded, holds for numbers, categories and missing, and knows no empty cell.
        """
        return self.jensen_shannon

    @property
    def rank(self) -> float:
        """What columns are ordered by: severity times importance."""
        return self.severity * self.importance

    def as_dict(self) -> dict[str, Any]:
        """Give everything by name, as JSON can hold it."""
        judged = {"effect": self.effect, "alert": self.alert, "severity": self.severity, "rank": self.rank}
        return asdict(self) | judged


@dataclass(frozen=True, slots=True)
class LabelRate:
    """The share of labelled rows that left, before and now. ``z``: above 0 where it has risen; ``p_value``: of both
    sides."""

    before: float
    now: float
    z: float
    p_value: float


def compare(reference: Sketch, tally: Tally, importance: Mapping[str, float]) -> tuple[ColumnDrift, ...]:
    """Compare new rows with the reference window; the columns that have moved most, by importance, come first.

    ``importance``: how much a column can matter, such as its effect range in log-odds; 1 where it is absent. Raises
    ValueError if the tally is of another sketch.
    """
    pairs = zip(reference.columns, tally.columns, strict=True)
    drifts = [_drift(column, counted, importance.get(column.name, 1.0)) for column, counted in pairs]
    adjusted = holm([one.p_value for one in drifts])
    judged = (replace(one, adjusted_p=p) for one, p in zip(drifts, adjusted, strict=True))
    return tuple(sorted(judged, key=lambda one: (-one.rank, one.name)))


def label_rate(before: tuple[int, int], now: tuple[int, int]) -> LabelRate:
    """Compare the share of positives; each side as (rows, positives). Raises ValueError for a side without rows."""
    if min(before[0], now[0]) < 1:
        raise ValueError("a label rate needs labelled rows on both sides")
    z, p_value = two_proportions(before[::-1], now[::-1])
    return LabelRate(before[1] / before[0], now[1] / now[0], z, p_value)


def _drift(column: ColumnSketch, counted: ColumnTally, importance: float) -> ColumnDrift:
    axis = column.axis
    before, now = np.asarray(column.counts, dtype=np.float64), counted.counts.astype(np.float64)
    place = missing_bin(axis)
    missing, missing_now, rows, rows_now = column.missing, int(now[place]), int(before.sum()), int(now.sum())
    numeric = isinstance(axis, Cuts)
    cells = numeric_cells(before[:-1], now[:-1]) if numeric else category_cells(before, now, counted.new)
    missing_z, missing_p = two_proportions((missing, rows), (missing_now, rows_now))
    chi_square, degrees = two_sample_chi_square(*cells)
    chi_square_p = chi_square_tail(chi_square, degrees) if degrees else None
    distance = _kolmogorov_smirnov(before[:-1], now[:-1]) if numeric else None
    smirnov_p = None
    if distance is not None:
        smirnov_p = kolmogorov_smirnov(distance, rows - missing, rows_now - missing_now)
    psi, null_quantile, apart = _distances(np.append(cells[0], missing), np.append(cells[1], missing_now))
    present = max(rows_now - missing_now, 1)
    return ColumnDrift(
        name=column.name,
        psi=psi,
        null_quantile=null_quantile,
        jensen_shannon=apart,
        kolmogorov_smirnov=distance,
        kolmogorov_smirnov_p=smirnov_p,
        wasserstein=wasserstein(column, counted),
        chi_square=chi_square if degrees else None,
        degrees=degrees,
        chi_square_p=chi_square_p,
        missing_before=missing / rows,
        missing_now=missing_now / rows_now,
        missing_z=missing_z,
        missing_p=missing_p,
        new_categories=len(counted.new),
        new_share=0.0 if numeric else float(now[-1]) / present,
        unseen=column.unseen,
        outside_share=counted.outside / present,
        p_value=bonferroni([p for p in (missing_p, chi_square_p, smirnov_p) if p is not None]),
        importance=importance,
    )


def _distances(before: Floats, now: Floats) -> tuple[float, float, float]:
    """Give the population stability index, what chance explains of it, and Jensen and Shannon's distance."""
    used = int(np.count_nonzero(before + now))
    chance = chi_square_quantile(ALARM_P, max(used - 1, 1)) * float(1 / before.sum() + 1 / now.sum())
    return population_stability_index(before, now), chance, jensen_shannon(before, now)


def _kolmogorov_smirnov(before: Floats, now: Floats) -> float | None:
    """Give the largest difference of the two distribution functions at the ends of the bins: a lower bound, since
    between them they may be further apart."""
    if not before.sum() or not now.sum():
        return None
    return float(np.abs(np.cumsum(before) / before.sum() - np.cumsum(now) / now.sum()).max())
