"""Answers to what never became a request of ours, or cannot be one: problems like all others, and no echo."""

from __future__ import annotations

import uuid
from email.utils import formatdate

from multidict import CIMultiDict

from server.problems import CLOSE, Kind, Problem
from server.security_headers import protect


def malformed() -> Problem:
    """The parser refused it. What it says of that holds what was sent, so it is not repeated."""
    return Problem(Kind.BAD_REQUEST, "This is not a request of HTTP/1.1 (RFC 9112).", headers=CLOSE)


def headers_too_large() -> Problem:
    """Headers beyond a limit, of which 8,190 bytes for one line and 128 lines are fixed."""
    detail = (
        "There may be 128 headers. Each, and the address, may have 8,190 bytes, and all of the head"
        " server.max_header_bytes."
    )
    return Problem(Kind.HEADERS_TOO_LARGE, detail, headers=CLOSE)


def slow_headers(seconds: float) -> Problem:
    """The headers have not come in time."""
    return Problem(Kind.TOO_SLOW, f"The headers had not come after {seconds:g} s.", headers=CLOSE)


def slow_body() -> Problem:
    """The body has not come in time."""
    detail = "The body came more slowly than server.body_seconds and server.minimum_bytes_per_second allow."
    return Problem(Kind.TOO_SLOW, detail, headers=CLOSE)


def broken_body() -> Problem:
    """What came of the body is not what its headers say, and where it would end nobody knows."""
    return Problem(Kind.MALFORMED, "The body is not encoded as its headers say.", headers=CLOSE)


def oversized_chunks() -> Problem:
    """More has come for one body than its limit and twice as much for its chunks explain."""
    return Problem(Kind.TOO_LARGE, "The body is sent in chunks that are mostly no body.", headers=CLOSE)


def too_many_connections() -> Problem:
    """No further connection is taken."""
    detail = "There are as many connections as server.max_connections allows, in all or from one address."
    return Problem(Kind.UNAVAILABLE, detail, headers={"Retry-After": "1", **CLOSE})


class Bytes:
    """An answer as bytes, for where there is no request to answer to; made once, so that sending it costs little."""

    def __init__(self, problem: Problem) -> None:
        response = problem.response()
        headers: CIMultiDict[str] = response.headers
        headers["X-Request-ID"] = "{id}"
        protect(headers)
        self._body = problem.body()
        headers["Content-Length"] = str(len(self._body))
        lines = [f"HTTP/1.1 {response.status} {response.reason}", *(f"{name}: {headers[name]}" for name in headers)]
        self._head = "\r\n".join(lines)

    def bytes(self) -> tuple[bytes, str]:
        """The answer, and the id that is in it."""
        request_id = uuid.uuid4().hex
        head = f"{self._head.replace('{id}', request_id)}\r\nDate: {formatdate(usegmt=True)}\r\n\r\n"
        return head.encode() + self._body, request_id
