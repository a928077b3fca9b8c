"""The labelled rows that are learned from, as the learning side speaks of them: a frame, labels, clients, blocks."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import xxhash
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.domain.label_spelling import canonical_label
from handlers.domain.row_hash import row_hashes
from handlers.domain.schema import Column, ColumnType, DatasetSettings, Role, Schema
from handlers.domain.scorer import Scorer
from handlers.house import House
from handlers.scoring_columns import columns_of
from handlers.storage import dataset, decisions, versions
from handlers.storage.corrections import Corrections
from handlers.storage.versions import View

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """n labelled rows, by block and then in data-set order. ``rows``: their numbers; ``labels``: int8, 1 left, 0
    stayed; ``clients``: int64 codes, equal for rows of the same client in whatever window; ``blocks``: the decision
    that took each row; ``files``: the file that brought its label. ``max_categories``: text columns with more distinct
    values are not learned from."""

    table: pa.Table
    labels: NDArray[np.int8]
    clients: NDArray[np.int64]
    rows: NDArray[np.int64]
    blocks: NDArray[np.int64]
    files: NDArray[np.int64]
    schema: Schema
    max_categories: int

    @property
    def learnable(self) -> bool:
        """Are there rows of both classes, and a column to learn from?"""
        return len(set(self.labels.tolist())) > 1 and len(self.features) > 0

    @property
    def features(self) -> list[Column]:
        """The columns that there is something to learn from in these rows."""
        return learnable(self.table, self.schema, self.max_categories)

    @property
    def positives(self) -> int:
        """How many of the clients left."""
        return int((self.labels == 1).sum())

    @property
    def sha256(self) -> str:
        """Of the hashes of the rows, so that equal windows can be told."""
        return hashlib.sha256(row_hashes(self.table, self.schema.names, 0).tobytes()).hexdigest()

    def frame(self, names: set[str] | None = None) -> pd.DataFrame:
        """The features, or those of these names, as the estimators read them."""
        chosen = self.features if names is None else [one for one in self.schema.columns if one.name in names]
        return frame_of(self.table, chosen)

    def log_odds(self, scorer: Scorer) -> NDArray[np.float64]:
        """What a scorer says of the rows, float64[n]."""
        return scorer.log_odds(columns_of(self.table, scorer.features))

    def where(self, chosen: NDArray[np.bool_]) -> Window:
        """The rows that are chosen, bool[n]."""
        return Window(
            table=self.table.filter(pa.array(chosen)),
            labels=self.labels[chosen],
            clients=self.clients[chosen],
            rows=self.rows[chosen],
            blocks=self.blocks[chosen],
            files=self.files[chosen],
            schema=self.schema,
            max_categories=self.max_categories,
        )

    def newest(self, most: int) -> Window:
        """At most so many rows, those of the newest blocks."""
        if len(self.labels) <= most:
            return self
        return self.where(np.arange(len(self.labels)) >= len(self.labels) - most)

    def between(self, first: int, last: int) -> Window:
        """The rows of these blocks, both included."""
        return self.where((self.blocks >= first) & (self.blocks <= last))


def read(house: House, first: int, last: int, *, version: int | None = None) -> Window:
    """The labelled rows of the blocks from ``first`` to ``last``, both included, as they are now or were at a version.

    Only the parts that hold them are read. A row whose label was taken back is left out.
    """
    parts = house.workspace.parts
    with house.ledger.read() as connection:
        view = versions.view(connection, version)
        members = decisions.members_between(connection, first, last)
        found = dataset.rows_of_members(connection, parts, view.schema, members)
        table = _rows(connection, house, view if version is not None else None, found.numbers, view.schema)
    there = np.isin(found.numbers, table[dataset.ROW_COLUMN].to_numpy())
    return window_of(table, found.decisions[there], found.files[there], view.schema, house)


def window_of(
    table: pa.Table, blocks: NDArray[np.int64], files: NDArray[np.int64], schema: Schema, house: House
) -> Window:
    """The labelled rows of a table with ``ROW_COLUMN``; for each its block, and the file of its label: int64[n]."""
    labels = labels_of(table, schema, house.dataset)
    labelled = np.flatnonzero(labels >= 0)
    order = labelled[np.argsort(blocks[labelled], kind="stable")]
    table = table.take(pa.array(order))
    return Window(
        table=table,
        labels=labels[order],
        clients=client_codes(table, schema),
        rows=table[dataset.ROW_COLUMN].to_numpy(),
        blocks=blocks[order],
        files=files[order],
        schema=schema,
        max_categories=house.learning.training.max_categories,
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


def client_codes(table: pa.Table, schema: Schema) -> NDArray[np.int64]:
    """A code for each row's client, int64[n]: a hash of the id, so that a client is the same in every window. Where
    rows have no identity each is a client of its own."""
    column = schema.with_role(Role.ID)
    if column is None or column.name not in table.column_names:
        numbers: NDArray[np.int64] = table[dataset.ROW_COLUMN].to_numpy()
        return numbers
    encoded = table[column.name].combine_chunks().dictionary_encode()
    hashed = [xxhash.xxh3_64_intdigest(str(value).encode()) for value in encoded.dictionary.to_pylist()]
    codes = np.array([*hashed, 0], dtype=np.uint64).view(np.int64)
    clients: NDArray[np.int64] = codes[encoded.indices.fill_null(len(hashed)).to_numpy(zero_copy_only=False)]
    return clients


def _rows(
    connection: Connection, house: House, view: View | None, numbers: NDArray[np.int64], schema: Schema
) -> pa.Table:
    parts = house.workspace.parts
    table = dataset.rows_by_number(connection, parts, schema.columns, numbers)
    return dataset.corrected_rows(connection, table, numbers, schema.columns, Corrections(parts, view))
