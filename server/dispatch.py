"""What happens to every request: its id, the guards, errors in their one form, headers, the count and the log.

It stands where the library's ``Application._handle`` would, and does the same in fewer steps (ADR 22): an address
without variables is looked up as it was sent, and only then resolved.
"""

from __future__ import annotations

import itertools
import re
import secrets
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import cast

from aiohttp import web

from server.auth import TOKEN
from server.expectation import check_expectation
from server.guards import check_form, check_host, check_origin, names_loopback
from server.parameters import Answer
from server.problems import Kind, Problem, problem_of
from server.ready_answer import ReadyAnswer
from server.security_headers import protect
from server.services import ServedRequest
from server.state import ANSWERING, DOOR, METRICS
from server.trace_context import trace_of

#: What an incoming X-Request-ID must look like to be kept.
_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
#: A method is a label in the counts: an invented one is not given a series of its own.
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))
#: Request ids are a number after one that is drawn for each process: drawing one for each request costs more.
_RUN, _NUMBERS = secrets.token_hex(8), itertools.count(1)
#: In a trace the same number, counted on from the same beginning, is who has answered.
_FIRST = int(_RUN, 16)
UNMATCHED = "unmatched"
_FRAMES = 3
HSTS = "max-age=31536000"
"""Over TLS alone: a browser that was here once asks this name no other way for a year. Never said of localhost, which
other programs of the same machine are asked by, too."""


@dataclass(frozen=True, slots=True)
class _Matched:
    """What an address leads to. ``route``: its pattern, never the path that was asked for."""

    match: web.UrlMappingMatchInfo
    route: str
    answer: Answer


class Dispatcher:
    """Answers the requests of an application; no exception leaves here but that of a client that has gone.

    ``answers``: what answers each of its routes.
    """

    def __init__(self, app: web.Application, answers: Mapping[web.AbstractRoute, Answer]) -> None:
        self._app = app
        self._answers = answers
        self._services, self._door, self._metrics = app[ANSWERING], app[DOOR], app[METRICS]
        self._known: dict[tuple[str, str], _Matched] = {}

    async def __call__(self, received: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        started = perf_counter()
        request = cast("web.Request", received)
        given = request.headers.get("X-Request-ID")
        request_id = given if given is not None and _PLAIN_ID.fullmatch(given) else f"{_RUN}{next(_NUMBERS):x}"
        parent = request.headers.get("traceparent")
        trace = None if parent is None else trace_of(request.headers.getall("traceparent"))
        matched = self._known.get((request.method, request.raw_path)) or await self._resolve(request)
        request._match_info = matched.match
        detail = None
        try:
            self._admit(request)
            response = await matched.answer(request)
        except Exception as error:
            response, detail = _failure(error, request_id)
            _let_go(error)
        services = self._services
        encrypted = services.settings.tls_certificate is not None
        if isinstance(response, ReadyAnswer) and (encrypted or trace or not response.suits(request)):
            response = response.ordinary()
        if isinstance(response, ReadyAnswer):
            response.request_id = request_id
        else:
            protect(response.headers)
            response.headers["X-Request-ID"] = request_id
            if trace:
                response.headers["traceparent"] = trace.header(_FIRST + next(_NUMBERS))
            if encrypted and not names_loopback(request.headers.get("Host", "")):
                response.headers["Strict-Transport-Security"] = HSTS
        method = request.method if request.method in _METHODS else "other"
        seconds = perf_counter() - started
        self._metrics.count(method, matched.route, response.status, seconds)
        token = request[TOKEN].name if self._door.keyring is not None and TOKEN in request else None
        trace_id = trace.trace_id if trace else None
        services.served(
            ServedRequest(request_id, method, matched.route, response.status, seconds, detail, token, trace_id)
        )
        return response

    async def _resolve(self, request: web.Request) -> _Matched:
        match = await self._app.router.resolve(request)
        match.add_app(self._app)
        match.freeze()
        resource = match.route.resource
        if resource is None:
            return _Matched(match, UNMATCHED, match.handler)
        found = _Matched(match, resource.canonical, self._answers[match.route])
        if request.raw_path == resource.canonical and not match:
            self._known[request.method, request.raw_path] = found
        return found

    def _admit(self, request: web.Request) -> None:
        """Let the request in, before anything of its body is read, or raise Problem."""
        check_form(request)
        if self._door.keyring is None:  # a page whose name was pointed here has no token to send
            check_host(request, self._services.settings.host)
        check_origin(request)
        self._door.authorise(request)
        check_expectation(request)


DISPATCHER = web.AppKey("dispatcher", Dispatcher)


def _failure(error: Exception, request_id: str) -> tuple[web.Response, str]:
    """The answer, and what the log is told: never what the client sent."""
    problem = problem_of(error)
    if problem is not None:
        return problem.response(), problem.kind.slug
    detail = f"It is in the log under request id {request_id}."
    return Problem(Kind.INTERNAL, detail).response(), place_of(error)


def _let_go(error: BaseException | None) -> None:
    """Drop the frames behind an exception: they may lead back to it, and with it a body waits to be collected."""
    while error is not None and error.__traceback__ is not None:
        error.__traceback__ = None
        error = error.__cause__ or error.__context__


def place_of(error: Exception) -> str:
    """The exception's type and where it was raised; its message could hold what a client sent."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    places = [f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames]
    return " < ".join([type(error).__name__, *reversed(places)])
