"""The bytes of a dropped file to a typed batch, or the reason why the whole file is refused.

What is readable without guessing is accepted; what takes one guess is accepted and the guess is noted; where a guess
could shift meaning, the file is refused. A fault of a single row sets that row aside.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from handlers.decoding import GZIP_MAGIC, decode
from handlers.domain.batch import Batch
from handlers.domain.column_matching import Matched, expected_names, match_columns
from handlers.domain.files import Reason, RowFault
from handlers.domain.labels import UNLABELLED, Target, read_target
from handlers.domain.limits import Limits
from handlers.domain.schema import Column, DatasetSettings, Schema
from handlers.domain.schema_learning import ARROW_TYPES, TypedColumn, read_column, role_of
from handlers.parsing import FAULT_CHARACTERS, TextTable, parse

__all__ = ["Batch", "Limits", "validate"]

#: Faults that are spelled out in the refusal of a file.
SHOWN_FAULTS = 3
SHOWN_CHARACTERS = 60
SHOWN_LINES = 20
FAULT_WORDS = {
    "ragged": "has another number of cells than the header",
    "repeated_header": "is the header again",
    "missing_id": "has no id",
    "missing_time": "has no time",
    "not_a_number": "is not a number",
    "unknown_label": "is neither of the two labels",
}


@dataclass(frozen=True, slots=True)
class _Typed:
    columns: dict[str, TypedColumn]
    target: Target | None
    labels: npt.NDArray[np.int8]


def validate(content: bytes, *, name: str, schema: Schema, settings: DatasetSettings, limits: Limits) -> Batch | Reason:
    """Read a file named ``name``, or say why it is refused. Nothing that a file can hold raises."""
    cells = _cells(content, schema, settings, limits)
    if isinstance(cells, Reason):
        return cells
    matched = match_columns(cells.names, schema, settings)
    if isinstance(matched, Reason):
        return matched
    cells = dataclasses.replace(cells, names=matched.names)
    typed = _typed(cells, schema, settings)
    if isinstance(typed, Reason):
        return typed
    rejected, kept = _rejected(cells, typed)
    if len(rejected) > limits.max_rejected_fraction * cells.rows_read or not kept.any():
        return _too_many_rejected(rejected, cells.rows_read, limits)
    after, changes = _schema_after(schema, typed, matched, settings)
    table = _table(typed, matched, after, rows=len(kept))
    notes = (*_name_notes(name, content), *cells.notes, *matched.notes)
    notes += (*(note for column in typed.columns.values() for note in column.notes), *changes)
    if kept.all():
        return Batch(matched.kind, table, cells.lines, typed.labels, after, rejected, notes, cells.rows_read)
    table = table.filter(pa.array(kept))
    return Batch(matched.kind, table, cells.lines[kept], typed.labels[kept], after, rejected, notes, cells.rows_read)


def _cells(content: bytes, schema: Schema, settings: DatasetSettings, limits: Limits) -> TextTable | Reason:
    text = decode(content, limits)
    if isinstance(text, Reason):
        return text
    known = {name.casefold() for name in expected_names(schema, settings)}
    cells = parse(text.data, known=known, limits=limits)
    if isinstance(cells, Reason):
        return cells
    return dataclasses.replace(cells, notes=(*text.notes, *cells.notes))


def _typed(cells: TextTable, schema: Schema, settings: DatasetSettings) -> _Typed | Reason:
    """Read every column by its type, the target by its labels."""
    columns: dict[str, TypedColumn] = {}
    target: Target | None = None
    by_name = schema.by_name
    for name, column in zip(cells.names, cells.columns, strict=True):
        known = by_name.get(name)
        if name == settings.target_column:
            read = read_target(
                column,
                positive=settings.positive_label,
                negative=schema.negative_label,
                type=known.type if known else None,
            )
            if isinstance(read, Reason):
                return read
            target = read
            columns[name] = TypedColumn(read.type, read.values, read.faults, "unknown_label")
            continue
        typed = read_column(name, column, known, settings, provisional=schema.provisional)
        if isinstance(typed, Reason):
            return typed
        columns[name] = typed
    labels = target.labels if target else np.full(len(cells.lines), UNLABELLED, np.int8)
    return _Typed(columns, target, labels)


def _rejected(cells: TextTable, typed: _Typed) -> tuple[tuple[RowFault, ...], npt.NDArray[np.bool_]]:
    """Return the rows set aside, each with its first fault in the order of the columns, and which rows are kept."""
    kept = np.ones(len(cells.lines), bool)
    faults = list(cells.faults)
    for (name, column), texts in zip(typed.columns.items(), cells.columns, strict=True):
        rows = column.faults[kept[column.faults]]
        kept[rows] = False
        for row in rows.tolist():
            value = texts[row].as_py() or ""
            faults.append(RowFault(int(cells.lines[row]), name, column.fault_code, value[:FAULT_CHARACTERS]))
    return tuple(sorted(faults, key=lambda fault: fault.line)), kept


def _too_many_rejected(rejected: Sequence[RowFault], rows_read: int, limits: Limits) -> Reason:
    shown = "; ".join(_sentence(fault) for fault in rejected[:SHOWN_FAULTS])
    what = f"{len(rejected)} of {rows_read} rows cannot be used ({limits.max_rejected_fraction:.0%} may be): {shown}."
    lines = tuple(fault.line for fault in rejected[:SHOWN_LINES])
    return Reason("too_many_rejected", what, "Correct these rows and send the file again.", lines)


def _sentence(fault: RowFault) -> str:
    place = f"line {fault.line}" + (f", column {fault.column!r}" if fault.column else "")
    return f"{place}: {fault.value[:SHOWN_CHARACTERS]!r} {FAULT_WORDS[fault.code]}"


def _schema_after(
    schema: Schema, typed: _Typed, matched: Matched, settings: DatasetSettings
) -> tuple[Schema, tuple[str, ...]]:
    """Return the schema with what this file has taught, and what changed in sentences."""
    read = typed.columns
    columns = []
    for column in schema.columns:
        role = role_of(column.name, settings)
        now = read.get(column.name)
        type, blank = (now.type, column.blank and now.blank) if now else (column.type, column.blank)
        columns.append(dataclasses.replace(column, type=type, role=role, blank=blank))
    first = not schema.columns
    for name in matched.added:
        added = read[name]
        columns.append(Column(name, added.type, role_of(name, settings), optional=not first, blank=added.blank))
    negative = typed.target.negative if typed.target else schema.negative_label
    if tuple(columns) == schema.columns and negative == schema.negative_label:
        return schema, ()
    notes = [] if first else [f"Column {name!r} is new, as {read[name].type}." for name in matched.added]
    notes += [
        f"Column {column.name!r} has its first values, as {now.type}."
        for column, now in zip(schema.columns, columns, strict=False)
        if column.blank and not now.blank
    ]
    if negative != schema.negative_label:
        notes.append(f"The label {negative!r} was learned to mean that a client stayed.")
    after = dataclasses.replace(schema, version=schema.version + 1, columns=tuple(columns), negative_label=negative)
    return after, tuple(notes)


def _table(typed: _Typed, matched: Matched, schema: Schema, *, rows: int) -> pa.Table:
    columns = {name: column.values for name, column in typed.columns.items()}
    types = {column.name: ARROW_TYPES[column.type] for column in schema.columns}
    columns |= {name: pa.nulls(rows, types[name]) for name in matched.absent}
    return pa.table(columns)


def _name_notes(name: str, content: bytes) -> tuple[str, ...]:
    packed = content.startswith(GZIP_MAGIC)
    if packed == name.lower().endswith(".gz"):
        return ()
    what = "is gzip, though its name does not say so" if packed else "is not gzip, though its name says so"
    return (f"The file {what}.",)
