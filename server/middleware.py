"""What happens to every request: its id, the guards, errors in their one form, headers, the count and the log."""

from __future__ import annotations

import itertools
import re
import secrets
import traceback
from pathlib import Path
from time import perf_counter

from aiohttp import web
from aiohttp.typedefs import Handler

from server.auth import TOKEN
from server.guards import check_form, check_host, check_origin, names_loopback
from server.problems import Kind, Problem, problem_of
from server.security_headers import protect
from server.services import ServedRequest
from server.state import ANSWERING, DOOR, METRICS

#: What an incoming X-Request-ID must look like to be kept.
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: A method is a label in the counts: an invented one is not given a series of its own.
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
#: Request ids are a number after one that is drawn for each process: drawing one for each request costs more.
_RUN, _NUMBERS = secrets.token_hex(8), itertools.count(1)
UNMATCHED = "unmatched"
_FRAMES = 3
HSTS = "max-age=31536000"
"""Over TLS alone: a browser that was here once asks this name no other way for a year. Never said of localhost, which
other programs of the same machine are asked by, too."""


@web.middleware
async def serve(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer a request; no exception leaves here but that of a client that has gone."""
    started = perf_counter()
    given = request.headers.get("X-Request-ID")
    request_id = given if given is not None and _PLAIN_ID.fullmatch(given) else f"{_RUN}{next(_NUMBERS):x}"
    response, detail = await _answer(request, handler, request_id)
    protect(response.headers)
    response.headers["X-Request-ID"] = request_id
    services = request.app[ANSWERING]
    if services.settings.tls_certificate is not None and not names_loopback(request.headers.get("Host", "")):
        response.headers["Strict-Transport-Security"] = HSTS
    resource = request.match_info.route.resource
    route = UNMATCHED if resource is None else resource.canonical
    method = request.method if request.method in _METHODS else "other"
    seconds = perf_counter() - started
    request.app[METRICS].count(method, route, response.status, seconds)
    token = request[TOKEN].name if TOKEN in request else None
    services.served(ServedRequest(request_id, method, route, response.status, seconds, detail, token))
    return response


async def _answer(request: web.Request, handler: Handler, request_id: str) -> tuple[web.StreamResponse, str | None]:
    """The response, and what the log is told of a failure: never what the client sent."""
    try:
        check_form(request)
        door = request.app[DOOR]
        if door.keyring is None:  # a page whose name was pointed here has no token to send
            check_host(request, request.app[ANSWERING].settings.host)
        check_origin(request)
        door.authorise(request)
        return await handler(request), None
    except Exception as error:
        problem = problem_of(error)
        if problem is not None:
            return problem.response(), problem.kind.slug
        detail = f"It is in the log under request id {request_id}."
        return Problem(Kind.INTERNAL, detail).response(), place_of(error)


def place_of(error: Exception) -> str:
    """The exception's type and where it was raised; its message could hold what a client sent."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
    return " < ".join([type(error).__name__, *reversed(places)])
