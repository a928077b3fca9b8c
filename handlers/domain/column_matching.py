"""A file's header against the schema: which column is which, what is new, what is missing."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Literal

from handlers.domain.files import Reason
from handlers.domain.number_styles import DECIMAL_COMMA, NUMBER
from handlers.domain.schema import RESERVED_COLUMNS, DatasetSettings, Role, Schema

#: How alike two names must be to be called near (difflib's ratio), and for one to be held for a misspelling.
NEAR, MISSPELT = 0.6, 0.8
_LIKE_A_NUMBER = re.compile(f"{NUMBER}|{DECIMAL_COMMA}")
#: Names shown in a sentence.
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Matched:
    """The file's columns under the schema's names.

    ``added``: columns that the schema does not have; ``absent``: optional features that the file does not have.
    """

    kind: Literal["rows", "labels"]
    names: tuple[str, ...]
    added: tuple[str, ...]
    absent: tuple[str, ...]
    notes: tuple[str, ...]


def expected_names(schema: Schema, settings: DatasetSettings) -> set[str]:
    """Return the names that a header may be expected to have: the schema's and those in the settings."""
    configured = (settings.id_column, settings.target_column, settings.time_column, settings.value_column)
    return {*schema.names, *settings.ignore_columns, *settings.columns, *filter(None, configured)}


def match_columns(header: Sequence[str], schema: Schema, settings: DatasetSettings) -> Matched | Reason:
    """Find the schema's columns in a header whose names are stripped, or say why it cannot be used."""
    expected = expected_names(schema, settings)
    names, notes = by_case(header, expected)
    refusal = _malformed(names, expected)
    if refusal is not None:
        return refusal
    present = set(names)
    labels = _is_labels_file(present, schema, settings)
    features = [column for column in schema.columns if column.is_feature and not labels]
    known = [column.name for column in features if not column.optional]
    identity = (settings.id_column, None if labels else settings.time_column)
    required = [name for name in identity if name is not None] + known
    missing = [name for name in dict.fromkeys(required) if name not in present]
    there_already = set(schema.names)
    added = tuple(name for name in names if name not in there_already)
    unexpected = [name for name in added if name not in expected]
    if missing:
        return _missing(missing, unexpected)
    if settings.target_column not in present:
        near = difflib.get_close_matches(settings.target_column, unexpected, n=1, cutoff=MISSPELT)
        if near:
            return _missing([settings.target_column], near)
    if not labels and not any(_is_feature(name, settings) for name in names):
        what = "The file has no column to learn from, and no rows came before that it could label."
        return Reason("no_features", what, "Send a file with the clients' columns first.")
    absent = tuple(column.name for column in features if column.name not in present)
    notes += [f"Column {name!r} is not in the file: its cells are missing." for name in absent[:SHOWN]]
    return Matched("labels" if labels else "rows", tuple(names), added, absent, tuple(notes))


def by_case(header: Sequence[str], expected: Collection[str]) -> tuple[list[str], list[str]]:
    """Take a column that differs from one expected name only by case for that one; the second are notes of it."""
    there = set(header)
    if there <= set(expected):
        return list(header), []
    folded: dict[str, list[str]] = {}
    for name in expected:
        if name not in there:
            folded.setdefault(name.casefold(), []).append(name)
    names, notes = [], []
    for name in header:
        meant = folded.get(name.casefold(), []) if name not in expected else []
        if len(meant) == 1:
            notes.append(f"Column {name!r} was taken for {meant[0]!r}.")
        names.append(meant[0] if len(meant) == 1 else name)
    return names, notes


def _is_feature(name: str, settings: DatasetSettings) -> bool:
    return name not in (settings.id_column, settings.target_column, settings.time_column, *settings.ignore_columns)


def _is_labels_file(present: set[str], schema: Schema, settings: DatasetSettings) -> bool:
    """Whether the file has nothing but id, target and perhaps the time, and there are rows that it can label."""
    if settings.id_column is None or schema.with_role(Role.FEATURE) is None:
        return False
    needed = {settings.id_column, settings.target_column}
    return needed <= present <= needed | {settings.time_column}


def _malformed(names: Sequence[str], expected: Collection[str]) -> Reason | None:
    """Say what is wrong with a header whatever the schema says."""
    hint = "Begin the file with one line that names each column once."
    if not set(names) & set(expected) and any(_LIKE_A_NUMBER.match(name) for name in names):
        what = "The first line looks like data, not like column names"
        return Reason("no_header", f"{what}: {_listed(names)}.", hint, (1,), logged=f"{what}.")
    blank = [str(position) for position, name in enumerate(names, start=1) if not name]
    if blank:
        return Reason("blank_header", f"Column {', '.join(blank[:SHOWN])} has no name.", hint, (1,))
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        return Reason("duplicate_header", f"More than one column is named {_listed(twice)}.", hint, (1,))
    reserved = [name for name in names if name in RESERVED_COLUMNS]
    if reserved:
        return Reason("reserved_header", f"{_listed(reserved)} is reserved for the program.", "Rename it.", (1,))
    return None


def _missing(missing: Sequence[str], unexpected: Sequence[str]) -> Reason:
    """Name what is missing, and beside the first the column that may be meant."""
    near = difflib.get_close_matches(missing[0], unexpected, n=1, cutoff=NEAR)
    noun = "Column" if len(missing) == 1 else "Columns"
    verb = "is" if len(missing) == 1 else "are"
    what = f"{noun} {_listed(missing)} {verb} missing."
    if near:
        return Reason("missing_column", f"{what} The nearest there is {near[0]!r}.", f"Rename {near[0]!r}.", (1,))
    hint = "Add it to the file, or correct the dataset section of the configuration."
    return Reason("missing_column", what, hint, (1,))


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:SHOWN])
    return f"{shown} and {len(names) - SHOWN} more" if len(names) > SHOWN else shown
