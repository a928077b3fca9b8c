"""Columns that have moved alert, those that have not do not, and the order is that of what matters."""

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

from handlers.domain.axes import Columns
from handlers.domain.divergence import ColumnDrift, compare, label_rate
from handlers.domain.reference_sketch import sketch, tally
from tests.unit.handlers.domain.drawn_columns import columns, table, ten_columns


def drifts(before: Columns, now: Columns) -> dict[str, ColumnDrift]:
    reference = sketch(before)
    return {one.name: one for one in compare(reference, tally(reference, now), {})}


def drift(before: np.ndarray, now: np.ndarray) -> ColumnDrift:
    return drifts({"x": before}, {"x": now})["x"]


@given(table, table)
def test_whatever_is_compared_has_finite_numbers_in_their_ranges(before: list[Any], now: list[Any]) -> None:
    for one in drifts(columns(before), columns(now)).values():
        assert all(math.isfinite(value) for value in one.as_dict().values() if isinstance(value, float))
        assert one.psi >= 0
        assert one.null_quantile > 0
        assert 0 <= one.severity <= 1
        assert 0 <= one.p_value <= one.adjusted_p <= 1
        json.dumps(one.as_dict(), allow_nan=False)


@given(table)
def test_identical_shares_are_no_drift(drawn: list[Any]) -> None:
    for one in drifts(columns(drawn), columns(drawn * 2)).values():
        assert one.psi == pytest.approx(0)
        assert one.jensen_shannon == pytest.approx(0, abs=1e-7)
        assert one.missing_before == one.missing_now
        assert one.new_categories == 0
        assert one.p_value == 1.0
        assert not one.alert


