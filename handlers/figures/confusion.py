"""The confusion matrix: how many clients were called right and wrong at the threshold."""

from __future__ import annotations

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import FigureBase
from numpy.typing import NDArray

from handlers.figures import style

#: Above this share a cell is so dark that its text is white.
DARK = 0.6


def draw(figure: FigureBase, labels: NDArray[np.int8], probabilities: NDArray[np.float64], threshold: float) -> None:
    """Draw counts, and percents of what really happened (of each row of the matrix)."""
    axes = figure.subplots()
    style.title(axes, f"Confusion matrix at a threshold of {threshold:.3g}")
    if not len(labels):
        style.nothing(axes, "No labelled rows were held out.")
        return
    counts = confusion_counts(labels, probabilities, threshold)
    totals = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(totals, 1)
    colours = LinearSegmentedColormap.from_list("counts", ["#FFFFFF", style.BLUE])
    axes.imshow(shares, cmap=colours, vmin=0, vmax=1, aspect="auto")
    for row in range(2):
        for column in range(2):
            share = shares[row, column]
            percent = f"{100 * share:.1f} %" if totals[row, 0] else "no such rows"
            colour = "white" if share > DARK else "black"
            text = f"{counts[row, column]:,}\n{percent}"
            axes.text(column, row, text, ha="center", va="center", fontsize=style.TITLE, color=colour)
    style.name_ticks(axes, ["predicted to stay", "predicted to leave"], vertical=False)
    style.name_ticks(axes, ["stayed", "left"], vertical=True)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def confusion_counts(
    labels: NDArray[np.int8], probabilities: NDArray[np.float64], threshold: float
) -> NDArray[np.int64]:
    """Count int64[2, 2]: what happened (stayed, left) by what was predicted (stay, leave)."""
    predicted = (probabilities >= threshold).astype(np.int64)
    return np.bincount(2 * (labels == 1) + predicted, minlength=4).reshape(2, 2)
