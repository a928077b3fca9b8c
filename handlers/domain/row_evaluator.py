"""All terms of a scorecard for one row, in plain Python: a dozen numpy calls cost more than one row's arithmetic.

To the last bit what ``Evaluator`` says: the same operations on the same 64-bit numbers, in the same order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence

import numpy as np

from handlers.domain.axes import Axis, Cuts
from handlers.domain.effects import CLIP_DEVIATIONS, LARGEST_VALUE, Line, Sum, Table, Term

Cell = float | str | None
#: Where in the row, the cuts of a number's axis (or None), the bins of a category's, and the bin of what is in neither.
_Axis = tuple[int, tuple[float, ...] | None, Mapping[Cell, int], int]
#: Where in the row; centre, scale, slope, offset; what is missing is worth.
_Line = tuple[int, float, float, float, float, float]
#: The axes' places among all axes, the stride of the first, where the table begins, and the lines that are added.
_Term = tuple[int, int, int, int, tuple[_Line, ...]]


class RowEvaluator:
    """The terms of a scorecard, laid out for one row. ``features``: its columns, in their order."""

    def __init__(self, base: float, terms: Sequence[Term], features: Sequence[str]) -> None:
        self._base = base
        place = {name: index for index, name in enumerate(features)}
        axes = tuple(dict.fromkeys(axis for term in terms for axis in term.axes))
        self._axes = [_axis(axis, place[axis.column]) for axis in axes]
        self._cells = [0.0]
        self._terms = [self._term(term, axes, place) for term in terms]

    def _term(self, term: Term, axes: Sequence[Axis], place: Mapping[str, int]) -> _Term:
        table = term.steps if isinstance(term, Sum) else term
        lines = term.lines if isinstance(term, Sum) else (term,) if isinstance(term, Line) else ()
        laid_out = tuple(_line(line, place[line.column]) for line in lines)
        nothing = len(axes)  # its bin is 0
        if not isinstance(table, Table):
            return nothing, nothing, 1, 0, laid_out
        start = len(self._cells)
        self._cells += table.effects.ravel().tolist()
        places = [axes.index(axis) for axis in table.axes]
        if len(places) == 1:
            return places[0], nothing, 1, start, laid_out
        return places[0], places[1], table.axes[1].size, start, laid_out

    def log_odds(self, row: Sequence[Cell]) -> float:
        """Give a row's log-odds. Missing is None, in a number's column too; NaN is no value here."""
        bins = []
        for place, cuts, known, other in self._axes:
            value = row[place]
            if cuts is None:
                bins.append(known.get(value, other))
            else:
                bins.append(other if value is None else bisect_right(cuts, value))
        bins.append(0)
        cells, total = self._cells, self._base
        for first, second, stride, start, lines in self._terms:
            effect = cells[bins[first] * stride + bins[second] + start]
            for line in lines:
                effect += _worth(line, row[line[0]])  # type: ignore[arg-type]  # a line is over numbers
            total += effect
        return total

    def probability(self, row: Sequence[Cell]) -> float:
        """Give a row's probability of leaving."""
        log_odds = self.log_odds(row)
        small = float(np.exp(-abs(log_odds)))  # not math.exp, whose last bit is sometimes another
        return (1.0 if log_odds >= 0 else small) / (1.0 + small)


def _axis(axis: Axis, place: int) -> _Axis:
    if isinstance(axis, Cuts):
        return place, axis.cuts, {}, axis.size - 1
    bins: dict[Cell, int] = {category: index for index, category in enumerate(axis.categories)}
    return place, None, {**bins, None: axis.size - 2}, axis.size - 1


def _line(line: Line, place: int) -> _Line:
    return place, line.centre, line.scale, line.slope, line.offset, line.missing


def _worth(line: _Line, value: float | None) -> float:
    _, centre, scale, slope, offset, missing = line
    if value is None:
        return missing
    near = LARGEST_VALUE if value > LARGEST_VALUE else max(value, -LARGEST_VALUE)
    deviations = (near - centre) / scale
    if deviations > CLIP_DEVIATIONS:
        deviations = CLIP_DEVIATIONS
    elif deviations < -CLIP_DEVIATIONS:
        deviations = -CLIP_DEVIATIONS
    return deviations * slope + offset
