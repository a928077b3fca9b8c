"""The shapes of the strongest terms: what each value of a column is worth in log-odds."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import FigureBase

from handlers.domain.effects import Curve, Term, curve, effect_range
from handlers.domain.scorecard import Scorecard
from handlers.domain.scorer import PipelineScorer, Scorer
from handlers.figures import importance, style

MOST_BARS = 8
MOST_TICKS = 4
_PAIR = 2


def draw(figure: FigureBase, scorer: Scorer, *, rows: int, columns: int) -> None:
    """Draw the strongest ``rows * columns`` terms, the strongest first; above 0 is a higher risk than the average. Of
    a pipeline, which has no terms, how much its columns matter."""
    if not isinstance(scorer, Scorecard):
        importance.draw(figure, scorer.importance if isinstance(scorer, PipelineScorer) else {})
        return
    figure.suptitle("Strongest effects: above 0, a higher risk than the average client's", fontsize=style.TEXT)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in panels:
        axes.set_visible(False)
    terms = strongest(scorer, len(panels))
    for axes, term in zip(panels, terms, strict=False):
        axes.set_visible(True)
        _draw_term(axes, curve(term))
    if not terms:
        panels[0].set_visible(True)
        style.nothing(panels[0], "No term has an effect.")


def strongest(scorecard: Scorecard, count: int) -> list[Term]:
    """The terms with the largest range, those without an effect left out."""
    ranked = sorted(scorecard.terms, key=lambda term: (-effect_range(term), term.columns))
    return [term for term in ranked[:count] if effect_range(term) > 0]


def _draw_term(axes: Axes, shape: Curve) -> None:
    longest = 24
    style.title(axes, " × ".join(style.shown(name, longest // len(shape.columns)) for name in shape.columns))
    axes.title.set_fontsize(style.SMALL)
    if len(shape.columns) == _PAIR:
        _draw_pair(axes, shape)
    elif shape.kinds[0] == "categories":
        _draw_categories(axes, shape)
    else:
        _draw_numeric(axes, shape)


def _draw_numeric(axes: Axes, shape: Curve) -> None:
    effects = np.asarray(shape.effects, dtype=np.float64)
    known, missing = effects[:-1], float(effects[-1])
    positions = np.asarray(shape.positions[0], dtype=np.float64)
    axes.axhline(0, color=style.PALE, linewidth=1)
    if shape.kinds[0] == "line":
        axes.plot(positions, known, color=style.BLUE)
    elif len(positions):
        # The outer bins have no end: they are drawn a little beyond the outermost cuts.
        beyond = 0.08 * (positions[-1] - positions[0]) or 1.0
        axes.stairs(known, [positions[0] - beyond, *positions, positions[-1] + beyond], baseline=None, color=style.BLUE)
    axes.axhline(missing, color=style.ORANGE, linewidth=1, linestyle=":")
    axes.annotate(
        "missing",
        (1, missing),
        xycoords=("axes fraction", "data"),
        ha="right",
        va="bottom",
        fontsize=style.SMALL,
        color=style.ORANGE,
    )
    style.tidy(axes, y="log-odds")
    axes.locator_params(nbins=4)


def _draw_categories(axes: Axes, shape: Curve) -> None:
    effects = np.asarray(shape.effects, dtype=np.float64)
    order = np.argsort(-np.abs(effects), kind="stable")[:MOST_BARS]
    order = order[np.argsort(effects[order], kind="stable")]
    names = [style.shown(shape.labels[0][place], 18) for place in order]
    colours = [style.RED if effects[place] > 0 else style.BLUE for place in order]
    axes.barh(np.arange(len(order)), effects[order], color=colours, height=0.7)
    axes.axvline(0, color=style.GREY, linewidth=0.8)
    style.name_ticks(axes, names, vertical=True)
    style.tidy(axes, x="log-odds")
    axes.locator_params(axis="x", nbins=4)


def _draw_pair(axes: Axes, shape: Curve) -> None:
    effects = np.asarray(shape.effects, dtype=np.float64)
    bound = float(np.abs(effects).max())
    # The last bins are those of missing and unknown: no neighbours of the others.
    ends = [-1 if kind == "steps" else -2 for kind in shape.kinds]
    known = effects[: ends[0], : ends[1]]
    if not known.size:
        style.nothing(axes, "missing values only")
        return
    # PuOr is a diverging map that red-green blindness does not merge; orange is the higher risk, as in the bars.
    axes.imshow(known.T, cmap="PuOr_r", vmin=-bound, vmax=bound, aspect="auto", origin="lower")
    style.tidy(axes)
    for place, axis in enumerate((axes.xaxis, axes.yaxis)):
        positions, names = _pair_ticks(shape, place)
        axis.set_ticks(positions, labels=names, fontsize=style.SMALL, parse_math=False)
    scale = f"log-odds ± {bound:.2g}"
    axes.text(0.98, 0.97, scale, transform=axes.transAxes, ha="right", va="top", fontsize=style.SMALL)


def _pair_ticks(shape: Curve, place: int) -> tuple[list[float], list[str]]:
    """Where to name what on one axis of a pair: some of its cuts, which lie between bins, or of its categories."""
    if shape.kinds[place] == "steps":
        cuts = shape.positions[place]
        chosen = range(0, len(cuts), len(cuts) // MOST_TICKS + 1)
        return [index + 0.5 for index in chosen], [f"{cuts[index]:.4g}" for index in chosen]
    names = shape.labels[place][:-2]
    chosen = range(0, len(names), len(names) // MOST_TICKS + 1)
    return [float(index) for index in chosen], [style.shown(names[index], 9) for index in chosen]
