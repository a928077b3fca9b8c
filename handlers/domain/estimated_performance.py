"""How good a model is on rows without labels, if its probabilities are still right (CBPE).

Confidence-based performance estimation (Bialek, Kuberski, Perrakis and Bifet 2024): if each row leaves with exactly the
probability that was said of it, the expected counts of right and wrong predictions, and with them every score, follow
from the probabilities alone. It sees that clients have become harder to tell apart; it cannot see that the same client
now behaves differently.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlers.domain.metrics import PROBABILITY_FLOOR

Floats = NDArray[np.float64]

ASSUMES = "an unchanged concept"
#: Standard deviations on each side: 95% of a normal distribution.
BAND = 1.96
#: Fewer rows than this are expected nowhere: as many as none.
_NO_ROWS = 1e-9


@dataclass(frozen=True, slots=True)
class Estimated:
    """A score that is expected, and the band in which 95% of the scores would lie that labels may give."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """The scores expected of n rows; ``None`` where they are 0 / 0, as precision is where nobody is predicted."""

    rows: int
    log_loss: Estimated
    brier: Estimated
    f1: Estimated | None
    precision: Estimated | None
    recall: Estimated | None
    roc_auc: Estimated | None
    assumes: str = ASSUMES


def estimate(probabilities: Floats, threshold: float) -> Estimate:
    """Estimate the scores of rows without labels, from calibrated probabilities in [0, 1], float64[n].

    Labels y_i are drawn with p_i. A score s(y) is taken at y = p; its variance is sum of p_i (1 - p_i) (ds/dy_i)^2,
    which is exact for log loss, Brier score and precision, linear in y, and the delta method for the others. Raises
    ValueError for no rows and for probabilities outside of [0, 1].
    """
    p = probabilities
    if not len(p) or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("there must be rows, with probabilities in [0, 1]")
    predicted = (p >= threshold).astype(np.float64)
    clipped = np.clip(p, PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR)
    if_left, if_stayed = -np.log(clipped), -np.log1p(-clipped)
    rows, hits = len(p), predicted * p
    return Estimate(
        rows=rows,
        log_loss=_estimated(p, float((p * if_left + (1 - p) * if_stayed).mean()), (if_left - if_stayed) / rows, np.inf),
        brier=_estimated(p, float((p * (1 - p)).mean()), (1 - 2 * p) / rows),
        f1=_ratio(p, 2 * float(hits.sum()), float(predicted.sum() + p.sum()), 2 * predicted, np.ones(rows)),
        precision=_ratio(p, float(hits.sum()), float(predicted.sum()), predicted, np.zeros(rows)),
        recall=_ratio(p, float(hits.sum()), float(p.sum()), predicted, np.ones(rows)),
        roc_auc=_roc_auc(p),
    )


def _ratio(p: Floats, part: float, whole: float, part_slope: Floats, whole_slope: Floats) -> Estimated | None:
    """Give part / whole, both linear in the labels with these slopes: its slope is (part' - ratio whole') / whole."""
    if whole <= _NO_ROWS:
        return None
    ratio = part / whole
    return _estimated(p, ratio, (part_slope - ratio * whole_slope) / whole)


def _roc_auc(p: Floats) -> Estimated | None:
    """The chance that a row drawn by p is above one drawn by 1 - p, ties one half: the Mann-Whitney statistic."""
    leavers, stayers = float(p.sum()), float((1 - p).sum())
    if leavers <= _NO_ROWS or stayers <= _NO_ROWS:
        return None
    _, place = np.unique(p, return_inverse=True)
    beaten = _below(place, 1 - p)
    losing = leavers - _below(place, p)
    # A row is not compared with itself, as the half of a tie would do.
    own = 0.5 * p * (1 - p)
    above = float((p * beaten - own).sum())
    pairs = leavers * stayers - float((p * (1 - p)).sum())
    if pairs <= _NO_ROWS:
        return None
    area = above / pairs
    slope = ((beaten - losing) - area * (stayers - leavers)) / pairs
    return _estimated(p, area, slope)


def _below(place: NDArray[np.intp], weights: Floats) -> Floats:
    """Give for each row the weight of the rows below it and half of that of rows equal to it."""
    at = np.bincount(place, weights)
    return (np.cumsum(at) - at / 2)[place]


def _estimated(p: Floats, value: float, slope: Floats, most: float = 1.0) -> Estimated:
    reach = BAND * float(np.sqrt((p * (1 - p) * slope**2).sum()))
    return Estimated(value, max(0.0, value - reach), min(most, value + reach))
