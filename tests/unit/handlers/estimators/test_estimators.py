"""What holds for every recipe that ``load`` gives."""

from __future__ import annotations

import io
import pickle
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings

from handlers.domain.blending import blended
from handlers.domain.calibration import Calibration, calibrated
from handlers.domain.metrics import measure
from handlers.domain.scorecard import Scorecard, effect_range, from_document, to_document
from handlers.estimators import BLEND, NAMES, Fitted, faithful, load, pairs_of
from handlers.estimators.blend import blend
from handlers.estimators.frames import columns_of, features_of
from tests.unit.handlers.estimators.frames import clients, learnable

LIBRARIES = {"sklearn", "interpret", "numpy", "pandas", "scipy", "builtins", "copyreg", "joblib", "collections"}
ALL = (*NAMES, BLEND)
each = pytest.mark.parametrize("name", ALL)


@each
@given(drawn=learnable())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_the_scorecard_gives_the_estimators_own_log_odds_for_seen_and_unseen_rows(
    name: str, drawn: tuple[pd.DataFrame, np.ndarray, pd.DataFrame]
) -> None:
    frame, labels, unseen = drawn
    estimator = load(name)
    fitted = estimator.fit(frame, labels, 1)
    card = estimator.scorecard(fitted, frame)
    assert card.threshold == 0.5
    assert card.features == features_of(frame)
    assert faithful(fitted, card, frame) <= 1e-9
    assert faithful(fitted, card, unseen) <= 1e-9
    np.testing.assert_allclose(card.effects(columns_of(frame)).mean(axis=0), 0.0, atol=1e-9)
    back = from_document(*to_document(card))
    assert back.log_odds(columns_of(unseen)).tobytes() == card.log_odds(columns_of(unseen)).tobytes()


@each
def test_it_finds_the_effects_that_were_put_in(name: str) -> None:
    frame, labels = clients(3000, seed=1)
    later, truth = clients(2000, seed=2)
    estimator = load(name)
    card = estimator.scorecard(estimator.fit(frame, labels, 1), frame)
    assert (measure(truth, card.probabilities(columns_of(later)), 0.5).roc_auc or 0) > 0.85
    ranges = {term.columns: effect_range(term) for term in card.terms if len(term.columns) == 1}
    assert ranges[("noise",)] < ranges[("plan",)] < ranges[("activity",)]
    some = pd.DataFrame({"activity": [140.0, 100.0, 60.0, np.nan], "plan": ["basic"] * 4, "noise": [0.0] * 4})
    loyal, average, quiet, unknown = card.log_odds(columns_of(some)).tolist()
    assert loyal < average < quiet
    assert average < unknown
    some["plan"] = ["gold", "trial", None, "never seen"]
    assert np.isfinite(card.log_odds(columns_of(some))).all()


@each
def test_the_same_seed_gives_the_same_scorecard(name: str) -> None:
    frame, labels = clients(300, seed=3)

    def fit() -> Scorecard:
        estimator = load(name)
        return estimator.scorecard(estimator.fit(frame, labels, 7), frame)

    assert to_document(fit())[0] == to_document(fit())[0]


class Recorder(pickle.Unpickler):
    """Notes the top package of every global that a pickle asks for."""

    def __init__(self, pickled: bytes) -> None:
        super().__init__(io.BytesIO(pickled))
        self.packages: set[str] = set()

    def find_class(self, module: str, name: str) -> object:
        self.packages.add(module.partition(".")[0])
        return super().find_class(module, name)


@each
def test_a_pickle_asks_for_libraries_alone_and_predicts_the_same(name: str, tmp_path: Path) -> None:
    frame, labels = clients(200, seed=4)
    fitted = load(name).fit(frame, labels, 1)
    recorder = Recorder(pickle.dumps(fitted))
    recorder.load()
    assert recorder.packages & {"sklearn", "interpret"}
    assert recorder.packages <= LIBRARIES
    joblib.dump(fitted, tmp_path / "model.joblib")
    back = joblib.load(tmp_path / "model.joblib")
    assert back.predict_proba(frame).tobytes() == fitted.predict_proba(frame).tobytes()


