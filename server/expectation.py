"""``Expect: 100-continue``: who asks before he sends a body is told to go on when the body is wanted, not before."""

from __future__ import annotations

from aiohttp import HttpVersion11, web

from server.problems import Kind, Problem

_CONTINUE = "100-continue"


def check_expectation(request: web.Request) -> None:
    """Refuse what else may be expected. Raises Problem."""
    expected = request.headers.get("Expect")
    if expected is not None and expected.lower() != _CONTINUE:
        raise Problem(Kind.EXPECTATION, "Only 100-continue can be expected.")


def is_asked_for(request: web.Request) -> bool:
    """Whether the client waits with its body until it is called for."""
    return request.headers.get("Expect", "").lower() == _CONTINUE and request.version >= HttpVersion11


async def call_for_body(request: web.Request) -> None:
    """Tell a client that waits for it to send its body."""
    await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.writer.output_size = 0  # or the body of the answer would be taken for begun
