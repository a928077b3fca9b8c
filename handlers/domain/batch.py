"""The rows of an accepted file: as they were validated, and with their place in the data set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from handlers.domain.deduplication import Placement
from handlers.domain.files import RowFault
from handlers.domain.schema import Schema


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of an accepted file.

    ``kind``: ``labels`` for a file of only id and target (and time) that labels rows which came earlier; ``table``:
    the typed columns in the file's order, under the schema's names, then optional features that the file lacks, all
    null (integer int64, number float64, all else string; the target by its type); ``lines``: int64, the physical line
    of each row, the header being 1; ``labels``: int8, 1 left, 0 stayed, -1 unlabelled; ``schema``: as it is after
    this file, the same object where nothing changed; ``rejected``: the rows set aside, by line, each with its first
    fault; ``notes``: what was guessed or changed.
    """

    kind: Literal["rows", "labels"]
    table: pa.Table
    lines: NDArray[np.int64]
    labels: NDArray[np.int8]
    schema: Schema
    rejected: tuple[RowFault, ...]
    notes: tuple[str, ...]
    rows_read: int


@dataclass(frozen=True, slots=True)
class Placed:
    """A batch that has its place: its file's number, the number of each of its rows in the data set, and the rows
    that were set aside in the end."""

    file: int
    batch: Batch
    placement: Placement
    rejected: tuple[RowFault, ...]

    @property
    def unlabelled(self) -> NDArray[np.bool_]:
        """Which rows are to be scored: bool[n]; none of a file of later labels."""
        return (self.batch.labels < 0) & (self.batch.kind == "rows")


@dataclass(frozen=True, slots=True)
class LabelledTable:
    """Rows whose labels are known. ``labels``: int8[n], 1 left, 0 stayed."""

    table: pa.Table
    labels: NDArray[np.int8]
