"""The report on one page of A4: what was decided and why, the numbers, and the four figures."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure, FigureBase, SubFigure
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

from handlers.domain.scorer import Scorer
from handlers.figures import calibration, confusion, curves, effects, style

A4 = (8.27, 11.69)
"""Inches."""

_LINE = 108
_NUMBERS = (
    ("rows", "rows", "{:,.0f}"),
    ("positives", "left", "{:,.0f}"),
    ("roc_auc", "ROC AUC", "{:.4f}"),
    ("log_loss", "log loss", "{:.4f}"),
    ("brier", "Brier", "{:.4f}"),
    ("calibration_error", "cal. error", "{:.4f}"),
    ("f1", "F1", "{:.4f}"),
    ("precision", "precision", "{:.4f}"),
    ("recall", "recall", "{:.4f}"),
)

Metrics = Mapping[str, float | int | None]


@dataclass(frozen=True, slots=True)
class Content:
    """What the page says. ``numbers``: for each set of rows its name and metrics."""

    heading: str
    about: str
    sentence: str
    numbers: tuple[tuple[str, Metrics], ...]
    labels: NDArray[np.int8]
    probabilities: NDArray[np.float64]
    threshold: float
    scorer: Scorer


def draw(content: Content) -> Figure:
    """Lay the page out."""
    figure = style.new_figure(*A4)
    figure.set_layout_engine("constrained", w_pad=0.15, h_pad=0.12)
    grid = figure.add_gridspec(3, 1, height_ratios=(2.3, 4.7, 4.7))
    top, middle, bottom = (figure.add_subfigure(grid[row]) for row in range(3))
    _text(top, content)
    upper = _pair(middle, (1.0, 1.55))
    lower = _pair(bottom, (1.0, 1.55))
    confusion.draw(upper[0], content.labels, content.probabilities, content.threshold)
    curves.draw(upper[1], content.labels, content.probabilities, content.threshold)
    calibration.draw(lower[0], content.labels, content.probabilities)
    effects.draw(lower[1], content.scorer, rows=2, columns=2)
    return figure


def _pair(figure: SubFigure, widths: tuple[float, float]) -> tuple[SubFigure, SubFigure]:
    grid = figure.add_gridspec(1, 2, width_ratios=widths)
    return figure.add_subfigure(grid[0]), figure.add_subfigure(grid[1])


def _text(figure: FigureBase, content: Content) -> None:
    axes = figure.subplots()
    axes.set_axis_off()
    lines = textwrap.wrap(content.sentence, _LINE, max_lines=4, placeholder=" …")
    for place, text, size in ((1.0, content.heading, 15), (0.86, content.about, style.SMALL)):
        axes.text(0, place, text, transform=axes.transAxes, va="top", fontsize=size, parse_math=False)
    sentence = axes.text(0, 0.74, "\n".join(lines), transform=axes.transAxes, va="top", fontsize=style.TEXT)
    sentence.set_linespacing(1.35)
    rows = [[name, *(_number(metrics, key, form) for key, _, form in _NUMBERS)] for name, metrics in content.numbers]
    table = axes.table(
        cellText=rows,
        colLabels=["", *(title for _, title, _ in _NUMBERS)],
        colWidths=[0.28, *([0.09] * len(_NUMBERS))],
        bbox=Bbox.from_bounds(0, 0, 1, 0.13 * (len(rows) + 1)),
        cellLoc="right",
        edges="horizontal",
    )
    table.auto_set_font_size(False)
    table.set_fontsize(style.SMALL)
    for (_, column), cell in table.get_celld().items():
        cell.set_edgecolor(style.PALE)
        if column == 0:
            cell.set_text_props(ha="left")


def _number(metrics: Metrics, key: str, form: str) -> str:
    value = metrics.get(key)
    return "–" if value is None else form.format(value)
