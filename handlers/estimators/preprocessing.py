"""What stands before an estimator: numbers without gaps or bounds that break it, a column for each category."""

from __future__ import annotations

import numpy as np
from pandas import DataFrame
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from handlers.domain.effects import CLIP_DEVIATIONS, LARGEST_VALUE
from handlers.estimators.frames import features_of

LARGEST_FLOAT32 = 1e30
"""Trees compare in single precision: a larger value counts as this one. Its sum over many rows is still finite."""


def preprocessing(frame: DataFrame, *, gaps_stay: bool = False, dense: bool = False) -> ColumnTransformer:
    """Impute, standardise and clip numbers, with a column for each one's gaps; one-hot encode categories.

    A missing category is one of its own, an unknown one is none of them. ``gaps_stay``: the estimator understands NaN
    in numbers, which are handed to it as they are. ``dense``: the estimator takes no sparse matrix.
    """
    features = features_of(frame)
    numeric = [feature.name for feature in features if feature.numeric]
    categories = [feature.name for feature in features if not feature.numeric]
    steps: list[tuple[str, Pipeline | MissingIndicator | FunctionTransformer, list[str]]] = []
    if numeric and gaps_stay:
        steps.append(("numbers", clip(LARGEST_FLOAT32), numeric))
    elif numeric:
        steps += [("numbers", _numbers(), numeric), ("gaps", MissingIndicator(features="all"), numeric)]
    if categories:
        steps.append(("categories", _categories(dense=dense), categories))
    return ColumnTransformer(steps)


def clip(reach: float) -> FunctionTransformer:
    """Bring values beyond ``reach``, on either side of 0, back to it."""
    return FunctionTransformer(np.clip, kw_args={"a_min": -reach, "a_max": reach}, feature_names_out="one-to-one")


def _numbers() -> Pipeline:
    return Pipeline(
        [
            ("impute", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("bound", clip(LARGEST_VALUE)),
            ("standardise", StandardScaler()),
            ("clip", clip(CLIP_DEVIATIONS)),
        ]
    )


def _categories(*, dense: bool) -> Pipeline:
    return Pipeline(
        [
            # None and NaN would be two categories. One of them is missing, whichever a reader of CSV has put there.
            ("missing", FunctionTransformer(DataFrame.fillna, kw_args={"value": np.nan})),
            ("encode", OneHotEncoder(handle_unknown="ignore", dtype=np.float64, sparse_output=not dense)),
        ]
    )
