"""A fitted estimator with its calibration: what is kept in a release says the same as what is served."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
from pandas import DataFrame
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression

from handlers.domain.calibration import IDENTITY, Calibration

if TYPE_CHECKING:
    from handlers.estimators import Fitted


def calibrated(fitted: Fitted, calibration: Calibration, frame: DataFrame) -> Fitted:
    """Give the estimator whose log-odds are ``intercept + slope * log-odds``, as objects of scikit-learn alone.

    ``frame``: rows, at least one, with the estimator's columns. The estimator is kept as it is, not copied.
    """
    if calibration == IDENTITY:
        return fitted
    stacked = StackingClassifier(
        [("estimator", fitted)], final_estimator=LogisticRegression(), cv="prefit", stack_method="decision_function"
    )
    stacked.fit(frame.iloc[[0, 0]], np.array([0, 1]))  # of no matter: its line is set after it has learned
    stacked.final_estimator_.coef_ = np.array([[calibration.slope]])
    stacked.final_estimator_.intercept_ = np.array([calibration.intercept])
    return cast("Fitted", stacked)
