"""How all figures look: colours that colour-blind readers can tell apart, sizes, and text that is never a formula."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure, FigureBase
from matplotlib.text import Text

#: Okabe and Ito's palette (Color Universal Design, 2008).
BLUE, ORANGE, GREEN, RED, GREY = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#6E6E6E"
PALE = "#D9D9D9"

TITLE, TEXT, SMALL = 11.0, 9.0, 7.5
"""Font sizes in points."""
DOTS_PER_INCH = 120


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure of this size in inches, without the global state of pyplot."""
    figure = Figure(figsize=(width, height), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def save(figure: Figure, path: Path, *, metadata: dict[str, str | None]) -> None:
    """Write a figure; the same figure gives the same bytes."""
    literal(figure)
    with warnings.catch_warnings():
        # A name in a script that the font does not have is drawn as boxes; nobody could act on the warning.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(path, dpi=DOTS_PER_INCH, metadata=metadata)


def literal(figure: FigureBase) -> None:
    """Take every text as it stands: a dollar sign in a column's name begins no formula."""
    for text in figure.findobj(Text):
        if isinstance(text, Text):
            text.set_parse_math(False)


def shown(name: str, longest: int = 28) -> str:
    """A name as a label: one line, cut where it is too long."""
    line = "".join(char if char.isprintable() else " " for char in name).strip() or "(no name)"
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def title(axes: Axes, text: str) -> None:
    """Put a title above the axes."""
    axes.set_title(text, fontsize=TEXT, loc="left", parse_math=False)


def tidy(axes: Axes, *, x: str = "", y: str = "") -> None:
    """Name the axes and take away what carries no information."""
    axes.set_xlabel(x, fontsize=SMALL, parse_math=False)
    axes.set_ylabel(y, fontsize=SMALL, parse_math=False)
    axes.tick_params(labelsize=SMALL)
    axes.spines[["top", "right"]].set_visible(False)


def name_ticks(axes: Axes, names: list[str], *, vertical: bool) -> None:
    """Name the positions 0, 1, ... of an axis."""
    places = np.arange(len(names))
    if vertical:
        axes.set_yticks(places, labels=names, fontsize=SMALL, parse_math=False)
    else:
        axes.set_xticks(places, labels=names, fontsize=SMALL, parse_math=False)


def nothing(axes: Axes, sentence: str) -> None:
    """Say why there is nothing to show."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, sentence, ha="center", va="center", fontsize=TEXT, color=GREY, wrap=True, parse_math=False)
