from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.estimated_performance import ASSUMES, Estimated, estimate
from handlers.domain.metrics import measure

SCORES = ("log_loss", "brier", "f1", "precision", "recall", "roc_auc")


@pytest.mark.parametrize(("rows", "threshold"), [(300, 0.3), (1000, 0.25)])
def test_labels_drawn_from_the_probabilities_score_within_the_band_95_times_of_100(rows: int, threshold: float) -> None:
    rng = np.random.default_rng(rows)
    inside = dict.fromkeys(SCORES, 0)
    differences: dict[str, list[float]] = {name: [] for name in SCORES}
    draws = 600
    for _ in range(draws):
        probabilities = rng.beta(1, 3, rows)
        expected = estimate(probabilities, threshold)
        realised = measure((rng.random(rows) < probabilities).astype(np.int8), probabilities, threshold).as_dict()
        for name in SCORES:
            band: Estimated = getattr(expected, name)
            value = float(realised[name] or 0.0)
            inside[name] += band.low <= value <= band.high
            differences[name].append(value - band.value)
    for name in SCORES:
        # The standard error of 600 draws is 0.9%.
        assert 0.925 <= inside[name] / draws <= 0.975, name
        assert abs(np.mean(differences[name])) < 0.002, name


@given(st.lists(st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1)), min_size=2, max_size=12))
def test_the_expected_area_under_the_curve_is_that_of_all_pairs_of_rows(drawn: list[float]) -> None:
    above = together = 0.0
    for i, one in enumerate(drawn):
        for j, other in enumerate(drawn):
            if i != j:
                weight = one * (1 - other)
                together += weight
                above += weight * (0.5 if one == other else float(one > other))
    expected = estimate(np.array(drawn), 0.5).roc_auc
    if together > 1e-9:
        assert expected is not None
        assert expected.value == pytest.approx(above / together, abs=1e-6)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.floats(0, 1))
def test_every_band_is_around_its_value(drawn: list[float], threshold: float) -> None:
    expected = estimate(np.array(drawn), threshold)
    assert (expected.rows, expected.assumes) == (len(drawn), ASSUMES)
    for name in SCORES:
        band: Estimated | None = getattr(expected, name)
        if band is not None:
            assert 0.0 <= band.low <= band.value + 1e-12
            assert band.value <= band.high + 1e-12
            assert name == "log_loss" or band.high <= 1.0


def test_more_rows_make_a_narrower_band() -> None:
    few = np.random.default_rng(1).random(200)
    for name in SCORES:
        narrow, wide = getattr(estimate(np.repeat(few, 100), 0.5), name), getattr(estimate(few, 0.5), name)
        assert narrow.value == pytest.approx(wide.value, abs=0.005)
        assert (narrow.high - narrow.low) == pytest.approx((wide.high - wide.low) / 10, rel=0.05)


def test_scores_that_are_0_of_0_are_none() -> None:
    nobody = estimate(np.zeros(5), 0.5)
    assert (nobody.f1, nobody.precision, nobody.recall, nobody.roc_auc) == (None, None, None, None)
    assert nobody.log_loss.value == pytest.approx(-np.log(0.999))
    assert nobody.brier == Estimated(0.0, 0.0, 0.0)
    alone = estimate(np.array([0.5]), 0.5)
    assert alone.roc_auc is None
    assert alone.precision is not None


@pytest.mark.parametrize("wrong", [[], [0.5, 1.5], [float("nan")]])
def test_what_is_no_probability_is_refused(wrong: list[float]) -> None:
    with pytest.raises(ValueError, match="there must be rows"):
        estimate(np.array(wrong), 0.5)
