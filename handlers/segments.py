"""Segments: the rows of each category, in which a new model must not be worse however good it is on average."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from handlers.domain.schema import ColumnType
from handlers.training_window import Window

MOST_CATEGORIES = 20
"""A column with more categories is no segmentation: most of its segments would be chance."""


def segments_of(window: Window) -> dict[str, NDArray[np.bool_]]:
    """By ``column = category`` which of the n rows belong to it, bool[n]."""
    found: dict[str, NDArray[np.bool_]] = {}
    for column in window.features:
        if column.type is not ColumnType.CATEGORY:
            continue
        values = window.table[column.name]
        categories = [value for value in values.unique().to_pylist() if value is not None]
        if len(categories) > MOST_CATEGORIES:
            continue
        for category in sorted(categories):
            found[f"{column.name} = {category}"] = pc.equal(values, category).fill_null(False).to_numpy()
    return found