@each
def test_a_frame_without_columns_or_with_one_class_is_refused(name: str) -> None:
    frame, labels = clients(30, seed=5)
    with pytest.raises(ValueError, match="no feature column"):
        load(name).fit(frame[[]], labels, 1)
    with pytest.raises(ValueError, match="rows of both"):
        load(name).fit(frame, np.zeros(30, dtype=np.int8), 1)
    with pytest.raises(ValueError, match="rows of both"):
        load(name).fit(frame, np.where(labels == 1, 1, -1), 1)
    with pytest.raises(ValueError, match="30 rows, but 29 labels"):
        load(name).fit(frame, labels[1:], 1)


@each
def test_one_client_of_the_rarer_class_is_enough(name: str) -> None:
    frame, _ = clients(17, seed=6)
    estimator = load(name)
    labels = np.array([1] + [0] * 16, dtype=np.int8)
    fitted = estimator.fit(frame, labels, 1)
    assert faithful(fitted, estimator.scorecard(fitted, frame), frame) <= 1e-9


@each
def test_a_value_without_bounds_spoils_neither_the_fit_nor_its_scorecard(name: str) -> None:
    frame, labels = clients(17, seed=9)
    labels[:2] = [0, 1]
    frame.loc[[0, 5], "noise"] = [1e300, -1.7e308]
    estimator = load(name)
    fitted = estimator.fit(frame, labels, 1)
    card = estimator.scorecard(fitted, frame)
    assert faithful(fitted, card, frame.assign(noise=np.linspace(-1, 1, 17) * 1e308)) <= 1e-9


@each
@pytest.mark.parametrize("marker", [None, np.nan])
def test_a_missing_category_is_missing_whichever_way_it_is_written(name: str, marker: float | None) -> None:
    frame, labels = clients(400, seed=7)
    estimator = load(name)
    fitted = estimator.fit(frame, labels, 1)
    card = estimator.scorecard(fitted, frame)
    written = frame.assign(plan=frame["plan"].map(lambda plan: marker if plan is None else plan).astype(object))
    read_back = written.assign(plan=written["plan"].astype("str"))
    for other in (written, read_back):
        assert other["plan"].isna().any()
        assert faithful(fitted, card, other) <= 1e-9
        assert fitted.predict_proba(other).tobytes() == fitted.predict_proba(frame).tobytes()


def test_the_names_are_loaded_and_an_unknown_one_is_answered_with_the_nearest() -> None:
    assert tuple(load(name).name for name in ALL) == ALL
    with pytest.raises(ValueError, match="nearest is 'logistic'"):
        load("logistics")
    with pytest.raises(ValueError, match="nearest is 'explainable_boosting'"):
        load("boosting")


def test_no_rows_prove_nothing() -> None:
    frame, labels = clients(30, seed=8)
    estimator = load("logistic")
    fitted = estimator.fit(frame, labels, 1)
    with pytest.raises(ValueError, match="must be rows"):
        faithful(fitted, estimator.scorecard(fitted, frame), frame.iloc[:0])


@each
def test_what_a_calibration_does_is_no_unfaithfulness(name: str) -> None:
    frame, labels = clients(100, seed=10)
    estimator = load(name)
    fitted = estimator.fit(frame, labels, 1)
    card = calibrated(estimator.scorecard(fitted, frame), Calibration(0.4, 0.7))
    assert faithful(fitted, card, frame) <= 1e-9


