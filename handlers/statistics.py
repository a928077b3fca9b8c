"""Summary statistics of every column of the data set, kept for as long as the data set does not change."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, TypedDict

import numpy as np
from sqlalchemy import Connection

from handlers.domain.schema import Column, ColumnType, Schema
from handlers.storage import schemas, versions
from handlers.storage.ledger import Ledger
from handlers.storage.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

CELLS_AT_ONCE = 8_000_000
"""Values held in memory at once (64 MB of numbers): of a large data set a few columns are read at a time."""


class Moments(TypedDict):
    """Mean, median, standard deviation (n - 1), smallest and largest value; null where there is none."""

    mean: float | None
    median: float | None
    std: float | None
    min: float | None
    max: float | None


class ColumnSummary(TypedDict):
    """A column. ``type``: ``number``, ``category`` or ``text``; ``mean`` to ``max``: of numbers; ``distinct``:
    of others. ``missing`` counts rows, ``missing_percent`` is of all rows."""

    name: str
    type: str
    mean: float | None
    median: float | None
    std: float | None
    min: float | None
    max: float | None
    missing: int
    missing_percent: float
    distinct: int | None


class SummaryStatistics(TypedDict):
    """Every column of the data set, in the schema's order, as of a version of the data set."""

    dataset_version: int
    rows: int
    columns: list[ColumnSummary]


_NOTHING: Moments = {"mean": None, "median": None, "std": None, "min": None, "max": None}


class StatisticsCache:
    """The newest answer. One object is shared by all threads; while one of them computes, the others wait for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._of: tuple[int, Schema] | None = None
        self._answer: SummaryStatistics = {"dataset_version": 0, "rows": 0, "columns": []}

    def summary(self, ledger: Ledger, workspace: Workspace) -> SummaryStatistics:
        """Give the statistics of the data set as it is now; computed only if its rows or its schema have changed."""
        with self._lock, ledger.read() as connection:
            now = (versions.newest(connection), schemas.read(connection))
            if self._of != now:
                self._answer = _summary(connection, workspace)
                self._of = now
            return self._answer


def summary_statistics(ledger: Ledger, workspace: Workspace, cache: StatisticsCache | None = None) -> SummaryStatistics:
    """Describe all rows of the data set, its columns in the schema's order; the answer is not to be changed.

    Numbers have mean, median, standard deviation (n - 1), smallest and largest value; what there is none of (no
    values, text, the deviation of one value) is None. Other columns have the number of their distinct values.
    """
    return (cache or StatisticsCache()).summary(ledger, workspace)


def _summary(connection: Connection, workspace: Workspace) -> SummaryStatistics:
    from handlers.storage import dataset

    schema = schemas.read(connection)
    rows = dataset.count(connection)
    columns: list[ColumnSummary] = []
    step = max(1, CELLS_AT_ONCE // max(rows, 1))
    for start in range(0, len(schema.columns), step):
        chosen = schema.columns[start : start + step]
        table = dataset.snapshot(connection, workspace.parts, schema, [column.name for column in chosen])
        columns += [_describe(column, table[column.name]) for column in chosen]
    return {"dataset_version": dataset.version(connection), "rows": rows, "columns": columns}


def _describe(column: Column, values: pa.ChunkedArray) -> ColumnSummary:
    import pyarrow.compute as pc

    rows = len(values)
    numeric = column.type.is_numeric
    there = _numbers(values) if numeric else values.drop_null()
    missing = rows - len(there)
    return {
        "name": column.name,
        "type": "number" if numeric else str(column.type),
        **(_moments(there, whole=column.type is ColumnType.INTEGER) if numeric else _NOTHING),
        "missing": missing,
        "missing_percent": 100.0 * missing / rows if rows else 0.0,
        "distinct": None if numeric else pc.count_distinct(there).as_py(),
    }


def _numbers(values: pa.ChunkedArray) -> np.ndarray:
    """The values that are there; NaN is no value."""
    numbers: np.ndarray = values.drop_null().to_numpy()
    return numbers if numbers.dtype != np.float64 else numbers[~np.isnan(numbers)]


def _moments(numbers: np.ndarray, *, whole: bool) -> Moments:
    if not len(numbers):
        return _NOTHING
    kind = int if whole else float
    return {
        "mean": float(numbers.mean()),
        "median": float(np.median(numbers)),
        "std": float(numbers.std(ddof=1)) if len(numbers) > 1 else None,
        "min": kind(numbers.min()),
        "max": kind(numbers.max()),
    }
