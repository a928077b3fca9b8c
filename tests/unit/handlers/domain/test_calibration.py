from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from handlers.domain.calibration import IDENTITY, PRIOR_ROWS, SLOPES, Calibration, calibrated, fit
from handlers.domain.metrics import log_losses
from handlers.domain.scorecard import Scorecard, from_document, to_document
from tests.unit.handlers.domain.test_scorecard import rows, scorecards

calibrations = st.builds(Calibration, st.floats(-3, 3), st.floats(*SLOPES))
said = st.lists(st.tuples(st.floats(-20, 20), st.integers(0, 1)), min_size=1, max_size=40)


def sample(count: int, seed: int, *, slope: float = 1.0, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Log-odds, and labels drawn from ``shift + slope`` times them."""
    rng = np.random.default_rng(seed)
    log_odds = rng.normal(-1, 1.5, count)
    return log_odds, (rng.random(count) < 1 / (1 + np.exp(-shift - slope * log_odds))).astype(np.int8)


def loss(calibration: Calibration, log_odds: np.ndarray, labels: np.ndarray) -> float:
    moved = calibration.intercept + calibration.slope * log_odds
    return float(log_losses(labels, 1 / (1 + np.exp(-moved))).mean())


@given(scorecards(), rows(), calibrations)
def test_a_calibrated_scorecard_has_the_calibrated_log_odds_and_effects_that_sum_to_them(
    card: Scorecard, columns: dict[str, np.ndarray], calibration: Calibration
) -> None:
    moved = calibrated(card, calibration)
    expected = calibration.intercept + calibration.slope * card.log_odds(columns)
    np.testing.assert_allclose(moved.log_odds(columns), expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(moved.base + moved.effects(columns).sum(axis=1), expected, rtol=0, atol=1e-9)
    assert moved.calibration == calibration
    assert (moved.threshold, moved.features) == (card.threshold, card.features)


@given(scorecards(), rows(), calibrations, calibrations)
def test_of_two_calibrations_the_record_says_both_together(
    card: Scorecard, columns: dict[str, np.ndarray], first: Calibration, second: Calibration
) -> None:
    moved = calibrated(calibrated(card, first), second)
    record = moved.calibration
    expected = record.intercept + record.slope * card.log_odds(columns)
    np.testing.assert_allclose(moved.log_odds(columns), expected, rtol=0, atol=1e-9)


@given(scorecards(), calibrations)
def test_the_document_records_the_calibration(card: Scorecard, calibration: Calibration) -> None:
    document, arrays = to_document(calibrated(card, calibration))
    written = {"method": "platt", "intercept": calibration.intercept, "slope": calibration.slope}
    assert document["calibration"] == written
    back = from_document(json.loads(json.dumps(document)), arrays)
    assert back.calibration == calibration
    assert to_document(back) == (document, arrays)


@given(said)
def test_it_is_the_minimum_of_the_penalised_log_loss(drawn: list[tuple[float, int]]) -> None:
    log_odds, labels = np.array([z for z, _ in drawn]), np.array([y for _, y in drawn])
    square = float(np.mean(log_odds**2))
    found = fit(log_odds, labels, prior_rows=30)

    def penalised(at: np.ndarray) -> float:
        wrong = np.logaddexp(0, np.where(labels == 1, -1, 1) * (at[0] + at[1] * log_odds)).sum()
        return float(wrong + 30 / 8 * (at[0] ** 2 + (at[1] - 1) ** 2 * square))

    other = minimize(penalised, [0.0, 1.0], bounds=[(None, None), SLOPES], method="L-BFGS-B")
    assert penalised(np.array([found.intercept, found.slope])) <= other.fun + 1e-6
    assert SLOPES[0] <= found.slope <= SLOPES[1]


@given(said)
def test_few_rows_change_little(drawn: list[tuple[float, int]]) -> None:
    few = drawn[:2]
    found = fit(np.array([z for z, _ in few]), np.array([y for _, y in few]))
    assert abs(found.intercept) <= 2 * len(few) / PRIOR_ROWS * 2
    assert abs(found.slope - 1) * math.sqrt(np.mean([z**2 for z, _ in few])) <= 4 * len(few) / PRIOR_ROWS


def test_no_rows_and_rows_that_agree_leave_the_identity() -> None:
    assert fit(np.zeros(0), np.zeros(0, dtype=np.int8)) == IDENTITY
    assert fit(np.zeros(2), np.array([0, 1])) == IDENTITY


def test_of_well_calibrated_log_odds_the_slope_is_about_1() -> None:
    found = fit(*sample(20_000, 1))
    assert found.slope == pytest.approx(1.0, abs=0.04)
    assert found.intercept == pytest.approx(0.0, abs=0.05)


def test_what_was_bent_is_found_again() -> None:
    found = fit(*sample(50_000, 2, slope=0.7, shift=0.4))
    assert found.slope == pytest.approx(0.7, abs=0.03)
    assert found.intercept == pytest.approx(0.4, abs=0.04)


def test_an_overconfident_model_promises_better_on_rows_that_were_not_learned_from() -> None:
    found = fit(*sample(1000, 3, slope=0.6))
    later = sample(20_000, 4, slope=0.6)
    assert found.slope < 0.8
    assert loss(found, *later) < 0.99 * loss(IDENTITY, *later)


@pytest.mark.parametrize(("slope", "bound"), [(0.05, SLOPES[0]), (10.0, SLOPES[1])])
def test_the_slope_stays_within_its_bounds_and_the_intercept_is_the_best_for_that(slope: float, bound: float) -> None:
    log_odds, labels = sample(5000, 5, slope=slope, shift=1.0)
    found = fit(log_odds, labels, prior_rows=20)
    assert found.slope == bound
    for other in (-0.05, 0.05):
        assert loss(found, log_odds, labels) < loss(Calibration(found.intercept + other, bound), log_odds, labels)


@pytest.mark.parametrize("size", [1e-300, 1e-3, 1e3, 1e6])
def test_log_odds_of_any_size_end(size: float) -> None:
    log_odds, labels = sample(100, 6)
    assert SLOPES[0] <= fit(log_odds * size, labels).slope <= SLOPES[1]


@pytest.mark.parametrize(
    ("log_odds", "labels"), [([0.0], [2]), ([0.0, 1.0], [1]), ([float("nan")], [1]), ([float("inf")], [1])]
)
def test_what_cannot_be_learned_from_is_refused(log_odds: list[float], labels: list[int]) -> None:
    with pytest.raises(ValueError, match="log-odds"):
        fit(np.array(log_odds), np.array(labels))


@pytest.mark.parametrize("wrong", [(0.0, 0.0), (0.0, -1.0), (math.nan, 1.0), (0.0, math.inf)])
def test_a_calibration_that_would_turn_the_order_around_is_refused(wrong: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="slope above 0"):
        Calibration(*wrong)
