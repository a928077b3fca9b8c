"""Classifiers by their import path: learned behind our preprocessing, and said of rows as they say it themselves."""

from __future__ import annotations

import io

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from sklearn.pipeline import Pipeline

from handlers.domain.calibration import Calibration
from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.estimator_names import NoEstimator
from handlers.domain.metrics import measure
from handlers.domain.scorer import EstimatorFailed, PipelineScorer
from handlers.estimators import BLEND, load, pairs_of
from handlers.estimators.blend import blend
from handlers.estimators.calibrated import calibrated
from handlers.estimators.frames import columns_of, features_of
from handlers.estimators.own import CERTAIN
from handlers.estimators.pipelines import finished, frame_of, opened, scorer_of
from tests.unit.handlers.estimators.frames import clients, learnable

FOREST = "sklearn.ensemble.RandomForestClassifier(n_estimators=5, max_depth=3)"
BAYES = "sklearn.naive_bayes.GaussianNB"
NEIGHBOURS = "sklearn.neighbors.KNeighborsClassifier(n_neighbors=7)"
HERE = "tests.unit.handlers.estimators.classifiers"
each = pytest.mark.parametrize("name", [FOREST, NEIGHBOURS, "sklearn.linear_model.LogisticRegression(max_iter=500)"])
SCALE = Calibration(0.3, 0.8)


def stored(fitted: object) -> bytes:
    model = io.BytesIO()
    joblib.dump(fitted, model)
    return model.getvalue()


def own(fitted: object, frame: pd.DataFrame) -> np.ndarray:
    """What the user's estimator says by itself: the probability of leaving."""
    pipeline: Pipeline = fitted.estimators_[0]  # type: ignore[attr-defined]
    return np.asarray(pipeline.predict_proba(frame)[:, 1])


@each
@given(drawn=learnable())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_what_is_served_is_the_estimators_own_probability_calibrated_for_missing_and_unknown_values_too(
    name: str, drawn: tuple[pd.DataFrame, np.ndarray, pd.DataFrame]
) -> None:
    frame, labels, unseen = drawn
    fitted = load(name).fit(frame, labels, 1)
    whole = calibrated(fitted, SCALE, frame)
    say = opened(1, stored(whole))
    for rows in (frame, unseen):
        bounded = np.clip(own(fitted, rows), CERTAIN, 1 - CERTAIN)
        expected = SCALE.intercept + SCALE.slope * np.log(bounded / (1 - bounded))
        said = say(columns_of(rows))
        np.testing.assert_allclose(said, expected, rtol=0, atol=1e-9)
        np.testing.assert_allclose(probabilities_of(said), whole.predict_proba(rows)[:, 1], rtol=0, atol=1e-12)


@each
def test_it_learns_what_there_is_to_learn(name: str) -> None:
    frame, labels = clients(1500, seed=1)
    later, truth = clients(800, seed=2)
    scorer = scorer_of(load(name).fit(frame, labels, 1), frame)
    assert (measure(truth, scorer.probabilities(columns_of(later)), 0.5).roc_auc or 0) > 0.8
    assert scorer.features == features_of(frame)
    assert scorer.categories == {"plan": frozenset({"basic", "gold", "trial", None})}


def test_the_same_seed_gives_the_same_forest_and_another_seed_another() -> None:
    frame, labels = clients(300, seed=3)
    columns = columns_of(frame)

    def said(seed: int, name: str = FOREST) -> list[float]:
        return scorer_of(load(name).fit(frame, labels, seed), frame).log_odds(columns).tolist()

    assert said(7) == said(7) != said(8)
    fixed = FOREST.replace(")", ", random_state=5)")
    assert said(7, fixed) == said(8, fixed)


def test_an_estimator_that_understands_gaps_is_given_them_and_one_that_does_not_is_not() -> None:
    frame, labels = clients(200, seed=4)
    for name, there in ((FOREST, True), (BAYES, False)):
        pipeline = load(name).fit(frame, labels, 1).estimators_[0]  # type: ignore[attr-defined]
        assert np.isnan(np.asarray(pipeline["columns"].transform(frame), dtype=np.float64)).any() == there


def test_numbers_that_single_precision_cannot_hold_are_bounded() -> None:
    frame, labels = clients(200, seed=4)
    scorer = scorer_of(load(FOREST).fit(frame, labels, 1), frame)
    some = pd.DataFrame({"activity": [1e300, -1e300], "plan": ["gold"] * 2, "noise": [0.0] * 2})
    assert np.isfinite(scorer.log_odds(columns_of(some))).all()


