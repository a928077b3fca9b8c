"""A sketch as a JSON document, as it is stored with its release."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
import numpy as np

from handlers.domain.axes import Axis, Categories, Cuts
from handlers.domain.reference_sketch import ColumnSketch, Sketch, Spread

Count = Annotated[int, msgspec.Meta(ge=0)]
Position = Annotated[float, msgspec.Meta(ge=0, le=1)]


class _Spread(msgspec.Struct, forbid_unknown_fields=True):
    mean: float
    deviation: Annotated[float, msgspec.Meta(ge=0)]
    low: float
    high: float
    positions: list[Position]


class _Column(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    column: str
    counts: list[Count]
    cuts: list[float] | None = None
    categories: list[str] | None = None
    spread: _Spread | None = None


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    rows: Annotated[int, msgspec.Meta(ge=1)]
    columns: list[Any]


def to_document(reference: Sketch) -> dict[str, Any]:
    """Write a sketch as a JSON document."""
    columns = []
    for column in reference.columns:
        axis, spread = column.axis, column.spread
        written = _Column(axis.column, list(column.counts))
        if isinstance(axis, Cuts):
            written.cuts = list(axis.cuts)
        else:
            written.categories = list(axis.categories)
        if spread is not None:
            written.spread = _Spread(spread.mean, spread.deviation, spread.low, spread.high, list(spread.positions))
        columns.append(written)
    return dict(msgspec.to_builtins(_Document(reference.rows, columns)))


def from_document(document: Mapping[str, Any]) -> Sketch:
    """Read back what ``to_document`` wrote. Raises ValueError naming the column that is wrong."""
    try:
        read = msgspec.convert(dict(document), _Document)
    except msgspec.ValidationError as error:
        raise ValueError(f"sketch: {error}") from error
    return Sketch(read.rows, tuple(_read_column(column, read.rows) for column in read.columns))


def _read_column(document: Any, rows: int) -> ColumnSketch:
    name = document.get("column") if isinstance(document, Mapping) else None
    try:
        read = msgspec.convert(document, _Column)
    except msgspec.ValidationError as error:
        raise ValueError(f"sketch: {name or 'a column'}: {error}") from error
    axis = _read_axis(read)
    if len(read.counts) != axis.size or sum(read.counts) != rows:
        raise ValueError(f"sketch: {read.column} must have counts for its {axis.size} bins that add up to {rows}")
    return ColumnSketch(axis, tuple(read.counts), _read_spread(read, axis))


def _read_axis(read: _Column) -> Axis:
    if read.cuts is not None and read.categories is None:
        return Cuts(read.column, tuple(read.cuts))
    if read.categories is not None and read.cuts is None:
        return Categories(read.column, tuple(read.categories))
    raise ValueError(f"sketch: {read.column} must have either cuts or categories")


def _read_spread(read: _Column, axis: Axis) -> Spread | None:
    spread = read.spread
    if (spread is not None) != (isinstance(axis, Cuts) and len(axis.cuts) > 0):
        raise ValueError(f"sketch: {read.column} must have a spread if it has cuts, and only then")
    if spread is None:
        return None
    numbers = (spread.mean, spread.deviation, spread.low, spread.high)
    if not np.isfinite(numbers).all() or spread.low > spread.high or len(spread.positions) != axis.size - 1:
        raise ValueError(f"sketch: {read.column} must have a finite spread and a position for each bin of numbers")
    return Spread(*numbers, tuple(spread.positions))
