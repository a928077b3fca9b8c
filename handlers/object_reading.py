"""Clients that are given as objects of column and value become the columns that a scorecard asks for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice, repeat
from operator import contains, itemgetter

import numpy as np
from numpy.typing import NDArray

from handlers.clients import (
    SHOWN_FAULTS,
    SHOWN_NAMES,
    Clients,
    ClientsRefused,
    Column,
    Fault,
    Object,
    absent_message,
    kind_of,
    missing_warnings,
    nearest,
    shown,
    text_of,
    unknown_counts,
    unknown_warnings,
    unused_warnings,
)
from handlers.domain.coded_texts import CodedTexts
from handlers.domain.release import Release
from handlers.domain.row_evaluator import Cell
from handlers.domain.schema import Role

#: So many sets of keys are remembered, each of at most so many characters: most senders always send the same.
REMEMBERED_KEYS, REMEMBERED_CHARACTERS = 64, 10_000
_NUMBERS = frozenset((int, float, type(None)))
_TEXTS = frozenset((str, int, type(None)))
_LARGEST = sys.float_info.max


class ObjectReader:
    """Reads clients that are given as objects: numbers as numbers, categories as text (or integers).

    null, blank text and an absent key are missing, as an empty cell of a file is. A column that no client has is named
    in a warning; where a key that is not known looks like it, it is a misspelling and refused.
    """

    def __init__(self, release: Release) -> None:
        self.release = release
        features = release.scorer.features
        self._features = frozenset(feature.name for feature in features)
        self._one_feature = features[0].name
        self.numeric = [feature.name for feature in features if feature.numeric]
        self.texts = [feature.name for feature in features if not feature.numeric]
        known = release.scorer.categories
        self._plain = [(feature.name, feature.numeric, known.get(feature.name)) for feature in features]
        column = release.schema.with_role(Role.ID)
        self.identity = None if column is None else column.name
        #: The columns that are asked for, the id the last of them.
        self.own = (*self.numeric, *self.texts, *(() if self.identity is None else (self.identity,)))
        self._cells = _getter(self.own)
        self._remembered: dict[tuple[str, ...], tuple[str, ...]] = {}

    def read(self, objects: Sequence[Object]) -> Clients:
        """Read the clients of one request. Raises ClientsRefused naming the rows and columns."""
        warnings = self.warnings(objects)
        columns, ids = self.columns(objects)
        return Clients(columns, ids, (*warnings, *unknown_warnings(unknown_counts(self.release, columns))))

    def warnings(self, objects: Sequence[Object]) -> tuple[str, ...]:
        """What is left aside, or taken as missing, because of the keys. Raises ClientsRefused.

        A client with none of the columns is refused: nothing could be said of it.
        """
        if len(objects) == 1:
            keys = tuple(objects[0])
            known = self._remembered.get(keys)
            if known is not None:
                return known
            found = self.left_aside(keys)
            if len(self._remembered) >= REMEMBERED_KEYS:
                self._remembered.clear()
            if sum(map(len, keys)) <= REMEMBERED_CHARACTERS:
                self._remembered[keys] = found
            return found
        faults = self.with_nothing(objects)
        if faults:
            raise ClientsRefused(faults)
        return self.left_aside(keys_of(objects)) if objects else ()

    def with_nothing(self, objects: Sequence[Object]) -> list[Fault]:
        """The first clients with none of the columns."""
        if all(map(contains, objects, repeat(self._one_feature))):
            return []
        rows = (row for row, client in enumerate(objects) if self._features.isdisjoint(client))
        return [Fault(row, None, self._nothing()) for row in islice(rows, SHOWN_FAULTS)]

    def columns(self, objects: Sequence[Object]) -> tuple[dict[str, Column], list[str | None]]:
        """Read values and ids. Raises ClientsRefused naming the rows and columns of values of another type."""
        cells, rows = self._by_column(objects), len(objects)
        faults: list[Fault] = []
        columns = self._read(cells, rows, faults)
        ids: list[str | None] = [None] * rows
        if self.identity is not None:
            ids = self._ids(self.identity, cells[-1], faults)
        if faults:
            raise ClientsRefused(sorted(faults, key=lambda fault: fault.row or 0))
        return columns, ids

    def _by_column(self, objects: Sequence[Object]) -> list[tuple[object, ...]]:
        try:
            rows = list(map(self._cells, objects))
        except KeyError:
            rows = [tuple(map(client.get, self.own)) for client in objects]
        return list(zip(*rows, strict=True)) or [()] * len(self.own)

    def row(self, client: Object) -> tuple[list[Cell], str | None] | None:
        """One client's values as a row of the scorecard, and its id.

        None where there is more to be said of them, a fault or a warning: ``columns`` and ``unknown_rows`` say it.
        """
        row: list[Cell] = []
        for name, numeric, known in self._plain:
            value = client.get(name)
            if numeric:
                if type(value) is float or type(value) is int:
                    if not -_LARGEST <= value <= _LARGEST:
                        return None
                    value = float(value)
                elif value is not None:
                    return None
            elif type(value) is not str or known is None or value not in known:  # most are known as they are
                if type(value) not in _TEXTS:
                    return None
                value = text_of(value)
                if known is not None and value not in known:
                    return None
            row.append(value)
        given = None if self.identity is None else client.get(self.identity)
        return (row, text_of(given)) if type(given) in _TEXTS else None

    def left_aside(self, keys: Iterable[str]) -> tuple[str, ...]:
        """The same of all the keys that clients have, of whom each has one of the columns."""
        given = dict.fromkeys(keys)
        if self._features.isdisjoint(given):
            raise ClientsRefused([Fault(0, None, self._nothing())])
        absent = [feature.name for feature in self.release.scorer.features if feature.name not in given]
        unknown = [name for name in given if name not in self.release.schema.by_name]
        misspelt = [name for name in absent[:SHOWN_FAULTS] if nearest(name, unknown) is not None]
        if misspelt:
            raise ClientsRefused(Fault(0, name, absent_message(name, unknown)) for name in misspelt)
        return (*missing_warnings(absent), *unused_warnings(self.release, given))

    def _nothing(self) -> str:
        names = ", ".join(feature.name for feature in self.release.scorer.features[:SHOWN_NAMES])
        return f"None of the columns that the model reads is there: {shown(names)}."

    def _read(self, cells: Sequence[tuple[object, ...]], rows: int, faults: list[Fault]) -> dict[str, Column]:
        numbers, texts = cells[: len(self.numeric)], cells[len(self.numeric) :][: len(self.texts)]
        columns: dict[str, Column] = {}
        matrix = _matrix(numbers, rows)
        for place, name in enumerate(self.numeric):
            if matrix is None:
                faults += _number_faults(name, numbers[place])
            else:
                columns[name] = matrix[place]
        for name, values in zip(self.texts, texts, strict=True):
            read = _categories(name, values)
            if isinstance(read, list):
                faults += read
            else:
                columns[name] = read
        return columns

    def _ids(self, name: str, values: Sequence[object], faults: list[Fault]) -> list[str | None]:
        if not _TEXTS.issuperset(map(type, values)):
            wrong = (row for row, value in enumerate(values) if type(value) not in _TEXTS)
            for row in islice(wrong, SHOWN_FAULTS):
                faults.append(Fault(row, name, f"An id is text, an integer or null, not {kind_of(values[row])}."))
            return []
        return ids_of(values)


def keys_of(objects: Iterable[Object]) -> dict[str, None]:
    """All keys, as they come first. Most senders give each client the same ones in the same order."""
    return dict.fromkeys(chain.from_iterable(dict.fromkeys(map(tuple, objects))))


def _getter(names: Sequence[str]) -> Callable[[Object], tuple[object, ...]]:
    if len(names) == 1:
        (name,) = names
        return lambda client: (client[name],)
    return itemgetter(*names)


def _matrix(columns: Sequence[Sequence[object]], rows: int) -> NDArray[np.float64] | None:
    """Numbers of many columns, float64[columns, rows], NaN for None; None where one of them is no finite number."""
    if not _NUMBERS.issuperset(map(type, chain.from_iterable(columns))):
        return None
    try:
        found = numbers_of(columns, rows)
    except OverflowError:
        return None
    return None if np.isinf(found).any() else found


def numbers_of(columns: Sequence[Sequence[object]], rows: int) -> NDArray[np.float64]:
    """Numbers and None of many columns, float64[columns, rows]; None is NaN. Raises OverflowError."""
    return np.array(columns, dtype=np.float64).reshape(len(columns), rows)


def ids_of(values: Sequence[object]) -> list[str | None]:
    """Ids of texts, integers and None; blank text is none."""
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) == len(values) and all(map(str.strip, texts)):
        return [*texts]
    return list(map(text_of, values))


def _number_faults(name: str, values: Sequence[object]) -> list[Fault]:
    faults = (Fault(row, name, message) for row, value in enumerate(values) if (message := _not_a_number(value)))
    return list(islice(faults, SHOWN_FAULTS))


def _not_a_number(value: object) -> str | None:
    if value is None:
        return None
    if type(value) is int or type(value) is float:
        fits = -_LARGEST <= value <= _LARGEST
        return None if fits else "The number is too large for 64-bit floating point."
    return f"A number or null is expected here, not {kind_of(value)}."


def _categories(name: str, values: Sequence[object]) -> Column | list[Fault]:
    if not _TEXTS.issuperset(map(type, values)):
        faults = (
            Fault(row, name, f"Text, an integer or null is expected here, not {kind_of(value)}.")
            for row, value in enumerate(values)
            if type(value) not in _TEXTS
        )
        return list(islice(faults, SHOWN_FAULTS))
    return coded(values)


class _Places(dict[object, int]):
    """Numbers values as they come."""

    def __missing__(self, value: object) -> int:
        return self.setdefault(value, len(self))


def coded(values: Sequence[object]) -> CodedTexts:
    """A category column of texts, integers and None; blank text is missing."""
    places = _Places()
    codes = np.fromiter(map(places.__getitem__, values), np.intp, len(values))
    return CodedTexts(tuple(map(text_of, places)), codes)
