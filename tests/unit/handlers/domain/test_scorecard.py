from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.scorecard import (
    Categories,
    Cuts,
    Feature,
    Line,
    Scorecard,
    Sum,
    Table,
    Term,
    centred,
    from_document,
    to_document,
)

FEATURES = (Feature("age", True), Feature("spend", True), Feature("plan", False))
AGE = Cuts("age", (30.0, 40.5))
PLAN = Categories("plan", ("basic", "gold"))
effects = st.floats(-10, 10)


@st.composite
def scorecards(draw: st.DrawFn) -> Scorecard:
    def table(*axes: Cuts | Categories) -> Table:
        shape = tuple(axis.size for axis in axes)
        count = math.prod(shape)
        return Table(axes, np.array(draw(st.lists(effects, min_size=count, max_size=count))).reshape(shape))

    cuts = tuple(sorted(draw(st.sets(st.floats(-1e6, 1e6), max_size=5))))
    slope, offset, missing = draw(effects), draw(effects), draw(effects)
    line = Line("spend", 3.0, draw(st.floats(0.1, 100)), slope, offset, missing, low=-1.0, high=9.0)
    either: tuple[Term, ...] = (line, Sum((line,), table(Cuts("spend", cuts))))
    spend = draw(st.sampled_from(either))
    terms: tuple[Term, ...] = (spend, table(AGE), table(PLAN), table(AGE, PLAN), table(Cuts("spend", cuts), AGE))
    return Scorecard(draw(effects), draw(st.floats(0, 1)), terms, FEATURES)


@st.composite
def rows(draw: st.DrawFn) -> dict[str, np.ndarray]:
    number = st.one_of(st.just(math.nan), st.sampled_from(AGE.cuts), st.floats(allow_nan=False))
    word = st.one_of(st.none(), st.sampled_from(PLAN.categories), st.text(max_size=3))
    drawn = draw(st.lists(st.tuples(number, number, word), min_size=1, max_size=20))
    age, spend, plan = zip(*drawn, strict=True)
    return {"age": np.array(age), "spend": np.array(spend), "plan": np.array(plan, dtype=object)}


@given(scorecards(), rows())
def test_the_effects_and_the_start_sum_to_the_log_odds(card: Scorecard, columns: dict[str, np.ndarray]) -> None:
    effects = card.effects(columns)
    assert effects.shape == (len(columns["age"]), len(card.terms))
    np.testing.assert_allclose(card.base + effects.sum(axis=1), card.log_odds(columns), rtol=0, atol=1e-12)


@given(scorecards(), rows())
def test_a_row_alone_has_the_log_odds_it_has_among_others_to_the_bit(
    card: Scorecard, columns: dict[str, np.ndarray]
) -> None:
    together = card.log_odds(columns)
    for row in range(len(together)):
        alone = card.log_odds({name: values[row : row + 1] for name, values in columns.items()})
        assert alone.tobytes() == together[row : row + 1].tobytes()


@given(scorecards(), rows())
def test_centring_moves_mean_effects_and_leaves_the_log_odds(card: Scorecard, columns: dict[str, np.ndarray]) -> None:
    moved = centred(card, columns)
    np.testing.assert_allclose(moved.effects(columns).mean(axis=0), 0.0, atol=1e-9)
    np.testing.assert_allclose(moved.log_odds(columns), card.log_odds(columns), rtol=0, atol=1e-9)


@given(scorecards(), rows())
def test_a_document_gives_back_the_same_scorecard_to_the_bit(card: Scorecard, columns: dict[str, np.ndarray]) -> None:
    document, arrays = to_document(card)
    back = from_document(json.loads(json.dumps(document, allow_nan=False)), arrays)
    assert (back.base, back.threshold, back.features) == (card.base, card.threshold, card.features)
    assert back.effects(columns).tobytes() == card.effects(columns).tobytes()
    assert to_document(back) == (document, arrays)


def test_only_tables_of_more_than_256_numbers_become_arrays() -> None:
    cuts = Cuts("age", tuple(float(cut) for cut in range(300)))
    small = Table((Cuts("age", cuts.cuts[:254]),), np.arange(256.0))
    wide = Table((cuts, PLAN), np.linspace(0, 1, 302 * 4).reshape(302, 4))
    card = Scorecard(0.0, 0.5, (small, wide), FEATURES)
    document, arrays = to_document(card)
    assert set(arrays) == {"term1.axis0.cuts", "term1.effects"}
    assert document["terms"][0]["effects"] == list(range(256))
    read = from_document(json.loads(json.dumps(document)), arrays).terms[1]
    assert isinstance(read, Table)
    assert read.effects.tobytes() == wide.effects.tobytes()
    assert read.axes == wide.axes
    with pytest.raises(ValueError, match=r"term1 \(age x plan\): the array term1.axis0.cuts is not there"):
        from_document(document, {})
    with pytest.raises(ValueError, match=r"term1 \(age x plan\): the array term1.effects is not a row of float64"):
        from_document(document, arrays | {"term1.effects": np.zeros(1208, dtype=np.float32)})


