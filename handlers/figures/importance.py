"""How much each column matters to a pipeline, which has no effects to be drawn."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import FigureBase

from handlers.figures import style

MOST_COLUMNS = 15


def draw(figure: FigureBase, importance: Mapping[str, float]) -> None:
    """Draw the columns that matter most, the first at the top: the mean change of the log-odds when it is shuffled."""
    axes = figure.subplots()
    style.title(axes, "What shuffling a column changes")
    ranked = sorted(importance.items(), key=lambda item: (-item[1], item[0]))[:MOST_COLUMNS]
    if not ranked:
        style.nothing(axes, "It is not known which columns matter.")
        return
    places = np.arange(len(ranked))
    axes.barh(places, [value for _, value in ranked], height=0.6, color=style.BLUE)
    style.name_ticks(axes, [style.shown(name, 18) for name, _ in ranked], vertical=True)
    axes.set_ylim(len(ranked) - 0.4, -0.6)
    style.tidy(axes, x="mean change of the log-odds")
