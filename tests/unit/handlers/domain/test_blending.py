from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.axes import Categories, Cuts
from handlers.domain.blending import blended
from handlers.domain.effects import Line, Sum, Table, Term
from handlers.domain.scorecard import Calibration, Feature, Scorecard, effect_range, from_document, to_document
from tests.unit.handlers.domain.test_scorecard import PLAN, rows, scorecards

AGE, SPEND, KIND = Feature("age", True), Feature("spend", True), Feature("plan", False)
effects = st.floats(-10, 10)
weights = st.floats(0, 2)


@st.composite
def others(draw: st.DrawFn) -> Scorecard:
    """Cards over some of the columns, each term of another kind, with other cuts, categories and order of a pair."""
    words = draw(st.lists(st.sampled_from(["gold", "basic", "new", "x"]), unique=True, max_size=4))
    cuts = tuple(sorted(draw(st.sets(st.sampled_from([10.0, 30.0, 35.0, 40.5, 99.0])))))
    plan, age = Categories("plan", tuple(words)), Cuts("age", cuts)

    def table(*axes: Cuts | Categories) -> Table:
        shape = tuple(axis.size for axis in axes)
        count = math.prod(shape)
        return Table(axes, np.array(draw(st.lists(effects, min_size=count, max_size=count))).reshape(shape))

    line = Line("age", 40.0, draw(st.floats(0.5, 20)), draw(effects), draw(effects), draw(effects), low=18.0, high=80.0)
    other = Line("spend", 1.0, 2.0, draw(effects), 0.0, draw(effects), low=-3.0, high=3.0)
    ages: tuple[Term, ...] = (line, table(age))
    spends: tuple[Term, ...] = (other, table(Cuts("spend", cuts)))
    terms: list[tuple[Term, tuple[Feature, ...]]] = [
        (draw(st.sampled_from(ages)), (AGE,)),
        (draw(st.sampled_from(spends)), (SPEND,)),
        (table(plan), (KIND,)),
        (table(plan, age), (KIND, AGE)),
    ]
    chosen = draw(st.lists(st.sampled_from(terms), unique_by=lambda term: term[0].columns, min_size=1))
    features = tuple(dict.fromkeys(feature for _, used in chosen for feature in used))
    return Scorecard(draw(effects), 0.3, tuple(term for term, _ in chosen), features)


@given(scorecards(), others(), others(), st.tuples(weights, weights, weights), rows())
def test_the_log_odds_of_a_blend_are_the_weighted_sum_of_its_parts(
    first: Scorecard,
    second: Scorecard,
    third: Scorecard,
    given_weights: tuple[float, ...],
    columns: dict[str, np.ndarray],
) -> None:
    parts = (first, second, third)
    blend = blended(parts, given_weights)
    expected = sum(weight * part.log_odds(columns) for weight, part in zip(given_weights, parts, strict=True))
    np.testing.assert_allclose(blend.log_odds(columns), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(blend.base + blend.effects(columns).sum(axis=1), expected, rtol=0, atol=1e-9)
    sets = [frozenset(term.columns) for term in blend.terms]
    assert len(set(sets)) == len(sets)
    document, arrays = to_document(blend)
    back = from_document(json.loads(json.dumps(document)), arrays)
    assert back.log_odds(columns).tobytes() == blend.log_odds(columns).tobytes()
    # What is a sum already can be blended again.
    twice = blended((blend, first), (0.5, 0.5))
    again = 0.5 * blend.log_odds(columns) + 0.5 * first.log_odds(columns)
    np.testing.assert_allclose(twice.log_odds(columns), again, rtol=0, atol=1e-9)


@given(scorecards(), rows())
def test_a_card_blended_with_itself_is_the_same_card(card: Scorecard, columns: dict[str, np.ndarray]) -> None:
    blend = blended((card, card), (0.5, 0.5))
    assert {term.columns for term in blend.terms} == {term.columns for term in card.terms}
    np.testing.assert_allclose(blend.log_odds(columns), card.log_odds(columns), rtol=0, atol=1e-9)
    assert blend.features == card.features


def test_features_and_terms_come_in_the_order_of_the_parts_and_single_columns_first() -> None:
    pair = Table((Cuts("age", ()), PLAN), np.zeros((2, 4)))
    early = Scorecard(1.0, 0.5, (Table((Cuts("age", ()),), np.zeros(2)), pair), (AGE, KIND))
    late = Scorecard(3.0, 0.5, (Table((Cuts("spend", ()),), np.zeros(2)),), (AGE, SPEND))
    blend = blended((early, late), (0.5, 0.5))
    assert [feature.name for feature in blend.features] == ["age", "plan", "spend"]
    assert [term.columns for term in blend.terms] == [("age",), ("spend",), ("age", "plan")]
    assert (blend.base, blend.threshold) == (2.0, 0.5)


def test_a_category_that_one_part_does_not_know_is_there_what_any_other_is() -> None:
    kind = (KIND,)
    one = Scorecard(0.0, 0.5, (Table((Categories("plan", ("gold",)),), np.array([1.0, 2.0, 3.0])),), kind)
    other = Scorecard(0.0, 0.5, (Table((Categories("plan", ("new",)),), np.array([10.0, 20.0, 30.0])),), kind)
    (term,) = blended((one, other), (1.0, 1.0)).terms
    assert isinstance(term, Table)
    assert term.axes == (Categories("plan", ("gold", "new")),)
    assert term.effects.tolist() == [31.0, 13.0, 22.0, 33.0]


def test_two_lines_are_one_term_though_no_line() -> None:
    line = Line("age", 40.0, 10.0, 1.0, 0.0, 0.5, low=20.0, high=90.0)
    flatter = replace(line, centre=30.0, scale=5.0, slope=-1.0)
    (term,) = blended((Scorecard(0.0, 0.5, (line,), (AGE,)), Scorecard(0.0, 0.5, (flatter,), (AGE,))), (1, 1)).terms
    assert isinstance(term, Sum)
    # -2 + 2 at 20; at 50 the second, 4 deviations from its mean, becomes flat: 1 - 4; missing: 0.5 twice.
    assert effect_range(term) == pytest.approx(4.0)
    assert term.corners()[0].tolist() == [20.0, 50.0, 80.0, 90.0]


@pytest.mark.parametrize("count", [0, 2])
def test_as_many_weights_as_parts(count: int) -> None:
    card = Scorecard(0.0, 0.5, (), (AGE,))
    with pytest.raises(ValueError, match="as many of each"):
        blended((card,) * (count and 1), (0.5,) * count)


def test_parts_that_cannot_be_one_card_are_refused() -> None:
    card = Scorecard(0.0, 0.5, (), (AGE,))
    with pytest.raises(ValueError, match="age: a number in one part, a category in another"):
        blended((card, Scorecard(0.0, 0.5, (), (Feature("age", False),))), (0.5, 0.5))
    with pytest.raises(ValueError, match="before they are calibrated"):
        blended((card, replace(card, calibration=Calibration(0.1, 1.0))), (0.5, 0.5))
