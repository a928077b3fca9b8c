"""The labelled rows that are learned from, as the learning side speaks of them: a frame, labels, clients."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from handlers.domain.labels import canonical_label
from handlers.domain.row_hash import row_hashes
from handlers.domain.schema import Column, ColumnType, DatasetSettings, Role, Schema
from handlers.house import House
from handlers.storage import dataset, decisions, schemas

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Window:
    """n labelled rows in data-set order. ``rows``: their numbers; ``labels``: int8, 1 left, 0 stayed; ``clients``:
    int64 codes, equal for rows of the same client; ``total`` and ``positives``: of all labelled rows, also those
    that were too old to be taken. ``sha256``: of the row hashes, so that equal windows can be told."""

    table: pa.Table
    frame: pd.DataFrame
    labels: NDArray[np.int8]
    clients: NDArray[np.int64]
    rows: NDArray[np.int64]
    schema: Schema
    dataset_version: int
    sha256: str
    total: int
    positives: int

    @property
    def learnable(self) -> bool:
        """Are there rows of both classes, and a column to learn from?"""
        return len(set(self.labels.tolist())) > 1 and len(self.frame.columns) > 0

    def among(self, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which of the window's rows have one of these numbers: bool[n]."""
        return np.isin(self.rows, numbers)


def read(house: House) -> Window:
    """All labelled rows that a decision has taken up, or the newest ``training.max_rows`` of them.

    What is undecided is left out: a row is scored by the champion before anything is learned from it.
    """
    parts = house.workspace.parts
    with house.ledger.read() as connection:
        schema = schemas.read(connection)
        table = dataset.snapshot(connection, parts, schema)
        version = dataset.version(connection)
        undecided = dataset.block_rows(connection, parts, schema, decisions.waiting(connection))
    labels = labels_of(table, schema, house.dataset)
    labels[np.isin(table[dataset.ROW_COLUMN].to_numpy(), undecided)] = -1
    labelled = np.flatnonzero(labels >= 0)
    total, positives = len(labelled), int((labels == 1).sum())
    newest = labelled[-house.learning.training.max_rows :]
    table = table.take(pa.array(newest))
    return Window(
        table=table,
        frame=frame_of(table, learnable(table, schema, house.learning.training.max_categories)),
        labels=labels[newest],
        clients=_clients(table, schema),
        rows=table[dataset.ROW_COLUMN].to_numpy(),
        schema=schema,
        dataset_version=version,
        sha256=hashlib.sha256(row_hashes(table, schema.names, 0).tobytes()).hexdigest(),
        total=total,
        positives=positives,
    )


def labels_of(table: pa.Table, schema: Schema, settings: DatasetSettings) -> NDArray[np.int8]:
    """Each row's label: int8[n], 1 left, 0 stayed, -1 not known."""
    target = schema.with_role(Role.TARGET)
    if target is None or target.name not in table.column_names:
        return np.full(table.num_rows, -1, dtype=np.int8)
    encoded = table[target.name].combine_chunks().dictionary_encode()
    positive = canonical_label(settings.positive_label)
    codes = np.array(
        [int(canonical_label(value) == positive) for value in encoded.dictionary.to_pylist()] + [-1], dtype=np.int8
    )
    indices = encoded.indices.fill_null(len(codes) - 1).to_numpy(zero_copy_only=False)
    labels: NDArray[np.int8] = codes[indices]
    return labels


def learnable(table: pa.Table, schema: Schema, max_categories: int) -> list[Column]:
    """The features that there is something to learn from: text with too many distinct values is left out."""
    return [
        column
        for column in schema.features
        if column.type is not ColumnType.CATEGORY or len(table[column.name].unique()) <= max_categories
    ]


def frame_of(table: pa.Table, columns: list[Column]) -> pd.DataFrame:
    """Features for the estimators: float64 with NaN for numbers, objects with None for categories."""
    import pandas as pd

    frame: dict[str, pd.Series] = {}
    for column in columns:
        if column.type.is_numeric:
            # A model need not tell integers beyond 2**53 apart.
            values = table[column.name].cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
            frame[column.name] = pd.Series(values.astype(np.float64, copy=False))
        else:
            frame[column.name] = pd.Series(table[column.name].to_pylist(), dtype=object)
    return pd.DataFrame(frame)


def _clients(table: pa.Table, schema: Schema) -> NDArray[np.int64]:
    column = schema.with_role(Role.ID)
    if column is None or column.name not in table.column_names:
        return np.arange(table.num_rows, dtype=np.int64)
    codes = table[column.name].combine_chunks().dictionary_encode().indices
    clients: NDArray[np.int64] = codes.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return clients
