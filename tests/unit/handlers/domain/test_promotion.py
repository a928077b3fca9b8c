"""Which challenger takes the champion's place."""

from __future__ import annotations

import numpy as np
import pytest

from handlers.domain.promotion import Candidate, Challenger, PromotionSettings, choose, compare, simplest_of_the_best

SETTINGS = PromotionSettings()
ROWS = 400
CLIENTS = np.arange(ROWS)
NOISE = np.random.default_rng(1).normal(0.0, 0.05, ROWS)
CHAMPION = 0.5 + NOISE


def candidate(name: str, gain: float, seed: int = 2) -> Candidate:
    """A challenger whose losses are lower by ``gain`` on average, with noise of its own."""
    own = np.random.default_rng(seed).normal(0.0, 0.02, ROWS)
    return Candidate(name, CHAMPION - gain + own - own.mean())


def test_the_gain_is_the_mean_paired_difference_with_its_standard_error() -> None:
    compared = compare(np.array([1.0, 2.0, 3.0]), np.array([0.0, 0.0, 1.0]), np.arange(3))
    assert compared.gain == pytest.approx(5 / 3)
    deviations = np.array([1.0, 2.0, 2.0]) - 5 / 3
    assert compared.error == pytest.approx(np.sqrt((deviations**2).sum()) / 3)
    assert compared.low(2.0) == pytest.approx(compared.gain - 2 * compared.error)


def test_rows_of_one_client_count_as_one_observation() -> None:
    losses, challenger = np.tile([0.9, 0.3, 0.8], 100), np.tile([0.5, 0.4, 0.6], 100)
    alone = compare(losses[:3], challenger[:3], np.arange(3))
    repeated = compare(losses, challenger, np.tile(np.arange(3), 100))
    independent = compare(losses, challenger, np.arange(300))
    assert repeated.error == pytest.approx(alone.error)
    assert independent.error == pytest.approx(alone.error / 10)


def test_a_challenger_must_be_better_beyond_doubt() -> None:
    assert choose(CHAMPION, [candidate("logistic", 0.05)], CLIENTS, SETTINGS).winner == "logistic"
    assert choose(CHAMPION, [candidate("logistic", 0.0001)], CLIENTS, SETTINGS).winner is None
    assert choose(CHAMPION, [candidate("logistic", -0.05)], CLIENTS, SETTINGS).winner is None


def test_the_same_losses_keep_the_champion_whatever_the_confidence() -> None:
    for z in (0.0, 1.645):
        settings = PromotionSettings(confidence_z=z)
        assert choose(CHAMPION, [Candidate("logistic", CHAMPION.copy())], CLIENTS, settings).winner is None


def test_of_two_that_beat_the_champion_ties_go_to_the_simpler() -> None:
    simple = candidate("logistic", 0.05)
    tied = Candidate("explainable_boosting", simple.losses.copy())
    better = Candidate("explainable_boosting", simple.losses - 0.02)
    assert choose(CHAMPION, [simple, tied], CLIENTS, SETTINGS).winner == "logistic"
    assert choose(CHAMPION, [simple, better], CLIENTS, SETTINGS).winner == "explainable_boosting"
    worse = candidate("logistic", -0.01)
    assert choose(CHAMPION, [worse, candidate("explainable_boosting", 0.05)], CLIENTS, SETTINGS).winner == (
        "explainable_boosting"
    )


def test_every_candidate_is_compared_also_those_that_lose() -> None:
    choice = choose(CHAMPION, [candidate("a", 0.05), candidate("b", -0.05, seed=3)], CLIENTS, SETTINGS)
    assert choice.compared["a"].gain == pytest.approx(0.05)
    assert choice.compared["b"].gain == pytest.approx(-0.05)


def test_without_a_champion_the_simplest_is_taken_unless_another_is_better_beyond_doubt() -> None:
    simple = candidate("logistic", 0.0)
    assert simplest_of_the_best([simple], CLIENTS, 1.645) == "logistic"
    assert simplest_of_the_best([simple, Candidate("b", simple.losses.copy())], CLIENTS, 1.645) == "logistic"
    assert simplest_of_the_best([simple, Candidate("b", simple.losses - 0.03)], CLIENTS, 1.645) == "b"


def test_a_challengers_losses_are_the_log_losses_of_what_it_said() -> None:
    made = Challenger("logistic", np.array([0.5, 0.25])).candidate(np.array([1, 0], dtype=np.int8))
    assert made.losses == pytest.approx([np.log(2), np.log(4 / 3)])
