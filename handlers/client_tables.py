"""Clients that come as a table: a CSV, or an Arrow table. The CSV is read by the rules for dropped files; by them the
columns of both are found.

pyarrow is heavy and so is what it converts with; the serving process imports this module at the first table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from handlers.clients import (
    SHOWN_FAULTS,
    SHOWN_NAMES,
    Clients,
    ClientsRefused,
    Column,
    Fault,
    absent_message,
    is_optional,
    missing_warnings,
    shown,
    text_of,
    unknown_counts,
    unknown_warnings,
    unused_warnings,
)
from handlers.decoding import decode
from handlers.domain.column_matching import by_case
from handlers.domain.files import Reason
from handlers.domain.limits import Limits
from handlers.domain.number_reading import to_numbers
from handlers.domain.release import Release
from handlers.domain.schema import Role
from handlers.domain.scorecard import Feature
from handlers.domain.text_reading import to_text
from handlers.parsing import TextTable, parse
from handlers.storage.inbox import Content

#: The longest text in a dictionary, which costs its sender the bytes of one however many rows have it.
SHARED_CHARACTERS = 1_000

ROWS_AT_ONCE = 4_096

Read = Callable[[Feature, int], Column | list[Fault]]


class NotATable(Exception):
    """The bytes are not the table that they should be. ``reason`` has the code, the sentence, and what to do."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__(f"{reason.detail} {reason.hint}".strip())


def from_csv(release: Release, content: bytes, limits: Limits) -> Clients:
    """Read a CSV. Raises NotATable, and ClientsRefused naming the rows that cannot be scored."""
    text = decode(Content.of(content), limits)
    if isinstance(text, Reason):
        raise NotATable(text)
    cells = parse(text, known={name.casefold() for name in release.schema.names}, limits=limits)
    if isinstance(cells, Reason):
        raise NotATable(cells)
    if cells.faults:
        raise ClientsRefused(
            Fault(None, None, f"Line {fault.line} has another number of cells than the header.")
            if fault.code == "ragged"
            else Fault(None, None, f"Line {fault.line} is the header again.")
            for fault in cells.faults
        )

    def read(feature: Feature, position: int) -> Column | list[Fault]:
        return _csv_column(feature, cells, position)

    names, notes = _matched(release, cells.names)
    clients = _clients(release, names, len(cells.lines), read)
    ids = _column_named(release, Role.ID, names)
    texts: list[str | None] = [None] * len(cells.lines) if ids is None else _listed(to_text(cells.columns[ids]))
    return Clients(clients.columns, texts, (*text.notes, *cells.notes, *notes, *clients.warnings))


def from_arrow(release: Release, table: pa.Table) -> Clients:
    """Read an Arrow table whose buffers were validated. Raises ClientsRefused."""

    def read(feature: Feature, position: int) -> Column | list[Fault]:
        return _arrow_column(feature, table.column(position))

    names, notes = _matched(release, [name.strip() for name in table.column_names])
    clients = _clients(release, names, table.num_rows, read)
    warnings = (*notes, *clients.warnings)
    ids = _column_named(release, Role.ID, names)
    if ids is None:
        return Clients(clients.columns, [None] * table.num_rows, warnings)
    try:
        return Clients(clients.columns, _ids(table.column(ids)), warnings)
    except ValueError as error:
        raise ClientsRefused([Fault(0, names[ids], str(error))]) from error


def _matched(release: Release, header: Sequence[str]) -> tuple[list[str], list[str]]:
    """The columns by the names of the schema, which a stripped header may have in other capitals; and notes of that."""
    names, notes = by_case(header, frozenset(release.schema.names))
    return names, notes[:SHOWN_NAMES]


def _clients(release: Release, names: Sequence[str], rows: int, read: Read) -> Clients:
    """Read the scorecard's columns by their names; ids are the caller's affair."""
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ClientsRefused(Fault(None, name, "More than one column has this name.") for name in twice)
    columns: dict[str, Column] = {}
    faults: list[Fault] = []
    left_out: list[str] = []
    places = {name: position for position, name in enumerate(names)}
    for feature in release.scorer.features:
        if feature.name in places:
            result = read(feature, places[feature.name])
            if isinstance(result, list):
                faults += result
            else:
                columns[feature.name] = result
        elif is_optional(release, feature):
            columns[feature.name] = np.full(rows, np.nan) if feature.numeric else np.full(rows, None)
            left_out.append(feature.name)
        else:
            faults.append(Fault(0, feature.name, absent_message(feature.name, names)))
    if faults:
        raise ClientsRefused(sorted(faults, key=lambda fault: fault.row or 0))
    unknown = unknown_warnings(unknown_counts(release, columns))
    return Clients(columns, [], (*missing_warnings(left_out), *unused_warnings(release, names), *unknown))


