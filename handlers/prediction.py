"""What a release says of clients: probabilities, predictions, and the reasons for them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers.clients import Clients, ClientsRefused, Column, Ids, Object, unknown_rows, unknown_warnings
from handlers.domain.axes import CodedColumns
from handlers.domain.coded_texts import CodedTexts
from handlers.domain.release import Release
from handlers.domain.scorecard import Scorecard
from handlers.domain.scorer import Form
from handlers.object_reading import ObjectReader

MAX_REASONS = 20
#: Contributions in one answer: beyond this it would fill the memory of who asks and who answers.
MAX_CONTRIBUTIONS = 1_000_000
#: So many clients, each in a request of its own, are scored one after the other: numpy would take longer.
FEW = 64
#: Integers up to here are exact as float64.
_EXACT = 2**53

NO_REASONS = "There are no reasons: this model is no sum of effects, it is served by the pipeline that was trained."

Value = str | int | float | None


class TooManyReasons(Exception):
    """More contributions were asked for than one answer holds; the message says how many it does."""


@dataclass(frozen=True, slots=True)
class Contribution:
    """How much a column, or a pair of them, adds to a client's log-odds compared with the average client."""

    columns: tuple[str, ...]
    values: tuple[Value, ...]
    effect: float


class Reasons:
    """The strongest contributions to each client's risk, the strongest first, worked out for the rows that are asked
    for. Of many clients they are hundreds of thousands of objects: to make and to free them all at once would hold up
    every other thread. ``width``: how many each client has."""

    __slots__ = ("_columns", "_scorecard", "rows", "width")

    def __init__(self, release: Release, columns: CodedColumns, most: int) -> None:
        self.rows = len(columns[release.scorer.features[0].name])
        self._scorecard = release.scorecard
        self._columns = columns
        self.width = 0 if release.scorecard is None else min(most, len(release.scorecard.terms))

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, rows: slice) -> list[list[Contribution]]:
        """Of some clients; none for a pipeline, which is no sum of effects."""
        if self._scorecard is None:
            return [[] for _ in range(*rows.indices(self.rows))]
        some = {name: values[rows] for name, values in self._columns.items()}
        return list(_strongest(self._scorecard, some, self.width))


class Prediction(msgspec.Struct, frozen=True, eq=False):
    """What was said of n clients, in their order. ``reasons``: None where they were not asked for.

    Of one client numbers are in lists: to make an array takes as long as to evaluate a scorecard.
    """

    model_version: int
    served_by: Form
    threshold: float
    ids: Ids
    probabilities: NDArray[np.float64] | list[float]
    predictions: NDArray[np.int8] | list[int]
    reasons: Reasons | None
    warnings: tuple[str, ...]


def predict(release: Release, clients: Clients, *, reasons: int = 0) -> Prediction:
    """Score clients; ``reasons``: how many contributions to give for each. Raises TooManyReasons."""
    if len(clients) * reasons > MAX_CONTRIBUTIONS:
        most = MAX_CONTRIBUTIONS // len(clients)
        raise TooManyReasons(f"{reasons} reasons for {len(clients)} clients are too many; at most {most} are possible.")
    probabilities, predictions = _said(release, clients.columns)
    unexplained = (NO_REASONS,) if reasons and release.scorecard is None else ()
    return Prediction(
        model_version=release.version,
        served_by=release.form,
        threshold=release.scorer.threshold,
        ids=clients.ids,
        probabilities=probabilities,
        predictions=predictions,
        reasons=Reasons(release, clients.columns, reasons) if reasons else None,
        warnings=(*clients.warnings, *unexplained),
    )


def predict_together(
    release: Release, reader: ObjectReader, requests: Sequence[Sequence[Object]]
) -> list[Prediction | ClientsRefused]:
    """Score the clients of several requests at once; the answer to each is what it would be alone."""
    if len(requests) <= FEW and release.scorecard is not None and max(map(len, requests), default=0) == 1:
        return [_one(release, release.scorecard, reader, objects) for objects in requests]
    return _together(release, reader, requests)


