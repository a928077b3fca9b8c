"""Parameters of the query and of the path."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection

from aiohttp import web

from handlers.clients import shown
from handlers.domain.files import FileState
from server.problems import Problem, wrong_parameter

DEFAULT_LIMIT, MAX_LIMIT = 100, 500
#: What is described in /openapi.json is what is held: as regular expressions that JSON Schema has, too.
CURSOR = "^[0-9]{1,18}$"
CALLS_CURSOR = "^([0-9]{1,18})-([0-9]{1,18})$"
FILE_NAME = "^[^/\\x00-\\x1f\\x7f-\\x9f]+$"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]
_NUMBER = re.compile(r"[0-9]{1,18}")


def strict(answer: Answer, allowed: Collection[str]) -> Answer:
    """The same answer, which refuses parameters other than these, and those that are given twice.

    An address without parameters takes any: nothing that it says depends on them.
    """
    if not allowed:
        return answer

    def checked(request: web.Request) -> Awaitable[web.StreamResponse]:
        if "?" in request.raw_path:
            _check(request, allowed)
        return answer(request)

    return checked


def _check(request: web.Request, allowed: Collection[str]) -> None:
    for name in request.query:
        if name not in allowed:
            raise wrong_parameter(shown(name), f"There is no such parameter here, but {' and '.join(allowed)}.")
        if len(request.query.getall(name)) > 1:
            raise wrong_parameter(name, "It is given more than once.")


def integer(request: web.Request, name: str, *, default: int, low: int, high: int) -> int:
    """A whole number in the query. Raises Problem."""
    # Most requests have no query, and reading one costs as much as scoring a client.
    given = request.query.get(name) if "?" in request.raw_path else None
    if given is None:
        return default
    if not _NUMBER.fullmatch(given) or not low <= int(given) <= high:
        raise wrong_parameter(name, f"A whole number from {low} to {high} is expected.")
    return int(given)


def limit(request: web.Request) -> int:
    """How many items a page has. Raises Problem."""
    return integer(request, "limit", default=DEFAULT_LIMIT, low=1, high=MAX_LIMIT)


def cursor(request: web.Request) -> int | None:
    """Where a page begins. Raises Problem."""
    given = request.query.get("cursor")
    if given is None:
        return None
    if not _NUMBER.fullmatch(given):
        raise bad_cursor()
    return int(given)


def calls_cursor(request: web.Request) -> tuple[int, int] | None:
    """Where a page of the ranking begins: the ranked file's number and the last rank. Raises Problem."""
    given = request.query.get("cursor")
    if given is None:
        return None
    match = re.fullmatch(CALLS_CURSOR, given)
    if match is None:
        raise bad_cursor()
    return int(match[1]), int(match[2])


def state(request: web.Request) -> FileState | None:
    """The state that files are asked for by. Raises Problem."""
    given = request.query.get("state")
    try:
        return None if given is None else FileState(given)
    except ValueError as error:
        raise wrong_parameter("state", f"One of {', '.join(FileState)} is expected.") from error


def version(request: web.Request) -> int | None:
    """The version in the path, or None for what can be no version."""
    given = request.match_info["version"]
    return int(given) if _NUMBER.fullmatch(given) else None


def bad_cursor() -> Problem:
    """The cursor is not one of ours."""
    return wrong_parameter("cursor", 'Take the "next" of the page before, as it is.')