def paired(rows: int, seed: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Clients who leave where exactly one of two numbers is high: no column alone says anything."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 4)), columns=["a", "b", "c", "d"])
    risk = np.where((frame.a > 0) != (frame.b > 0), 0.9, 0.1)
    return frame, (rng.random(rows) < risk).astype(np.int8)


def boosted(frame: pd.DataFrame, labels: np.ndarray, pairs: tuple[tuple[str, str], ...] | None) -> Scorecard:
    estimator = load("explainable_boosting")
    return estimator.scorecard(estimator.fit(frame, labels, 1, pairs), frame)


def test_pairs_are_searched_given_or_none() -> None:
    frame, labels = paired(1000, seed=1)
    searched = boosted(frame, labels, None)
    assert ("a", "b") in pairs_of(searched)
    assert pairs_of(boosted(frame, labels, ())) == ()
    given_pairs = boosted(frame, labels, (("a", "b"), ("d", "c"), ("a", "gone")))
    assert {frozenset(pair) for pair in pairs_of(given_pairs)} == {frozenset("ab"), frozenset("cd")}
    later, truth = paired(1000, seed=2)
    for card in (searched, given_pairs):
        assert (measure(truth, card.probabilities(columns_of(later)), 0.5).roc_auc or 0) > 0.8


def test_the_pairs_of_a_scorecard_fitted_again_are_its_pairs() -> None:
    frame, labels = paired(600, seed=3)
    found = pairs_of(boosted(frame, labels, None))
    assert pairs_of(boosted(frame, labels, found)) == found


def test_the_logistic_regression_has_no_pairs() -> None:
    frame, labels = paired(200, seed=4)
    estimator = load("logistic")
    fitted = [estimator.fit(frame, labels, 1, pairs) for pairs in (None, (("a", "b"),))]
    assert fitted[0].predict_proba(frame).tobytes() == fitted[1].predict_proba(frame).tobytes()
    assert pairs_of(estimator.scorecard(fitted[1], frame)) == ()


def test_a_blend_fits_both_with_the_pairs_and_is_the_mean_of_their_log_odds() -> None:
    frame, labels = paired(400, seed=5)
    pairs = (("a", "b"),)
    both = [load(name).fit(frame, labels, 1, pairs) for name in NAMES]
    estimator = load(BLEND)
    fitted = estimator.fit(frame, labels, 1, pairs)
    expected = np.mean([part.decision_function(frame) for part in both], axis=0)
    np.testing.assert_allclose(fitted.decision_function(frame), expected, rtol=0, atol=1e-12)
    card = estimator.scorecard(fitted, frame)
    assert pairs_of(card) == pairs
    assert [term.columns for term in card.terms] == [("a",), ("b",), ("c",), ("d",), ("a", "b")]
    np.testing.assert_allclose(fitted.predict_proba(frame)[:, 1], card.probabilities(columns_of(frame)), atol=1e-12)


def parts_of_two_windows() -> tuple[list[Fitted], pd.DataFrame, list[Scorecard]]:
    """A logistic regression from before a column came, and two machines from after; one column is no more there."""
    frame, labels = clients(600, seed=11)
    frame["later"] = np.where(np.arange(600) % 3 == 0, "x", "y").astype(object)
    windows = [
        ("logistic", frame.loc[:299, ["activity", "noise", "plan"]]),
        ("explainable_boosting", frame.loc[300:, ["later", "plan", "activity"]]),
        ("explainable_boosting", frame.loc[200:]),
    ]
    parts = [load(name).fit(window, labels[window.index], 1) for name, window in windows]
    cards = [load(name).scorecard(part, window) for part, (name, window) in zip(parts, windows, strict=True)]
    return parts, frame, cards


def test_parts_of_different_windows_and_columns_are_blended(tmp_path: Path) -> None:
    parts, frame, cards = parts_of_two_windows()
    fitted = blend(parts, frame)
    card = load(BLEND).scorecard(fitted, frame)
    assert set(card.features) == set(features_of(frame))
    assert faithful(fitted, card, frame) <= 1e-9
    unseen, _ = clients(50, seed=12)
    unseen = unseen.assign(later="never seen", plan="nor this")
    assert faithful(fitted, card, unseen) <= 1e-9
    together = blended(cards, (1 / 3, 1 / 3, 1 / 3))
    np.testing.assert_allclose(together.log_odds(columns_of(unseen)), card.log_odds(columns_of(unseen)), atol=1e-9)
    joblib.dump(fitted, tmp_path / "model.joblib")
    back = joblib.load(tmp_path / "model.joblib")
    assert back.predict_proba(frame).tobytes() == fitted.predict_proba(frame).tobytes()
    recorder = Recorder(pickle.dumps(fitted))
    recorder.load()
    assert recorder.packages <= LIBRARIES


def test_a_blend_can_be_a_part_of_a_blend() -> None:
    parts, frame, _ = parts_of_two_windows()
    fitted = blend([blend(parts[:2], frame), parts[2]], frame.iloc[:1])
    card = load(BLEND).scorecard(fitted, frame)
    assert faithful(fitted, card, frame) <= 1e-9
    own = (["activity", "noise", "plan"], ["later", "plan", "activity"], list(frame.columns))
    said = [part.decision_function(frame[names]) for part, names in zip(parts, own, strict=True)]
    expected = 0.25 * said[0] + 0.25 * said[1] + 0.5 * said[2]
    np.testing.assert_allclose(fitted.decision_function(frame), expected, rtol=0, atol=1e-9)
