"""From a table to the columns that a scorecard reads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from handlers.domain.scorecard import Feature

if TYPE_CHECKING:
    import pyarrow as pa


def columns_of(table: pa.Table, features: tuple[Feature, ...]) -> dict[str, NDArray[np.float64] | NDArray[np.object_]]:
    """A table's columns as the scorecard asks for them: float64 with NaN, or objects with None, for missing.

    A feature that the table does not have is missing in every row: the file was accepted without it.
    """
    import pyarrow as pa

    there = set(table.column_names)
    columns: dict[str, NDArray[np.float64] | NDArray[np.object_]] = {}
    for feature in features:
        if feature.name not in there:
            missing = np.full(table.num_rows, np.nan) if feature.numeric else np.full(table.num_rows, None)
            columns[feature.name] = missing
        elif feature.numeric:
            values = table[feature.name].cast(pa.float64(), safe=False)  # integers beyond 2**53 become the nearest
            columns[feature.name] = values.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
        else:
            columns[feature.name] = np.array(table[feature.name].cast(pa.string()).to_pylist(), dtype=object)
    return columns
