"""Estimators of one's own are tried out before anything depends on them, in a process of their own."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from daemon import estimator_check
from daemon.configuration import ConfigurationError
from daemon.estimator_check import problem, require_usable
from daemon.settings import Settings
from handlers.domain.learning_settings import TrainingSettings

HERE = "tests.unit.handlers.estimators.classifiers"
CONFIG = Path("/clients/config.json")


def settings(*names: str) -> Settings:
    return Settings(training=TrainingSettings(estimators=names))


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("sklearn.naive_bayes.GaussianNB", None),
        (f"{HERE}.Share", None),
        (f"{HERE}.Silent", "has no predict_proba"),
        (f"{HERE}.Broken", "cannot be fitted: EstimatorFailed|cannot be fitted: RuntimeError"),
        (f"{HERE}.Wild", "cannot be fitted|are none"),
        ("nowhere.Best", "cannot be imported"),
        ("sklearn.svm.SVC(kernel='none', probability=True)", "cannot be fitted: InvalidParameterError"),
    ],
)
def test_it_is_imported_and_fitted_to_invented_rows(name: str, why: str | None) -> None:
    found = problem(name)
    assert (found is None) == (why is None)
    if found is not None and why is not None:
        assert any(part in found for part in why.split("|")), found


def test_each_that_cannot_be_used_is_named_with_its_key_and_this_process_imports_none() -> None:
    names = ("logistic", "sklearn.svm.LinearSVC", "sklearn.naive_bayes.GaussianNB", "json.JSONDecoder")
    with pytest.raises(ConfigurationError) as caught:
        require_usable(settings(*names), CONFIG)
    first, second = caught.value.problems
    assert first.startswith("/clients/config.json: training.estimators.1: sklearn.svm.LinearSVC has no predict_proba")
    assert second.startswith("/clients/config.json: training.estimators.3: json.JSONDecoder ")


def test_the_known_ones_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimator_check, "_asked", lambda names: pytest.fail(f"{names} were tried out"))
    require_usable(settings("logistic", "explainable_boosting"), CONFIG)


@pytest.mark.parametrize(
    ("body", "why"),
    [("import os; os._exit(9)", "exit code 9"), ("raise SystemExit('no licence')", "no licence")],
)
def test_a_module_that_ends_the_process_is_a_problem_of_its_name(
    body: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ending.py").write_text(body)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(ConfigurationError, match=f"ending.Best could not be tried out: .*{why}"):
        require_usable(settings("ending.Best"), CONFIG)
    assert "ending" not in sys.modules


def test_one_that_takes_too_long_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimator_check, "PATIENCE_SECONDS", 0.01)
    with pytest.raises(ConfigurationError, match=r"could not be tried out within 0\.01 s"):
        require_usable(settings("sklearn.naive_bayes.GaussianNB"), CONFIG)
