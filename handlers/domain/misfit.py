"""Where the champion is wrong: in which rows did other numbers leave than it expected, and which columns tell them?

Columns may look as they always did while what they mean has changed. Then nothing but outcomes can tell, and this says
where they tell it. Taken out first are a change of the overall level, which names no column, and, where the champion's
usual outcomes are passed in, what it always was wrong about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TypeVar

from handlers.domain.axes import Columns, Floats
from handlers.domain.cell_misfit import (
    EVIDENT_P,
    ColumnMisfit,
    Rows,
    Term,
    corrected,
    levelled,
    term_misfit,
    unknown_error,
    usual_error,
)
from handlers.domain.metrics import Labels
from handlers.domain.reference_sketch import Sketch
from handlers.domain.row_cells import RowCells, crossed, row_cells
from handlers.domain.significance import holm

#: Cells of a column, and of each column of a pair; missing has one more.
MOST_CELLS = 10
MOST_PAIR_CELLS = 4
#: Pairs are looked at among so many columns that fit worst, and those that are already named. A column can matter for
#: some rows of another alone, and then its own misfit is small.
PAIRED = 8
#: So many causes are named, each beyond those before it: more, a person does not keep in mind.
MOST_NAMED = 4
#: So many of them tell apart the rows that the first is about.
MOST_INSIDE = 2

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Rows with their outcomes (1 left, 0 stayed; no others) and what the champion said of them, float64[n]."""

    columns: Columns
    labels: Labels
    probabilities: Floats


@dataclass(frozen=True, slots=True)
class Misfit:
    """``shift``: what was added to all log-odds so that as many leave as did: the change of the overall level.
    ``columns``: every column and some pairs, those that fit worst first; empty where all rows have the same label.
    ``named``: the evident ones that explain the others: each is evident even where those before it are known. One of
    three columns, or of two after a single one, tells apart the rows of the worst cell of the first."""

    shift: float
    columns: tuple[ColumnMisfit, ...] = ()
    named: tuple[ColumnMisfit, ...] = ()


def misfit(
    reference: Sketch, columns: Columns, labels: Labels, probabilities: Floats, *, usual: Judged | None = None
) -> Misfit:
    """Compare outcomes (1 left, 0 stayed; no others) with the champion's probabilities, float64[n], by column.

    ``usual``: outcomes that the champion had not learned from when all was well; what it was wrong about then is no
    news. Raises KeyError naming a column that is absent, ValueError for other lengths.
    """
    now = Rows.of(labels, probabilities)
    if not now.both_labels:
        return Misfit(0.0)
    shift, _ = levelled(now)
    search = _search(reference, columns, usual)
    first = search.ranked(now, set())
    return Misfit(shift, tuple(one for one, _ in first), tuple(_named(search, now, first)[:MOST_NAMED]))


