"""Logistic regression: straight lines over numbers, an effect for each category and for what is missing."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray
from pandas import DataFrame
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from handlers.domain.effects import CLIP_DEVIATIONS, LARGEST_VALUE
from handlers.domain.scorecard import Categories, Line, Scorecard, Table, Term, centred
from handlers.estimators.frames import columns_of, features_of, require_learnable
from handlers.estimators.preprocessing import preprocessing

if TYPE_CHECKING:
    from handlers.estimators import Fitted, Pairs

#: scikit-learn's own mild L2: over standardised columns it shrinks what few rows say and hardly what many do.
INVERSE_PENALTY = 1.0


class Logistic:
    """A scikit-learn pipeline: impute, standardise, clip, one-hot encode, then a logistic regression with mild L2."""

    name = "logistic"

    def fit(self, frame: DataFrame, labels: NDArray[np.integer], seed: int, pairs: Pairs | None = None) -> Fitted:
        """Fit the pipeline. The problem is convex and the solver deterministic: ``seed`` changes nothing.

        There are no pairs in it: ``pairs`` is ignored.
        """
        require_learnable(frame, labels)
        pipeline = Pipeline(
            [
                ("columns", preprocessing(frame)),
                ("regression", LogisticRegression(C=INVERSE_PENALTY, max_iter=1000, tol=1e-6, random_state=seed)),
            ]
        )
        with warnings.catch_warnings():
            # At the last of 1,000 iterations the loss is flat: such a fit is judged on held-out rows like any other.
            warnings.simplefilter("ignore", ConvergenceWarning)
            pipeline.fit(frame, labels)
        return cast("Fitted", pipeline)

    def scorecard(self, fitted: Fitted, frame: DataFrame) -> Scorecard:
        """Write the pipeline down: a line for each numeric column, a table for each category column."""
        pipeline = cast("Pipeline", fitted)
        preprocessing, regression = pipeline["columns"], pipeline["regression"]
        weights = regression.coef_[0]
        parts = {name: weights[part] for name, part in preprocessing.output_indices_.items()}
        columns = columns_of(frame)
        terms: dict[str, Term] = {}
        for name, transformer, names in preprocessing.transformers_:
            if name == "numbers":
                values = {column: columns[column] for column in names}
                terms |= _lines(transformer, values, parts["numbers"], parts["gaps"])
            elif name == "categories":
                terms |= _tables(transformer, names, parts["categories"])
        features = features_of(frame)
        in_order = tuple(terms[feature.name] for feature in features)
        return centred(Scorecard(float(regression.intercept_[0]), 0.5, in_order, features), columns)


def _lines(
    numbers: Pipeline, columns: dict[str, np.ndarray], slopes: NDArray[np.float64], gaps: NDArray[np.float64]
) -> dict[str, Term]:
    medians, scaler = numbers["impute"].statistics_, numbers["standardise"]
    lines: dict[str, Term] = {}
    for index, (name, values) in enumerate(columns.items()):
        centre, scale = float(scaler.mean_[index]), float(scaler.scale_[index])
        slope = float(slopes[index])
        reach = CLIP_DEVIATIONS * scale
        known = values[~np.isnan(values)]
        low, high = (float(known.min()), float(known.max())) if len(known) else (centre, centre)
        median = np.clip(float(medians[index]), -LARGEST_VALUE, LARGEST_VALUE)
        imputed = np.clip((median - centre) / scale, -CLIP_DEVIATIONS, CLIP_DEVIATIONS)
        lines[name] = Line(
            column=name,
            centre=centre,
            scale=scale,
            slope=slope,
            offset=0.0,
            missing=slope * float(imputed) + float(gaps[index]),
            low=max(low, min(centre - reach, high)),
            high=min(high, max(centre + reach, low)),
        )
    return lines


def _tables(encode: Pipeline, names: list[str], weights: NDArray[np.float64]) -> dict[str, Term]:
    tables: dict[str, Term] = {}
    start = 0
    for name, values in zip(names, encode["encode"].categories_, strict=True):
        known = [(value, float(weight)) for value, weight in zip(values, weights[start:], strict=False)]
        start += len(values)
        missing = next((weight for value, weight in known if not isinstance(value, str)), 0.0)
        named = [(value, weight) for value, weight in known if isinstance(value, str)]
        effects = np.array([*(weight for _, weight in named), missing, 0.0])
        tables[name] = Table((Categories(name, tuple(str(value) for value, _ in named)),), effects)
    return tables
