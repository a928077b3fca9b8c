"""Scores that are kept as counts: those of all rows, however they came."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.metrics import measure
from handlers.domain.running_scores import RunningScores

EXACT = ("rows", "positives", "f1", "precision", "recall", "accuracy", "log_loss", "brier", "tn", "fp", "fn", "tp")


def drawn(seed: int, rows: int, spread: float = 1.5, level: float = -1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probabilities = 1 / (1 + np.exp(-rng.normal(level, spread, rows)))
    return (rng.random(rows) < probabilities).astype(np.int8), probabilities


def counted(labels: np.ndarray, probabilities: np.ndarray, threshold: float = 0.4) -> RunningScores:
    return RunningScores().with_rows(labels, probabilities, (probabilities >= threshold).astype(np.int8))


@given(st.integers(0, 1000), st.integers(2, 3000), st.floats(0.1, 4), st.floats(-4, 2))
def test_they_are_the_scores_of_the_rows(seed: int, rows: int, spread: float, level: float) -> None:
    labels, probabilities = drawn(seed, rows, spread, level)
    exact, found = measure(labels, probabilities, 0.4).as_dict(), counted(labels, probabilities).metrics()
    assert set(found) == set(exact)
    for name in EXACT:
        assert found[name] == pytest.approx(exact[name], rel=1e-9), name


@pytest.mark.parametrize("seed", range(8))
def test_order_and_calibration_are_known_nearly(seed: int) -> None:
    labels, probabilities = drawn(seed, 20_000, spread=0.5 + 0.3 * seed)
    exact, found = measure(labels, probabilities, 0.4), counted(labels, probabilities).metrics()
    assert found["roc_auc"] == pytest.approx(exact.roc_auc, abs=0.001)
    assert found["calibration_error"] == pytest.approx(exact.calibration_error, abs=0.001)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(0, 100))
def test_it_matters_not_in_which_pieces_the_rows_come(sizes: list[int], seed: int) -> None:
    labels, probabilities = drawn(seed, sum(sizes))
    predictions = (probabilities >= 0.4).astype(np.int8)
    pieces = RunningScores()
    for begin, size in zip(np.cumsum([0, *sizes]), sizes, strict=False):
        chosen = slice(begin, begin + size)
        pieces = pieces.with_rows(labels[chosen], probabilities[chosen], predictions[chosen])
    whole = counted(labels, probabilities)
    assert (pieces.left, pieces.stayed, pieces.tp) == (whole.left, whole.stayed, whole.tp)
    assert pieces.metrics() == pytest.approx(whole.metrics(), nan_ok=True)
    assert msgspec.convert(msgspec.to_builtins(pieces), RunningScores) == pieces


def test_of_one_class_there_is_no_order() -> None:
    assert counted(np.ones(5, dtype=np.int8), np.linspace(0, 1, 5)).metrics()["roc_auc"] is None


def test_without_rows_there_is_nothing_to_say() -> None:
    with pytest.raises(ValueError, match="no rows"):
        RunningScores().metrics()
