"""What is known: scores, statistics, diagnostics, files, models, decisions, and whom to call."""

from __future__ import annotations

import asyncio

from aiohttp import web

from handlers import model_records, records
from handlers.calls import CursorOutdated
from handlers.diagnostics import diagnostics as read_diagnostics
from handlers.drift_status import drift as read_drift
from handlers.statistics import summary_statistics
from server import parameters
from server.problems import Kind, Problem
from server.state import CALLS, SERVICES, STATISTICS
from server.views.answers import current_release, json_response


async def scoring(request: web.Request) -> web.Response:
    """How good the current release is."""
    release = current_release(request)
    ledger = request.app[SERVICES].ledger
    return json_response(await asyncio.to_thread(model_records.scoring, ledger, release))


async def summarystats(request: web.Request) -> web.Response:
    """Statistics of every column of the data set."""
    services, cache = request.app[SERVICES], request.app[STATISTICS]
    return json_response(await asyncio.to_thread(summary_statistics, services.ledger, services.workspace, cache))


async def diagnostics(request: web.Request) -> web.Response:
    """Timings, gaps, libraries and drift; reading it runs nothing."""
    services, cache = request.app[SERVICES], request.app[STATISTICS]
    release, cached = services.champion.release, services.dependencies()
    answer = await asyncio.to_thread(read_diagnostics, services.ledger, services.workspace, release, cached, cache)
    return json_response(answer)


async def files(request: web.Request) -> web.Response:
    """The files that were seen."""
    limit, cursor, state = parameters.limit(request), parameters.cursor(request), parameters.state(request)
    ledger = request.app[SERVICES].ledger
    return json_response(await asyncio.to_thread(records.files_page, ledger, limit, cursor, state))


async def models(request: web.Request) -> web.Response:
    """The releases."""
    limit, cursor = parameters.limit(request), parameters.cursor(request)
    return json_response(
        await asyncio.to_thread(model_records.models_page, request.app[SERVICES].ledger, limit, cursor)
    )


async def model(request: web.Request) -> web.Response:
    """One release."""
    version = parameters.version(request)
    found = None
    if version is not None:
        found = await asyncio.to_thread(model_records.model, request.app[SERVICES].ledger, version)
    if found is None:
        raise Problem(Kind.NOT_FOUND, "There is no such release; /v1/models lists those there are.")
    return json_response(found)


async def decisions(request: web.Request) -> web.Response:
    """The decisions."""
    limit, cursor = parameters.limit(request), parameters.cursor(request)
    return json_response(await asyncio.to_thread(records.decisions_page, request.app[SERVICES].ledger, limit, cursor))


async def drift(request: web.Request) -> web.Response:
    """How the champion is being judged."""
    return json_response(await asyncio.to_thread(read_drift, request.app[SERVICES].ledger))


async def calls(request: web.Request) -> web.Response:
    """The clients of the newest unlabelled drop, by their risk."""
    release = current_release(request)
    limit, cursor = parameters.limit(request), parameters.calls_cursor(request)
    try:
        return json_response(await asyncio.to_thread(request.app[CALLS].page, release, limit, cursor))
    except CursorOutdated as error:
        detail = "A newer drop has been ranked since this cursor was given; begin again without it."
        raise Problem(Kind.BAD_REQUEST, detail) from error
