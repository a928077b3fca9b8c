"""The slow reader: what a file holds, in plain Python, one cell at a time.

It says what ``validate`` should say of the same bytes: refused, or the values, the lines and the rows set aside.
"""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from math import isfinite

from handlers.domain.limits import Limits
from handlers.domain.schema import ColumnType, DatasetSettings, Role, Schema
from tests.fuzz import slow_numbers
from tests.fuzz.slow_numbers import EXACT, Ambiguous, Number, Style
from tests.fuzz.slow_text import Record, Refused, Table, to_table, to_text

LONGEST_FAULT = 1000
RESERVED = ("__file__", "__line__", "__row__")
Fault = tuple[int, str, str, str]
Value = str | int | float | None


@dataclass(slots=True)
class Read:
    """An accepted file. ``columns``: by the schema's names, in the file's order; ``labels``: 1, 0 or -1."""

    kind: str
    columns: dict[str, list[Value]]
    lines: list[int]
    labels: list[int]
    faults: list[Fault]
    rows_read: int


@dataclass(slots=True)
class _Column:
    """``faults``: codes by row. ``style``: of numbers; ``grouped``: their points could stand between thousands."""

    values: list[Value]
    faults: dict[int, str] = field(default_factory=dict)
    style: Style | None = None
    grouped: bool = False


def read(content: bytes, schema: Schema, settings: DatasetSettings, limits: Limits) -> Read:
    """Read a file. Raises Refused."""
    table = to_table(to_text(content), {name.casefold() for name in _expected(schema, settings)})
    kind, names = _matched(table.names, schema, settings)
    kept, faults = _records(table)
    columns, labels = _columns(names, kept, schema, settings)
    gone: set[int] = set()
    for name, column in columns.items():
        for row, code in column.faults.items():
            if row not in gone:
                cell = kept[row].cells[names.index(name)]
                faults.append((kept[row].line, name, code, cell[:LONGEST_FAULT]))
                gone.add(row)
    rows_read = len(kept) + len(faults) - len(gone)
    if len(faults) > limits.max_rejected_fraction * rows_read or len(gone) == len(kept):
        raise Refused(f"{len(faults)} of {rows_read} rows")
    stay = [row for row in range(len(kept)) if row not in gone]
    return Read(
        kind,
        {name: [column.values[row] for row in stay] for name, column in columns.items()},
        [kept[row].line for row in stay],
        [labels[row] for row in stay],
        sorted(faults),
        rows_read,
    )


def _expected(schema: Schema, settings: DatasetSettings) -> set[str]:
    named = {settings.id_column, settings.target_column, settings.time_column, settings.value_column}
    found = {column.name for column in schema.columns} | set(settings.ignore_columns) | set(settings.columns)
    return found | {name for name in named if name}


def _matched(header: list[str], schema: Schema, settings: DatasetSettings) -> tuple[str, list[str]]:
    """The kind of the file and the names of its columns as the schema has them."""
    expected = _expected(schema, settings)
    names = []
    for name in header:
        alike = [one for one in expected if one.casefold() == name.casefold() and one not in header]
        names.append(alike[0] if name not in expected and len(alike) == 1 else name)
    if not set(names) & expected and any(_is_like_a_number(name) for name in names):
        raise Refused("no header")
    if "" in names or max(Counter(names).values()) > 1 or set(names) & set(RESERVED):
        raise Refused("header")
    identity = {settings.id_column} - {None}
    learns = any(column.role is Role.FEATURE for column in schema.columns)
    labels = identity | {settings.target_column}
    is_labels = bool(identity) and learns and labels <= set(names) <= labels | {settings.time_column}
    required = identity if is_labels else identity | ({settings.time_column} - {None})
    if not is_labels:
        required |= {column.name for column in schema.columns if column.is_feature and not column.optional}
    if required - set(names):
        raise Refused(f"missing: {required - set(names)}")
    unexpected = [name for name in names if name not in expected]
    if settings.target_column not in names and difflib.get_close_matches(
        settings.target_column, unexpected, n=1, cutoff=0.8
    ):
        raise Refused("target misspelt")
    special = {settings.id_column, settings.target_column, settings.time_column, *settings.ignore_columns}
    if not is_labels and not set(names) - special:
        raise Refused("no feature")
    return ("labels" if is_labels else "rows"), names


def _is_like_a_number(name: str) -> bool:
    return any(slow_numbers.bare(name, mark) is not None for mark in ".,")


def _records(table: Table) -> tuple[list[Record], list[Fault]]:
    """The rows that have the right number of cells, and the faults of those that have not."""
    width = len(table.names)
    rows: list[Record] = []
    faults: list[Fault] = []
    for place, record in enumerate(table.records):
        if len(record.cells) != width:
            last = place == len(table.records) - 1
            if not record.text or record.text.isspace():
                continue
            if last and not record.ended and len(record.cells) < width:
                raise Refused("cut off in its last row")
            faults.append((record.line, "", "ragged", record.text[:LONGEST_FAULT]))
        elif record.cells == table.names:
            faults.append((record.line, table.names[0], "repeated_header", table.names[0]))
            rows.append(record)
        elif record.text:
            rows.append(record)
    while rows and not any(rows[-1].cells):
        rows.pop()
    rows = [record for record in rows if record.cells != table.names]
    if not rows and not faults:
        raise Refused("no rows")
    return rows, faults


