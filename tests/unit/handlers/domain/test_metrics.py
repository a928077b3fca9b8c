from __future__ import annotations

import json
from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from handlers.domain.metrics import best_threshold, calibration_error, log_losses, measure

# Few distinct values make ties; the others are any.
probability = st.one_of(st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.floats(0, 1))
scored = st.lists(st.tuples(st.integers(0, 1), probability), min_size=1, max_size=40)


def arrays(drawn: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray]:
    labels, probabilities = zip(*drawn, strict=True)
    return np.array(labels, dtype=np.int8), np.array(probabilities, dtype=np.float64)


@given(scored, probability)
def test_every_score_is_scikit_learns(drawn: list[tuple[int, float]], threshold: float) -> None:
    labels, probabilities = arrays(drawn)
    predicted = (probabilities >= threshold).astype(int)
    ours = measure(labels, probabilities, threshold)
    confusion = reference.confusion_matrix(labels, predicted, labels=[0, 1]).ravel().tolist()
    assert [ours.tn, ours.fp, ours.fn, ours.tp] == confusion
    assert (ours.rows, ours.positives) == (len(labels), int(labels.sum()))
    for name in ("f1", "precision", "recall"):
        expected = getattr(reference, f"{name}_score")(labels, predicted, zero_division=0.0)
        assert getattr(ours, name) == pytest.approx(expected)
    assert ours.accuracy == pytest.approx(reference.accuracy_score(labels, predicted))
    assert ours.brier == pytest.approx(reference.brier_score_loss(labels, probabilities, labels=[0, 1]))
    clipped = np.clip(probabilities, 0.001, 0.999)
    assert ours.log_loss == pytest.approx(reference.log_loss(labels, clipped, labels=[0, 1]))
    if len(set(labels.tolist())) == 2:
        assert ours.roc_auc == pytest.approx(reference.roc_auc_score(labels, probabilities))
    else:
        assert ours.roc_auc is None


def test_one_certain_mistake_costs_a_bounded_loss() -> None:
    losses = log_losses(np.array([1, 0, 1, 0]), np.array([0.0, 1.0, 1.0, 0.5]))
    assert losses.tolist() == pytest.approx([-np.log(0.001), -np.log(0.001), -np.log(0.999), -np.log(0.5)])


def test_the_calibration_error_weighs_each_tenth_of_the_rows_by_its_distance_from_what_was_said() -> None:
    # Of 20 rows each two are a bin: both of the lowest left though 0.0 was said; the others are right in the mean.
    probabilities = np.repeat(np.array([0.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 1.0]), 2)
    labels = np.array([1, 1, *[0, 1] * 8, 1, 1], dtype=np.int8)
    assert calibration_error(labels, probabilities) == pytest.approx(2 / 20)
    assert calibration_error(labels, 1 - probabilities) == pytest.approx(2 / 20)
    assert measure(labels, probabilities, 0.5).calibration_error == calibration_error(labels, probabilities)
    assert calibration_error(labels[:0], probabilities[:0]) == 0.0


