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
from server.release_header import name_release
from server.state import CALLS, SERVICES, STATISTICS
from server.views.answers import current_release, json_response


async def scoring(request: web.Request) -> web.Response:
    """Of its recipe on held-out rows, on `testdata/`, and over rows scored before they were learned from."""
    release = current_release(request)
    ledger = request.app[SERVICES].ledger
    return name_release(json_response(await asyncio.to_thread(model_records.scoring, ledger, release)), release.version)


async def summarystats(request: web.Request) -> web.Response:
    """Every column of the data set as it is after the newest commit."""
    services, cache = request.app[SERVICES], request.app[STATISTICS]
    return json_response(await asyncio.to_thread(summary_statistics, services.ledger, services.workspace, cache))


async def diagnostics(request: web.Request) -> web.Response:
    """How long the steps took, gaps by column, the libraries, and the newest drift; reading it runs nothing."""
    services, cache = request.app[SERVICES], request.app[STATISTICS]
    release, cached = services.champion.release, services.dependencies()
    answer = await asyncio.to_thread(read_diagnostics, services.ledger, services.workspace, release, cached, cache)
    return name_release(json_response(answer), None if release is None else release.version)


async def files(request: web.Request) -> web.Response:
    """Every file that was seen, and what became of it."""
    limit, cursor, state = parameters.limit(request), parameters.cursor(request), parameters.state(request)
    ledger = request.app[SERVICES].ledger
    return json_response(await asyncio.to_thread(records.files_page, ledger, limit, cursor, state))


async def models(request: web.Request) -> web.Response:
    """What is deployed and was, and the challengers in waiting, which score each new block and are never served."""
    limit, cursor = parameters.limit(request), parameters.cursor(request)
    return json_response(
        await asyncio.to_thread(model_records.models_page, request.app[SERVICES].ledger, limit, cursor)
    )


async def model(request: web.Request) -> web.Response:
    """A release, with the decision that made it."""
    version = parameters.version(request)
    found = None
    if version is not None:
        found = await asyncio.to_thread(model_records.model, request.app[SERVICES].ledger, version)
    if found is None:
        raise Problem(Kind.NOT_FOUND, "There is no such release; /v1/models lists those there are.")
    return json_response(found)


async def decisions(request: web.Request) -> web.Response:
    """What was decided on each block of labelled rows, why, and by which evidence."""
    limit, cursor = parameters.limit(request), parameters.cursor(request)
    return json_response(await asyncio.to_thread(records.decisions_page, request.app[SERVICES].ledger, limit, cursor))


async def drift(request: web.Request) -> web.Response:
    """The harm test and how it came there, columns that moved, held files, and the last decisions."""
    found = await asyncio.to_thread(read_drift, request.app[SERVICES].ledger)
    return name_release(json_response(found), found["model_version"])


async def calls(request: web.Request) -> web.Response:
    """Rank 1 has the highest risk. Those that are known to have left are not in it."""
    release = current_release(request)
    limit, cursor = parameters.limit(request), parameters.calls_cursor(request)
    try:
        page = await asyncio.to_thread(request.app[CALLS].page, release, limit, cursor)
    except CursorOutdated as error:
        detail = "A newer drop has been ranked since this cursor was given; begin again without it."
        raise Problem(Kind.OUTDATED_CURSOR, detail) from error
    return name_release(json_response(page), release.version)