def test_a_forest_that_is_certain_is_taken_to_be_wrong_now_and_then() -> None:
    frame = pd.DataFrame({"x": [0.0] * 20 + [1.0] * 20})
    scorer = scorer_of(load(FOREST).fit(frame, np.repeat([0, 1], 20), 1), frame)
    assert scorer.probabilities(columns_of(frame)).min() == pytest.approx(CERTAIN)
    assert scorer.probabilities(columns_of(frame)).max() == pytest.approx(1 - CERTAIN)


def test_the_columns_that_matter_are_those_that_change_what_is_said() -> None:
    frame, labels = clients(1500, seed=1)
    fitted = load(FOREST).fit(frame, labels, 1)
    scorer = finished(scorer_of(fitted, frame), fitted, SCALE, frame, 1)
    assert scorer.calibration == SCALE
    assert scorer.importance["activity"] > scorer.importance["plan"] > scorer.importance["noise"] >= 0
    assert finished(scorer_of(fitted, frame), fitted, SCALE, frame, 1).importance == scorer.importance


def test_it_blends_with_a_scorecard_into_a_pipeline_that_keeps_the_pairs_of_its_parts() -> None:
    frame, labels = clients(300, seed=5)
    parts = [load(name).fit(frame, labels, 1) for name in ("logistic", FOREST)]
    whole = scorer_of(blend(parts, frame), frame, (("activity", "plan"),))
    said = [np.asarray(part.decision_function(frame)) for part in parts]
    np.testing.assert_allclose(whole.log_odds(columns_of(frame)), np.mean(said, axis=0), atol=1e-9)
    assert pairs_of(whole) == (("activity", "plan"),)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("sklearn.svm.LinearSVC", "no predict_proba"),
        (f"{HERE}.Silent", "no predict_proba"),
        ("sklearn.svm.Nothing", "cannot be imported: AttributeError"),
        ("nowhere.Best", "cannot be imported: ModuleNotFoundError"),
        (f"{HERE}.nowhere.Best", "cannot be imported"),
        ("sklearn.linear_model.LinearRegression", "no scikit-learn classifier"),
        ("os.path", "is no class"),
        ("sklearn.ensemble.RandomForestClassifier(depth=3)", "cannot be made: TypeError"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(name: str, why: str) -> None:
    with pytest.raises(NoEstimator, match=why):
        load(name)


def test_a_class_of_ones_own_is_as_good() -> None:
    frame, labels = clients(100, seed=6)
    scorer = scorer_of(load(f"{HERE}.Share").fit(frame, labels, 1), frame)
    assert scorer.probabilities(columns_of(frame)).tolist() == pytest.approx([float(labels.mean())] * 100)


@pytest.mark.parametrize(("name", "why"), [("Broken", "RuntimeError"), ("Wild", "ValueError")])
def test_what_an_estimator_raises_is_told_without_what_a_row_holds(name: str, why: str) -> None:
    frame, labels = clients(100, seed=6)
    scorer = scorer_of(load(f"{HERE}.Share").fit(frame, labels, 1), frame)
    assert isinstance(scorer, PipelineScorer)
    broken = load(f"{HERE}.Share").fit(frame, labels, 1)
    broken.estimators_[0]["estimator"].__class__ = load(f"{HERE}.{name}")._class  # type: ignore[attr-defined]
    with pytest.raises(EstimatorFailed, match=why) as caught:
        scorer_of(broken, frame).log_odds(columns_of(frame))
    assert "4711" not in str(caught.value)


def test_no_rows_are_no_trouble() -> None:
    frame, labels = clients(100, seed=6)
    scorer = scorer_of(load(BAYES).fit(frame, labels, 1), frame)
    assert scorer.log_odds(columns_of(frame.iloc[:0])).tolist() == []


def test_columns_become_the_frame_that_was_learned_from() -> None:
    frame, _ = clients(50, seed=7)
    pd.testing.assert_frame_equal(frame_of(columns_of(frame)), frame, check_dtype=True)


def test_the_known_recipes_stay_scorecards() -> None:
    frame, labels = clients(100, seed=6)
    for name in ("logistic", BLEND):
        recipe = load(name)
        assert recipe.scorecard(recipe.fit(frame, labels, 1, ()), frame) is not None
