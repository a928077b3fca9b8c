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

from handlers.domain.metrics import measure
from handlers.domain.scorecard import Scorecard, effect_range, from_document, to_document
from handlers.estimators import NAMES, faithful, load
from handlers.estimators.frames import columns_of, features_of
from tests.unit.handlers.estimators.frames import clients, learnable

LIBRARIES = {"sklearn", "interpret", "numpy", "pandas", "scipy", "builtins", "copyreg", "joblib", "collections"}
each = pytest.mark.parametrize("name", NAMES)


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
    assert tuple(load(name).name for name in NAMES) == NAMES
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
