"""What type a column has: learned from the first file, revised while the schema is provisional, then only widened."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from handlers.domain.conversion import EXACT_INTEGER, INTEGER, Commas, Numbers, to_numbers, to_text
from handlers.domain.files import Reason
from handlers.domain.schema import Column, ColumnType, DatasetSettings, Role, TypeOverride

#: More distinct values than this are text, not categories.
MAX_CATEGORIES = 100
#: Up to this many cells, repetition says nothing.
FEW_CELLS = 40
#: From this part of numbers on, a column of text deserves a word.
MOSTLY = 0.9
LEADING_ZERO = r"^[+-]?0[0-9]+$"
#: How the types are stored.
ARROW_TYPES = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.CATEGORY: pa.string(),
    ColumnType.TEXT: pa.string(),
}

Rows = npt.NDArray[np.int64]


def _no_rows() -> Rows:
    return np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class TypedColumn:
    """A column that was read: its type from now on, its values, the rows set aside by code, what was guessed."""

    type: ColumnType
    values: pa.Array
    faults: Rows = field(default_factory=_no_rows)
    fault_code: str = "not_a_number"
    notes: tuple[str, ...] = ()
    blank: bool = False


def role_of(name: str, settings: DatasetSettings) -> Role:
    """Return what a column is for, as configured."""
    if name == settings.id_column:
        return Role.ID
    if name == settings.target_column:
        return Role.TARGET
    if name == settings.time_column:
        return Role.TIME
    return Role.IGNORED if name in settings.ignore_columns else Role.FEATURE


def read_column(
    name: str, cells: pa.StringArray, known: Column | None, settings: DatasetSettings, *, provisional: bool
) -> TypedColumn | Reason:
    """Read one column, all but the target: by its known type, or by what its cells and the settings say."""
    role = role_of(name, settings)
    override = settings.columns.get(name)
    if role in (Role.ID, Role.TIME):
        values = to_text(cells)
        return TypedColumn(ColumnType.TEXT, values, np.flatnonzero(values.is_null()), f"missing_{role}")
    if known is None or (known.blank and provisional):
        if role is Role.IGNORED and override is None and name != settings.value_column:
            return TypedColumn(ColumnType.TEXT, to_text(cells))
        return learn_column(name, cells, override)
    if known.type.is_numeric:
        return _known_numbers(known, cells)
    return _known_text(known, cells, override, open_to_change=provisional and role is Role.FEATURE)


def learn_column(name: str, cells: pa.StringArray, override: TypeOverride | None) -> TypedColumn | Reason:
    """Find a column's type from its cells, or read it as the type that is configured."""
    if override in ("category", "text"):
        return TypedColumn(ColumnType(override), to_text(cells))
    numbers = to_numbers(cells)
    if numbers.commas is Commas.AMBIGUOUS:
        return _ambiguous(name)
    notes = _comma_note(name, numbers)
    if override == "number":
        return TypedColumn(ColumnType.NUMBER, numbers.values, numbers.faults, notes=notes)
    if not numbers.present and not len(numbers.faults):
        return TypedColumn(ColumnType.NUMBER, numbers.values, blank=True)
    why_text = _why_text(name, cells, numbers)
    if why_text is not None:
        text = to_text(cells)
        return TypedColumn(text_type(text), text, notes=why_text)
    integers = numbers.integers if _has_only_integers(cells, numbers) else None
    found = ColumnType.NUMBER if integers is None else ColumnType.INTEGER
    return TypedColumn(found, numbers.values if integers is None else integers, notes=notes)


def text_type(values: pa.StringArray) -> ColumnType:
    """Return category where few values repeat often enough to be learned from, else text."""
    cells = len(values) - values.null_count
    distinct = pc.count_distinct(values).as_py()
    repeated = cells <= FEW_CELLS or 2 * distinct <= cells
    return ColumnType.CATEGORY if distinct <= MAX_CATEGORIES and repeated else ColumnType.TEXT


