from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.metrics import measure
from handlers.domain.thresholds import expected_f1, plug_in_threshold

# Few distinct values make ties; the others are any.
probability = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 1.0]), st.floats(0, 1))
said = st.lists(probability, min_size=1, max_size=30).map(np.array)


@given(said)
def test_no_other_threshold_has_a_higher_expected_f1(probabilities: np.ndarray) -> None:
    best = plug_in_threshold(probabilities)
    assert 0.0 <= best <= 0.5
    reached = expected_f1(probabilities, best)
    for other in {0.0, 0.5, 1.0, *probabilities.tolist()}:
        assert expected_f1(probabilities, other) <= reached + 1e-9


@given(said)
def test_the_threshold_is_half_of_the_f1_that_it_reaches(probabilities: np.ndarray) -> None:
    if probabilities.sum() > 1e-6:
        best = plug_in_threshold(probabilities)
        assert expected_f1(probabilities, best) == pytest.approx(2 * best, rel=1e-9)


def test_the_expected_f1_is_that_of_labels_drawn_from_the_probabilities() -> None:
    rng = np.random.default_rng(2)
    probabilities = rng.beta(1, 3, 50_000)
    labels = (rng.random(50_000) < probabilities).astype(np.int8)
    for threshold in (0.1, 0.3, 0.6):
        realised = measure(labels, probabilities, threshold).f1
        assert expected_f1(probabilities, threshold) == pytest.approx(realised, abs=0.01)


def test_where_nothing_is_said_the_threshold_is_one_half() -> None:
    assert plug_in_threshold(np.zeros(3)) == plug_in_threshold(np.zeros(0)) == 0.5
    assert expected_f1(np.zeros(3), 0.5) == 0.0


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match=r"in \[0, 1\]"):
        plug_in_threshold(np.array([0.5, wrong]))
