"""What a replica answers otherwise than the daemon: it has a release, and nothing else."""

from __future__ import annotations

import time

from aiohttp import web

from handlers.model_records import own_scoring
from server import exposition
from server.exposition import Standing
from server.problems import Kind, Problem
from server.state import ANSWERING, DOOR, METRICS
from server.views.answers import current_release, json_response
from server.views.health import WITHHELD


async def scoring(request: web.Request) -> web.Response:
    """How good the release is that answers here, by what it says itself."""
    return json_response(own_scoring(current_release(request)))


async def readyz(request: web.Request) -> web.Response:
    """Can it predict? 200 as long as it can, with what is wrong all the same: every replica sees the same folder, so a
    release that none of them accepts would take all of them from behind the proxy."""
    services = request.app[ANSWERING]
    problems = dict(services.readiness().problems)
    if not request.app[DOOR].is_known(request):
        problems = dict.fromkeys(problems, WITHHELD)
    release = services.champion.release
    ready = release is not None
    document = {
        "status": "ready" if ready else "unavailable",
        "problems": problems,
        "warnings": {},
        "waiting": 0,
        "undecided": 0,
        "form": None if release is None else release.form,
    }
    return json_response(document, status=200 if ready else 503)


async def metrics(request: web.Request) -> web.Response:
    """Counts for Prometheus."""
    services = request.app[ANSWERING]
    standing = Standing(
        counted=request.app[METRICS].snapshot(),
        readiness=services.readiness(),
        vitals=services.vitals(),
        release=services.champion.release,
        has_ledger=False,
    )
    body = exposition.text(standing, None, now=time.time())
    return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE})


async def elsewhere(request: web.Request) -> web.Response:
    """What only the daemon has."""
    detail = "A replica answers predictions alone: ask the daemon for this. /openapi.json lists what there is here."
    raise Problem(Kind.NOT_FOUND, detail)
