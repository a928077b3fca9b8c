"""The recipes that learn: each gives a fitted scikit-learn estimator, and writes it down as a scorecard where it can.

This module itself is light; ``load`` imports scikit-learn, pandas and interpret. A frame has the feature columns
alone: numeric ones (NaN = missing), and categories as text (None or NaN = missing).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from handlers.domain.estimator_names import KNOWN as NAMES
from handlers.domain.estimator_names import NoEstimator, is_own, unknown
from handlers.domain.scorecard import Scorecard
from handlers.domain.scorer import Pairs, PipelineScorer, Scorer
from handlers.estimators.frames import columns_of

if TYPE_CHECKING:
    import pandas as pd

#: The mean of both in log-odds; it competes where both are configured.
BLEND = "blend"

__all__ = ["BLEND", "NAMES", "Estimator", "Fitted", "Pairs", "faithful", "load", "pairs_of"]


class Fitted(Protocol):
    """What a fitted scikit-learn classifier answers for a frame."""

    def decision_function(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Give the log-odds of leaving, float64[n]."""
        ...

    def predict_proba(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Give the probabilities of staying and of leaving, float64[n, 2]."""
        ...


class Estimator(Protocol):
    """A recipe. What it fits can be pickled and holds objects of scikit-learn and interpret alone, and of the user's
    own classes."""

    @property
    def name(self) -> str:
        """Give the name in the configuration."""
        ...

    def fit(self, frame: pd.DataFrame, labels: NDArray[np.integer], seed: int, pairs: Pairs | None = None) -> Fitted:
        """Learn from labels of 1 (left) and 0 (stayed).

        ``pairs``: exactly these, without a search, () being none and those of columns that are not there left out;
        None: the recipe searches for its own. A recipe without pairs ignores it. Raises ValueError if the frame has
        no columns or the labels are not of both classes.
        """
        ...

    def scorecard(self, fitted: Fitted, frame: pd.DataFrame) -> Scorecard | None:
        """Write down what ``fit`` gave, centred over the training frame, with the threshold 0.5; None: it is no sum
        of effects, and cannot be."""
        ...


def load(name: str) -> Estimator:
    """Give the recipe of a name. Raises NoEstimator, which names the nearest one if there is none."""
    if name == "logistic":
        from handlers.estimators.logistic import Logistic

        return Logistic()
    if name == "explainable_boosting":
        from handlers.estimators.boosting import ExplainableBoosting

        return ExplainableBoosting()
    if name == BLEND:
        from handlers.estimators.blend import Blend

        return Blend()
    if is_own(name):
        from handlers.estimators.own import Own

        return Own(name)
    raise NoEstimator(unknown(name))


def pairs_of(scorer: Scorer) -> Pairs:
    """Give the pairs of columns that have a term, in the order of the terms: what ``fit`` takes to have them again."""
    if isinstance(scorer, PipelineScorer):
        return scorer.pairs
    if not isinstance(scorer, Scorecard):
        raise TypeError(f"a {type(scorer).__name__} has no pairs")
    scorecard = scorer
    return tuple((term.columns[0], term.columns[1]) for term in scorecard.terms if len(term.columns) > 1)


def faithful(fitted: Fitted, scorecard: Scorecard, frame: pd.DataFrame) -> float:
    """Give the largest absolute difference in log-odds between a scorecard and the estimator it was written from.

    A scorecard's calibration is no part of its estimator: it is taken back before they are compared.
    """
    if not len(frame):
        raise ValueError("there must be rows to compare the scorecard on")
    own = np.asarray(fitted.decision_function(frame), dtype=np.float64)
    written = (scorecard.log_odds(columns_of(frame)) - scorecard.calibration.intercept) / scorecard.calibration.slope
    return float(np.abs(own - written).max())