@given(st.lists(st.tuples(st.integers(0, 1), st.floats(0, 1)), min_size=1, max_size=40, unique_by=lambda row: row[1]))
def test_the_calibration_error_of_distinct_probabilities_is_that_of_a_plain_loop(
    drawn: list[tuple[int, float]],
) -> None:
    expected = [0.0] * 10
    for rank, (label, probability) in enumerate(sorted(drawn, key=lambda row: row[1])):
        expected[rank * 10 // len(drawn)] += probability - label
    assert calibration_error(*arrays(drawn)) == pytest.approx(sum(map(abs, expected)) / len(drawn))


@given(scored, st.randoms(use_true_random=False))
def test_the_calibration_error_is_a_share_that_no_order_of_rows_changes(
    drawn: list[tuple[int, float]], random: Random
) -> None:
    shuffled = list(drawn)
    random.shuffle(shuffled)
    error = calibration_error(*arrays(drawn))
    assert 0.0 <= error <= 1.0
    assert calibration_error(*arrays(shuffled)) == pytest.approx(error)


def test_the_calibration_error_of_what_labels_are_drawn_from_is_that_of_chance() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.random(20_000)
    drawn = (rng.random(20_000) < probabilities).astype(np.int8)
    assert calibration_error(drawn, probabilities) < 0.01
    assert calibration_error(drawn, probabilities / 2) == pytest.approx(0.25, abs=0.01)


@given(scored)
def test_no_other_threshold_has_a_higher_f1(drawn: list[tuple[int, float]]) -> None:
    labels, probabilities = arrays(drawn)
    best = best_threshold(labels, probabilities)
    assert 0.0 <= best <= 1.0
    reached = measure(labels, probabilities, best).f1
    for other in {0.5, *probabilities.tolist()}:
        assert measure(labels, probabilities, other).f1 <= reached
    if measure(labels, probabilities, 0.5).f1 == reached:
        assert best == 0.5


@given(scored, st.randoms(use_true_random=False))
def test_the_best_threshold_does_not_depend_on_the_order_of_rows(
    drawn: list[tuple[int, float]], random: Random
) -> None:
    shuffled = list(drawn)
    random.shuffle(shuffled)
    assert best_threshold(*arrays(drawn)) == best_threshold(*arrays(shuffled))


def test_the_best_threshold_lies_midway_between_the_neighbours_it_parts() -> None:
    assert best_threshold(np.array([0, 1]), np.array([0.1, 0.3])) == pytest.approx(0.2)
    assert best_threshold(np.array([0, 1]), np.array([0.1, 0.7])) == 0.5
    assert best_threshold(np.array([0, 1]), np.array([0.6, 0.8])) == pytest.approx(0.7)


@pytest.mark.parametrize("low", [0.3, float(np.nextafter(0.3, 1))], ids=["one rounds up", "the other down"])
def test_the_best_threshold_parts_two_adjacent_floats(low: float) -> None:
    labels, probabilities = np.array([0, 1]), np.array([low, np.nextafter(low, 1)])
    assert measure(labels, probabilities, best_threshold(labels, probabilities)).f1 == 1


def test_of_two_thresholds_equally_near_to_one_half_the_lower_is_taken() -> None:
    # Four rows from 0.25 on, both that left among them: 2 * 2 / (4 + 2). One row from 0.75 on: 2 * 1 / (1 + 2).
    labels, probabilities = np.array([0, 1, 0, 0, 1]), np.array([0.125, 0.375, 0.375, 0.625, 0.875])
    assert measure(labels, probabilities, 0.25).f1 == measure(labels, probabilities, 0.75).f1
    assert best_threshold(labels, probabilities) == 0.25


def test_without_a_client_that_left_the_threshold_stays_at_one_half() -> None:
    assert best_threshold(np.zeros(3, dtype=np.int8), np.array([0.1, 0.2, 0.9])) == 0.5


@pytest.mark.parametrize("labels", [[0, 1, -1], [0, 1, 2], [0, 1]])
def test_unlabelled_rows_are_refused(labels: list[int]) -> None:
    for score in (lambda y, p: measure(y, p, 0.5), best_threshold):
        with pytest.raises(ValueError, match="labels"):
            score(np.array(labels, dtype=np.int8), np.array([0.1, 0.5, 0.9]))


def test_no_rows_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        measure(np.zeros(0, dtype=np.int8), np.zeros(0), 0.5)


def test_the_scores_go_through_json() -> None:
    scores = measure(np.array([0, 1, 1], dtype=np.int8), np.array([0.2, 0.4, 0.9]), 0.5)
    assert json.loads(json.dumps(scores.as_dict())) == scores.as_dict()
    assert scores.as_dict()["roc_auc"] == 1.0
