from __future__ import annotations

import json
import math
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from handlers.domain import divergence
from handlers.domain.divergence import from_document, population_stability_index, sketch, to_document

number = st.one_of(st.just(math.nan), st.integers(-3, 3).map(float), st.floats(allow_nan=False))
word = st.one_of(st.none(), st.sampled_from("abc"), st.text(max_size=2))
table = st.lists(st.tuples(number, word), min_size=1, max_size=60)


def columns(drawn: list[tuple[float, str | None]]) -> dict[str, np.ndarray]:
    numbers, words = zip(*drawn, strict=True)
    return {"number": np.array(numbers, dtype=np.float64), "word": np.array(words, dtype=object)}


@given(table, table)
def test_the_index_is_never_negative_and_finite(before: list[Any], now: list[Any]) -> None:
    for drift in population_stability_index(sketch(columns(before)), columns(now)):
        assert 0 <= drift.psi < math.inf
        assert drift.null_quantile > 0


@given(table)
def test_identical_shares_have_an_index_of_zero(drawn: list[Any]) -> None:
    for drift in population_stability_index(sketch(columns(drawn)), columns(drawn * 2)):
        assert drift.psi == 0
        assert drift.missing_before == drift.missing_now
        assert drift.new_categories == 0
        assert not drift.alert


@given(table, table, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(before: list[Any], now: list[Any], random: Random) -> None:
    expected = population_stability_index(sketch(columns(before)), columns(now))
    random.shuffle(before)
    random.shuffle(now)
    assert population_stability_index(sketch(columns(before)), columns(now)) == expected


@given(table)
def test_a_sketch_goes_through_json_unchanged(drawn: list[Any]) -> None:
    reference = sketch(columns(drawn))
    assert from_document(json.loads(json.dumps(to_document(reference), allow_nan=False))) == reference


@given(table)
def test_shares_sum_to_one_and_numbers_have_at_most_twenty_bins(drawn: list[Any]) -> None:
    for column in sketch(columns(drawn)).columns:
        assert math.fsum(column.shares) == pytest.approx(1)
    assert len(sketch(columns(drawn)).columns[0].shares) <= 20 + 1


def test_the_index_is_that_of_the_formula() -> None:
    reference = sketch({"word": np.array(["a"] * 60 + ["b"] * 30 + [None] * 10, dtype=object)})
    (drift,) = population_stability_index(reference, {"word": np.array(["a"] * 20 + ["b"] * 20 + [None] * 10)})
    shares = [(0.6, 0.4), (0.3, 0.4), (0.1, 0.2)]
    assert drift.psi == pytest.approx(sum((now - before) * math.log(now / before) for before, now in shares))
    assert drift.null_quantile == pytest.approx(stats.chi2.ppf(0.999, 2) * (1 / 100 + 1 / 50), rel=0.03)
    assert (drift.missing_before, drift.missing_now) == (0.1, 0.2)


def test_the_chi_square_quantile_is_as_near_as_it_says() -> None:
    for degrees in range(1, 40):
        exact = float(stats.chi2.ppf(0.999, degrees))
        ratio = divergence._chi_square_quantile(degrees) / exact
        assert 1 <= ratio < (1.015 if degrees >= 4 else 1.031)


def test_a_shift_that_few_rows_explain_is_no_alert_and_the_same_shift_in_many_rows_is() -> None:
    rng = np.random.default_rng(0)
    reference = sketch({"x": rng.normal(size=5000)})
    (few,) = population_stability_index(reference, {"x": rng.normal(0.3, size=20)})
    (many,) = population_stability_index(reference, {"x": rng.normal(0.7, size=2000)})
    assert few.psi > 0.2
    assert not few.alert
    assert many.alert


def test_chance_alone_rarely_exceeds_the_null_quantile() -> None:
    rng = np.random.default_rng(1)
    above = 0
    for now in (20, 100, 500):
        for _ in range(100):
            (drift,) = population_stability_index(sketch({"x": rng.normal(size=1000)}), {"x": rng.normal(size=now)})
            above += drift.psi > drift.null_quantile
    # At most one in 1,000 is expected; five in 300 would have a chance of about 2 in 100,000.
    assert above < 5


def test_a_column_that_becomes_missing_and_new_categories_are_seen() -> None:
    rng = np.random.default_rng(2)
    before = {"x": rng.normal(size=500), "word": rng.choice(["a", "b"], 500).astype(object)}
    now = {"x": np.full(500, np.nan), "word": rng.choice(["a", "c", "d"], 500).astype(object)}
    x, word = population_stability_index(sketch(before), now)
    assert x.alert
    assert (x.missing_before, x.missing_now) == (0.0, 1.0)
    assert word.alert
    assert word.new_categories == 2


def test_a_column_that_was_wholly_missing_shifts_when_values_come() -> None:
    reference = sketch({"x": np.full(200, np.nan)})
    (drift,) = population_stability_index(reference, {"x": np.arange(200.0)})
    assert drift.alert


def test_two_values_with_any_shares_have_cells_of_their_own() -> None:
    reference = sketch({"flag": np.array([0.0] * 990 + [1.0] * 10)})
    (drift,) = population_stability_index(reference, {"flag": np.array([0.0] * 500 + [1.0] * 500)})
    assert drift.alert


def test_many_rare_categories_are_pooled_but_none_of_them_is_new() -> None:
    names = [f"c{index}" for index in range(400)]
    reference = sketch({"word": np.array(names * 5, dtype=object)})
    (drift,) = population_stability_index(reference, {"word": np.array(names[200:] * 5, dtype=object)})
    assert drift.new_categories == 0
    assert drift.null_quantile == pytest.approx(stats.chi2.ppf(0.999, 20) * (1 / 2000 + 1 / 1000), rel=0.01)


def test_absent_columns_are_named_and_empty_ones_refused() -> None:
    reference = sketch({"x": np.zeros(3)})
    with pytest.raises(KeyError, match="x"):
        population_stability_index(reference, {"y": np.zeros(3)})
    with pytest.raises(ValueError, match="at least one row"):
        population_stability_index(reference, {"x": np.zeros(0)})
    with pytest.raises(ValueError, match="at least one row"):
        sketch({})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cuts": None}, "x must have either cuts or categories"),
        ({"categories": ["a"]}, "x must have either cuts or categories"),
        ({"shares": [1.0]}, "x must have a share"),
        ({"shares": [2.0, 0.0, 0.0]}, "x must have a share"),
        ({"cuts": [1.0, 1.0]}, "x: the cuts"),
        ({"shares": "all"}, r"Expected `array`, got `str` - at `\$.columns"),
    ],
)
def test_a_malformed_sketch_is_refused_by_name(change: dict[str, Any], message: str) -> None:
    document = to_document(sketch({"x": np.zeros(3)}))
    document["columns"][0] |= change
    with pytest.raises(ValueError, match=message):
        from_document(document)
    with pytest.raises(ValueError, match="there must be rows"):
        from_document(to_document(sketch({"x": np.zeros(3)})) | {"rows": 0})
