"""Is it alive, is it ready, and what does it count?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from aiohttp import web
from multidict import CIMultiDict

from handlers.domain.release import Release
from server.ready_answer import Head, ReadyAnswer
from server.services import NO_MODEL, Readiness, Services
from server.state import ANSWERING, DOOR, LEDGER_READING, METRICS, SERVICES
from server.views.answers import json_response

STUCK_SECONDS = 10.0
"""The loop beats several times a second; one that has been silent for so long has let its clients wait as long."""

_HEAD, _ALIVE = Head(CIMultiDict({"Content-Type": "application/json"})), b'{"status":"alive"}'

WITHHELD = "Ask with a token for the reason."


async def livez(request: web.Request) -> web.StreamResponse:
    """The loop turns: this answer is the proof. 503 where it answers, and has not kept its beat."""
    age = request.app[ANSWERING].vitals().beat_age
    if age < STUCK_SECONDS:
        return ReadyAnswer(_HEAD, _ALIVE)
    detail = f"The event loop has not kept its beat for {age:.0f} s: something holds it up."
    return json_response({"status": "stuck", "detail": detail}, status=503)


async def readyz(request: web.Request) -> web.Response:
    """Which checks fail, why (for who is no stranger), and how many files are not yet taken and decided on."""
    services = request.app[SERVICES]
    return state_response(request, readiness(services), services.champion.release)


def state_response(request: web.Request, state: Readiness, release: Release | None) -> web.Response:
    """The answer of ``/readyz``; strangers are told which checks fail, and not why."""
    problems, warnings = dict(state.problems), dict(state.warnings)
    if not request.app[DOOR].is_known(request):
        problems, warnings = dict.fromkeys(problems, WITHHELD), dict.fromkeys(warnings, WITHHELD)
    document = {
        "status": "unavailable" if problems else "ready",
        "problems": problems,
        "warnings": warnings,
        "waiting": state.waiting,
        "undecided": state.undecided,
        "form": None if release is None else release.form,
    }
    return json_response(document, status=503 if state.problems else 200)


async def metrics(request: web.Request) -> web.Response:
    """Everything that is counted, in the text format of Prometheus; what the process knows where the ledger is slow."""
    from server import exposition  # with prometheus_client, which no start has to wait for

    services = request.app[SERVICES]
    telemetry = await request.app[LEDGER_READING].telemetry()
    standing = exposition.Standing(
        counted=request.app[METRICS].snapshot(),
        readiness=readiness(services),
        vitals=services.vitals(),
        release=services.champion.release,
    )
    if telemetry is None:  # a thread may not be had: those that hang on the disk are as many as there are
        body = exposition.text(standing, None, now=time.time())
    else:
        body = await asyncio.to_thread(exposition.text, standing, telemetry, now=time.time())
    return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE})


def readiness(services: Services) -> Readiness:
    """What the daemon says, and that there is a model. To be asked on the event loop."""
    state = services.readiness()
    if services.champion.release is None and "model" not in state.problems:
        return replace(state, problems={**state.problems, "model": NO_MODEL})
    return state
