"""Clients that somebody asks about, and what is said of what was sent of them: faults, warnings, names in short."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from handlers.domain.coded_texts import CodedTexts
from handlers.domain.release import Release
from handlers.domain.schema import Role
from handlers.domain.scorecard import Feature

Column = NDArray[np.float64] | CodedTexts
Object = Mapping[str, object]

#: Faults that one answer names, and names of columns in a warning.
SHOWN_FAULTS, SHOWN_NAMES = 20, 10
#: The length to which what a client sent is repeated to it, and the longest name that is compared with others.
SHOWN_CHARACTERS, COMPARED_CHARACTERS = 60, 100
#: Names that are compared with one that is missing.
COMPARED_NAMES = 200
_KINDS: dict[type, str] = {bool: "true or false", list: "a list", dict: "an object", type(None): "null"}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one value, or, without ``row``, with a column. Rows are counted from 0."""

    row: int | None
    column: str | None
    message: str

    @property
    def location(self) -> str:
        """Name the place for people: ``row 3, column tenure``."""
        row = [] if self.row is None else [f"row {self.row}"]
        return ", ".join(row + ([] if self.column is None else [f"column {shown(self.column)}"]))


class ClientsRefused(Exception):
    """The clients cannot be scored: each fault says where and why."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(islice(faults, SHOWN_FAULTS))
        first = self.faults[0]
        place = f"{first.location[:1].upper()}{first.location[1:]}: " if first.location else ""
        super().__init__(f"{place}{first.message}")


class Ids(Protocol):
    """The clients' ids, None where there is none; a list of them is one."""

    def __len__(self) -> int: ...
    def __getitem__(self, rows: slice, /) -> list[str | None]: ...


@dataclass(frozen=True, slots=True, eq=False)
class Clients:
    """What is scored: ``columns`` as the scorecard asks for them, the clients' ids where they were given, and what
    was left aside, in sentences."""

    columns: Mapping[str, Column]
    ids: Ids
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


def is_optional(release: Release, feature: Feature) -> bool:
    """Whether files without this column are taken as well, its values being missing."""
    column = release.schema.by_name.get(feature.name)
    return column is not None and column.optional


def nearest(name: str, present: Iterable[str]) -> str | None:
    """The name among those that are there that may be meant."""
    compared = [other for other in islice(present, COMPARED_NAMES) if len(other) <= COMPARED_CHARACTERS]
    alike = [other for other in compared if other.casefold() == name.casefold()]
    return next(iter(alike or difflib.get_close_matches(name, compared, n=1)), None)


def absent_message(name: str, present: Iterable[str]) -> str:
    """Say that a column is not there, and which of those that are may be meant."""
    near = nearest(name, present)
    hint = "" if near is None else f" The nearest there is {shown(near)}."
    return f"The column {shown(name)} is not there.{hint}"


def missing_warnings(names: Sequence[str]) -> list[str]:
    """Name the columns that were taken as missing in every row."""
    return [f"The column {shown(name)} is not there; it was taken as missing." for name in names[:SHOWN_NAMES]]


def unused_warnings(release: Release, given: Iterable[str]) -> list[str]:
    """Name the target and the columns that the data set does not have."""
    known = release.schema.by_name
    target = release.schema.with_role(Role.TARGET)
    there = set(given)
    warnings = []
    if target is not None and target.name in there:
        warnings.append(f"The target {shown(target.name)} was not used.")
    unknown = sorted(there - known.keys())
    warnings += [f"The column {shown(name)} is not known and was not used." for name in unknown[:SHOWN_NAMES]]
    if len(unknown) > SHOWN_NAMES:
        warnings.append(f"{len(unknown) - SHOWN_NAMES} more columns are not known and were not used.")
    return warnings


def unknown_rows(release: Release, columns: Mapping[str, Column]) -> dict[str, NDArray[np.bool_]]:
    """In which rows of a category column is one that the model has not learned from? Columns without any are left out.

    They are scored as training defines: as any other value.
    """
    found = {}
    for name, known in release.scorer.categories.items():
        values = columns[name]
        if isinstance(values, CodedTexts) and not known.issuperset(values.texts):
            rows = ~values.among(known)
            if rows.any():
                found[name] = rows
    return found


def unknown_counts(release: Release, columns: Mapping[str, Column]) -> dict[str, int]:
    """How many rows those are, by column."""
    return {name: int(np.count_nonzero(rows)) for name, rows in unknown_rows(release, columns).items()}


def missing(rows: int, *, numeric: bool) -> Column:
    """A column in which every value is missing."""
    return np.full(rows, np.nan) if numeric else CodedTexts((None,), np.zeros(rows, dtype=np.intp))


def unknown_warnings(counts: Mapping[str, int]) -> tuple[str, ...]:
    """Say of how many values the model has not learned from them, by column."""
    return tuple(
        f"{'1 value' if count == 1 else f'{count:,} values'} of {shown(name)}, which the model has not learned from, "
        "counted as any other."
        for name, count in counts.items()
        if count
    )


def shown(text: str) -> str:
    """Return what a client sent, cut to a length that can be repeated to it."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def kind_of(value: object) -> str:
    """Name a JSON value for people."""
    if isinstance(value, str):
        return f"the text {shown(value)!r}"
    return _KINDS.get(type(value), "a number")


def text_of(value: object) -> str | None:
    """Return a category or an id as text. Blank text is missing, as a blank cell is in a file."""
    text = "" if value is None else str(value)
    return text if text.strip() else None