def _column_named(release: Release, role: Role, names: Sequence[str]) -> int | None:
    column = release.schema.with_role(role)
    return names.index(column.name) if column is not None and column.name in names else None


def _csv_column(feature: Feature, cells: TextTable, position: int) -> Column | list[Fault]:
    column = cells.columns[position]
    if not feature.numeric:
        return _by_code(to_text(column))
    numbers = to_numbers(column)
    if numbers is None:
        return [Fault(None, feature.name, "The commas in its numbers may be decimal commas or separate thousands.")]
    if len(numbers.faults):
        return [
            Fault(row, feature.name, f"Line {cells.lines[row]}: {shown(column[row].as_py() or '')!r} is not a number.")
            for row in numbers.faults[:SHOWN_FAULTS].tolist()
        ]
    values: Column = numbers.values.to_numpy(zero_copy_only=False)
    return values


def _arrow_column(feature: Feature, column: pa.ChunkedArray) -> Column | list[Fault]:
    kind = column.type
    if not feature.numeric:
        try:
            return _categories(column)
        except ValueError as error:
            return [Fault(0, feature.name, str(error))]
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_null(kind)):
        return [Fault(0, feature.name, f"Numbers are expected here, not {kind}.")]
    # Not every Arrow type casts from null, and integers beyond 2**53 are rounded as they are in JSON.
    column = pc.cast(column, pa.float64(), safe=False)
    values: Column = column.to_numpy(zero_copy_only=False).astype(np.float64, copy=False)
    endless = np.flatnonzero(np.isinf(values))[:SHOWN_FAULTS].tolist()
    return [Fault(row, feature.name, "The number is not finite.") for row in endless] or values


def _categories(column: pa.ChunkedArray) -> Column:
    """Text or integers as text, blank text as None. Raises ValueError naming what else the column holds."""
    if not len(column):
        return np.empty(0, dtype=object)
    return np.concatenate([_by_code(_as_text(chunk)) for chunk in column.chunks if len(chunk)])


def _ids(column: pa.ChunkedArray) -> list[str | None]:
    """The same of a column whose texts are mostly different."""
    found: list[str | None] = []
    for chunk in column.chunks:
        texts = _as_text(chunk)
        if pa.types.is_dictionary(texts.type):
            found += _by_code(texts).tolist()
        else:
            found += [text if text is None or text.strip() else None for text in _listed(texts)]
    return found


def _as_text(chunk: pa.Array) -> pa.Array:
    """An array of text, or a dictionary of it, which has not too long ones."""
    kind = chunk.type
    if pa.types.is_dictionary(kind):
        texts = _as_text(chunk.dictionary)
        if (pc.max(pc.utf8_length(texts)).as_py() or 0) > SHARED_CHARACTERS:
            raise ValueError(f"Texts in a dictionary have at most {SHARED_CHARACTERS} characters.")
        return pa.DictionaryArray.from_arrays(chunk.indices, texts)
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_integer, pa.types.is_null)
    if not any(is_kind(kind) for is_kind in tests):
        raise ValueError(f"Text or integers are expected here, not {kind}.")
    return chunk if pa.types.is_string(kind) or pa.types.is_large_string(kind) else pc.cast(chunk, pa.string())


def _by_code(texts: pa.Array) -> Column:
    """Text by row, read once for all rows that have the same; blank text is None."""
    coded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
    known = [text_of(text) for text in _listed(coded.dictionary)]
    codes = pc.fill_null(pc.cast(coded.indices, pa.int64()), len(known)).to_numpy(zero_copy_only=False)
    lookup = np.empty(len(known) + 1, dtype=object)
    lookup[:-1] = known
    values: Column = lookup[codes]
    return values


def _listed(texts: pa.Array) -> list[str | None]:
    """The texts, some at a time, so that other threads have their turn in between."""
    found: list[str | None] = []
    for start in range(0, len(texts), ROWS_AT_ONCE):
        found += texts.slice(start, ROWS_AT_ONCE).to_numpy(zero_copy_only=False).tolist()
    return found
