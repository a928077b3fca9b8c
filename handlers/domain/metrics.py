"""How well probabilities agree with what happened: pure numpy, the same numbers as scikit-learn's."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Labels = NDArray[np.integer]

#: A single row that was wrong with certainty would otherwise count without bound and decide every comparison of means.
PROBABILITY_FLOOR = 0.001
#: Of the calibration error: as many as the reliability diagram has.
BINS = 10


@dataclass(frozen=True, slots=True)
class Metrics:
    """The scores of one set of rows. ``f1``, ``precision`` and ``recall`` are 0 where they are 0 / 0."""

    rows: int
    positives: int
    f1: float
    precision: float
    recall: float
    accuracy: float
    roc_auc: float | None
    log_loss: float
    brier: float
    calibration_error: float
    tn: int
    fp: int
    fn: int
    tp: int

    def as_dict(self) -> dict[str, float | int | None]:
        """Give the scores by name, as JSON can hold them."""
        return asdict(self)


def log_losses(labels: Labels, probabilities: Floats) -> Floats:
    """Give each row's log loss, float64[n], in [0.001, 6.91]: probabilities are clipped to [.001, .999]."""
    clipped = np.clip(probabilities, PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR)
    losses: Floats = -np.log(np.where(labels == 1, clipped, 1.0 - clipped))
    return losses


def loss_level(losses: Floats) -> dict[str, float]:
    """Sum losses up as what a later sample is compared with: ``mean``, ``variance`` (of a sample) and ``rows``."""
    variance = float(losses.var(ddof=1)) if len(losses) > 1 else 0.0
    return {"mean": float(losses.mean()), "variance": variance, "rows": float(len(losses))}


def measure(labels: Labels, probabilities: Floats, threshold: float) -> Metrics:
    """Score probabilities against labels of 1 (left) and 0 (stayed).

    ``roc_auc`` is None where there is one class only. Raises ValueError for no rows and for other labels.
    """
    _require_labels(labels, probabilities)
    left = labels == 1
    predicted = probabilities >= threshold
    tp, fp = int((predicted & left).sum()), int((predicted & ~left).sum())
    fn, tn = int((~predicted & left).sum()), int((~predicted & ~left).sum())
    return Metrics(
        rows=len(labels),
        positives=tp + fn,
        f1=_ratio(2 * tp, 2 * tp + fp + fn),
        precision=_ratio(tp, tp + fp),
        recall=_ratio(tp, tp + fn),
        accuracy=(tp + tn) / len(labels),
        roc_auc=_roc_auc(left, probabilities),
        log_loss=float(log_losses(labels, probabilities).mean()),
        brier=float(((probabilities - left) ** 2).mean()),
        calibration_error=calibration_error(labels, probabilities),
        tn=tn,
        fp=fp,
        fn=fn,
        tp=tp,
    )


def calibration_error(labels: Labels, probabilities: Floats) -> float:
    """Give the expected calibration error: over ``BINS`` bins of about as many rows each, by their probability,
    sum of (rows of the bin / rows) |mean probability - share that left|, in [0, 1]; 0 for no rows.

    The error is Naeini, Cooper and Hauskrecht's (2015), the bins of equal numbers Nixon et al.'s (2019). Rows of equal
    probability stay together, so that the order of rows changes nothing. Of well-calibrated probabilities it is not 0
    but about sqrt(2 / pi) times the mean standard error of a bin's share.
    """
    if not len(labels):
        return 0.0
    _, place, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    # From the midrank of each distinct probability, counted from 0.
    bins = ((np.cumsum(counts) - (counts + 1) / 2) * BINS / len(labels)).astype(np.intp)[place]
    return float(np.abs(np.bincount(bins, probabilities - (labels == 1))).sum() / len(labels))


def best_threshold(labels: Labels, probabilities: Floats) -> float:
    """Give the threshold with the highest F1; of equal ones the nearest to 0.5, of equally near ones the lower.

    Tried are 0.5 and the middle between each two neighbouring probabilities, which is as far from both as can be.
    Raises ValueError for no rows and for labels other than 0 and 1.
    """
    _require_labels(labels, probabilities)
    values, place = np.unique(probabilities, return_inverse=True)
    below = np.concatenate(([0.0], values[:-1]))
    middle = (below + values) / 2
    # Between two adjacent floats the middle may round down to the lower one, which would then be predicted, too.
    candidates = np.append(np.where(middle > below, middle, values), 0.5)
    # Rows at or above the k-th distinct probability, all and those that left; none lie at or above the last place.
    rows = np.append(np.cumsum(np.bincount(place, minlength=len(values))[::-1])[::-1], 0)
    left = np.append(np.cumsum(np.bincount(place[labels == 1], minlength=len(values))[::-1])[::-1], 0)
    first = np.searchsorted(values, candidates, side="left")
    f1 = 2 * left[first] / np.maximum(rows[first] + left[0], 1)
    best = candidates[f1 == f1.max()]
    return float(best[np.lexsort((best, np.abs(best - 0.5)))[0]])


def _roc_auc(left: NDArray[np.bool_], probabilities: Floats) -> float | None:
    """Area under the ROC curve as the Mann-Whitney statistic; tied probabilities share the mean of their ranks."""
    positives = int(left.sum())
    negatives = len(left) - positives
    if not positives or not negatives:
        return None
    _, place, counts = np.unique(probabilities, return_inverse=True, return_counts=True)
    midranks = np.cumsum(counts) - (counts - 1) / 2
    return float((midranks[place][left].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _require_labels(labels: Labels, probabilities: Floats) -> None:
    if len(labels) == 0 or len(labels) != len(probabilities):
        raise ValueError(f"{len(labels)} labels and {len(probabilities)} probabilities: as many of each, at least one")
    if not np.isin(labels, (0, 1)).all():
        raise ValueError("labels other than 0 and 1: unlabelled rows cannot be scored")
