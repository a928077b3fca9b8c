"""A term as a JSON document, its large tables apart as arrays, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from handlers.domain.axes import Axis, Categories, Cuts, Floats
from handlers.domain.effects import Line, Sum, Table, Term

#: More numbers than this are kept as an array, and the document names it.
INLINE_NUMBERS = 256

#: Numbers, or the name of the array that holds them.
Numbers = list[float] | str


class _Cuts(msgspec.Struct, tag_field="kind", tag="steps", forbid_unknown_fields=True):
    column: str
    cuts: Numbers


class _Categories(msgspec.Struct, tag_field="kind", tag="categories", forbid_unknown_fields=True):
    column: str
    categories: list[str]


class _Line(msgspec.Struct, tag_field="kind", tag="line", forbid_unknown_fields=True):
    column: str
    centre: float
    scale: float
    slope: float
    offset: float
    missing: float
    low: float
    high: float


class _Table(msgspec.Struct, tag_field="kind", tag="table", forbid_unknown_fields=True):
    axes: list[_Cuts | _Categories]
    effects: Numbers
    """For two axes row by row. The last bin of steps is missing, the last two of categories missing and unknown."""


class _Sum(msgspec.Struct, tag_field="kind", tag="sum", forbid_unknown_fields=True):
    lines: list[_Line]
    steps: _Table


def term_to_document(term: Term, name: str, arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    """Write a term; arrays that are too large are added to ``arrays`` under names that begin with ``name``."""
    written: _Line | _Table | _Sum
    if isinstance(term, Line):
        written = _line_out(term)
    elif isinstance(term, Table):
        written = _table_out(term, name, arrays)
    else:
        written = _Sum([_line_out(line) for line in term.lines], _table_out(term.steps, name, arrays))
    return dict(msgspec.to_builtins(written))


def _line_out(line: Line) -> _Line:
    return _Line(**{field: getattr(line, field) for field in _Line.__struct_fields__})


def _table_out(term: Table, name: str, arrays: dict[str, np.ndarray]) -> _Table:
    axes: list[_Cuts | _Categories] = []
    for index, axis in enumerate(term.axes):
        if isinstance(axis, Cuts):
            cuts = np.asarray(axis.cuts, dtype=np.float64)
            axes.append(_Cuts(axis.column, _numbers_out(cuts, f"{name}.axis{index}.cuts", arrays)))
        else:
            axes.append(_Categories(axis.column, list(axis.categories)))
    return _Table(axes, _numbers_out(term.effects.ravel(), f"{name}.effects", arrays))


def term_from_document(document: Mapping[str, Any], name: str, arrays: Mapping[str, np.ndarray]) -> Term:
    """Read a term back. Raises ValueError naming the term and its columns."""
    try:
        read = msgspec.convert(dict(document), _Line | _Table | _Sum)
        if isinstance(read, _Line):
            return _line_in(read)
        if isinstance(read, _Table):
            return _table_in(read, arrays)
        return Sum(tuple(_line_in(line) for line in read.lines), _table_in(read.steps, arrays))
    except (msgspec.ValidationError, ValueError) as error:
        raise ValueError(f"scorecard: {name} ({_columns(document)}): {error}") from error


def _line_in(read: _Line) -> Line:
    return Line(**{field: getattr(read, field) for field in _Line.__struct_fields__})


def _table_in(read: _Table, arrays: Mapping[str, np.ndarray]) -> Table:
    axes = tuple(_axis(axis, arrays) for axis in read.axes)
    effects = _numbers_in(read.effects, arrays)
    shape = tuple(axis.size for axis in axes)
    if effects.size != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{effects.size} effects for {' x '.join(map(str, shape))} bins")
    return Table(axes, effects.reshape(shape))


def _axis(read: _Cuts | _Categories, arrays: Mapping[str, np.ndarray]) -> Axis:
    if isinstance(read, _Categories):
        return Categories(read.column, tuple(read.categories))
    return Cuts(read.column, tuple(_numbers_in(read.cuts, arrays).tolist()))


def _numbers_out(numbers: Floats, name: str, arrays: dict[str, np.ndarray]) -> Numbers:
    if numbers.size <= INLINE_NUMBERS:
        return list(numbers.tolist())
    arrays[name] = numbers
    return name


def _numbers_in(numbers: Numbers, arrays: Mapping[str, np.ndarray]) -> Floats:
    if not isinstance(numbers, str):
        return np.array(numbers, dtype=np.float64)
    if numbers not in arrays:
        raise ValueError(f"the array {numbers} is not there")
    array = arrays[numbers]
    if array.dtype != np.float64 or array.ndim != 1:
        raise ValueError(f"the array {numbers} is not a row of float64")
    return array


def _columns(document: Mapping[str, Any]) -> str:
    """Name the columns as far as a document that may be wrong lets itself be read."""
    steps = document.get("steps")
    axes = (steps if isinstance(steps, dict) else document).get("axes") or [document]
    named = [axis.get("column", "?") for axis in axes if isinstance(axis, dict)] if isinstance(axes, list) else []
    return " x ".join(map(str, named)) or "?"
