"""All terms of a scorecard for one row, in plain Python: a dozen numpy calls cost more than one row's arithmetic.

The terms are written out as a function, as ``dataclasses`` writes ``__init__``: to walk over them for each row would
take twice to three times as long. In its text there are numbers alone; names of columns and categories are not.

To the last bit what ``Evaluator`` says: the same operations on the same 64-bit numbers, in the same order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, cast

import numpy as np

from handlers.domain.axes import Axis, Categories, Cuts
from handlers.domain.effects import CLIP_DEVIATIONS, LARGEST_VALUE, Line, Sum, Table, Term

Cell = float | str | None
Say = Callable[[Sequence[Cell]], float]


class RowEvaluator:
    """The terms of a scorecard, for one row. ``features``: its columns, in their order."""

    def __init__(self, base: float, terms: Sequence[Term], features: Sequence[str]) -> None:
        self._written = base, terms, features
        self._say: Say | None = None

    def __reduce__(self) -> tuple[type[RowEvaluator], tuple[float, Sequence[Term], Sequence[str]]]:
        return RowEvaluator, self._written

    def log_odds(self, row: Sequence[Cell]) -> float:
        """Give a row's log-odds. Missing is None, in a number's column too; NaN is no value here."""
        return (self._say or self._written_out())(row)

    def probability(self, row: Sequence[Cell]) -> float:
        """Give a row's probability of leaving."""
        log_odds = (self._say or self._written_out())(row)
        small = float(np.exp(-abs(log_odds)))  # not math.exp, whose last bit is sometimes another
        return (1.0 if log_odds >= 0 else small) / (1.0 + small)

    def _written_out(self) -> Say:
        """The function, not before it is asked: most scorecards never are."""
        say = self._say = _function(*self._written)
        return say


def _function(base: float, terms: Sequence[Term], features: Sequence[str]) -> Say:
    place = {name: number for number, name in enumerate(features)}
    tables = [table for table in map(_table, terms) if table is not None]
    searched = _searched([axis for table in tables for axis in table.axes])
    known: dict[str, Any] = {"search": bisect_right}
    text = [
        "def log_odds(row):",
        f"{''.join(f'v{number}, ' for number in range(len(features)))} = row",
        *(line for axis in searched.values() for line in _search(axis, place[axis.column], known)),
        *_bounded({place[line.column] for term in terms for line in _lines(term)}),
        f"total = {float(base)!r}",
        *(line for number, term in enumerate(terms) for line in _term(number, term, searched, place, known)),
        "return total",
    ]
    exec("\n    ".join(text), known)  # noqa: S102 - of our own numbers
    return cast("Say", known["log_odds"])


def _searched(axes: Sequence[Axis]) -> dict[str, Axis]:
    """By column one axis with the cuts or categories of all of its axes: it is searched once instead of them."""
    cuts: dict[str, set[float]] = {}
    categories: dict[str, dict[str, None]] = {}
    for axis in axes:
        if isinstance(axis, Cuts):
            cuts.setdefault(axis.column, set()).update(axis.cuts)
        else:
            categories.setdefault(axis.column, {}).update(dict.fromkeys(axis.categories))
    return {
        **{column: Cuts(column, tuple(sorted(found))) for column, found in cuts.items()},
        **{column: Categories(column, tuple(found)) for column, found in categories.items()},
    }


def _search(axis: Axis, place: int, known: dict[str, Any]) -> Iterator[str]:
    """In which bin of such an axis the row lies."""
    if isinstance(axis, Cuts):
        known[f"cuts{place}"] = axis.cuts
        yield f"b{place} = {axis.size - 1} if v{place} is None else search(cuts{place}, v{place})"
    else:
        bins = {category: index for index, category in enumerate(axis.categories)}
        known[f"bins{place}"] = {**bins, None: axis.size - 2}
        yield f"b{place} = bins{place}.get(v{place}, {axis.size - 1})"


def _bins(axis: Axis, searched: Axis) -> list[int]:
    """The bin of an axis for each bin of the one that is searched instead."""
    if isinstance(searched, Cuts):
        lowest = np.array((-np.inf, *searched.cuts, np.nan))
        return list(axis.index({axis.column: lowest}).tolist())
    known = axis.index({axis.column: np.array(searched.categories, dtype=object)})
    return [*known.tolist(), axis.size - 2, axis.size - 1]


def _bounded(places: Iterable[int]) -> Iterator[str]:
    """Values of lines, as far from zero as they may count."""
    for value in (f"v{place}" for place in sorted(places)):
        yield f"if {value} is not None and not -{LARGEST_VALUE} <= {value} <= {LARGEST_VALUE}:"
        yield f"    {value} = {LARGEST_VALUE} if {value} > 0 else -{LARGEST_VALUE}"


def _term(
    number: int, term: Term, searched: Mapping[str, Axis], place: Mapping[str, int], known: dict[str, Any]
) -> Iterator[str]:
    """Add a term to ``total``. Its table is laid out over the bins that are searched for."""
    effect = []
    table = _table(term)
    if table is not None:
        first, *second = table.axes
        cells = table.effects.tolist()
        for axis in second:
            cells = list(map(itemgetter(*_bins(axis, searched[axis.column])), cells))
        known[f"cells{number}"] = itemgetter(*_bins(first, searched[first.column]))(cells)
        effect.append(f"cells{number}{''.join(f'[b{place[axis.column]}]' for axis in table.axes)}")
    for count, line in enumerate(_lines(term)):
        value, worth, most = f"v{place[line.column]}", f"w{count}", CLIP_DEVIATIONS
        centre, scale, slope, offset, missing = map(
            float, (line.centre, line.scale, line.slope, line.offset, line.missing)
        )
        yield f"if {value} is None:"
        yield f"    {worth} = {missing!r}"
        yield "else:"
        yield f"    d = ({value} - {centre!r}) / {scale!r}"
        yield f"    d = {most} if d > {most} else -{most} if d < -{most} else d"
        yield f"    {worth} = d * {slope!r} + {offset!r}"
        effect.append(worth)
    yield f"total += {' + '.join(effect)}"


def _lines(term: Term) -> tuple[Line, ...]:
    return term.lines if isinstance(term, Sum) else (term,) if isinstance(term, Line) else ()


def _table(term: Term) -> Table | None:
    steps = term.steps if isinstance(term, Sum) else term
    return steps if isinstance(steps, Table) else None
