"""What is said of rows after they came: labels that were given later, and that a newer row has replaced them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection

from handlers.storage import parts
from handlers.storage.parts import PartKind
from handlers.storage.versions import View

LABEL_ROW, LABEL_VALUE, LABEL_PERIOD, LABEL_FILE, LABEL_FIRST = "row", "value", "period", "file", "first"
"""The columns of a part of later labels. ``first``: the row had no label before; others are corrections. A part of
superseded rows has ``row`` and ``file``, the file that replaced it."""

_NONE = (0, -1)


class Corrections:
    """Those of one version of the data set (``view`` None: the newest). Kept for a reader that goes through the rows
    piece by piece: a part that says nothing of a piece is read once, not once for each."""

    def __init__(self, folder: Path, view: View | None = None) -> None:
        self._folder = folder
        self._view = view
        self._spans: dict[int, tuple[int, int]] = {}

    def labelled(self, connection: Connection, values: pa.ChunkedArray, numbers: NDArray[np.int64]) -> pa.ChunkedArray:
        """The target's values in the rows with these numbers, int64[n] and rising; later labels in place of them."""
        source = np.full(len(values), -1, dtype=np.int64)
        later: list[pa.ChunkedArray] = []
        size = 0
        for table in self._about(connection, PartKind.LABELS, (LABEL_ROW, LABEL_VALUE), numbers):
            places = np.searchsorted(numbers, table[LABEL_ROW].to_numpy())
            source[places] = np.arange(size, size + len(places))  # the last one of a row wins
            later.append(table[LABEL_VALUE].cast(values.type))
            size += len(places)
        if not size:
            return values
        has = source >= 0
        chosen = pa.chunked_array([chunk for one in later for chunk in one.chunks], values.type).combine_chunks()
        return pa.chunked_array([pc.if_else(pa.array(has), chosen.take(pa.array(source, mask=~has)), _whole(values))])

    def kept(self, connection: Connection, numbers: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """Which of the rows with these numbers, int64[n] and rising, no newer one has replaced; None: all of them."""
        keep: NDArray[np.bool_] | None = None
        for table in self._about(connection, PartKind.SUPERSEDED, (LABEL_ROW,), numbers):
            keep = np.ones(len(numbers), dtype=np.bool_) if keep is None else keep
            keep[np.searchsorted(numbers, table[LABEL_ROW].to_numpy())] = False
        return keep

    def _about(
        self, connection: Connection, kind: PartKind, names: Sequence[str], numbers: NDArray[np.int64]
    ) -> Iterator[pa.Table]:
        """The named columns of what the parts of a kind say of the rows with these numbers, if anything."""
        if not len(numbers):
            return
        first, last = span = int(numbers[0]), int(numbers[-1])
        gapless = last - first + 1 == len(numbers)
        listed = [
            part
            for part in parts.listed(connection, kind)
            if (known := self._spans.get(part.id, span))[0] <= last and known[1] >= first
        ]
        for part, table in parts.read_all(connection, self._folder, listed, [*names, LABEL_FILE]):
            counted = table.filter(pa.array(self._counts(part.dataset_version, table)))
            rows = counted[LABEL_ROW].to_numpy()
            self._spans[part.id] = (int(rows.min()), int(rows.max())) if len(rows) else _NONE
            inside = (rows >= first) & (rows <= last) if gapless else np.isin(rows, numbers)
            if inside.any():
                yield counted.select(list(names)).filter(pa.array(inside))

    def _counts(self, dataset_version: int, table: pa.Table) -> NDArray[np.bool_]:
        """Which lines of a part belong to the version that is read."""
        if self._view is None:
            return np.ones(table.num_rows, dtype=np.bool_)
        if LABEL_FILE not in table.column_names:  # superseded rows, as they were written before there were views
            return np.full(table.num_rows, dataset_version <= self._view.version, dtype=np.bool_)
        counts: NDArray[np.bool_] = table[LABEL_FILE].to_numpy() <= self._view.last_file
        return counts


def _whole(values: pa.ChunkedArray) -> pa.Array:
    return values.chunk(0) if values.num_chunks == 1 else pa.concat_arrays(values.chunks or [pa.array([], values.type)])
