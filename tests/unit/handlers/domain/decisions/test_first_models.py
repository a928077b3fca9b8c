"""The first models: provisional, for real, and the challenge of the other estimators."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from handlers.domain.decisions import first_models
from handlers.domain.decisions.first_models import choose
from handlers.domain.decisions.loss_level import level, losses
from handlers.domain.decisions.recipes import Part, Recipe, over
from handlers.domain.decisions.requests import HeldOut, OutOfFold, Ruling
from handlers.domain.decisions.running import run
from handlers.domain.decisions.state import State
from handlers.domain.learning_settings import DriftSettings, Judging, TrainingSettings
from tests.unit.handlers.domain.decisions.samples import BASE, SLOPE, Answers, labels_of, signals, state_with

SETTINGS = Judging()
BOTH = ("logistic", "explainable_boosting")
KNOWN = signals(600, 3)
LABELS = labels_of(BASE + SLOPE * KNOWN, 4)


def said(knows: float, seed: int = 9) -> NDArray[np.float64]:
    """Log-odds of a model that knows so much, the rest of it being noise."""
    return BASE + SLOPE * (knows * KNOWN + (1 - knows) * signals(600, seed))


def first(rows: int, positives: int, settings: Judging = SETTINGS) -> Ruling:
    return run(first_models.first(State(oldest=3), settings, rows, positives), Answers())


def challenge(logistic: NDArray[np.float64], boosting: NDArray[np.float64]) -> tuple[Ruling, Answers]:
    outside = Answers(held_out={"logistic": logistic, "explainable_boosting": boosting})
    outside.labels = LABELS
    state = state_with(challenge_due=True)
    return run(first_models.challenge(state, SETTINGS), outside), outside


@pytest.mark.parametrize(("rows", "positives"), [(199, 60), (5000, 19), (5000, 4981), (2, 1)])
def test_few_rows_of_either_class_make_a_provisional_model(rows: int, positives: int) -> None:
    ruling = first(rows, positives)
    assert (ruling.trigger, ruling.deploy) == ("provisional", over(("logistic",), 3))
    assert not ruling.state.challenge_due
    assert "200 with 20" in ruling.note


@pytest.mark.parametrize(("rows", "positives"), [(200, 20), (200, 180), (9000, 500)])
def test_enough_rows_make_the_first_model_whose_challenge_is_due(rows: int, positives: int) -> None:
    ruling = first(rows, positives)
    assert (ruling.trigger, ruling.deploy) == ("first", over(("logistic",), 3))
    assert ruling.state.challenge_due
    assert ruling.state.trained_rows == rows


@pytest.mark.parametrize(
    "settings", [Judging(training=TrainingSettings(estimators=("logistic",))), Judging(DriftSettings(policy="never"))]
)
def test_where_there_is_no_other_estimator_or_none_is_wanted_nothing_challenges_the_first(settings: Judging) -> None:
    assert not first(500, 100, settings).state.challenge_due


def test_two_estimators_that_are_about_as_good_are_blended() -> None:
    ruling, outside = challenge(said(0.8), said(0.8, seed=11))
    assert ruling.trigger == "challenge"
    assert ruling.deploy == over(BOTH, 1)
    assert ruling.state.challenge_due is False
    assert ruling.best is not None
    mean = (said(0.8) + said(0.8, seed=11)) / 2
    assert ruling.reference == level(losses(LABELS, mean), np.arange(600), seed=1)
    [asked] = outside.asked
    assert asked == OutOfFold(tuple(Part(name, 1) for name in BOTH))


def test_an_estimator_that_is_far_better_is_taken_alone() -> None:
    assert challenge(said(0.2), said(1.0))[0].deploy == over(("explainable_boosting",), 1)


def test_a_first_model_that_is_far_better_stays() -> None:
    ruling, _ = challenge(said(1.0), said(0.2))
    assert (ruling.deploy, ruling.best, ruling.compared) == (None, None, ())
    assert not ruling.state.challenge_due


@pytest.mark.parametrize(("lead", "alone"), [(0.02, False), (0.04, True)])
def test_the_lead_that_makes_one_stand_alone_is_the_setting(lead: float, alone: bool) -> None:
    labels = np.zeros(100, dtype=np.int8)
    target = 0.5 * (1 - lead)
    found = {
        Part(name, 1): HeldOut(labels, np.arange(100), np.full(100, np.log(np.expm1(loss))))
        for name, loss in (("logistic", 0.5), ("explainable_boosting", target))
    }
    expected = over(("explainable_boosting",), 1) if alone else over(BOTH, 1)
    assert choose(found, TrainingSettings(single_lead=0.03)) == expected


def test_a_single_estimator_is_the_best_of_one() -> None:
    found = {Part("logistic", 2): HeldOut(LABELS, np.arange(600), said(0.5))}
    assert choose(found, TrainingSettings()) == Recipe((Part("logistic", 2),))


def test_without_a_champion_there_is_nothing_to_challenge() -> None:
    with pytest.raises(ValueError, match="no champion"):
        run(first_models.challenge(State(), SETTINGS), Answers())
