"""Columns whose meaning has changed are named, and nothing is where the champion is as right as ever."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import estimators
from handlers.domain.axes import Columns
from handlers.domain.demonstration import ClientMonth, client_months
from handlers.domain.misfit import Judged, Misfit, misfit
from handlers.domain.reference_sketch import sketch
from handlers.estimators.frames import columns_of
from tests.unit.handlers.domain.drawn_columns import columns, table, ten_columns


def logistic(log_odds: np.ndarray) -> np.ndarray:
    probabilities: np.ndarray = 1 / (1 + np.exp(-log_odds))
    return probabilities


def truth(columns: Columns) -> np.ndarray:
    log_odds: np.ndarray = -2 + 0.5 * columns["normal"] + 0.8 * (columns["few"] == "c0")
    return log_odds


def outcomes(rng: np.random.Generator, log_odds: np.ndarray) -> np.ndarray:
    return (rng.random(len(log_odds)) < logistic(log_odds)).astype(np.int8)


@given(table, table, st.data())
def test_any_rows_are_judged_in_order_of_their_significance(
    before: list[str], now: list[str], data: st.DataObject
) -> None:
    rows = columns(now)
    labels = np.array([data.draw(st.integers(0, 1)) for _ in now], dtype=np.int8)
    said = np.array([data.draw(st.floats(0, 1)) for _ in now])
    found = misfit(sketch(columns(before)), rows, labels, said, usual=Judged(rows, labels, said))
    p_values = [one.p_value for one in found.columns]
    assert p_values == sorted(p_values)
    assert all(one.p_value <= one.adjusted_p <= 1 for one in found.columns)
    assert np.isfinite(found.shift)


@pytest.mark.parametrize(("rows", "usual"), [(200, False), (500, False), (500, True), (1000, True)])
def test_a_champion_that_is_right_has_no_column_named(rows: int, usual: bool) -> None:
    rng = np.random.default_rng(rows)
    before = ten_columns(rng, 3000)
    reference, labels = sketch(before), outcomes(rng, truth(before) + before["uniform"])
    known = Judged(before, labels, logistic(truth(before))) if usual else None
    named = 0
    for _ in range(100):
        now = ten_columns(rng, rows)
        error = now["uniform"] if usual else 0.0
        named += bool(
            misfit(reference, now, outcomes(rng, truth(now) + error), logistic(truth(now)), usual=known).named
        )
    # One block in 200 is expected at most: four of 100 have a chance of 0.2 %.
    assert named < 4


def test_a_change_of_the_level_alone_names_no_column_and_is_reported() -> None:
    rng = np.random.default_rng(0)
    now = ten_columns(rng, 5000)
    found = misfit(sketch(ten_columns(rng, 3000)), now, outcomes(rng, truth(now) + 1.0), logistic(truth(now)))
    assert found.shift == pytest.approx(1.0, abs=0.15)
    assert found.named == ()
    assert found.columns


def test_a_column_that_has_changed_its_meaning_is_named_with_its_worst_rows() -> None:
    rng = np.random.default_rng(1)
    now = ten_columns(rng, 1500)
    changed = truth(now) + 2.5 * (now["few"] == "c1")
    found = misfit(sketch(ten_columns(rng, 3000)), now, outcomes(rng, changed), logistic(truth(now)))
    worst = found.named[0]
    assert worst.columns == ("few",)
    assert worst.evident
    assert worst.worst.label == 'few "c1"'
    assert worst.worst.observed > 1.5 * worst.worst.promised


def test_a_change_in_a_corner_of_two_columns_names_the_pair() -> None:
    rng = np.random.default_rng(2)
    now = ten_columns(rng, 4000)
    sign = np.where(now["few"] == "c0", 1.0, -1.0) * np.where(now["uniform"] > 0.5, 1.0, -1.0)
    found = misfit(sketch(ten_columns(rng, 3000)), now, outcomes(rng, truth(now) + sign), logistic(truth(now)))
    assert set(found.named[0].columns) == {"few", "uniform"}


def test_what_the_champion_always_was_wrong_about_is_no_news() -> None:
    rng = np.random.default_rng(3)
    before, now = ten_columns(rng, 5000), ten_columns(rng, 2000)
    reference = sketch(before)
    wrong = outcomes(rng, truth(now) + 2 * now["uniform"])
    usual = Judged(before, outcomes(rng, truth(before) + 2 * before["uniform"]), logistic(truth(before)))
    assert [one.columns for one in misfit(reference, now, wrong, logistic(truth(now))).named] == [("uniform",)]
    assert misfit(reference, now, wrong, logistic(truth(now)), usual=usual).named == ()


def test_one_label_alone_tells_nothing_and_lengths_must_be_equal() -> None:
    reference = sketch({"x": np.arange(3.0)})
    assert misfit(reference, {"x": np.zeros(3)}, np.zeros(3, dtype=np.int8), np.full(3, 0.5)) == Misfit(0.0)
    with pytest.raises(ValueError, match="as many of each"):
        misfit(reference, {"x": np.zeros(3)}, np.zeros(2, dtype=np.int8), np.zeros(3))
    with pytest.raises(KeyError, match="x"):
        misfit(reference, {"y": np.zeros(2)}, np.array([0, 1]), np.full(2, 0.5))


def frame(months: list[ClientMonth]) -> tuple[pd.DataFrame, np.ndarray]:
    made = [pd.DataFrame(dict(month.columns)).drop(columns=["corporation", "month"]) for month in months]
    return pd.concat(made, ignore_index=True), np.concatenate([month.exited for month in months])


def test_the_demonstration_s_change_of_concept_is_named_by_its_columns() -> None:
    months = list(islice(client_months(clients=10_000), 7))
    learned, labels = frame(months[:6])
    recipe = estimators.load("logistic")
    scorecard = recipe.scorecard(recipe.fit(learned, labels, 1), learned)
    reference = sketch(columns_of(learned))
    usual = Judged(columns_of(learned), labels, scorecard.probabilities(columns_of(learned)))
    changed, left = frame(months[6:])
    now = columns_of(changed)
    found = misfit(reference, now, left, scorecard.probabilities(now), usual=usual)
    named = {column for one in found.named for column in one.columns}
    assert {"industry", "number_of_employees", "contract_months_left", "lastmonth_activity"} <= named
    assert set(found.named[0].columns) == {"industry", "number_of_employees"}
    assert 'industry "technology"' in found.named[0].worst.label
