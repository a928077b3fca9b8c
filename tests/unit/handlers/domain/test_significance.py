"""Tail probabilities are those of scipy; corrections keep the order and the level."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from handlers.domain.significance import (
    bonferroni,
    chi_square_quantile,
    chi_square_tail,
    holm,
    kolmogorov_smirnov,
    kolmogorov_tail,
    normal_tail,
    two_proportions,
    two_sample_chi_square,
    two_sided,
)

probabilities = st.lists(st.floats(0, 1), max_size=12)
counts = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), min_size=1, max_size=30)


@given(st.floats(0, 600), st.integers(1, 300))
def test_chi_square_s_tail_is_scipy_s(statistic: float, degrees: int) -> None:
    assert chi_square_tail(statistic, degrees) == pytest.approx(stats.chi2.sf(statistic, degrees), rel=1e-8, abs=1e-14)


@pytest.mark.parametrize(("statistic", "degrees"), [(0.001, 1), (4.0, 1), (1000.0, 20), (20_000.0, 20_000), (600.0, 3)])
def test_chi_square_s_tail_holds_far_out(statistic: float, degrees: int) -> None:
    assert chi_square_tail(statistic, degrees) == pytest.approx(stats.chi2.sf(statistic, degrees), rel=1e-8)


def test_chi_square_s_tail_at_the_ends() -> None:
    assert chi_square_tail(0.0, 3) == 1.0
    assert chi_square_tail(-1.0, 3) == 1.0
    assert chi_square_tail(math.inf, 3) == 0.0
    with pytest.raises(ValueError, match="degrees"):
        chi_square_tail(1.0, 0)


@given(st.floats(1e-9, 0.999), st.integers(1, 200))
def test_chi_square_s_quantile_is_scipy_s(tail: float, degrees: int) -> None:
    assert chi_square_quantile(tail, degrees) == pytest.approx(stats.chi2.isf(tail, degrees), rel=1e-8)


@pytest.mark.parametrize("tail", [0.0, 1.0, math.nan])
def test_a_quantile_of_what_is_no_probability_is_refused(tail: float) -> None:
    with pytest.raises(ValueError, match="tail"):
        chi_square_quantile(tail, 2)


@given(st.floats(0, 30))
def test_the_normal_and_kolmogorov_s_tails_are_scipy_s(x: float) -> None:
    assert normal_tail(x) == pytest.approx(stats.norm.sf(x), rel=1e-8, abs=1e-200)
    assert two_sided(-x) == pytest.approx(2 * stats.norm.sf(x), rel=1e-8, abs=1e-200)
    assert kolmogorov_tail(x) == pytest.approx(special.kolmogorov(x), rel=1e-8, abs=1e-200)


def test_kolmogorov_and_smirnov_s_p_value_is_scipy_s() -> None:
    rng = np.random.default_rng(0)
    before, now = rng.normal(size=900), rng.normal(0.1, size=400)
    exact = stats.ks_2samp(before, now, method="exact")
    mine = kolmogorov_smirnov(float(exact.statistic), 900, 400)
    # The asymptotic value is the more cautious one.
    assert exact.pvalue < mine == pytest.approx(exact.pvalue, rel=0.08)


@given(st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(1, 50))
def test_two_shares_are_compared_as_by_pearson(a: int, more_a: int, b: int, more_b: int) -> None:
    rows = a + more_a, b + more_b
    if a + b:
        for corrected in (True, False):
            exact = stats.chi2_contingency([[a, more_a], [b, more_b]], correction=corrected)
            z, p = two_proportions((a, rows[0]), (b, rows[1]), corrected=corrected)
            assert z**2 == pytest.approx(exact.statistic, abs=1e-9)
            assert p == pytest.approx(exact.pvalue, rel=1e-8, abs=1e-8)
            assert z * (b / rows[1] - a / rows[0]) >= 0


def test_shares_that_cannot_be_compared_are_no_evidence() -> None:
    assert two_proportions((0, 0), (1, 2)) == (0.0, 1.0)
    assert two_proportions((0, 5), (0, 2)) == (0.0, 1.0)
    assert two_proportions((5, 5), (2, 2)) == (0.0, 1.0)


def test_without_rare_cells_the_statistic_is_scipy_s() -> None:
    before, now = np.array([50.0, 30.0, 20.0]), np.array([20.0, 25.0, 15.0])
    exact = stats.chi2_contingency(np.stack((before, now)))
    statistic, degrees = two_sample_chi_square(before, now)
    assert statistic == pytest.approx(exact.statistic)
    assert degrees == exact.dof


@given(counts)
def test_rare_cells_are_pooled_and_neither_sample_is_favoured(drawn: list[tuple[int, int]]) -> None:
    before, now = (np.array(side, dtype=np.float64) for side in zip(*drawn, strict=True))
    statistic, degrees = two_sample_chi_square(before, now)
    mirrored = two_sample_chi_square(now, before)
    assert mirrored[0] == pytest.approx(statistic)
    assert mirrored[1] == degrees
    assert statistic >= 0
    # Each cell that counts has at least five expected rows of the smaller sample.
    assert degrees <= max(0.0, min(before.sum(), now.sum()) / 5 - 1)


@given(probabilities)
def test_adjusting_by_holm_is_between_nothing_and_bonferroni_and_keeps_the_order(p_values: list[float]) -> None:
    adjusted = holm(p_values)
    for raw, one in zip(p_values, adjusted, strict=True):
        assert raw <= one <= min(1.0, raw * len(p_values)) + 1e-12
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    assert [adjusted[place] for place in order] == sorted(adjusted)


def test_holm_s_numbers_are_those_of_the_paper_s_procedure() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.01], hypotheses=5) == pytest.approx((0.05,))
    assert holm([]) == ()


@given(probabilities)
def test_combining_tests_is_never_more_certain_than_each_of_them(p_values: list[float]) -> None:
    combined = bonferroni(p_values)
    assert 0 <= combined <= 1
    assert not p_values or combined >= min(p_values)
