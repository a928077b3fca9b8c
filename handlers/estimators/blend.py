"""The blend: the mean of several estimators' log-odds. Of additive models it is an additive model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

import numpy as np
from interpret.glassbox import ExplainableBoostingClassifier
from numpy.typing import NDArray
from pandas import DataFrame
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from handlers.domain.blending import blended
from handlers.domain.scorecard import Scorecard, centred
from handlers.estimators.boosting import ExplainableBoosting
from handlers.estimators.frames import columns_of, require_learnable
from handlers.estimators.logistic import Logistic

if TYPE_CHECKING:
    from handlers.estimators import Estimator, Fitted, Pairs


class Blend:
    """The logistic regression and the explainable boosting machine, with equal weights.

    Equal, because weights that are learned on few rows err more than they gain (Smith and Wallis 2009).
    """

    name = "blend"

    def fit(self, frame: DataFrame, labels: NDArray[np.integer], seed: int, pairs: Pairs | None = None) -> Fitted:
        """Fit both on the same rows."""
        require_learnable(frame, labels)
        recipes: tuple[Estimator, ...] = (Logistic(), ExplainableBoosting())
        return blend([recipe.fit(frame, labels, seed, pairs) for recipe in recipes], frame)

    def scorecard(self, fitted: Fitted, frame: DataFrame) -> Scorecard:
        """Write each part down, and blend that."""
        parts = [_scorecard(part, frame) for part in cast("StackingClassifier", fitted).estimators_]
        weights = cast("StackingClassifier", fitted).final_estimator_.coef_[0].tolist()
        return centred(blended(parts, weights), columns_of(frame))


def blend(parts: Sequence[Fitted], frame: DataFrame) -> Fitted:
    """Give the mean of parts in log-odds, each fitted on a window of its own.

    ``frame``: rows, at least one, with the columns that the blend is to be asked for: those of all parts together,
    which each part picks its own from. The parts are kept as they are, not copied.
    """
    names = [list(cast("Pipeline", part).feature_names_in_) for part in parts]
    taken = [
        part if own == list(frame.columns) else _picking(own, part, frame)
        for own, part in zip(names, parts, strict=True)
    ]
    # What it learns from is of no matter: its weights are set after it has.
    stacked = StackingClassifier(
        [(f"part{index}", part) for index, part in enumerate(taken)],
        final_estimator=LogisticRegression(),
        cv="prefit",
        stack_method="decision_function",
    )
    stacked.fit(frame.iloc[[0, 0]], np.array([0, 1]))
    stacked.final_estimator_.coef_ = np.full((1, len(parts)), 1.0 / len(parts))
    stacked.final_estimator_.intercept_ = np.zeros(1)
    return cast("Fitted", stacked)


def _picking(names: list[str], part: Fitted, frame: DataFrame) -> Pipeline:
    """Put before a part the choice of its columns, in its order and with their types."""
    chosen = ColumnTransformer([("own", "passthrough", names)], verbose_feature_names_out=False)
    chosen.set_output(transform="pandas")
    chosen.fit(frame)
    return Pipeline([("columns", chosen), ("part", part)])


def _scorecard(part: object, frame: DataFrame) -> Scorecard:
    if isinstance(part, Pipeline) and "part" in part.named_steps:
        return _scorecard(part["part"], frame[list(part["part"].feature_names_in_)])
    recipe: Logistic | ExplainableBoosting | Blend = Logistic()
    if isinstance(part, ExplainableBoostingClassifier):
        recipe = ExplainableBoosting()
    elif isinstance(part, StackingClassifier):
        recipe = Blend()
    return recipe.scorecard(cast("Fitted", part), frame)
