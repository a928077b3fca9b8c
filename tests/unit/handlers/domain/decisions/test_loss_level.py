"""Levels of the log loss, and what is above them."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from handlers.domain.decisions.loss_level import MOST_Z, LossLevel, level, losses, probabilities_of, z_score
from handlers.domain.metrics import log_losses

log_odds = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30)
levels = st.builds(LossLevel, st.floats(0.01, 3), st.floats(0.01, 4), st.integers(2, 10_000).map(float))


@given(said=log_odds, seed=st.integers(0, 100))
def test_losses_are_those_of_the_metrics(said: list[float], seed: int) -> None:
    labels = np.random.default_rng(seed).integers(0, 2, len(said)).astype(np.int8)
    expected = log_losses(labels, expit(np.array(said)))
    assert losses(labels, np.array(said)) == pytest.approx(expected, rel=1e-9)


@given(said=log_odds)
def test_probabilities_are_those_of_the_log_odds_without_overflow(said: list[float]) -> None:
    with np.errstate(over="raise"):
        found = probabilities_of(np.array(said))
    assert found == pytest.approx(expit(np.array(said)), rel=1e-12)


@given(seed=st.integers(0, 500), first=st.integers(2, 80), second=st.integers(2, 80))
def test_two_samples_together_are_the_level_of_all_their_rows(seed: int, first: int, second: int) -> None:
    values = np.random.default_rng(seed).exponential(size=first + second)
    clients = np.arange(first + second)
    one, other = (level(values[part], clients[part], seed=1) for part in (slice(first), slice(first, None)))
    whole, together = level(values, clients, seed=1), one.with_others(other)
    assert (together.mean, together.variance, together.rows) == pytest.approx((whole.mean, whole.variance, whole.rows))


@given(one=levels, other=levels)
def test_the_order_of_two_samples_does_not_matter(one: LossLevel, other: LossLevel) -> None:
    a, b = one.with_others(other), other.with_others(one)
    assert (a.mean, a.variance, a.rows) == pytest.approx((b.mean, b.variance, b.rows))


def test_the_error_of_a_level_is_that_of_its_mean_by_clients() -> None:
    values = np.random.default_rng(3).exponential(size=300)
    once = level(values, np.arange(300), seed=1)
    copied = level(np.repeat(values, 4), np.repeat(np.arange(300), 4), seed=1)
    assert once.error == pytest.approx(values.std(ddof=1) / np.sqrt(300))
    assert copied.error == pytest.approx(once.error, rel=0.15)


def test_there_is_no_level_of_no_rows() -> None:
    with pytest.raises(ValueError, match="no losses"):
        level(np.empty(0), np.empty(0, dtype=np.int64), seed=1)


def test_a_level_of_one_row_is_a_number() -> None:
    assert level(np.array([0.5]), np.array([7]), seed=1) == LossLevel(0.5, 0.0, 1.0)


@given(now=levels, reference=levels, factor=st.floats(0.1, 10), allowance=st.floats(0, 0.5))
def test_the_score_does_not_depend_on_the_unit_of_the_loss(
    now: LossLevel, reference: LossLevel, factor: float, allowance: float
) -> None:
    def scaled(one: LossLevel) -> LossLevel:
        return LossLevel(one.mean * factor, one.variance * factor**2, one.rows)

    z = z_score(now, reference, allowance=allowance)
    assert z_score(scaled(now), scaled(reference), allowance=allowance) == pytest.approx(z, rel=1e-6, abs=1e-9)


@given(now=levels, reference=levels, allowance=st.floats(0, 0.5), more=st.floats(0, 1))
def test_the_score_rises_with_the_loss_and_falls_with_the_allowance(
    now: LossLevel, reference: LossLevel, allowance: float, more: float
) -> None:
    z = z_score(now, reference, allowance=allowance)
    assert z_score(LossLevel(now.mean + more, now.variance, now.rows), reference, allowance=allowance) >= z
    assert z_score(now, reference) >= z


@given(now=levels, reference=levels)
def test_the_score_is_that_of_two_samples_with_the_variance_of_the_reference(
    now: LossLevel, reference: LossLevel
) -> None:
    error = math.sqrt(reference.variance / now.rows + reference.variance / reference.rows)
    expected = (now.mean - reference.mean) / error
    assert z_score(now, reference) == pytest.approx(max(-MOST_Z, min(MOST_Z, expected)))


@pytest.mark.parametrize(("now", "expected"), [(0.4, 0.0), (0.5, MOST_Z), (0.3, -MOST_Z)])
def test_where_nothing_varies_the_score_stays_a_number(now: float, expected: float) -> None:
    assert z_score(LossLevel(now, 0.0, 10.0), LossLevel(0.4, 0.0, 10.0)) == expected
