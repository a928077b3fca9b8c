"""Fitting: the recipes on rows that are held out in turn, and the chosen one on everything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlers import estimators
from handlers.domain.facts import Fact
from handlers.domain.promotion import Challenger
from handlers.domain.retraining import Retraining, TrainingSettings
from handlers.domain.scorecard import Scorecard
from handlers.estimators import Fitted
from handlers.house import House
from handlers.training_window import Window

FAITHFUL = 1e-6
"""The largest difference in log-odds that a scorecard may show against its estimator: rounding, nothing else."""


class UnfaithfulScorecard(Exception):
    """A scorecard that differs from the estimator it was written from: a bug of ours, never deployed."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A recipe fitted on the whole window, and its scorecard."""

    estimator: str
    fitted: Fitted
    scorecard: Scorecard
    rows: int
    seconds: float


def challengers(house: House, window: Window, held_out: NDArray[np.bool_], retraining: Retraining) -> list[Challenger]:
    """Every recipe that competes, on the rows of ``held_out``, bool[n]. The first model is the simplest one alone."""
    if not retraining.train:
        return []
    settings = house.learning.training
    names = settings.estimators[:1] if retraining.trigger in ("first", "provisional") else settings.estimators
    found: list[Challenger] = []
    for name in names:
        started = house.timer()
        probabilities = out_of_fold(window, held_out, name, settings)
        found.append(Challenger(name, probabilities, house.timer() - started))
    return found


def out_of_fold(
    window: Window, held_out: NDArray[np.bool_], name: str, settings: TrainingSettings
) -> NDArray[np.float64]:
    """What a recipe says of each held-out row without having learned from it: float64[held_out.sum()].

    The rows of a client are held out together, so that a client is never recognised.
    """
    folds = _folds(window.clients, settings.folds, settings.seed)
    probabilities = np.full(len(window.labels), np.nan)
    for fold in range(settings.folds):
        judged = held_out & (folds == fold)
        if judged.any():
            probabilities[judged] = _fit_and_predict(window, judged, name, settings.seed)
    return probabilities[held_out]


def refit(house: House, window: Window, name: str) -> Trained:
    """The recipe on everything. Raises UnfaithfulScorecard where its scorecard would say something else."""
    started = house.timer()
    recipe = estimators.load(name)
    fitted = recipe.fit(window.frame, window.labels, house.learning.training.seed)
    scorecard = recipe.scorecard(fitted, window.frame)
    difference = estimators.faithful(fitted, scorecard, window.frame)
    if not difference <= FAITHFUL:
        raise UnfaithfulScorecard(f"the scorecard of {name} differs from its estimator by {difference:.3g} in log-odds")
    return Trained(name, fitted, scorecard, len(window.labels), house.timer() - started)


def fact(decision: int, trained: Trained) -> Fact:
    """What the log says of the final fit."""
    fields = {"decision": decision, "estimator": trained.estimator, "rows": trained.rows}
    return Fact("model.trained", {**fields, "seconds": round(trained.seconds, 3)})


def timing(found: Sequence[Challenger], trained: Trained | None) -> dict[str, tuple[int, float]]:
    """What the training took, for the ledger's timings: recipes tried and fitted, and their seconds."""
    tried = [one.seconds for one in found] + ([trained.seconds] if trained is not None else [])
    return {"training": (len(tried), sum(tried))} if tried else {}


def _fit_and_predict(window: Window, judged: NDArray[np.bool_], name: str, seed: int) -> NDArray[np.float64]:
    labels = window.labels[~judged]
    if len(labels) == 0 or labels.min() == labels.max():
        # One class is nothing to learn from: the share of leavers, with one of each added (Laplace's rule).
        return np.full(int(judged.sum()), (float((labels == 1).sum()) + 1.0) / (len(labels) + 2.0))
    fitted = estimators.load(name).fit(window.frame[~judged], labels, seed)
    probabilities: NDArray[np.float64] = np.asarray(fitted.predict_proba(window.frame[judged]))[:, 1]
    return probabilities


def _folds(clients: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    codes, places = np.unique(clients, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(codes)) % folds)[places]
