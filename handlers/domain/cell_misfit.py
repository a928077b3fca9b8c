"""How wrong is a champion over the cells of one column, or of a pair of them?"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from handlers.domain.axes import Floats, Indices
from handlers.domain.metrics import Labels
from handlers.domain.row_cells import RowCells
from handlers.domain.significance import chi_square_tail

#: The sum of p (1 - p), the variance of a cell's leavers, from which their number is nearly normal; smaller cells are
#: pooled.
SMALLEST_VARIANCE = 4.0
#: An adjusted p-value below this names a column: at most one block in 200 where the champion is right.
EVIDENT_P = 0.005
#: So many cells that are judged together are named one by one.
MOST_NAMED = 3
#: Probabilities are at least this far from 0 and 1.
CERTAINTY = 1e-6
#: Before anything is known a cell's log-odds are as likely off by more as by less than about this (one deviation).
PRIOR_DEVIATION = 1.0
_STEPS = 100
_CELL_STEPS = 6
_SMALLEST_STEP = 1e-10


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Row by row, float64[n]: who left (1 or 0), the champion's probability, and the log-odds that are judged."""

    left: Floats
    promised: Floats
    log_odds: Floats

    @classmethod
    def of(cls, labels: Labels, probabilities: Floats) -> Rows:
        """Take labels of 1 and 0. Raises ValueError for no rows and for other lengths."""
        if not len(labels) == len(probabilities) > 0:
            raise ValueError(f"{len(labels)} labels, {len(probabilities)} probabilities: as many of each, at least one")
        sure = np.clip(probabilities, CERTAINTY, 1 - CERTAINTY)
        return cls((labels == 1).astype(np.float64), probabilities, np.log(sure / (1 - sure)))

    @property
    def both_labels(self) -> bool:
        """Whether some left and some stayed."""
        return bool(self.left.min() < self.left.max())

    def where(self, chosen: NDArray[np.bool_]) -> Rows:
        """Give some of the rows, bool[n]."""
        return Rows(self.left[chosen], self.promised[chosen], self.log_odds[chosen])


@dataclass(frozen=True, slots=True, eq=False)
class Term:
    """Cells to judge by, and what is known of each, float64[cells]: by how much the champion's log-odds are usually
    off, and the variance of that."""

    cells: RowCells
    usual: Floats
    variance: Floats

    def where(self, chosen: NDArray[np.bool_]) -> Term:
        """Give the same cells for some of the rows, bool[n]."""
        return replace(self, cells=replace(self.cells, index=self.cells.index[chosen]))


@dataclass(frozen=True, slots=True)
class Cell:
    """Rows of which the number of leavers was expected wrongly. ``label``: which rows, for people. ``promised``: the
    sum of the champion's probabilities; ``expected``: the same at the block's overall level and corrected by what the
    champion is usually wrong about; ``observed``: who left."""

    label: str
    rows: int
    promised: float
    expected: float
    observed: int


@dataclass(frozen=True, slots=True)
class ColumnMisfit:
    """How wrong the champion is along one column or a pair. ``effect``: the error of a cell's log-odds, root mean
    square, beyond what chance makes. ``adjusted_p``: after Holm's correction over all columns and pairs. ``worst``: the
    cell that is the most standard errors away."""

    columns: tuple[str, ...]
    chi_square: float
    degrees: int
    p_value: float
    adjusted_p: float
    effect: float
    worst: Cell

    @property
    def evident(self) -> bool:
        """Whether chance does not explain it."""
        return self.adjusted_p < EVIDENT_P

    @property
    def rank(self) -> tuple[float, float, tuple[str, ...]]:
        """What is sorted by: the least likely first, then the largest effect."""
        return self.p_value, -self.effect, self.columns


def levelled(rows: Rows) -> tuple[float, Floats]:
    """Add one constant to all log-odds so that as many are expected to leave as did: it, and the probabilities.

    By Newton's method with steps of at most 1; both labels must occur, and then there is one solution.
    """
    shift, total = 0.0, float(rows.left.sum())
    probabilities = _logistic(rows.log_odds)
    for _ in range(_STEPS):
        step = (total - float(probabilities.sum())) / float((probabilities * (1 - probabilities)).sum())
        if abs(step) < _SMALLEST_STEP:
            break
        shift += min(max(step, -1.0), 1.0)
        probabilities = _logistic(rows.log_odds + shift)
    return shift, probabilities


def unknown_error(cells: RowCells) -> Term:
    """Judge by these cells, taking the champion at its word."""
    nothing = np.zeros(len(cells.labels))
    return Term(cells, nothing, nothing)