def _named(search: _Search, now: Rows, found: list[tuple[ColumnMisfit, Term]]) -> list[ColumnMisfit]:
    """Take the worst, and what tells its worst rows apart; correct the champion by it, and look again."""
    named: list[ColumnMisfit] = []
    while found and found[0][0].evident and len(named) < MOST_NAMED:
        worst, term = search.simplest(found, now)
        named.append(worst)
        if len(named) == 1:
            named += search.inside(worst, term, now)[:MOST_INSIDE]
        now = corrected(now, term)
        found = search.ranked(now, {column for one in named for column in one.columns})
    return named


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """The terms to judge by, made once; only the log-odds differ from one round to the next. ``before``: the usual
    rows at their level. ``cells``: of each column, coarsely, of the rows and of the usual ones."""

    single: list[Term]
    cells: list[tuple[RowCells, RowCells | None]]
    before: Rows | None
    pairs: dict[tuple[int, int], Term]

    @property
    def hypotheses(self) -> int:
        """Give the number of columns and pairs that could be named."""
        return len(self.single) * (len(self.single) + 1) // 2

    def ranked(self, now: Rows, named: set[str]) -> list[tuple[ColumnMisfit, Term]]:
        """Give the columns and pairs that fit worst first, their p-values adjusted for all that could have been."""
        found = _judged(dict(enumerate(self.single)), now)
        again = [place for place, term in enumerate(self.single) if named.intersection(term.cells.columns)]
        paired = sorted({place for place, _, _ in found[:PAIRED]}.union(again))
        found_pairs = _judged({pair: self._pair(pair) for pair in combinations(paired, 2)}, now)
        every = [(one, term) for _, one, term in (*found, *found_pairs)]
        adjusted = holm([one.p_value for one, _ in every], self.hypotheses)
        judged = [(replace(one, adjusted_p=p), term) for (one, term), p in zip(every, adjusted, strict=True)]
        return sorted(judged, key=lambda pair: pair[0].rank)

    def simplest(self, found: list[tuple[ColumnMisfit, Term]], now: Rows) -> tuple[ColumnMisfit, Term]:
        """Give the worst, but for a pair its worse column alone, unless the pair is evident beyond that column: of
        the many pairs that a bad column has, one looks even worse by chance."""
        worst, term = found[0]
        alone = [one for one in found if one[0].evident and set(one[0].columns) < set(worst.columns)]
        if not alone:
            return worst, term
        beyond = term_misfit(term, corrected(now, alone[0][1]))
        evident = beyond is not None and beyond.p_value * len(self.single) < EVIDENT_P
        return (worst, term) if evident else alone[0]

    def inside(self, worst: ColumnMisfit, term: Term, now: Rows) -> list[ColumnMisfit]:
        """Give the columns that are evident among the rows of the worst cell alone, each beyond those before it."""
        labels = term.cells.labels
        if worst.worst.label not in labels:
            return []
        chosen = term.cells.index == labels.index(worst.worst.label)
        rows = now.where(chosen)
        others = [one.where(chosen) for one in self.single if one.cells.columns[0] not in worst.columns]
        named: list[ColumnMisfit] = []
        while rows.both_labels and len(named) < MOST_INSIDE:
            found = _judged(dict(enumerate(others)), rows)
            if not found or found[0][1].p_value * len(others) >= EVIDENT_P:
                break
            _, clearest, cells = found[0]
            named.append(_placed(replace(clearest, adjusted_p=clearest.p_value * len(others)), worst))
            rows = corrected(rows, cells)
        return named

    def _pair(self, places: tuple[int, int]) -> Term:
        if places not in self.pairs:
            (one, one_before), (other, other_before) = (self.cells[place] for place in places)
            before = None
            if one_before is not None and other_before is not None:
                before = crossed(one_before, other_before)
            self.pairs[places] = _term(crossed(one, other), before, self.before)
        return self.pairs[places]


def _search(reference: Sketch, columns: Columns, usual_rows: Judged | None) -> _Search:
    before = None if usual_rows is None else Rows.of(usual_rows.labels, usual_rows.probabilities)
    if before is None or not before.both_labels:
        before = usual_rows = None
    else:
        before = replace(before, log_odds=before.log_odds + levelled(before)[0])

    def cells(most: int) -> list[tuple[RowCells, RowCells | None]]:
        return [
            (
                row_cells(column, columns, most),
                None if usual_rows is None else row_cells(column, usual_rows.columns, most),
            )
            for column in reference.columns
        ]

    single = [_term(one, one_before, before) for one, one_before in cells(MOST_CELLS)]
    return _Search(single, cells(MOST_PAIR_CELLS), before, {})


def _term(cells: RowCells, cells_before: RowCells | None, before: Rows | None) -> Term:
    return unknown_error(cells) if cells_before is None or before is None else usual_error(cells, cells_before, before)


def _placed(one: ColumnMisfit, within: ColumnMisfit) -> ColumnMisfit:
    """Name the rows that it is about."""
    cell = replace(one.worst, label=f"{within.worst.label}, {one.worst.label}")
    return replace(one, columns=within.columns + one.columns, worst=cell)


def _judged(terms: Mapping[Key, Term], now: Rows) -> list[tuple[Key, ColumnMisfit, Term]]:
    found = [(key, term_misfit(term, now), term) for key, term in terms.items()]
    large = [(key, one, term) for key, one, term in found if one is not None]
    return sorted(large, key=lambda judged: judged[1].rank)
