"""Who should be called: the clients of the newest unlabelled drop, by their risk."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection
from sqlalchemy.exc import NoResultFound

from handlers.domain.files import FileState, shown_name
from handlers.domain.label_spelling import canonical_label
from handlers.domain.release import Release
from handlers.domain.schema import DatasetSettings, Role, Schema
from handlers.prediction import Contribution, Reasons
from handlers.scoring_columns import columns_of
from handlers.storage import files, parts, schemas, versions
from handlers.storage.ledger import UNLABELLED_DRIFT, Ledger, get_fact
from handlers.storage.parts import Part
from handlers.storage.workspace import Workspace

if TYPE_CHECKING:
    import pyarrow as pa

REASONS = 3

Rows = NDArray[np.int64]


class Reason(TypedDict):
    """A contribution to a client's risk, in log-odds against the average client."""

    columns: list[str]
    values: list[str | int | float | None]
    effect: float


class CallItem(TypedDict):
    """A client; rank 1 has the highest risk. ``value``: what the client is worth, where that is configured."""

    rank: int
    id: str | None
    probability: float
    prediction: int
    value: float | None
    reasons: list[Reason]


class Calls(TypedDict):
    """A part of the ranking, and which model ranked which file; null while there is no unlabelled drop.

    ``broken``: what is broken in that file as a whole, where something is: its ranking may be as wrong as it is.
    ``ranking``: the number that cursors of this ranking begin with.
    """

    model_version: int
    file: str | None
    broken: str | None
    ranking: int | None
    total: int
    items: list[CallItem]
    next: str | None


