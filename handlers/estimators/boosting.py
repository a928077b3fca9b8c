"""The explainable boosting machine of interpret: a table of steps for each column and for a few pairs of columns.

How it is written down follows ``interpret/glassbox/_ebm/_bin.py`` (interpret-core 0.7): in a table bin 0 is missing,
the last is unknown, and between them lie the bins of the cuts, a value equal to a cut in the upper one, or the
categories.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

import numpy as np
from interpret.glassbox import ExplainableBoostingClassifier
from numpy.typing import NDArray
from pandas import DataFrame

from handlers.domain.scorecard import Axis, Categories, Cuts, Scorecard, Table, centred
from handlers.estimators.frames import columns_of, features_of, require_learnable

if TYPE_CHECKING:
    from handlers.estimators import Fitted, Pairs

#: Chosen by held-out log loss and CPU time on telecom churn, electricity prices, weather and synthetic clients, above
#: all in windows of 500 to 2,500 rows, where leaves of some information and a mild L2 gain 2% and the time halves.
#: ``max_rounds`` bounds the time where every round still finds something.
RECIPE: Mapping[str, float] = {
    "max_bins": 32,
    "max_interaction_bins": 16,
    "learning_rate": 0.1,
    "greedy_ratio": 0.0,
    "min_hessian": 4.0,
    "reg_lambda": 2.0,
    "early_stopping_rounds": 10,
    "max_rounds": 3000,
}
#: Each bag stops by 15% of the rows, which it does not learn from: the fewer rows, the more another bag gains.
BAGS, BAGS_OF_MANY_ROWS, MANY_ROWS = 4, 2, 5000
#: Of a search.
MOST_PAIRS = 10


class ExplainableBoosting:
    """Boosted steps, averaged over a few bags."""

    name = "explainable_boosting"

    def fit(self, frame: DataFrame, labels: NDArray[np.integer], seed: int, pairs: Pairs | None = None) -> Fitted:
        """Fit in one thread; the same rows in the same order and the same seed give the same machine.

        Ten pairs double the time of a fit, and the search for them adds a tenth to a fifth to that.
        """
        require_learnable(frame, labels)
        machine = ExplainableBoostingClassifier(
            # Left to itself interpret takes a number with few distinct values for a category.
            feature_types=["continuous" if feature.numeric else "nominal" for feature in features_of(frame)],
            interactions=MOST_PAIRS if pairs is None else _places(pairs, frame),
            outer_bags=BAGS if len(frame) < MANY_ROWS else BAGS_OF_MANY_ROWS,
            **RECIPE,
            n_jobs=1,
            random_state=seed,
        )
        with warnings.catch_warnings():
            # It says that its own pictures do not show missing values. Ours do.
            warnings.filterwarnings("ignore", message="Missing values detected", category=UserWarning)
            # It asks numpy for the bounds of a column that is missing throughout, and does without them.
            warnings.filterwarnings("ignore", message="All-NaN slice encountered", category=RuntimeWarning)
            machine.fit(frame, labels)
        return cast("Fitted", machine)

    def scorecard(self, fitted: Fitted, frame: DataFrame) -> Scorecard:
        """Write the machine's tables down, bin by bin."""
        machine = cast("ExplainableBoostingClassifier", fitted)
        features = features_of(frame)
        terms = []
        for columns, scores in zip(machine.term_features_, machine.term_scores_, strict=True):
            axes, effects = [], np.asarray(scores, dtype=np.float64)
            for dimension, column in enumerate(columns):
                levels = machine.bins_[column]
                axis, order = _axis(features[column].name, levels[min(len(levels), len(columns)) - 1])
                axes.append(axis)
                effects = effects.take(order, axis=dimension)
            terms.append(Table(tuple(axes), effects))
        card = Scorecard(float(machine.intercept_[0]), 0.5, tuple(terms), features)
        return centred(card, columns_of(frame))


def _places(pairs: Pairs, frame: DataFrame) -> list[tuple[int, int]] | int:
    """Give the pairs as interpret takes them, by the places of the columns; 0 is none."""
    place = {str(name): index for index, name in enumerate(frame.columns)}
    return [(place[one], place[other]) for one, other in pairs if one in place and other in place] or 0


def _axis(name: str, bins: dict[str, int] | NDArray[np.float64]) -> tuple[Axis, list[int]]:
    """Give the axis of a column, and for each of its bins the place of that bin in interpret's table."""
    if isinstance(bins, dict):
        return Categories(name, tuple(bins)), [*bins.values(), 0, -1]
    return Cuts(name, tuple(bins.tolist())), [*range(1, len(bins) + 2), 0]
