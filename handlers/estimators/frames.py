"""Between the frames that estimators learn from and the columns that a scorecard reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handlers.domain.scorecard import Feature

if TYPE_CHECKING:
    import pandas as pd


def features_of(frame: pd.DataFrame) -> tuple[Feature, ...]:
    """Give the features in the order of the frame: numbers and booleans are numeric, all else is a category."""
    return tuple(Feature(str(name), frame[name].dtype.kind in "biuf") for name in frame.columns)


def columns_of(frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Give the frame as columns: float64 with NaN for missing, or an object array of str and None."""
    columns: dict[str, np.ndarray] = {}
    for feature in features_of(frame):
        series = frame[feature.name]
        if feature.numeric:
            columns[feature.name] = series.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            values = series.to_numpy(dtype=object, copy=True)
            values[series.isna().to_numpy()] = None
            columns[feature.name] = values
    return columns


def require_learnable(frame: pd.DataFrame, labels: NDArray[np.integer]) -> None:
    """Raise ValueError if there is no column to learn from or the labels are not 0 and 1, both of them."""
    if not len(frame.columns):
        raise ValueError("there is no feature column to learn from")
    if len(frame) != len(labels):
        raise ValueError(f"{len(frame)} rows, but {len(labels)} labels")
    if set(np.unique(labels).tolist()) != {0, 1}:
        raise ValueError("the labels must be 0 and 1, with rows of both")
