"""What policies would have done: the loss of each over time, its deployments and its alarms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase
from matplotlib.lines import Line2D
from numpy.typing import NDArray

from handlers.domain.replay_outcome import Judged, Outcome
from handlers.figures import style

Floats = NDArray[np.float64]
COLOURS = (style.BLUE, style.RED, style.GREEN, style.ORANGE, style.GREY, "#56B4E9", "#CC79A7", "#F0E442")
STYLES = ("-", "--", "-.", ":")
SMOOTHED = 5
"""Blocks over which a line is averaged: a single block's loss is mostly chance."""
FEW = 12
"""With fewer blocks nothing is averaged: it would hide what there is to see."""


def draw(figure: FigureBase, outcomes: Sequence[Outcome]) -> None:
    """Draw the mean log loss of each block as a line for each policy, and below it what each has done when."""
    if not any(one.loss is not None for outcome in outcomes for one in outcome.steps):
        style.nothing(figure.subplots(), "No model has scored a row.")
        return
    lane = 0.24 + 0.19 * len(outcomes)
    losses, deeds = figure.subplots(2, 1, sharex=True, height_ratios=[max(1.0, 4.6 - lane), lane])
    numbers = sorted({one.number for outcome in outcomes for one in outcome.steps if one.loss is not None})
    place = {number: position for position, number in enumerate(numbers, start=1)}
    width = SMOOTHED if len(numbers) >= FEW else 1
    averaged = f", mean of {width} blocks" if width > 1 else ""
    style.title(losses, f"Log loss of each block before it was learned from{averaged}")
    for position, outcome in enumerate(outcomes):
        look = COLOURS[position % len(COLOURS)], STYLES[position // len(COLOURS) % len(STYLES)]
        _line(losses, outcome, place, width, look)
        _deeds(deeds, outcome.steps, place, -position, look[0])
    losses.set_xlim(0.2, len(numbers) + 0.8)
    style.tidy(losses, y="log loss")
    losses.legend(fontsize=style.SMALL, frameon=False, ncols=2, loc="upper left", bbox_to_anchor=(0.0, 1.0))
    losses.margins(y=0.28)
    style.title(deeds, "Deployments and alarms")
    deeds.set_yticks(-np.arange(len(outcomes)), labels=[style.shown(one.policy) for one in outcomes], parse_math=False)
    deeds.set_ylim(-len(outcomes) + 0.4, 0.6)
    style.tidy(deeds, x="block")
    marks = [
        Line2D([], [], color="black", marker="|", linestyle="none", markersize=9, label="deployment"),
        Line2D([], [], color="black", marker="v", linestyle="none", markersize=4, label="alarm"),
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=2, fontsize=style.SMALL, frameon=False)


def smoothed(values: Floats, weights: Floats, width: int) -> Floats:
    """The weighted mean of each of n values and those around it, ``width`` in all, fewer at the ends: float64[n]."""
    window = np.ones(width)
    found: Floats = np.convolve(values * weights, window, "same") / np.convolve(weights, window, "same")
    return found


def _line(axes: Axes, outcome: Outcome, place: dict[int, int], width: int, look: tuple[str, str]) -> None:
    scored = [(place[one.number], one.loss, one.rows) for one in outcome.steps if one.loss is not None]
    if not scored:
        return
    x, loss, rows = (np.array(values, dtype=np.float64) for values in zip(*scored, strict=True))
    shown = smoothed(loss, rows, min(width, len(loss)))
    mean = "" if outcome.log_loss is None else f" {outcome.log_loss:.4f}"
    label = style.shown(outcome.policy) + mean
    axes.plot(x, shown, color=look[0], linestyle=look[1], linewidth=1.5, label=label)


def _deeds(axes: Axes, steps: Sequence[Judged], place: dict[int, int], y: float, colour: str) -> None:
    """Marks at the blocks after which another model was current, and at those that raised an alarm."""
    deployed = [place[one.number] for one in steps if one.deployed and one.number in place]
    alarms = [place[one.number] for one in steps if one.alarm and one.number in place]
    axes.axhline(y, color=style.PALE, linewidth=0.6, zorder=0)
    axes.plot(deployed, np.full(len(deployed), y), "|", color=colour, markersize=9, markeredgewidth=1.6)
    axes.plot(alarms, np.full(len(alarms), y + 0.33), "v", color=colour, markersize=3.5)
