"""What a replica answers otherwise than the daemon: it has a release, and nothing else."""

from __future__ import annotations

import time

from aiohttp import web

from handlers.model_records import own_scoring
from server.problems import Kind, Problem
from server.release_header import name_release
from server.state import ANSWERING, METRICS
from server.views.answers import current_release, json_response
from server.views.health import state_response


async def scoring(request: web.Request) -> web.Response:
    """How good the release is that answers here, by what it says itself: no prequential scores, and no history."""
    release = current_release(request)
    return name_release(json_response(own_scoring(release)), release.version)


async def readyz(request: web.Request) -> web.Response:
    """Can it predict? What is amiss with the folder is a warning as long as a release answers."""
    services = request.app[ANSWERING]
    return state_response(request, services.readiness(), services.champion.release)


async def metrics(request: web.Request) -> web.Response:
    """Counts for Prometheus."""
    from server import exposition  # as in the daemon

    services = request.app[ANSWERING]
    standing = exposition.Standing(
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
