from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain import evaluator
from handlers.domain.axes import COUNTED_ROWS, Categories, Columns, Cuts
from handlers.domain.effects import Line, Sum, Table, Term
from handlers.domain.evaluator import Evaluator
from handlers.domain.row_evaluator import RowEvaluator
from handlers.domain.scorecard import Feature, Scorecard
from tests.unit.handlers.domain.drawn_columns import columns as columns_of
from tests.unit.handlers.domain.drawn_columns import table as drawn_table

CUTS, FEW = Cuts("number", (-1.0, 0.5, 2.0)), Cuts("number", (0.0,))
WORDS, OTHER_WORDS = Categories("word", ("a", "b")), Categories("word", ("c", "b"))
numbers = st.floats(-10, 10)


def tables(*axes: Cuts | Categories) -> st.SearchStrategy[Table]:
    shape = tuple(axis.size for axis in axes)
    count = math.prod(shape)
    return st.lists(numbers, min_size=count, max_size=count).map(
        lambda drawn: Table(axes, np.array(drawn).reshape(shape))
    )


lines = st.builds(
    Line, st.just("number"), numbers, st.floats(0.1, 10), numbers, numbers, numbers, st.just(-1.0), st.just(1.0)
)
sums = st.builds(Sum, st.lists(lines, min_size=1, max_size=3).map(tuple), tables(CUTS))
terms = st.lists(
    st.one_of(lines, sums, tables(FEW), tables(WORDS), tables(CUTS, WORDS), tables(OTHER_WORDS, FEW)), max_size=9
)


def alone(term: Term, columns: Columns) -> np.ndarray:
    if isinstance(term, Line):
        return term.effect(columns[term.column])
    bins = [axis.index(columns) for axis in term.axes]
    return term.effect(bins) if isinstance(term, Table) else term.effect(columns["number"], bins[0])


@given(numbers, terms, drawn_table)
def test_it_says_to_the_last_bit_what_the_terms_say_one_after_the_other(
    base: float, drawn: list[Term], rows: list[tuple[float, str | None]]
) -> None:
    columns = columns_of(rows)
    expected = np.full(len(rows), base)
    for term in drawn:
        expected += alone(term, columns)
    found = Evaluator(base, drawn)
    assert found.log_odds(columns, len(rows)).tobytes() == expected.tobytes()
    effects = found.effects(columns, len(rows))
    assert effects.shape == (len(rows), len(drawn))
    for place, term in enumerate(drawn):
        np.testing.assert_array_equal(effects[:, place], alone(term, columns))


@given(numbers, terms, drawn_table)
def test_many_rows_are_worth_what_each_is_among_few(
    base: float, drawn: list[Term], rows: list[tuple[float, str | None]]
) -> None:
    columns = columns_of(rows)
    size = max(evaluator.FEW_ROWS, COUNTED_ROWS) + len(rows)
    many = {name: np.resize(values, size) for name, values in columns.items()}
    found = Evaluator(base, drawn)
    few = found.log_odds(columns, len(rows))
    assert found.log_odds(many, size).tobytes() == np.resize(few, size).tobytes()


@given(numbers, terms, drawn_table)
def test_one_row_alone_in_plain_python_is_the_same_to_the_last_bit(
    base: float, drawn: list[Term], rows: list[tuple[float, str | None]]
) -> None:
    expected = Evaluator(base, drawn).log_odds(columns_of(rows), len(rows))
    found = RowEvaluator(base, drawn, ("number", "word"))
    plain = [(None if math.isnan(number) else number, word) for number, word in rows]
    assert np.array([found.log_odds(row) for row in plain]).tobytes() == expected.tobytes()


def test_a_scorecard_that_was_asked_goes_to_another_process_as_any_other() -> None:
    card = Scorecard(0.25, 0.5, (Table((CUTS,), np.arange(5.0)),), (Feature("number", True),))
    said = card.probability((0.7,))
    assert pickle.loads(pickle.dumps(card)).probability((0.7,)) == said  # noqa: S301 - made here


@given(st.lists(st.floats(-800, 800), min_size=1, max_size=20))
def test_a_probability_is_the_same_to_the_last_bit(bases: list[float]) -> None:
    for base in bases:
        card = Scorecard(base, 0.5, (), (Feature("number", True),))
        alone = card.probability((None,))
        assert np.array([alone] * 9).tobytes() == card.probabilities({"number": np.full(9, math.nan)}).tobytes()


@given(numbers, terms, drawn_table)
def test_many_rows_are_what_their_pieces_are(
    base: float, drawn: list[Term], rows: list[tuple[float, str | None]]
) -> None:
    columns, found = columns_of(rows), Evaluator(base, drawn)
    whole, effects = found.log_odds(columns, len(rows)), found.effects(columns, len(rows))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(evaluator, "ROWS_AT_ONCE", 7)
        assert found.log_odds(columns, len(rows)).tobytes() == whole.tobytes()
        assert np.array_equal(found.effects(columns, len(rows)), effects)
