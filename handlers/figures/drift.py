"""How far each column has moved from the rows that the model learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from handlers.domain.divergence import SHIFT
from handlers.figures import style

MOST_COLUMNS = 20


def draw(figure: FigureBase, drift: Sequence[Mapping[str, Any]]) -> None:
    """Draw the population stability index of the columns that moved furthest, with the line above which it alerts.

    Each item has ``name``, ``psi``, ``null_quantile`` (what chance alone explains) and ``alert``.
    """
    axes = figure.subplots()
    style.title(axes, "Population stability index")
    furthest = sorted(drift, key=lambda item: (-item["psi"], item["name"]))[:MOST_COLUMNS]
    if not furthest:
        style.nothing(axes, "No columns were compared.")
        return
    places = np.arange(len(furthest))
    colours = [style.RED if item["alert"] else style.BLUE for item in furthest]
    axes.barh(places, [item["psi"] for item in furthest], height=0.6, color=colours)
    axes.plot([item["null_quantile"] for item in furthest], places, "|", color="black", markersize=11)
    axes.axvline(SHIFT, color="black", linestyle="--", linewidth=1)
    style.name_ticks(axes, [style.shown(item["name"]) for item in furthest], vertical=True)
    axes.set_ylim(len(furthest) - 0.4, -0.6)
    axes.set_xlim(0, 1.08 * max(SHIFT, *(max(item["psi"], item["null_quantile"]) for item in furthest)))
    style.tidy(axes, x="PSI" if len(furthest) == len(drift) else f"PSI, the highest {MOST_COLUMNS} of {len(drift)}")
    handles = [
        Patch(color=style.RED, label="alert"),
        Patch(color=style.BLUE, label="no alert"),
        Line2D([], [], color="black", linewidth=1, linestyle="--", label=f"called a shift ({SHIFT:g})"),
        Line2D([], [], color="black", marker="|", linestyle="none", markersize=11, label="chance explains up to"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=4, fontsize=style.SMALL, frameon=False)