def usual_error(cells: RowCells, before: RowCells, rows: Rows) -> Term:
    """Judge by these cells, given other rows and their cells: what the champion is usually wrong about."""
    return Term(cells, *_cell_log_odds(before, rows))


def corrected(rows: Rows, term: Term) -> Rows:
    """Correct the log-odds by what the rows themselves say about each cell: then that is known."""
    moved = replace(rows, log_odds=rows.log_odds + term.usual[term.cells.index])
    level, _ = levelled(moved)
    offsets, _ = _cell_log_odds(term.cells, replace(moved, log_odds=moved.log_odds + level))
    return replace(rows, log_odds=rows.log_odds + offsets[term.cells.index])


def term_misfit(term: Term, rows: Rows) -> ColumnMisfit | None:
    """Judge the rows by the cells of a term; None where fewer than two are large enough.

    The statistic is the sum over cells of (observed - expected)^2 / sum p (1 - p), as of Hosmer and Lemeshow (Applied
    Logistic Regression, 2000) but over the cells of a column; where the usual error is itself an estimate its variance
    is added. It has (cells - 1) degrees of freedom: one goes to the level.
    """
    _, expected = levelled(replace(rows, log_odds=rows.log_odds + term.usual[term.cells.index]))
    spread = expected * (1 - expected)
    size = len(term.cells.labels)
    cell_of = _pooled(np.bincount(term.cells.index, weights=spread, minlength=size).astype(np.float64))
    index = cell_of[term.cells.index]
    cells = np.unique(index)
    if len(cells) <= 1:
        return None
    columns = (rows.left, rows.promised, expected, spread, np.ones(len(index)))
    observed, promised, level, variances, counts = (np.bincount(index, weights=one)[cells] for one in columns)
    uncertain = np.bincount(index, weights=spread * term.variance[term.cells.index])[cells] / variances
    weights = variances / (1 + variances * uncertain)
    errors = (observed - level) / variances  # of the log-odds, to first order
    parts = weights * (errors - (weights * errors).sum() / weights.sum()) ** 2
    chi_square, degrees, worst = float(parts.sum()), len(cells) - 1, int(parts.argmax())
    p_value = chi_square_tail(chi_square, degrees)
    within = np.bincount(term.cells.index, minlength=size) > 0
    label = _named(term.cells, np.flatnonzero((cell_of == cells[worst]) & within))
    return ColumnMisfit(
        columns=term.cells.columns,
        chi_square=chi_square,
        degrees=degrees,
        p_value=p_value,
        adjusted_p=p_value,
        effect=float(np.sqrt(max(chi_square - degrees, 0.0) / weights.sum())),
        worst=Cell(label, int(counts[worst]), float(promised[worst]), float(level[worst]), int(observed[worst])),
    )


def _cell_log_odds(cells: RowCells, rows: Rows) -> tuple[Floats, Floats]:
    """Estimate by how much the log-odds are off in each cell, and the variance of that: the mode under a normal prior,
    by Newton's method, so that a cell without leavers, or without rows, has a finite one."""
    size, precision = len(cells.labels), PRIOR_DEVIATION**-2
    offsets = np.zeros(size)
    curvature = np.full(size, precision)
    for _ in range(_CELL_STEPS):
        probabilities = _logistic(rows.log_odds + offsets[cells.index])
        gradient = np.bincount(cells.index, weights=rows.left - probabilities, minlength=size) - precision * offsets
        spread = probabilities * (1 - probabilities)
        curvature = np.bincount(cells.index, weights=spread, minlength=size) + precision
        offsets = offsets + np.clip(gradient / curvature, -1.0, 1.0)
    return offsets, 1 / curvature


def _pooled(variances: Floats) -> Indices:
    """Give for each cell the one it is judged with: small ones share one more, or if that is still too small, the
    smallest other one."""
    small: NDArray[np.bool_] = variances < SMALLEST_VARIANCE
    cells = np.where(small, len(variances), np.arange(len(variances)))
    if variances[small].sum() < SMALLEST_VARIANCE and not small.all():
        cells[small] = np.where(small, np.inf, variances).argmin()
    return cells.astype(np.intp)


def _named(cells: RowCells, pooled: Indices) -> str:
    """Say which rows these are: the names of the cells, where they are few."""
    if len(pooled) <= MOST_NAMED:
        return " or ".join(cells.labels[place] for place in pooled.tolist())
    return f"rare values of {' and '.join(cells.columns)}"


def _logistic(log_odds: Floats) -> Floats:
    probabilities: Floats = 1 / (1 + np.exp(-np.clip(log_odds, -500.0, 500.0)))
    return probabilities
