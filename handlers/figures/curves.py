"""ROC and precision-recall curves: what any threshold would find and what it would cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from handlers.figures import style

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rates:
    """One value for each distinct probability used as the threshold, the highest first."""

    thresholds: Floats
    recall: Floats
    false_alarms: Floats
    precision: Floats


def rates(labels: NDArray[np.int8], probabilities: Floats) -> Rates:
    """Compute the points of both curves; there must be rows of both classes."""
    order = np.argsort(-probabilities, kind="stable")
    ordered, left = probabilities[order], (labels[order] == 1).astype(np.int64)
    last = np.flatnonzero(np.append(np.diff(ordered) != 0, True))
    found, called = np.cumsum(left)[last], last + 1
    positives = int(left.sum())
    return Rates(ordered[last], found / positives, (called - found) / (len(left) - positives), found / called)


def draw(figure: FigureBase, labels: NDArray[np.int8], probabilities: Floats, threshold: float) -> None:
    """Draw both curves, the chosen threshold marked."""
    roc, precision = figure.subplots(1, 2)
    style.title(roc, "ROC")
    style.title(precision, "Precision and recall")
    positives = int((labels == 1).sum())
    if not 0 < positives < len(labels):
        for axes in (roc, precision):
            style.nothing(axes, "The held-out rows\nhave one class only." if len(labels) else "No rows.")
        return
    points = rates(labels, probabilities)
    chosen = np.flatnonzero(points.thresholds >= threshold)
    _roc(roc, points, chosen)
    _precision(precision, points, chosen, positives / len(labels))


def _roc(axes: Axes, points: Rates, chosen: NDArray[np.intp]) -> None:
    alarms, recall = np.append(0.0, points.false_alarms), np.append(0.0, points.recall)
    area = float(np.trapezoid(recall, alarms))
    axes.plot([0, 1], [0, 1], color=style.PALE, linewidth=1)
    axes.plot(alarms, recall, color=style.BLUE, linewidth=1.6)
    place = chosen[-1] + 1 if len(chosen) else 0
    axes.plot(alarms[place], recall[place], "o", color=style.RED, markersize=5)
    _note(axes, f"area {area:.3f}", side="bottom")
    _unit_square(axes, x="of those who stayed, called", y="of those who left, found")


def _precision(axes: Axes, points: Rates, chosen: NDArray[np.intp], share: float) -> None:
    axes.axhline(share, color=style.PALE, linewidth=1)
    axes.step(np.append(0.0, points.recall), np.append(points.precision[0], points.precision), color=style.BLUE)
    if len(chosen):
        axes.plot(points.recall[chosen[-1]], points.precision[chosen[-1]], "o", color=style.RED, markersize=5)
    _note(axes, f"calling everybody: {share:.3f}", side="top")
    _unit_square(axes, x="of those who left, found", y="of those called, who left")


def _note(axes: Axes, text: str, *, side: Literal["top", "bottom"]) -> None:
    y = 0.95 if side == "top" else 0.05
    axes.text(0.97, y, text, transform=axes.transAxes, ha="right", va=side, fontsize=style.SMALL, color=style.GREY)


def _unit_square(axes: Axes, *, x: str, y: str) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    style.tidy(axes, x=x, y=y)