class CursorOutdated(Exception):
    """The ranking that the cursor belongs to has been replaced by a newer one."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """The clients of one drop by falling risk. ``key``: what it was made from; it is outdated when that changes."""

    key: tuple[int, int, int]
    file: str
    rows: Rows
    ids: list[str | None]
    probabilities: NDArray[np.float64]


class CallList:
    """The ranking, kept as long as the drop, the release and the data set are the same. Safe to share by threads."""

    def __init__(self, ledger: Ledger, workspace: Workspace, settings: DatasetSettings) -> None:
        self._ledger = ledger
        self._workspace = workspace
        self._settings = settings
        self._ranking: Ranking | None = None
        self._lock = threading.Lock()

    def page(self, release: Release, limit: int, cursor: tuple[int, int] | None = None) -> Calls:
        """The next ``limit`` clients. ``cursor``: the ranked file's number and the last rank that was seen.

        Raises CursorOutdated where a newer drop has come meanwhile.
        """
        with self._ledger.read() as connection:
            part = parts.newest_ranked(connection)
            if part is None or part.owner is None:
                return _empty(release)
            if cursor is not None and cursor[0] != part.owner:
                raise CursorOutdated
            ranking = self._current(connection, part, part.owner, release)
            start = 0 if cursor is None else cursor[1]
            items = self._items(connection, release, ranking, slice(start, start + limit))
            broken = _broken(connection, part.owner)
        end = start + len(items)
        return {
            "model_version": release.version,
            "file": ranking.file,
            "broken": broken,
            "ranking": part.owner,
            "total": len(ranking.rows),
            "items": items,
            "next": f"{part.owner}-{end}" if items and end < len(ranking.rows) else None,
        }

    def _current(self, connection: Connection, part: Part, owner: int, release: Release) -> Ranking:
        key = (part.id, release.version, versions.newest(connection))
        with self._lock:
            if self._ranking is None or self._ranking.key != key:
                self._ranking = self._rank(connection, part, owner, release, key)
            return self._ranking

    def _rank(
        self, connection: Connection, part: Part, owner: int, release: Release, key: tuple[int, int, int]
    ) -> Ranking:
        ranked = parts.read(connection, self._workspace.parts, part)
        numbers = ranked["row"].to_numpy()
        schema = schemas.read(connection)
        if part.model == release.version:
            probabilities = ranked["probability"].to_numpy()
        else:  # just deployed or rolled back: the stored ranking is another release's
            table = _rows_at(connection, self._workspace, release, numbers)
            probabilities = release.scorer.probabilities(columns_of(table, release.scorer.features))
        kept = ~self._gone(connection, schema, ranked["row"], ranked["id"])
        order = np.flatnonzero(kept)[np.argsort(-probabilities[kept], kind="stable")]
        ids = ranked["id"].to_pylist()
        try:
            name = files.find_seq(connection, owner).name
        except NoResultFound:
            name = ""
        return Ranking(key, name, numbers[order], [ids[row] for row in order.tolist()], probabilities[order])

    def _gone(self, connection: Connection, schema: Schema, rows: pa.ChunkedArray, ids: pa.ChunkedArray) -> np.ndarray:
        """Which of the ranked clients are known to have left.

        A row that has been labelled since speaks for itself. Without a time column a client that left stays left
        until a newer labelled row says otherwise.
        """
        import pyarrow.compute as pc

        from handlers.storage import dataset

        target, identity = schema.with_role(Role.TARGET), schema.with_role(Role.ID)
        if target is None:
            return np.zeros(len(rows), dtype=bool)
        by_client = identity is not None and schema.with_role(Role.TIME) is None
        names = [target.name, *([identity.name] if by_client and identity is not None else [])]
        known = dataset.snapshot(connection, self._workspace.parts, schema, names)
        known = known.filter(known[target.name].is_valid())
        keys, asked = known[dataset.ROW_COLUMN], rows
        if by_client and identity is not None:
            keys, asked = known[identity.name], ids
        concerned = pc.is_in(keys, value_set=asked.combine_chunks())
        labels = known[target.name].filter(concerned).to_pylist()
        newest = dict(zip(keys.filter(concerned).to_pylist(), labels, strict=True))
        left = canonical_label(self._settings.positive_label)
        gone = {key for key, label in newest.items() if key is not None and canonical_label(label) == left}
        return np.fromiter((key in gone for key in asked.to_pylist()), dtype=bool, count=len(asked))

    def _items(self, connection: Connection, release: Release, ranking: Ranking, place: slice) -> list[CallItem]:
        rows = ranking.rows[place]
        if not len(rows):
            return []
        table = _rows_at(connection, self._workspace, release, rows, self._settings.value_column)
        reasons = Reasons(release, columns_of(table, release.scorer.features), REASONS)[:]
        values = _values(table, self._settings.value_column)
        probabilities = ranking.probabilities[place].tolist()
        return [
            {
                "rank": place.start + index + 1,
                "id": ranking.ids[place.start + index],
                "probability": probability,
                "prediction": int(probability >= release.scorer.threshold),
                "value": values[index],
                "reasons": [reason_item(contribution) for contribution in reasons[index]],
            }
            for index, probability in enumerate(probabilities)
        ]


def reason_item(contribution: Contribution) -> Reason:
    """A contribution as the API shows it."""
    return {
        "columns": list(contribution.columns),
        "values": list(contribution.values),
        "effect": contribution.effect,
    }


def _rows_at(
    connection: Connection, workspace: Workspace, release: Release, numbers: Rows, value_column: str | None = None
) -> pa.Table:
    """What the release looks at in the rows with these numbers, in this order, and what the clients are worth."""
    from handlers.storage import dataset

    wanted = {*(feature.name for feature in release.scorer.features), value_column}
    columns = [column for column in schemas.read(connection).columns if column.name in wanted]
    return dataset.rows_by_number(connection, workspace.parts, columns, numbers)


def _values(table: pa.Table, column: str | None) -> Sequence[float | None]:
    """What the clients are worth, null where it is not known or no number."""
    if column is None or column not in table.column_names:
        return [None] * table.num_rows
    import pyarrow as pa

    kind = table[column].type
    if not (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
        return [None] * table.num_rows
    values: list[float | None] = table[column].to_pylist()
    return values


def _empty(release: Release) -> Calls:
    return {
        "model_version": release.version,
        "file": None,
        "broken": None,
        "ranking": None,
        "total": 0,
        "items": [],
        "next": None,
    }


def _broken(connection: Connection, seq: int) -> str | None:
    """Why the quality gate holds the file, or would, had its rows labels."""
    try:
        record = files.find_seq(connection, seq)
    except NoResultFound:
        return None
    if record.state is FileState.HELD and record.reason is not None:
        return record.reason.detail
    newest: dict[str, Any] = get_fact(connection, UNLABELLED_DRIFT, {})
    return newest.get("broken") if newest.get("file") == shown_name(record.name) else None
