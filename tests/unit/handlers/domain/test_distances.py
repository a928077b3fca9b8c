"""Distances are those of their formulas and of scipy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial import distance

from handlers.domain.distances import jensen_shannon, population_stability_index, wasserstein
from handlers.domain.reference_sketch import sketch, tally

cells = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=20).filter(
    lambda drawn: any(row[0] for row in drawn) and any(row[1] for row in drawn)
)
small = st.integers(-20, 20).map(float)


def both(drawn: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    before, now = (np.array(side, dtype=np.float64) for side in zip(*drawn, strict=True))
    return before, now


def normalised(before: np.ndarray, now: np.ndarray) -> float | None:
    reference = sketch({"x": before})
    return wasserstein(reference.columns[0], tally(reference, {"x": now}).columns[0])


def exact(before: np.ndarray, now: np.ndarray) -> float:
    return float(stats.wasserstein_distance(before, now) / before.std())


def test_the_index_is_that_of_the_formula() -> None:
    index = population_stability_index(np.array([60.0, 30.0, 10.0]), np.array([20.0, 20.0, 10.0]))
    shares = [(0.6, 0.4), (0.3, 0.4), (0.1, 0.2)]
    assert index == pytest.approx(sum((now - before) * math.log(now / before) for before, now in shares))


@given(cells)
def test_the_index_is_never_negative_finite_and_zero_for_equal_shares(drawn: list[Any]) -> None:
    before, now = both(drawn)
    assert 0 <= population_stability_index(before, now) < math.inf
    assert population_stability_index(before, 3 * before) == pytest.approx(0, abs=1e-12)


@given(cells)
def test_jensen_and_shannon_s_distance_is_scipy_s(drawn: list[Any]) -> None:
    before, now = both(drawn)
    assert jensen_shannon(before, now) == pytest.approx(distance.jensenshannon(before, now, base=2), abs=1e-7)


def test_samples_with_nothing_in_common_are_as_far_apart_as_can_be() -> None:
    assert jensen_shannon(np.array([5.0, 0.0]), np.array([0.0, 2.0])) == 1.0


@given(st.lists(small, min_size=2, max_size=60), st.lists(small, min_size=1, max_size=60))
def test_of_the_values_of_the_reference_the_distance_is_scipy_s(before: list[float], now: list[float]) -> None:
    reference = np.array([*before, *range(-20, 21)])
    assert normalised(reference, np.array(now)) == pytest.approx(exact(reference, np.array(now)), abs=1e-9)


@pytest.mark.parametrize(("mean", "scale"), [(0.0, 1.0), (0.3, 1.0), (-2.0, 1.0), (0.0, 2.0), (0.0, 0.2)])
def test_for_many_values_the_distance_is_nearly_scipy_s_and_never_above(mean: float, scale: float) -> None:
    rng = np.random.default_rng(0)
    before, now = rng.normal(size=5000), rng.normal(mean, scale, size=3000)
    mine = normalised(before, now)
    assert mine is not None
    assert exact(before, now) * 0.98 - 0.002 <= mine <= exact(before, now) + 1e-4


def test_one_wild_value_does_not_make_the_distance() -> None:
    before = np.random.default_rng(0).normal(size=1000)
    mine = normalised(before, np.append(before, 1e300))
    assert mine is not None
    assert mine < 0.02


def test_what_has_no_spread_or_no_values_has_no_distance() -> None:
    assert normalised(np.zeros(5), np.ones(5)) is None
    assert normalised(np.arange(5.0), np.full(2, math.nan)) is None
    assert normalised(np.full(2, math.nan), np.arange(5.0)) is None
    reference = sketch({"word": np.array(["a", "b"], dtype=object)})
    assert wasserstein(reference.columns[0], tally(reference, {"word": np.array(["a"])}).columns[0]) is None
