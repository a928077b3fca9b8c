"""Clients that come as a table: a CSV, or an Arrow table. The CSV is read by the rules for dropped files; by them the
columns of both are found.

pyarrow is heavy and so is what it converts with; the serving process imports this module at the first table.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    Ids,
    absent_message,
    is_optional,
    missing,
    missing_warnings,
    shown,
    text_of,
    unknown_counts,
    unknown_warnings,
    unused_warnings,
)
from handlers.decoding import decode
from handlers.domain.coded_texts import CodedTexts, joined
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
_NONE = pa.array([], pa.string())

Read = Callable[[Feature, int], Column | list[Fault]]


@dataclass(frozen=True, slots=True, eq=False)
class TextColumn:
    """Ids that are Arrow's until they are asked for; missing ones are null."""

    texts: pa.StringArray

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, rows: slice) -> list[str | None]:
        return _listed(self.texts[rows])


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
    texts: Ids = [None] * len(cells.lines) if ids is None else TextColumn(to_text(cells.columns[ids]))
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
            columns[feature.name] = missing(rows, numeric=feature.numeric)
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
        return _coded(to_text(column))
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


def _categories(column: pa.ChunkedArray) -> CodedTexts:
    """Text or integers as text, blank text as None. Raises ValueError naming what else the column holds."""
    return joined([_coded(_as_text(chunk)) for chunk in column.chunks or (_NONE,)])


def _ids(column: pa.ChunkedArray) -> Ids:
    """The same of a column whose texts are mostly different."""
    if pa.types.is_dictionary(column.type):  # texts that are shared stay so
        return _categories(column).tolist()
    chunks = [pc.cast(_as_text(chunk), pa.string()) for chunk in column.chunks]
    return TextColumn(to_text(pa.chunked_array(chunks, pa.string()).combine_chunks()))


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


def _coded(texts: pa.Array) -> CodedTexts:
    """Text as a dictionary holds it, blank text being None."""
    coded = texts if pa.types.is_dictionary(texts.type) else texts.dictionary_encode()
    known = [text_of(text) for text in _listed(coded.dictionary)]
    codes = pc.fill_null(pc.cast(coded.indices, pa.int64()), len(known)).to_numpy(zero_copy_only=False)
    return CodedTexts((*known, None), codes)


def _listed(texts: pa.Array) -> list[str | None]:
    """The texts, some at a time, so that other threads have their turn in between."""
    found: list[str | None] = []
    for start in range(0, len(texts), ROWS_AT_ONCE):
        found += texts.slice(start, ROWS_AT_ONCE).to_numpy(zero_copy_only=False).tolist()
    return found