def _columns(
    names: list[str], rows: list[Record], schema: Schema, settings: DatasetSettings
) -> tuple[dict[str, _Column], list[int]]:
    labels = [-1] * len(rows)
    columns = {}
    for place, name in enumerate(names):
        cells = [record.cells[place] for record in rows]
        if name == settings.target_column:
            columns[name], labels = _target(cells, schema, settings)
        else:
            columns[name] = _column(name, cells, schema, settings)
    with_commas = any(column.style and column.style[1] == "," for column in columns.values())
    if with_commas and any(column.grouped for column in columns.values()):
        raise Refused("1.234 beside decimal commas")
    return columns, labels


def _column(name: str, cells: list[str], schema: Schema, settings: DatasetSettings) -> _Column:
    known = schema.by_name.get(name)
    if name in (settings.id_column, settings.time_column):
        return _required(cells, "time" if name == settings.time_column else "id")
    override = settings.columns.get(name)
    if known is None or (known.blank and schema.provisional):
        if name in settings.ignore_columns and override is None and name != settings.value_column:
            return _Column(_texts(cells))
        return _learned(cells, override)
    if not known.type.is_numeric:
        return _Column(_texts(cells))
    return _known_numbers(cells, known.type)


def _known_numbers(cells: list[str], type: ColumnType) -> _Column:
    numbers, column = _numbers(cells)
    if type is ColumnType.NUMBER:
        return column
    integers = [number.integer for number in numbers if number is not None]
    if None not in integers:
        column.values = [number.integer if number else None for number in numbers]
        return column
    if any(abs(number.value) >= EXACT for number in numbers if number):
        raise Refused("widening")
    return column


def _texts(cells: Sequence[str]) -> list[Value]:
    return [cell if cell.strip() else None for cell in cells]


def _required(cells: list[str], role: str) -> _Column:
    column = _Column(_texts(cells))
    for row, cell in enumerate(cells):
        if not cell.strip():
            column.faults[row] = f"missing_{role}"
        elif role == "time" and _is_impossible(cell.strip()):
            column.faults[row] = "impossible_date"
    return column


def _is_impossible(text: str) -> bool:
    """Whether it begins like an ISO date of a day that does not exist. The year 0 exists: it has leap years."""
    form = re.match(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?![^T ])", text)
    if form is None:
        return False
    year, month, day = (int(part) for part in form.groups())
    try:
        date(year or 2000, month, day)
    except ValueError:
        return True
    return False


def _numbers(cells: list[str]) -> tuple[list[Number | None], _Column]:
    """Cells as numbers in the column's own style."""
    try:
        style = slow_numbers.style_of(cells)
    except Ambiguous as error:
        raise Refused("1,234") from error
    numbers = [None if slow_numbers.is_missing(cell) else slow_numbers.read(cell, style) for cell in cells]
    faults = {
        row: "not_a_number"
        for row, cell in enumerate(cells)
        if numbers[row] is None and not slow_numbers.is_missing(cell)
    }
    values: list[Value] = [number.value if number else None for number in numbers]
    return numbers, _Column(values, faults, style, slow_numbers.may_be_grouped(cells))


def _learned(cells: list[str], override: str | None) -> _Column:
    if override in ("category", "text"):
        return _Column(_texts(cells))
    no_numbers = [cell for cell in cells if not slow_numbers.is_missing(cell) and not slow_numbers.numbers_of([cell])]
    if override is None and no_numbers:
        return _Column(_texts(cells))
    numbers, column = _numbers(cells)
    if override == "number":
        return column
    present = [number for number in numbers if number is not None]
    whole = all(number.is_whole for number in present)
    exact = all(number.integer is not None for number in present)
    coded = any(re.fullmatch(r"[+-]?0[0-9]+", cell.strip()) for cell in cells)
    if column.faults or coded or (whole and not exact):
        return _Column(_texts(cells))
    if present and whole:
        column.values = [number.integer if number else None for number in numbers]
    return column


def _target(cells: list[str], schema: Schema, settings: DatasetSettings) -> tuple[_Column, list[int]]:
    left = _canonical(str(settings.positive_label))
    stayed = schema.negative_label
    said = [_canonical(cell) for cell in cells]
    others = {label for label in said if label} - {left}
    if stayed is None and len(others) > 1:
        raise Refused(f"labels {others}")
    if stayed is None and others:
        stayed = others.pop()
    integers = all(_is_int64(label) for label in (left, stayed) if label is not None)
    known = schema.by_name.get(settings.target_column)
    if known is not None and known.type is ColumnType.INTEGER and not integers:
        raise Refused("labels of another kind")
    as_integers = integers if known is None else known.type is ColumnType.INTEGER
    column = _Column([None] * len(cells))
    labels = [-1] * len(cells)
    for row, label in enumerate(said):
        if label in (left, stayed):
            labels[row] = int(label == left)
            column.values[row] = int(label) if as_integers else label
        elif label:
            column.faults[row] = "unknown_label"
    return column, labels


def _is_int64(label: str) -> bool:
    return bool(re.fullmatch("-?[0-9]+", label)) and -(2**63) <= int(label) < 2**63


def _canonical(cell: str) -> str:
    """One spelling for labels that are equal by value."""
    text = cell.strip()
    if text.casefold() in ("true", "false"):
        return text.casefold()
    bare = slow_numbers.bare(text, ".")
    if bare is None:
        return text
    number = Number(bare)
    if re.fullmatch(r"[+-]?[0-9]{1,300}(\.0*)?", text):
        return str(int(text.partition(".")[0]))
    if not isfinite(number.value):
        return repr(number.value)
    return str(int(number.value)) if number.value.is_integer() else repr(number.value)
