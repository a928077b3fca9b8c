"""The rows of an accepted file: as they were validated, and with their place in the data set."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from handlers.domain.deduplication import Placement
from handlers.domain.rejected import RejectedRows
from handlers.domain.schema import Schema


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file was written: its encoding, such as "UTF-8", what separates its cells, whether it was gzip."""

    encoding: str
    delimiter: str
    compressed: bool


@dataclass(frozen=True, slots=True)
class Chunk:
    """Rows of a file, at least one and at most some hundred thousand.

    ``table``: the typed columns in the file's order, under the schema's names, then optional features that the file
    lacks, all null (integer int64, number float64, all else string; the target by its type); ``lines``: int64[n], the
    physical line of each row, the header being 1; ``labels``: int8[n], 1 left, 0 stayed, -1 unlabelled.
    """

    table: pa.Table
    lines: NDArray[np.int64]
    labels: NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Batch:
    """The rows of an accepted file.

    ``kind``: ``labels`` for a file of only id and target (and time) that labels rows which came earlier; ``chunks``:
    its rows in order, all with the same columns; those of a large file are loaded from disk at each access;
    ``schema``: as it is after this file, the same object where nothing changed; ``rejected``: the rows set aside, by
    line, each with its first fault; ``notes``: what was guessed or changed; ``rows_read``: all rows, those set aside
    included; ``rows``: those in the chunks; ``unlabelled``: how many of these have no label; ``release``: removes
    what waits on disk.
    """

    kind: Literal["rows", "labels"]
    chunks: Sequence[Chunk]
    schema: Schema
    rejected: RejectedRows
    notes: tuple[str, ...]
    layout: Layout
    rows_read: int
    rows: int
    unlabelled: int
    release: Callable[[], None]

    def close(self) -> None:
        """Let go of what waits on disk; closing twice does no harm. Chunks must have been loaded before."""
        self.release()


@dataclass(frozen=True, slots=True)
class Placed:
    """Rows that have their place: their file's number, and the number of each of them in the data set."""

    file: int
    chunk: Chunk
    schema: Schema
    placement: Placement

    @property
    def unlabelled(self) -> NDArray[np.bool_]:
        """Which rows are to be scored: bool[n]."""
        return self.chunk.labels < 0


@dataclass(frozen=True, slots=True)
class LabelledTable:
    """Rows whose labels are known. ``labels``: int8[n], 1 left, 0 stayed."""

    table: pa.Table
    labels: NDArray[np.int8]
