"""What a file teaches: the schema after it, and in sentences what is different from then on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from handlers.domain.column_settling import role_of
from handlers.domain.schema import Column, ColumnType, DatasetSettings, Schema


@dataclass(frozen=True, slots=True)
class Learned:
    """A column of a file: its type from now on; ``blank``: the file has no value of it; ``wide``: it has integers that
    are not exact as numbers."""

    type: ColumnType
    blank: bool = False
    wide: bool = False


def schema_after(
    schema: Schema,
    columns: Mapping[str, Learned],
    added: Sequence[str],
    negative: str | None,
    settings: DatasetSettings,
) -> tuple[Schema, tuple[str, ...]]:
    """Return the schema with what a file has taught, the same object where that is nothing, and what changed.

    ``columns``: all columns of the file; ``added``: those that the schema does not have; ``negative``: the label that
    means *stayed*, None while none was seen.
    """
    after = []
    for column in schema.columns:
        now = columns.get(column.name)
        changed = dataclasses.replace(column, role=role_of(column.name, settings))
        if now is not None:
            blank, wide = column.blank and now.blank, column.wide or now.wide
            changed = dataclasses.replace(changed, type=now.type, blank=blank, wide=wide)
        after.append(column if changed == column else changed)
    first = not schema.columns
    after += [
        Column(name, now.type, role_of(name, settings), optional=not first, blank=now.blank, wide=now.wide)
        for name, now in ((name, columns[name]) for name in added)
    ]
    if tuple(after) == schema.columns and negative == schema.negative_label:
        return schema, ()
    notes = [] if first else [f"Column {name!r} is new, as {columns[name].type}." for name in added]
    notes += [
        f"Column {before.name!r} has its first values, as {now.type}."
        for before, now in zip(schema.columns, after, strict=False)
        if before.blank and not now.blank
    ]
    if negative != schema.negative_label:
        notes.append(f"The label {negative!r} was learned to mean that a client stayed.")
    taught = dataclasses.replace(schema, version=schema.version + 1, columns=tuple(after), negative_label=negative)
    return taught, tuple(notes)
