"""A decision as people read it."""

from __future__ import annotations

import dataclasses

import pytest

from handlers.domain.decision_record import Decided, document, sentence
from handlers.domain.divergence import ColumnDrift
from handlers.domain.retraining import Retraining

HARM = Retraining("harm", "Model 3 has become worse.", statistics={"z": 4.0})
CANDIDATES = (
    {"estimator": "logistic", "rows": 400, "log_loss": 0.45, "gain": 0.05, "low": 0.01, "high": 0.09},
    {"estimator": "explainable_boosting", "rows": 400, "log_loss": 0.40, "gain": 0.10, "low": 0.05, "high": 0.15},
)
PROMOTED = Decided(HARM, before=3, after=4, estimator="logistic", candidates=CANDIDATES, drift=())
KEPT = dataclasses.replace(PROMOTED, after=3, estimator=None)
NOT_TRAINED = Decided(Retraining("none", "It keeps its promise."), 3, 3, None, [], ())
COLLECTED = Decided(Retraining("none", "All 5 have the same label."), None, None, None, [], ())


@pytest.mark.parametrize(
    ("decided", "verdict"),
    [(PROMOTED, "promoted"), (KEPT, "kept"), (NOT_TRAINED, "kept"), (COLLECTED, "collected")],
)
def test_the_verdict_follows_from_what_is_current_before_and_after(decided: Decided, verdict: str) -> None:
    assert decided.verdict == verdict


def test_a_promotion_names_the_model_the_reason_and_the_gain_of_the_winner() -> None:
    said = sentence(PROMOTED)
    assert said.startswith("Model 4 (logistic regression) was deployed. Model 3 has become worse.")
    assert "10.0%" in said
    assert "2.0% to 18.0%" in said.replace("+", "")


def test_a_defeat_names_the_champion_and_the_gain_of_the_best() -> None:
    said = sentence(KEPT)
    assert said.startswith("Model 3 was kept")
    assert "20.0%" in said


@pytest.mark.parametrize(
    ("gain", "low", "high", "said"),
    [
        (0.05, 0.01, 0.09, "10.0% lower (2.0% to 18.0%)"),
        (0.05, -0.01, 0.11, "10.0% lower (2.0% higher to 22.0% lower)"),
        (-0.05, -0.15, 0.05, "10.0% higher (30.0% higher to 10.0% lower)"),
        (-0.05, -0.09, -0.01, "10.0% higher (2.0% to 18.0%)"),
    ],
)
def test_a_difference_is_said_as_lower_or_higher(gain: float, low: float, high: float, said: str) -> None:
    candidate = {"estimator": "logistic", "rows": 400, "log_loss": 0.5 - gain, "gain": gain, "low": low, "high": high}
    assert f"400 held-out rows was {said}." in sentence(dataclasses.replace(KEPT, candidates=(candidate,)))


def test_without_training_only_the_reason_is_said() -> None:
    assert sentence(NOT_TRAINED) == "Model 3 was kept. It keeps its promise."


def test_before_the_first_model_nobody_is_said_to_be_kept() -> None:
    assert sentence(COLLECTED) == "There is no model yet. All 5 have the same label."


def test_columns_that_alert_are_named_and_others_are_not() -> None:
    calm = ColumnDrift(name="age", psi=0.01, null_quantile=0.1, adjusted_p=0.5)
    shifted = ColumnDrift(name="spend", psi=0.9, null_quantile=0.1, adjusted_p=1e-9)
    decided = dataclasses.replace(NOT_TRAINED, drift=(calm, shifted))
    assert sentence(decided).endswith("spend.")
    assert document(decided, "evidence", None)["shifted_columns"] == ["spend"]


def test_the_record_has_what_the_decision_was_made_from() -> None:
    record = document(PROMOTED, "evidence", {"f1": 0.5})
    assert record["sentence"] == sentence(PROMOTED)
    assert (record["policy"], record["trigger"], record["reason"]) == ("evidence", "harm", HARM.sentence)
    assert (record["champion_before"], record["model_version"]) == (3, 4)
    assert record["statistics"] == {"z": 4.0}
    assert record["candidates"] == list(CANDIDATES)
    assert record["metrics"] == {"f1": 0.5}
