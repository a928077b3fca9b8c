"""Clients that somebody asks about: objects of column and value become the columns that a scorecard asks for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from handlers.domain.release import Release
from handlers.domain.schema import Role
from handlers.domain.scorecard import Feature

Column = NDArray[np.float64] | NDArray[np.object_]

#: Faults that one answer names, and names of columns in a warning.
SHOWN_FAULTS, SHOWN_NAMES = 20, 10
#: The length to which what a client sent is repeated to it, and the longest name that is compared with others.
SHOWN_CHARACTERS, COMPARED_CHARACTERS = 60, 100
#: Names that are compared with one that is missing.
COMPARED_NAMES = 200
_ABSENT = object()
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


@dataclass(frozen=True, slots=True, eq=False)
class Clients:
    """What is scored: ``columns`` as the scorecard asks for them, the clients' ids where they were given, and what
    was left aside, in sentences."""

    columns: Mapping[str, Column]
    ids: list[str | None]
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)


def from_objects(release: Release, objects: Sequence[Mapping[str, object]]) -> Clients:
    """Read clients given as objects: numbers as numbers, categories as text (or integers), null for missing.

    Raises ClientsRefused naming the rows and columns where a feature is absent or of another type.
    """
    given = set[str]().union(*objects)
    columns: dict[str, Column] = {}
    faults: list[Fault] = []
    left_out = []
    for feature in release.scorecard.features:
        if len(faults) >= SHOWN_FAULTS:
            break
        values = [client.get(feature.name, _ABSENT) for client in objects]
        if feature.name not in given and is_optional(release, feature):
            values = [None] * len(objects)
            left_out.append(feature.name)
        elif any(value is _ABSENT for value in values):
            faults += islice(_absences(feature.name, values, objects), SHOWN_FAULTS)
            continue
        read = _numbers(feature.name, values) if feature.numeric else _categories(feature.name, values)
        if isinstance(read, list):
            faults += read
        else:
            columns[feature.name] = read
    ids = _ids(release, objects, faults)
    if faults:
        raise ClientsRefused(sorted(faults, key=lambda fault: fault.row or 0))
    return Clients(columns, ids, (*optional_warnings(left_out), *unused_warnings(release, given)))


def is_optional(release: Release, feature: Feature) -> bool:
    """Whether files without this column are taken as well, its values being missing."""
    column = release.schema.by_name.get(feature.name)
    return column is not None and column.optional


def absent_message(name: str, present: Iterable[str]) -> str:
    """Say that a column is not there, and which of those that are may be meant."""
    compared = [other for other in islice(present, COMPARED_NAMES) if len(other) <= COMPARED_CHARACTERS]
    near = difflib.get_close_matches(name, compared, n=1)
    hint = f" The nearest there is {shown(near[0])}." if near else ""
    return f"The column {shown(name)} is not there.{hint}"


def optional_warnings(names: Sequence[str]) -> list[str]:
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


def shown(text: str) -> str:
    """Return what a client sent, cut to a length that can be repeated to it."""
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]}..."


def kind_of(value: object) -> str:
    """Name a JSON value for people."""
    if isinstance(value, str):
        return f"the text {shown(value)!r}"
    return _KINDS.get(type(value), "a number")


def _absences(name: str, values: Sequence[object], objects: Sequence[Mapping[str, object]]) -> Iterator[Fault]:
    for row, value in enumerate(values):
        if value is _ABSENT:
            yield Fault(row, name, absent_message(name, objects[row]))


def _numbers(name: str, values: Sequence[object]) -> Column | list[Fault]:
    if set(map(type, values)) <= {int, float, type(None)}:
        try:
            # numpy reads None as NaN.
            numbers = np.array(values, dtype=np.float64)
            if not np.isinf(numbers).any():
                return numbers
        except OverflowError:
            pass
    faults = (Fault(row, name, message) for row, value in enumerate(values) if (message := _not_a_number(value)))
    return list(islice(faults, SHOWN_FAULTS))


def _not_a_number(value: object) -> str | None:
    if value is None:
        return None
    if type(value) not in (int, float):
        return f"A number or null is expected here, not {kind_of(value)}."
    try:
        finite = np.isfinite(float(value))  # type: ignore[arg-type]  # the line above leaves int and float
    except OverflowError:
        finite = False
    return None if finite else "The number is too large for 64-bit floating point."


def _categories(name: str, values: Sequence[object]) -> Column | list[Fault]:
    faults = [
        Fault(row, name, f"Text, an integer or null is expected here, not {kind_of(value)}.")
        for row, value in enumerate(values)
        if not (value is None or type(value) in (str, int))
    ]
    if faults:
        return faults[:SHOWN_FAULTS]
    column = np.empty(len(values), dtype=object)
    column[:] = [_text(value) for value in values]
    return column


def _text(value: object) -> str | None:
    """Return a category or an id as text. Blank text is missing, as a blank cell is in a file."""
    text = "" if value is None else str(value)
    return text if text.strip() else None


def _ids(release: Release, objects: Sequence[Mapping[str, object]], faults: list[Fault]) -> list[str | None]:
    column = release.schema.with_role(Role.ID)
    if column is None:
        return [None] * len(objects)
    values = [client.get(column.name) for client in objects]
    wrong = (row for row, value in enumerate(values) if not (value is None or type(value) in (str, int)))
    for row in islice(wrong, SHOWN_FAULTS):
        faults.append(Fault(row, column.name, f"An id is text, an integer or null, not {kind_of(values[row])}."))
    return [_text(value) for value in values] if not faults else []
