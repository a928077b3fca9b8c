"""All terms of a scorecard at once: for few rows a few numpy calls, where some for each term would cost many.

What is computed is to the last bit what the terms themselves say, each alone, one after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import zip_longest

import numpy as np

from handlers.domain.axes import Axis, CodedColumns, Floats
from handlers.domain.effects import CLIP_DEVIATIONS, LARGEST_VALUE, Line, Sum, Table, Term

#: Rows that are in memory at once, times the terms.
ROWS_AT_ONCE = 16_384
#: Up to so many rows the terms are evaluated together.
FEW_ROWS = 512


class Evaluator:
    """The terms of a scorecard, laid out for evaluation. All methods take columns of n rows."""

    def __init__(self, base: float, terms: Sequence[Term]) -> None:
        self._base = base
        self._each = tuple(terms)
        self._axes = tuple(dict.fromkeys(axis for term in terms for axis in term.axes))
        self._layers = [_Lines(layer) for layer in _layers(terms)]
        self._place(terms)

    def _place(self, terms: Sequence[Term]) -> None:
        """Lay all tables behind each other. Where a term has none, or no second axis, its bin is 0."""
        place = {axis: index for index, axis in enumerate(self._axes)}
        nothing = len(self._axes)
        cells, first, second, stride, start, filled = [np.zeros(1)], [], [], [], [], 1
        for term in terms:
            table = term.steps if isinstance(term, Sum) else term
            places = [place[axis] for axis in term.axes]
            first.append(places[0] if places else nothing)
            second.append(places[1] if len(places) > 1 else nothing)
            stride.append(_size(term.axes[1:]))
            start.append(filled if isinstance(table, Table) else 0)
            if isinstance(table, Table):
                cells.append(table.effects.ravel())
                filled += table.effects.size
        self._cells = np.concatenate(cells)
        self._first, self._second = np.array(first, dtype=np.intp), np.array(second, dtype=np.intp)
        self._stride, self._start = (np.array(one, dtype=np.intp).reshape(-1, 1) for one in (stride, start))
        self._pairs = bool(len(self._second)) and bool((self._second != nothing).any())

    def log_odds(self, columns: CodedColumns, rows: int) -> Floats:
        """Give the log-odds of ``rows`` rows, float64[n]: ``base`` and the effects, added in their order."""
        if rows <= ROWS_AT_ONCE:
            return self._log_odds(columns, rows)
        return np.concatenate([self._log_odds(some, size) for some, size in _pieces(columns, rows)])

    def effects(self, columns: CodedColumns, rows: int) -> Floats:
        """Give each term's effect in log-odds, float64[n, terms]."""
        if rows <= ROWS_AT_ONCE:
            return self._with_base(columns, rows)[1:].T
        return np.concatenate([self._with_base(some, size)[1:].T for some, size in _pieces(columns, rows)])

    def _log_odds(self, columns: CodedColumns, rows: int) -> Floats:
        if rows > FEW_ROWS:
            return self._one_by_one(columns, rows)
        # Not a sum: numpy adds in another order for one row than for many.
        totals: Floats = np.add.accumulate(self._with_base(columns, rows), axis=0)[-1]
        return totals

    def _one_by_one(self, columns: CodedColumns, rows: int) -> Floats:
        """The terms one after the other: the effects of all of them at once would be no longer in the cache."""
        bins = {axis: axis.index(columns) for axis in self._axes}
        totals = np.full(rows, self._base, dtype=np.float64)
        for term in self._each:
            if isinstance(term, Line):
                totals += term.effect(np.asarray(columns[term.column]))
            elif isinstance(term, Table):
                totals += term.effect([bins[axis] for axis in term.axes])
            else:
                totals += term.effect(np.asarray(columns[term.columns[0]]), bins[term.axes[0]])
        return totals

    def _with_base(self, columns: CodedColumns, rows: int) -> Floats:
        """Give ``base`` and below it the effects, float64[1 + terms, n]."""
        found = np.empty((len(self._each) + 1, rows))
        found[0] = self._base
        effects = found[1:]
        if self._axes:
            bins = np.empty((len(self._axes) + 1, rows), dtype=np.intp)
            for place, axis in enumerate(self._axes):
                bins[place] = axis.index(columns)
            bins[-1] = 0
            cells = bins[self._first]
            if self._pairs:
                cells *= self._stride
                cells += bins[self._second]
            cells += self._start
            self._cells.take(cells, out=effects, mode="clip")
        else:
            effects[:] = 0.0
        for layer in self._layers:
            layer.add_to(effects, columns)
        return found


class _Lines:
    """Lines of different terms."""

    def __init__(self, lines: Sequence[tuple[int, Line]]) -> None:
        self._columns = [line.column for _, line in lines]
        self._terms = np.array([place for place, _ in lines], dtype=np.intp)
        self._all = self._terms.tolist() == list(range(len(lines)))

        def of(name: str) -> Floats:
            return np.array([[getattr(line, name)] for _, line in lines])

        self._centre, self._scale, self._slope = of("centre"), of("scale"), of("slope")
        self._offset, self._missing = of("offset"), of("missing")

    def add_to(self, effects: Floats, columns: CodedColumns) -> None:
        """Add the lines to the effects of their terms, float64[terms, n]."""
        values = np.array([columns[name] for name in self._columns])
        found = np.minimum(np.maximum(values, -LARGEST_VALUE), LARGEST_VALUE)
        found -= self._centre
        found /= self._scale
        np.minimum(np.maximum(found, -CLIP_DEVIATIONS, out=found), CLIP_DEVIATIONS, out=found)
        found *= self._slope
        found += self._offset
        gaps = np.isnan(values)
        if gaps.any():
            np.copyto(found, self._missing, where=gaps)
        if self._all:
            effects[: len(found)] += found
        else:
            effects[self._terms] += found


def _layers(terms: Sequence[Term]) -> Iterator[list[tuple[int, Line]]]:
    """Give the first line of each term that has one, then the second of each, and so on."""
    lines = [_lines(term) for term in terms]
    for layer in zip_longest(*lines):
        yield [(place, line) for place, line in enumerate(layer) if line is not None]


def _lines(term: Term) -> tuple[Line, ...]:
    if isinstance(term, Sum):
        return term.lines
    return (term,) if isinstance(term, Line) else ()


def _size(axes: Sequence[Axis]) -> int:
    return axes[0].size if axes else 1


def _pieces(columns: CodedColumns, rows: int) -> Iterator[tuple[CodedColumns, int]]:
    for start in range(0, rows, ROWS_AT_ONCE):
        end = min(start + ROWS_AT_ONCE, rows)
        yield {name: values[start:end] for name, values in columns.items()}, end - start
