"""The reliability diagram: of clients with a predicted risk of 30 %, do 30 % leave?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from handlers.figures import style

GROUPS = 10
ROWS_IN_A_GROUP = 10
"""Fewer groups for few rows: the share of three clients says nothing."""
_NORMAL_95 = 1.96

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows of similar probability: their number, mean probability, share that left, and its 95 % interval."""

    rows: NDArray[np.int64]
    predicted: Floats
    observed: Floats
    low: Floats
    high: Floats


def groups(labels: NDArray[np.int8], probabilities: Floats) -> Groups:
    """Cut the rows into up to ten groups of equal size, equal probabilities kept together; there must be rows."""
    count = min(GROUPS, max(2, len(labels) // ROWS_IN_A_GROUP))
    cuts = np.unique(np.quantile(probabilities, np.arange(1, count) / count))
    group = np.searchsorted(cuts, probabilities, side="left")
    rows = np.bincount(group, minlength=len(cuts) + 1)
    used = rows > 0
    rows_used = rows[used]
    predicted = np.bincount(group, probabilities, len(rows))[used] / rows_used
    observed = np.bincount(group, labels == 1, len(rows))[used] / rows_used
    low, high = wilson(observed, rows_used)
    return Groups(rows_used, predicted, observed, low, high)


def wilson(share: Floats, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Give Wilson's 95 % interval of a share (Journal of the American Statistical Association 22, 1927)."""
    square = _NORMAL_95**2
    middle = (share + square / (2 * rows)) / (1 + square / rows)
    half = _NORMAL_95 * np.sqrt(share * (1 - share) / rows + square / (4 * rows**2)) / (1 + square / rows)
    return middle - half, middle + half


def draw(figure: FigureBase, labels: NDArray[np.int8], probabilities: Floats) -> None:
    """Draw observed against predicted shares, and below them how many clients have which risk."""
    reliability, histogram = figure.subplots(2, 1, height_ratios=(3, 1), sharex=True)
    style.title(reliability, "Calibration")
    if not len(labels):
        style.nothing(reliability, "No labelled rows were held out.")
        histogram.set_axis_off()
        return
    found = groups(labels, probabilities)
    reliability.plot([0, 1], [0, 1], color=style.PALE, linewidth=1)
    bars = np.maximum(np.stack((found.observed - found.low, found.high - found.observed)), 0.0)
    reliability.errorbar(
        found.predicted, found.observed, yerr=bars, fmt="o-", color=style.BLUE, markersize=4, linewidth=1, capsize=2
    )
    reliability.set_xlim(-0.02, 1.02)
    reliability.set_ylim(-0.02, 1.02)
    style.tidy(reliability, y="share that left")
    histogram.hist(probabilities, bins=np.linspace(0, 1, 21), color=style.BLUE)
    style.tidy(histogram, x="predicted probability of leaving", y="clients")
