"""Bodies of predictions: what was sent becomes clients, and what was said of them becomes an answer."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec
from aiohttp import web
from multidict import CIMultiDict
from numpy.typing import NDArray

from handlers.calls import Reason, reason_item
from handlers.clients import Clients, ClientsRefused
from handlers.clients_in_pieces import Piece, read_pieces
from handlers.domain.limits import Limits, RequestLimits
from handlers.domain.release import Release
from handlers.domain.scorer import Form
from handlers.object_reading import ObjectReader
from handlers.prediction import Contribution, Prediction, Reasons
from server.json_pieces import pieces
from server.json_requests import NO_CLIENTS
from server.negotiation import CSV, JSON
from server.piece_reading import PieceReader
from server.problems import Fault, Kind, Problem
from server.ready_answer import Head, ReadyAnswer
from server.release_header import MODEL_VERSION
from server.request_limits import check_objects, check_table

_KINDS = {"too_large": Kind.TOO_LARGE, "too_many_columns": Kind.WRONG_BODY}
#: Warnings in a header are cut to this.
HEADER_CHARACTERS = 2_000
#: So many rows are encoded at once; in between, other threads have their turn.
ROWS_AT_ONCE = 1_024
_SPECIAL = re.compile('[",\r\n]')
_DIGITS = "01"
_BY_ROW = frozenset(("ids", "probabilities", "predictions", "reasons"))


class PredictionAnswer(msgspec.Struct, frozen=True, gc=False):
    """``predictions``: 1 where the probability reaches the threshold. ``reasons``: only where they were asked for."""

    model_version: int
    served_by: Form
    threshold: float
    ids: list[str | None]
    probabilities: list[float]
    predictions: list[int]
    warnings: tuple[str, ...]
    reasons: list[list[Reason]] | msgspec.UnsetType = msgspec.UNSET


def clients_of_objects(release: Release, objects: list[dict[str, Any]], limits: RequestLimits) -> Clients:
    """Clients that came as JSON objects. Raises Problem."""
    check_objects(limits, objects)
    try:
        return ObjectReader(release).read(objects)
    except ClientsRefused as error:
        raise refused(error) from error


def clients_in_pieces(release: Release, content: bytes, limits: RequestLimits) -> Clients:
    """Clients that came as a large JSON body. Raises Problem, and NotInPieces where it has to be decoded whole."""
    try:
        reader = ObjectReader(release)
        return read_pieces(reader, _held_to(limits, pieces(content, PieceReader(reader, limits))))
    except ClientsRefused as error:
        raise refused(error) from error


def _held_to(limits: RequestLimits, found: Iterable[Piece]) -> Iterator[Piece]:
    rows = 0
    for piece in found:
        rows += piece.rows
        check_table(limits, rows=rows, columns=0)
        yield piece


def clients_of_csv(release: Release, content: bytes, limits: RequestLimits, *, max_bytes: int) -> Clients:
    """Clients that came as CSV, unpacked no larger than ``max_bytes``. Raises Problem."""
    from handlers.client_tables import NotATable, from_csv

    try:
        clients = from_csv(release, content, Limits(max_columns=limits.max_columns, max_decompressed_bytes=max_bytes))
    except NotATable as error:
        kind = _KINDS.get(error.reason.code, Kind.MALFORMED)
        errors = [Fault(f"line {line}", error.reason.detail) for line in error.reason.lines]
        raise Problem(kind, str(error), errors) from error
    except ClientsRefused as error:
        raise refused(error) from error
    check_table(limits, rows=len(clients.ids), columns=0)
    return clients


def clients_of_arrow(release: Release, content: bytes, limits: RequestLimits) -> Clients:
    """Clients that came as an Arrow stream. Raises Problem."""
    from handlers.client_tables import from_arrow
    from server.arrow_wire import read_stream

    table = read_stream(content, features=len(release.scorer.features))
    if not table.num_rows:
        raise Problem(Kind.WRONG_BODY, NO_CLIENTS, [Fault("body", NO_CLIENTS)])
    check_table(limits, rows=table.num_rows, columns=table.num_columns)
    try:
        return from_arrow(release, table)
    except ClientsRefused as error:
        raise refused(error) from error


def encode(prediction: Prediction, form: str) -> bytes:
    """The body of an answer."""
    if form == JSON:
        return _json(prediction)
    if form == CSV:
        return _csv(prediction)
    from server.arrow_wire import write_stream

    return write_stream(prediction)


def answer(prediction: Prediction, form: str) -> web.StreamResponse:
    """The answer. Its headers say what it is, and which release it is of."""
    head, body = _head_of(prediction.model_version, prediction.served_by, form), encode(prediction, form)
    if form != CSV:
        return ReadyAnswer(head, body)
    response = web.Response(body=body, headers=head.headers)
    response.headers["X-Threshold"] = repr(prediction.threshold)
    if prediction.warnings:
        response.headers["X-Warnings"] = _header(prediction.warnings)
    return response


@lru_cache(maxsize=16)
def _head_of(version: int, served_by: Form, form: str) -> Head:
    return Head(
        CIMultiDict({"Content-Type": form, MODEL_VERSION: str(version), "X-Served-By": served_by, "Vary": "Accept"})
    )


def _json(prediction: Prediction) -> bytes:
    rows = len(prediction.ids)
    return _in_parts(prediction, rows) if rows > ROWS_AT_ONCE else msgspec.json.encode(_document(prediction))


def _document(prediction: Prediction) -> PredictionAnswer:
    everybody = slice(None)
    return PredictionAnswer(
        prediction.model_version,
        prediction.served_by,
        prediction.threshold,
        prediction.ids[everybody],
        _listed(prediction.probabilities),
        _listed(prediction.predictions),
        prediction.warnings,
        msgspec.UNSET if prediction.reasons is None else _reasons(prediction.reasons, everybody),
    )


def _reasons(reasons: Reasons, rows: slice) -> list[list[Reason]]:
    return [[reason_item(reason) for reason in each] for each in reasons[rows]]


def _listed(numbers: NDArray[Any] | list[Any]) -> list[Any]:
    return numbers if isinstance(numbers, list) else numbers.tolist()


def _in_parts(prediction: Prediction, rows: int) -> bytes:
    """The same document, encoded some rows at a time. Joined once: each copy is megabytes."""
    pieces: list[bytes | memoryview] = [b"{"]
    for name in PredictionAnswer.__struct_fields__:
        whole = getattr(prediction, name)
        if whole is None:  # no reasons
            continue
        pieces.append(b'%b"%b":' % (b"" if len(pieces) == 1 else b",", name.encode()))
        if name not in _BY_ROW:
            pieces.append(msgspec.json.encode(whole))
            continue
        for start in range(0, rows, ROWS_AT_ONCE):
            some = slice(start, start + ROWS_AT_ONCE)
            part = _reasons(whole, some) if isinstance(whole, Reasons) else _listed(whole[some])
            pieces += b"," if start else b"[", memoryview(msgspec.json.encode(part))[1:-1]
        pieces.append(b"]")
    return b"".join((*pieces, b"}"))


def _csv(prediction: Prediction) -> bytes:
    """One line for each client; a reason is ``column=value`` and its effect, ``tenure=3:+0.412``."""
    reasons = 0 if prediction.reasons is None or not len(prediction.ids) else prediction.reasons.width
    names = ("id", "probability", "prediction", *(f"reason_{number}" for number in range(1, reasons + 1)))
    ids, rows = prediction.ids[:], [slice(at, at + ROWS_AT_ONCE) for at in range(0, len(prediction.ids), ROWS_AT_ONCE)]
    lines = [_lines(prediction, some, ids[some], reasons) for some in rows]
    return "".join((",".join(names), "\n", *lines)).encode()


def _lines(prediction: Prediction, rows: slice, ids: list[str | None], reasons: int) -> str:
    """Not by ``csv.writer``, which takes three times as long, and leaves a carriage return unquoted."""
    columns = [
        _quoted(["" if one is None else one for one in ids]),
        msgspec.json.encode(_listed(prediction.probabilities[rows])).decode()[1:-1].split(","),
        [_DIGITS[one] for one in _listed(prediction.predictions[rows])],
    ]
    if prediction.reasons is not None and reasons:
        given = prediction.reasons[rows]
        columns += [_quoted([_reason_text(one[place]) for one in given]) for place in range(reasons)]
    return "\n".join((*map(",".join, zip(*columns, strict=True)), ""))


def _quoted(texts: list[str]) -> list[str]:
    if not _SPECIAL.search("".join(texts)):
        return texts
    return ['"{}"'.format(one.replace('"', '""')) if _SPECIAL.search(one) else one for one in texts]


def _reason_text(reason: Contribution) -> str:
    named = zip(reason.columns, reason.values, strict=True)
    pairs = " & ".join(f"{name}={'missing' if value is None else value}" for name, value in named)
    return f"{pairs}:{reason.effect:+.3f}"


def _header(warnings: tuple[str, ...]) -> str:
    """Warnings as one line that any header can hold."""
    text = " ".join(warnings).encode("ascii", "backslashreplace").decode()
    return "".join(character if character.isprintable() else " " for character in text)[:HEADER_CHARACTERS]


def refused(error: ClientsRefused) -> Problem:
    """The problem document of clients that cannot be scored."""
    errors = [Fault(fault.location or "body", fault.message) for fault in error.faults]
    return Problem(Kind.WRONG_CLIENTS, str(error), errors)
