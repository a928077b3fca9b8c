"""All terms of a scorecard for one row, in plain Python: a dozen numpy calls cost more than one row's arithmetic.

The terms are written out as a function, as ``dataclasses`` writes ``__init__``: to walk over them for each row would
take twice to three times as long. In its text there are numbers alone; names of columns and categories are not.

To the last bit what ``Evaluator`` says: the same operations on the same 64-bit numbers, in the same order.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, cast

import numpy as np

from handlers.domain.axes import Axis, Cuts
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
        say = self._say
        if say is None:  # most scorecards are never asked
            say = self._say = _function(*self._written)
        return say(row)

    def probability(self, row: Sequence[Cell]) -> float:
        """Give a row's probability of leaving."""
        log_odds = self.log_odds(row)
        small = float(np.exp(-abs(log_odds)))  # not math.exp, whose last bit is sometimes another
        return (1.0 if log_odds >= 0 else small) / (1.0 + small)


def _function(base: float, terms: Sequence[Term], features: Sequence[str]) -> Say:
    place = {name: number for number, name in enumerate(features)}
    axes = tuple(dict.fromkeys(axis for term in terms for axis in term.axes))
    known: dict[str, Any] = {"search": bisect_right}
    text = [
        "def log_odds(row):",
        f"{''.join(f'v{number}, ' for number in range(len(features)))} = row",
        *_bins(axes, place, known),
        *_bounded({place[line.column] for term in terms for line in _lines(term)}),
        f"total = {float(base)!r}",
        *(line for number, term in enumerate(terms) for line in _term(number, term, axes, place, known)),
        "return total",
    ]
    exec("\n    ".join(text), known)  # noqa: S102 - of our own numbers
    return cast("Say", known["log_odds"])


def _bins(axes: Sequence[Axis], place: Mapping[str, int], known: dict[str, Any]) -> Iterator[str]:
    """In which bin of each axis the row lies."""
    for number, axis in enumerate(axes):
        value = f"v{place[axis.column]}"
        if isinstance(axis, Cuts):
            known[f"cuts{number}"] = axis.cuts
            yield f"b{number} = {axis.size - 1} if {value} is None else search(cuts{number}, {value})"
        else:
            bins = {category: index for index, category in enumerate(axis.categories)}
            known[f"bins{number}"] = {**bins, None: axis.size - 2}
            yield f"b{number} = bins{number}.get({value}, {axis.size - 1})"


def _bounded(places: Iterable[int]) -> Iterator[str]:
    """Values of lines, as far from zero as they may count."""
    for value in (f"v{place}" for place in sorted(places)):
        yield f"if {value} is not None and not -{LARGEST_VALUE} <= {value} <= {LARGEST_VALUE}:"
        yield f"    {value} = {LARGEST_VALUE} if {value} > 0 else -{LARGEST_VALUE}"


def _term(
    number: int, term: Term, axes: Sequence[Axis], place: Mapping[str, int], known: dict[str, Any]
) -> Iterator[str]:
    """Add a term to ``total``."""
    effect = []
    table = term.steps if isinstance(term, Sum) else term
    if isinstance(table, Table):
        known[f"cells{number}"] = tuple(table.effects.ravel().tolist())
        bins = [f"b{axes.index(axis)}" for axis in table.axes]
        effect.append(f"cells{number}[{f' * {table.axes[1].size} + '.join(bins) if len(bins) > 1 else bins[0]}]")
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
