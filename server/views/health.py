"""Is it alive, is it ready, and what does it count?"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from aiohttp import web

from handlers.storage import files
from handlers.storage.ledger import Ledger
from server.metrics import CONTENT_TYPE
from server.services import Readiness, Services
from server.state import DOOR, METRICS, SERVICES
from server.views.answers import json_response

NO_MODEL = "No model has been deployed yet: labelled rows of both classes are needed in the source folder."

WITHHELD = "Ask with a token for the reason."


async def livez(request: web.Request) -> web.Response:
    """As long as the process answers, this does. It waits for nothing."""
    return json_response({"status": "alive"})


async def readyz(request: web.Request) -> web.Response:
    """Which checks fail, why (for who is no stranger), and how many files are not yet taken and decided on."""
    state = await asyncio.to_thread(readiness, request.app[SERVICES])
    problems = dict(state.problems)
    if not request.app[DOOR].is_known(request):
        problems = dict.fromkeys(problems, WITHHELD)
    document = {
        "status": "unavailable" if state.problems else "ready",
        "problems": problems,
        "waiting": state.waiting,
        "undecided": state.undecided,
    }
    return json_response(document, status=503 if state.problems else 200)


async def metrics(request: web.Request) -> web.Response:
    """Everything that is counted, in the text format of Prometheus."""
    services = request.app[SERVICES]
    counts = await asyncio.to_thread(_file_counts, services.ledger)
    state = await asyncio.to_thread(readiness, services)
    release = services.champion.release
    text = request.app[METRICS].text(counts, state, None if release is None else release.version)
    return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})


def readiness(services: Services) -> Readiness:
    """What the daemon says, and that there is a model."""
    state = services.readiness()
    if services.champion.release is None and "model" not in state.problems:
        return replace(state, problems={**state.problems, "model": NO_MODEL})
    return state


def _file_counts(ledger: Ledger) -> dict[str, int]:
    with ledger.read() as connection:
        return files.counts(connection)
