"""POST /v1/prediction."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

from handlers.clients import Clients, ClientsRefused
from handlers.domain.release import Release
from handlers.prediction import MAX_REASONS, TooManyReasons, predict
from server import parameters, wire
from server.batching import Answer, read_clients
from server.body import body_at_hand, read_body
from server.dataset_path import read_dataset
from server.json_pieces import NotInPieces
from server.json_requests import decode_by_rows, decode_request
from server.negotiation import ARROW, CSV, JSON, answer_form
from server.problems import Fault, Kind, Problem, wrong_parameter
from server.repeated_keys import check_keys
from server.request_limits import limits_of
from server.services import Answering, Services
from server.state import ANSWERING, BATCHER, BODIES, PIPELINE_BATCHER
from server.views.answers import current_release

#: JSON bodies up to this size are answered on the loop, where a scorecard serves: a thread would take longer.
INLINE_BYTES = 32 * 1024

#: What is answered, and how many clients were scored for it.
Answered = tuple[web.StreamResponse, int]


async def prediction(request: web.Request) -> web.StreamResponse:
    """The clients in the body, or those of a CSV inside the configured folders; the answer has the form of `Accept`."""
    services, release = request.app[ANSWERING], current_release(request)
    reasons = parameters.integer(request, "reasons", default=0, low=0, high=MAX_REASONS)
    form = answer_form(request.headers.get("Accept", ""))
    kind = _kind_of_body(request)
    content = body_at_hand(request)
    if content is None:
        content = await read_body(request)
    if kind == JSON and not reasons and len(content) <= INLINE_BYTES:
        if release.scorecard is None:
            said = await _by_pipeline(request, release, content, form)
        else:
            found = request.app[BATCHER].answer(release, content, form)
            said = await found if isinstance(found, asyncio.Future) else found
        if said is not None:
            return said
    answer, rows = await asyncio.get_running_loop().run_in_executor(
        request.app[BODIES], _read_and_answer, services, release, (kind, content), (reasons, form)
    )
    services.metrics.batch(1, rows)
    return answer


async def _by_pipeline(request: web.Request, release: Release, content: bytes, form: str) -> Answer:
    objects = read_clients(content, request.app[ANSWERING].settings)
    if objects is None:
        return None
    try:
        return wire.answer(await request.app[PIPELINE_BATCHER].predict(release, objects), form)
    except ClientsRefused as error:
        raise wire.refused(error) from error


def _kind_of_body(request: web.Request) -> str:
    if request.headers.get("Content-Type") == JSON:  # what most send; to read parameters costs a microsecond
        return JSON
    kind = request.content_type
    if kind not in (JSON, CSV, ARROW):
        raise Problem(Kind.UNSUPPORTED_TYPE, f"Send {JSON}, {CSV} or {ARROW} as Content-Type.")
    if kind == JSON and (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Problem(Kind.UNSUPPORTED_TYPE, "JSON is read as UTF-8; send it so, without another charset.")
    return kind


def _read_and_answer(
    services: Answering, release: Release, body: tuple[str, bytes], wanted: tuple[int, str]
) -> Answered:
    """``body``: its content type and bytes; ``wanted``: how many reasons, and the form of the answer."""
    return _answer(release, _read(services, release, *body), *wanted)


def _read(services: Answering, release: Release, kind: str, content: bytes) -> Clients:
    max_bytes, limits = services.settings.max_body_bytes, limits_of(services.settings)
    if kind == ARROW:
        return wire.clients_of_arrow(release, content, limits)
    if kind == CSV:
        return wire.clients_of_csv(release, content, limits, max_bytes=max_bytes)
    if len(content) > INLINE_BYTES:
        with contextlib.suppress(NotInPieces):
            return wire.clients_in_pieces(release, content, limits)
    asked = decode_request(content) if len(content) <= INLINE_BYTES else decode_by_rows(content, limits)
    if isinstance(asked.clients, list):
        clients = wire.clients_of_objects(release, asked.clients, limits)
        check_keys(content, asked.clients)
        return clients
    check_keys(content, ())
    if not isinstance(services, Services):
        detail = "A replica has no folders to read from: send the clients themselves."
        raise Problem(Kind.WRONG_BODY, detail, [Fault("dataset_path", detail)])
    dataset = read_dataset(services.workspace, str(asked.dataset_path), max_bytes=max_bytes)
    return wire.clients_of_csv(release, dataset, limits, max_bytes=max_bytes)


def _answer(release: Release, clients: Clients, reasons: int, form: str) -> Answered:
    try:
        return wire.answer(predict(release, clients, reasons=reasons), form), len(clients)
    except TooManyReasons as error:
        raise wrong_parameter("reasons", str(error)) from error