def _known_numbers(known: Column, cells: pa.StringArray) -> TypedColumn | Reason:
    numbers = to_numbers(cells)
    if numbers.commas is Commas.AMBIGUOUS:
        return _ambiguous(known.name)
    notes = _comma_note(known.name, numbers)
    if known.type is ColumnType.NUMBER:
        return TypedColumn(known.type, numbers.values, numbers.faults, notes=notes, blank=not numbers.present)
    if numbers.integers is not None:
        return TypedColumn(ColumnType.INTEGER, numbers.integers, numbers.faults, notes=notes)
    # The first integer that changes, 2**53 + 1, has been rounded down already.
    if numbers.largest >= EXACT_INTEGER:
        what = f"Column {known.name!r} held integers so far; this file needs numbers with fractions or beyond 64 bits,"
        what += f" but has values from {EXACT_INTEGER} on that would change."
        return Reason("widening", what, f"Correct the column, or make it text: dataset.columns.{known.name} = text.")
    notes += (f"Column {known.name!r} holds fractions now: from an integer it became a number.",)
    return TypedColumn(ColumnType.NUMBER, numbers.values, numbers.faults, notes=notes)


def _known_text(
    known: Column, cells: pa.StringArray, override: TypeOverride | None, *, open_to_change: bool
) -> TypedColumn:
    values = to_text(cells)
    found = known.type
    if override in ("category", "text"):
        found = ColumnType(override) if open_to_change else found
    elif override == "number":
        note = f"dataset.columns makes {known.name!r} a number, but it was learned as {found}: reset the schema."
        return TypedColumn(found, values, notes=(note,))
    elif open_to_change:
        found = text_type(values)
        # A small file shows that there are many values, never that there are few.
        if found is ColumnType.CATEGORY and len(values) - values.null_count <= FEW_CELLS:
            found = known.type
    changed = found is not known.type
    notes = (f"Column {known.name!r} is taken as {found} from now on, no longer as {known.type}.",) if changed else ()
    return TypedColumn(found, values, notes=notes)


def _why_text(name: str, cells: pa.StringArray, numbers: Numbers) -> tuple[str, ...] | None:
    """Return what there is to say about a column that is text, None for one of numbers.

    Digits name something rather than count it where they have leading zeros (007), or are more than an integer holds.
    """
    if len(numbers.faults):
        return _mostly_note(name, cells, numbers)
    zeros = pc.match_substring_regex(pc.utf8_trim_whitespace(cells), LEADING_ZERO)
    too_many = numbers.integers is None and _has_only_integers(cells, numbers)
    if too_many or pc.any(zeros, min_count=0).as_py():
        return (f"Column {name!r} was taken as text: its digits are a code (leading zeros, or too many of them).",)
    return None


def _has_only_integers(cells: pa.StringArray, numbers: Numbers) -> bool:
    """Whether each number is written without a point or an exponent."""
    whole = pc.match_substring_regex(pc.utf8_trim_whitespace(cells), INTEGER)
    return int(pc.sum(whole, min_count=0).as_py()) == numbers.present


def _ambiguous(name: str) -> Reason:
    what = f"Column {name!r} holds numbers like 1,234: the comma may be a decimal comma or separate thousands."
    return Reason("ambiguous_numbers", what, "Write numbers with a decimal point and without thousands separators.")


def _comma_note(name: str, numbers: Numbers) -> tuple[str, ...]:
    return (f"Column {name!r} has decimal commas.",) if numbers.commas is Commas.DECIMAL else ()


def _mostly_note(name: str, cells: pa.StringArray, numbers: Numbers) -> tuple[str, ...]:
    if numbers.present < MOSTLY * (numbers.present + len(numbers.faults)):
        return ()
    first = cells[int(numbers.faults[0])].as_py()
    return (
        f"Column {name!r} was taken as text because of {len(numbers.faults)} cells that are no numbers, the first"
        f" being {first[:50]!r}; dataset.columns can make it a number.",
    )