def one_term() -> dict[str, Any]:
    return to_document(Scorecard(0.0, 0.5, (Table((AGE,), np.zeros(4)),), FEATURES))[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"effects": [0.0] * 3}, r"term0 \(age\): 3 effects for 4 bins"),
        ({"effects": [0.0, 0.0, 0.0, math.inf]}, r"term0 \(age\): .*finite"),
        ({"effects": [0.0, 0.0, 0.0, "x"]}, r"term0 \(age\): Expected `float`"),
        ({"axes": [{"kind": "steps", "column": "age", "cuts": [2, 1]}]}, r"term0 \(age\): .*rise"),
        ({"axes": []}, r"term0 \(\?\): "),
        ({"axes": 5}, r"term0 \(\?\): Expected `array`"),
        ({"kind": "spline"}, r"term0 \(age\): Invalid value 'spline'"),
        ({"more": 1}, r"term0 \(age\): .*unknown field"),
    ],
)
def test_a_malformed_term_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    document = one_term()
    document["terms"][0] |= change
    with pytest.raises(ValueError, match=message):
        from_document(document, {})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 3}, "format 3, this version reads 1 and 2"),
        ({"format": None}, "format None"),
        ({"threshold": 1.5}, "threshold"),
        ({"base": math.nan}, "base must be finite"),
        ({"features": []}, "must be features"),
        ({"features": [{"name": "age", "numeric": False}]}, "age: age is not a numeric feature"),
        ({"calibration": {"intercept": 0.0, "slope": 0.0}}, "slope above 0"),
        ({"calibration": {"method": "isotonic"}}, "isotonic"),
        ({"terms": 3}, r"scorecard: Expected `array`"),
    ],
)
def test_a_malformed_document_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_document(one_term() | change, {})


def test_two_terms_over_the_same_columns_are_refused_in_whichever_order() -> None:
    pair, turned = Table((AGE, PLAN), np.zeros((4, 4))), Table((PLAN, AGE), np.zeros((4, 4)))
    with pytest.raises(ValueError, match="plan x age: these columns have two terms"):
        Scorecard(0.0, 0.5, (pair, turned), FEATURES)


def test_a_document_of_format_1_is_read_as_one_that_is_not_calibrated() -> None:
    document = one_term()
    del document["calibration"]
    card = from_document(document | {"format": 1}, {})
    assert (card.calibration.intercept, card.calibration.slope) == (0.0, 1.0)


def test_a_malformed_sum_is_refused_by_name() -> None:
    line = Line("age", 3.0, 1.0, 1.0, 0.0, 0.0, low=-1.0, high=9.0)
    document = to_document(Scorecard(0.0, 0.5, (Sum((line,), Table((AGE,), np.zeros(4))),), FEATURES))[0]
    document["terms"][0]["lines"][0]["column"] = "spend"
    with pytest.raises(ValueError, match=r"term0 \(age\): age: a sum needs lines"):
        from_document(document, {})


def test_probabilities_are_stable_at_both_ends_and_one_half_at_zero() -> None:
    table = Table((PLAN,), np.array([-2000.0, 2000.0, 0.0, 1.0]))
    columns = {"plan": np.array(["basic", "gold", None, "other"], dtype=object)}
    probabilities = Scorecard(0.0, 0.5, (table,), (Feature("plan", False),)).probabilities(columns)
    assert probabilities.tolist() == [0.0, 1.0, 0.5, pytest.approx(1 / (1 + math.exp(-1)))]


def test_an_absent_column_is_named_even_if_no_term_reads_it() -> None:
    card = Scorecard(0.0, 0.5, (), FEATURES)
    with pytest.raises(KeyError, match="plan"):
        card.log_odds({"age": np.zeros(1), "spend": np.zeros(1)})


def test_columns_of_different_lengths_are_refused() -> None:
    card = Scorecard(0.0, 0.5, (), FEATURES)
    with pytest.raises(ValueError, match=r"different lengths: \[1, 2\]"):
        card.effects({"age": np.zeros(1), "spend": np.zeros(2), "plan": np.array([None])})


def test_without_terms_each_row_has_the_same_log_odds() -> None:
    card = Scorecard(-1.5, 0.5, (), (Feature("age", True),)).with_threshold(0.25)
    assert card.threshold == 0.25
    assert card.log_odds({"age": np.zeros(3)}).tolist() == [-1.5, -1.5, -1.5]
    assert card.effects({"age": np.zeros(3)}).shape == (3, 0)
    assert card.log_odds({"age": np.zeros(0)}).shape == (0,)


def test_serving_needs_no_learning_library() -> None:
    modules = "handlers.domain.scorecard, handlers.domain.metrics, handlers.domain.divergence, handlers.estimators"
    learning = {"sklearn", "pandas", "scipy", "interpret", "joblib"}
    code = f"import sys, {modules}; print({learning} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
