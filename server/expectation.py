"""``Expect: 100-continue``: who asks before he sends a body is told to go on when the body is wanted, not before."""

from __future__ import annotations

from aiohttp import HttpVersion11, web

_CONTINUE = "100-continue"


async def wait(request: web.Request) -> None:
    """In place of the library's own answer, which would call for the body before anybody has looked at the token."""
    if request.headers.get("Expect", "").lower() != _CONTINUE:
        raise web.HTTPExpectationFailed


async def call_for_body(request: web.Request) -> None:
    """Tell a client that waits for it to send its body."""
    if request.headers.get("Expect", "").lower() == _CONTINUE and request.version >= HttpVersion11:
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # or the body of the answer would be taken for begun