def _one(
    release: Release, scorecard: Scorecard, reader: ObjectReader, objects: Sequence[Object]
) -> Prediction | ClientsRefused:
    """What is said of one client with nothing unusual in it; anything else is scored as many are."""
    plain = reader.row(objects[0]) if len(objects) == 1 else None
    if plain is None:
        return _alone(release, reader, objects)
    row, identity = plain
    try:
        warnings = reader.warnings(objects)
    except ClientsRefused as refused:
        return refused
    probability = scorecard.probability(row)
    return Prediction(
        release.version,
        release.form,
        scorecard.threshold,
        [identity],
        [probability],
        [1 if probability >= scorecard.threshold else 0],
        None,
        warnings,
    )


def _together(
    release: Release, reader: ObjectReader, requests: Sequence[Sequence[Object]]
) -> list[Prediction | ClientsRefused]:
    warnings: list[tuple[str, ...] | ClientsRefused] = []
    for objects in requests:
        try:
            warnings.append(reader.warnings(objects))
        except ClientsRefused as refused:
            warnings.append(refused)
    taken = [objects for objects, found in zip(requests, warnings, strict=True) if isinstance(found, tuple)]
    try:
        columns, ids = reader.columns([client for objects in taken for client in objects])
    except ClientsRefused:
        return [_alone(release, reader, objects) for objects in requests]
    said = _said(release, columns)
    unknown = unknown_rows(release, columns)
    answers: list[Prediction | ClientsRefused] = []
    end = 0
    for objects, found in zip(requests, warnings, strict=True):
        if not isinstance(found, tuple):
            answers.append(found)
            continue
        start, end = end, end + len(objects)
        more = unknown_warnings(_counted(unknown, start, end)) if unknown else ()
        probabilities, predictions = said[0][start:end], said[1][start:end]
        threshold = release.scorer.threshold
        answer = Prediction(
            release.version,
            release.form,
            threshold,
            ids[start:end],
            probabilities,
            predictions,
            None,
            (*found, *more),
        )
        answers.append(answer)
    return answers


def _counted(unknown: Mapping[str, NDArray[np.bool_]], start: int, end: int) -> dict[str, int]:
    return {name: int(np.count_nonzero(rows[start:end])) for name, rows in unknown.items()}


def _alone(release: Release, reader: ObjectReader, objects: Sequence[Object]) -> Prediction | ClientsRefused:
    try:
        return predict(release, reader.read(objects))
    except ClientsRefused as refused:
        return refused


def _said(release: Release, columns: Mapping[str, Column]) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """The probabilities, and which of them reach the threshold."""
    probabilities = release.scorer.probabilities(columns)
    return probabilities, (probabilities >= release.scorer.threshold).view(np.int8)


def _strongest(scorecard: Scorecard, columns: CodedColumns, most: int) -> Iterator[list[Contribution]]:
    effects = scorecard.effects(columns)
    order = np.argsort(-np.abs(effects), axis=1, kind="stable")[:, :most]
    terms = [term.columns for term in scorecard.terms]
    values = {name: _plain(column) for name, column in columns.items()}
    for row, places in enumerate(order.tolist()):
        yield [
            Contribution(terms[place], tuple(values[name][row] for name in terms[place]), float(effects[row, place]))
            for place in places
        ]


def _plain(column: np.ndarray | CodedTexts) -> Sequence[Value]:
    """Return a column's values as JSON has them: null for missing, whole numbers without a fraction."""
    if isinstance(column, CodedTexts):
        return column.tolist()
    values: Sequence[Value] = column.tolist() if column.dtype == object else list(map(_number, column.tolist()))
    return values


def _number(value: float) -> Value:
    if math.isnan(value):
        return None
    return int(value) if value.is_integer() and abs(value) < _EXACT else value
