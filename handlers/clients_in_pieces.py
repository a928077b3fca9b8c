"""Many clients that are read some at a time: in between, other threads have their turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from handlers.clients import (
    SHOWN_FAULTS,
    Clients,
    ClientsRefused,
    Column,
    Fault,
    Object,
    unknown_counts,
    unknown_warnings,
)
from handlers.domain.coded_texts import CodedTexts, joined
from handlers.object_reading import ObjectReader, keys_of


@dataclass(frozen=True, slots=True)
class Piece:
    """Some clients: all keys that they have, and their columns and ids, or what is wrong.

    ``nothing``: those of them that have none of the columns.
    """

    rows: int
    keys: Iterable[str]
    columns: Mapping[str, Column]
    ids: Sequence[str | None]
    nothing: Sequence[Fault] = ()
    wrong: Sequence[Fault] = ()


def piece_of(reader: ObjectReader, objects: Sequence[Object]) -> Piece:
    """Read some clients."""
    keys, nothing = keys_of(objects), reader.with_nothing(objects)
    try:
        columns, ids = reader.columns(objects)
    except ClientsRefused as refused:
        return Piece(len(objects), keys, {}, (), nothing, refused.faults)
    return Piece(len(objects), keys, columns, ids, nothing)


def read_pieces(reader: ObjectReader, pieces: Iterable[Piece]) -> Clients:
    """Read clients, of whom there is at least one. What is said, or refused, is what ``ObjectReader.read`` says of all
    at once. Raises ClientsRefused naming the rows and columns."""
    keys: dict[str, None] = {}
    nothing: list[Fault] = []
    wrong: list[Fault] = []
    unknown: Counter[str] = Counter()
    parts: list[Mapping[str, Column]] = []
    ids: list[str | None] = []
    rows = 0
    for piece in pieces:
        keys |= dict.fromkeys(piece.keys)
        if len(nothing) < SHOWN_FAULTS:
            nothing += _later(piece.nothing, rows)
        if piece.wrong:
            wrong += _later(piece.wrong if len(wrong) < SHOWN_FAULTS else (), rows)
        else:
            parts.append(piece.columns)
            ids += piece.ids
            unknown.update(unknown_counts(reader.release, piece.columns))
        rows += piece.rows
    if nothing:
        raise ClientsRefused(nothing)
    warnings = reader.left_aside(keys)
    if wrong:
        raise ClientsRefused(wrong)
    columns = {name: _behind_each_other([part[name] for part in parts]) for name in parts[0]}
    counted = {name: unknown[name] for name in reader.release.scorer.categories}
    return Clients(columns, ids, (*warnings, *unknown_warnings(counted)))


def _behind_each_other(parts: Sequence[Column]) -> Column:
    texts = [part for part in parts if isinstance(part, CodedTexts)]
    return joined(texts) if texts else np.concatenate([part for part in parts if not isinstance(part, CodedTexts)])


def _later(faults: Iterable[Fault], rows: int) -> Iterator[Fault]:
    """The faults of a piece, in the rows that they are in among all."""
    return (fault if fault.row is None else replace(fault, row=fault.row + rows) for fault in faults)
