"""A scikit-learn classifier of the user's own, by its import path: fitted behind our preprocessing, and never blended
into a scorecard."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame
from scipy.special import logit
from sklearn.base import is_classifier
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils import get_tags

from handlers.domain.estimator_names import NoEstimator, parse
from handlers.estimators.frames import require_learnable
from handlers.estimators.preprocessing import preprocessing

if TYPE_CHECKING:
    from handlers.estimators import Fitted, Pairs

CERTAIN = 1e-4
"""A probability nearer to 0 or 1 counts as this far from it: a forest whose trees all agree says 0, and one client who
leaves all the same would cost an infinite loss."""


class Own:
    """The class that a name stands for. Raises NoEstimator where it cannot be imported, or does not fit."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._class, self._parameters = _imported(name)
        self._new()

    def fit(self, frame: DataFrame, labels: NDArray[np.integer], seed: int, pairs: Pairs | None = None) -> Fitted:
        """Fit it behind our preprocessing, with its ``random_state`` set where it has one that the name leaves open.

        What it says is turned into log-odds by objects of scikit-learn alone. ``pairs`` is ignored.
        """
        require_learnable(frame, labels)
        estimator = self._new(seed)
        before = preprocessing(frame, gaps_stay=get_tags(estimator).input_tags.allow_nan, dense=True)
        pipeline = Pipeline([("columns", before), ("estimator", estimator)])
        pipeline.fit(frame, labels)
        return _with_log_odds(pipeline, frame)

    def scorecard(self, fitted: Fitted, frame: DataFrame) -> None:
        """There is none: it is served as the pipeline that it is."""

    def _new(self, seed: int = 0) -> Any:
        try:
            estimator = self._class(**self._parameters)
            taken = estimator.get_params(deep=False)
            if "random_state" in taken and "random_state" not in self._parameters:
                estimator.set_params(random_state=seed)
        except Exception as error:
            raise NoEstimator(f"{self.name} cannot be made: {type(error).__name__}: {error}") from error
        if not is_classifier(estimator):
            raise NoEstimator(f"{self.name} is no scikit-learn classifier")
        if not hasattr(estimator, "predict_proba"):
            raise NoEstimator(f"{self.name} has no predict_proba: it says who leaves, and not how likely that is")
        return estimator


def _imported(name: str) -> tuple[Any, dict[str, Any]]:
    own = parse(name)
    try:
        found = getattr(importlib.import_module(own.module), own.classname)
    except Exception as error:  # a module of the user's may raise anything
        wrong = f"{own.module}.{own.classname} cannot be imported: {type(error).__name__}: {error}"
        raise NoEstimator(f"{wrong}. It must be installed beside this program, in the same environment") from error
    if not isinstance(found, type):
        raise NoEstimator(f"{own.module}.{own.classname} is no class")
    return found, dict(own.parameters)


def _with_log_odds(pipeline: Pipeline, frame: DataFrame) -> Fitted:
    """Give the pipeline a ``decision_function``: the log-odds of its probability of leaving."""
    log_odds = Pipeline(
        [
            ("bound", FunctionTransformer(np.clip, kw_args={"a_min": CERTAIN, "a_max": 1 - CERTAIN})),
            ("log_odds", FunctionTransformer(logit)),
            ("line", LogisticRegression()),
        ]
    )
    stacked = StackingClassifier(
        [("pipeline", pipeline)], final_estimator=log_odds, cv="prefit", stack_method="predict_proba"
    )
    stacked.fit(frame.iloc[[0, 0]], np.array([0, 1]))  # of no matter: its line is set after it has learned
    line = stacked.final_estimator_["line"]
    line.coef_, line.intercept_ = np.ones((1, 1)), np.zeros(1)
    return cast("Fitted", stacked)