@given(table, table, st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(before: list[Any], now: list[Any], random: Random) -> None:
    expected = drifts(columns(before), columns(now))
    random.shuffle(before)
    random.shuffle(now)
    for name, one in drifts(columns(before), columns(now)).items():
        assert one.psi == pytest.approx(expected[name].psi)
        assert one.p_value == pytest.approx(expected[name].p_value)


def test_the_statistics_of_numbers_are_scipy_s() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.poisson(3, 2000).astype(float), rng.poisson(3.3, 700).astype(float)
    now[:70] = math.nan
    one = drift(before, now)
    smirnov = stats.ks_2samp(before, now[70:])
    assert one.kolmogorov_smirnov == pytest.approx(smirnov.statistic)
    assert one.wasserstein == pytest.approx(stats.wasserstein_distance(before, now[70:]) / before.std(), rel=1e-3)
    missing = stats.chi2_contingency([[0, 2000], [70, 630]])
    assert one.missing_z == pytest.approx(math.sqrt(missing.statistic))
    assert one.missing_p == pytest.approx(missing.pvalue)
    assert (one.missing_before, one.missing_now) == (0.0, 0.1)
    assert one.p_value == pytest.approx(3 * one.missing_p)


def test_the_distance_of_many_values_is_a_lower_bound() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.normal(size=4000), rng.normal(0.2, size=900)
    exact = float(stats.ks_2samp(before, now).statistic)
    mine = drift(before, now).kolmogorov_smirnov
    assert mine is not None
    assert exact - 0.005 <= mine <= exact


def test_the_statistics_of_categories_are_scipy_s() -> None:
    before = np.array(["a"] * 500 + ["b"] * 300 + ["c"] * 200, dtype=object)
    now = np.array(["a"] * 200 + ["b"] * 200 + ["d"] * 100, dtype=object)
    one = drift(before, now)
    exact = stats.chi2_contingency([[500, 300, 200, 0], [200, 200, 0, 100]])
    assert one.chi_square == pytest.approx(exact.statistic)
    assert one.degrees == exact.dof
    assert one.chi_square_p == pytest.approx(exact.pvalue, rel=1e-6)
    assert (one.new_categories, one.new_share, one.unseen) == (1, 0.2, 0.0)
    assert (one.kolmogorov_smirnov, one.wasserstein) == (None, None)


@pytest.mark.parametrize("rows", [200, 500, 1000])
def test_files_without_drift_do_not_alert(rows: int) -> None:
    rng = np.random.default_rng(rows)
    reference = sketch(ten_columns(rng, 3000))
    alerts = sum(
        one.alert for _ in range(100) for one in compare(reference, tally(reference, ten_columns(rng, rows)), {})
    )
    # At most one file in 1,000 is allowed: one in these 100 has a chance of 10 %, two of 0.5 %.
    assert alerts <= 1


def test_the_p_values_of_columns_that_have_not_moved_are_not_too_small() -> None:
    rng = np.random.default_rng(4)
    small = dict.fromkeys(ten_columns(rng, 1), 0)
    for _ in range(40):
        reference = sketch(ten_columns(rng, 800))
        for _ in range(5):
            for one in compare(reference, tally(reference, ten_columns(rng, 300)), {}):
                small[one.name] += one.p_value < 0.01
    # 2 of 200 are expected; 9 have a chance of 0.03 % for each column.
    assert max(small.values()) < 9


@pytest.mark.parametrize("name", list(ten_columns(np.random.default_rng(0), 1)))
def test_a_jump_of_the_missing_share_is_found_at_500_rows(name: str) -> None:
    rng = np.random.default_rng(1)
    before, now = ten_columns(rng, 3000), ten_columns(rng, 500)
    now[name][rng.random(500) < 0.4] = np.nan if now[name].dtype == np.float64 else None
    found = drifts(before, now)
    assert found[name].alert
    assert abs(found[name].missing_now - found[name].missing_before) > 0.1
    assert [one.name for one in found.values() if one.alert] == [name]


@pytest.mark.parametrize("name", ["normal", "uniform", "skewed", "rounded", "count", "gaps"])
def test_a_mean_that_shifts_by_a_standard_deviation_is_found_at_500_rows(name: str) -> None:
    rng = np.random.default_rng(2)
    before, now = ten_columns(rng, 3000), ten_columns(rng, 500)
    now[name] = now[name] + np.nanstd(before[name])
    found = drifts(before, now)
    assert [one.name for one in found.values() if one.alert] == [name]


@pytest.mark.parametrize("name", ["few", "many", "very_many"])
def test_a_new_category_of_a_fifth_of_the_rows_is_found_at_500_rows(name: str) -> None:
    rng = np.random.default_rng(3)
    before, now = ten_columns(rng, 3000), ten_columns(rng, 500)
    now[name] = np.where(rng.random(500) < 0.2, "new", now[name])
    found = drifts(before, now)
    assert [one.name for one in found.values() if one.alert] == [name]
    assert found[name].new_categories >= 1


def test_a_shift_that_few_rows_explain_is_no_alert_and_the_same_shift_in_many_rows_is() -> None:
    rng = np.random.default_rng(0)
    before = rng.normal(size=5000)
    few, many = drift(before, rng.normal(0.3, size=20)), drift(before, rng.normal(0.5, size=2000))
    assert few.effect
    assert not few.alert
    assert many.alert


def test_a_shift_beyond_doubt_that_does_not_matter_is_no_alert() -> None:
    rng = np.random.default_rng(0)
    one = drift(rng.normal(size=100_000), rng.normal(0.05, size=100_000))
    assert one.adjusted_p < 1e-6
    assert not one.alert


@pytest.mark.parametrize(
    ("before", "now"),
    [
        (np.zeros(500), np.ones(500)),
        (np.zeros(500), np.full(500, math.nan)),
        (np.full(500, math.nan), np.zeros(500)),
        (np.array([0.0] * 990 + [1.0] * 10), np.array([0.0] * 250 + [1.0] * 250)),
        (np.array([0.0, 1.0] * 250), np.full(500, 2.0)),
        (np.array(["a"] * 500, dtype=object), np.array(["b"] * 500, dtype=object)),
        (np.array([None] * 500, dtype=object), np.array(["b"] * 500, dtype=object)),
    ],
)
def test_a_column_that_becomes_another_one_alerts(before: np.ndarray, now: np.ndarray) -> None:
    assert drift(before, now).alert


def test_rare_categories_that_come_and_go_are_no_drift() -> None:
    rng = np.random.default_rng(7)
    names = np.array([f"c{index}" for index in range(5000)], dtype=object)
    one = drift(rng.choice(names, 3000), rng.choice(names, 1000))
    assert one.new_share > 0.4
    assert one.new_share == pytest.approx(one.unseen, abs=0.1)
    assert not one.alert


def test_columns_are_ordered_by_severity_times_importance() -> None:
    rng = np.random.default_rng(0)
    reference = sketch({"a": rng.normal(size=2000), "b": rng.normal(size=2000), "c": rng.normal(size=2000)})
    now = {"a": rng.normal(1.0, size=500), "b": rng.normal(2.0, size=500), "c": rng.normal(size=500)}
    counted = tally(reference, now)
    assert [one.name for one in compare(reference, counted, {})] == ["b", "a", "c"]
    weighed = compare(reference, counted, {"a": 5.0, "c": 0.0})
    assert [one.name for one in weighed] == ["a", "b", "c"]
    assert [one.importance for one in weighed] == [5.0, 1.0, 0.0]


def test_a_score_is_compared_as_any_column_is() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.normal(-2, 1, 2000), rng.normal(-1, 1, 500)
    one = drifts({"score": before}, {"score": now})["score"]
    assert one.alert
    assert one.wasserstein == pytest.approx(1.0, abs=0.1)


def test_a_tally_of_another_sketch_is_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        compare(sketch({"x": np.zeros(2)}), tally(sketch({"x": np.zeros(2), "y": np.zeros(2)}), columns_of_zeros()), {})


def columns_of_zeros() -> dict[str, np.ndarray]:
    return {"x": np.zeros(2), "y": np.zeros(2)}


def test_the_label_rate_is_compared_as_two_proportions() -> None:
    rate = label_rate((1000, 50), (500, 50))
    exact = stats.chi2_contingency([[50, 950], [50, 450]])
    assert (rate.before, rate.now) == (0.05, 0.1)
    assert rate.z == pytest.approx(math.sqrt(exact.statistic))
    assert rate.p_value == pytest.approx(exact.pvalue)
    with pytest.raises(ValueError, match="both sides"):
        label_rate((0, 0), (5, 1))
