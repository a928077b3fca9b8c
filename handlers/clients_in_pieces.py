"""Many clients that are given as objects, read some at a time: in between, other threads have their turn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

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
from handlers.domain.release import Release
from handlers.object_reading import ObjectReader, keys_of


def read_pieces(release: Release, pieces: Iterable[Sequence[Object]]) -> Clients:
    """Read clients, of whom there is at least one. What is said, or refused, is what ``ObjectReader.read`` says of all
    at once. Raises ClientsRefused naming the rows and columns."""
    reader = ObjectReader(release)
    keys: dict[str, None] = {}
    nothing: list[Fault] = []
    wrong: list[Fault] = []
    unknown: Counter[str] = Counter()
    parts: list[dict[str, Column]] = []
    ids: list[str | None] = []
    rows = 0
    for objects in pieces:
        cells, just_its_own = reader.cells(objects)
        keys |= dict.fromkeys(reader.own) if just_its_own else keys_of(objects)
        if not just_its_own and len(nothing) < SHOWN_FAULTS:
            nothing += _later(reader.with_nothing(objects), rows)
        try:
            columns, some = reader.read_cells(cells, len(objects))
        except ClientsRefused as refused:
            wrong += _later(refused.faults if len(wrong) < SHOWN_FAULTS else (), rows)
        else:
            parts.append(columns)
            ids += some
            unknown.update(unknown_counts(release, columns))
        rows += len(objects)
    if nothing:
        raise ClientsRefused(nothing)
    warnings = reader.left_aside(keys)
    if wrong:
        raise ClientsRefused(wrong)
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    counted = {name: unknown[name] for name in release.scorer.categories}
    return Clients(columns, ids, (*warnings, *unknown_warnings(counted)))


def _later(faults: Iterable[Fault], rows: int) -> Iterator[Fault]:
    """The faults of a piece, in the rows that they are in among all."""
    return (fault if fault.row is None else replace(fault, row=fault.row + rows) for fault in faults)
