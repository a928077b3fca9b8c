"""A request's body: unpacked whole or refused, never answered in part."""

from __future__ import annotations

import asyncio

from aiohttp import web

from server.expectation import call_for_body, is_asked_for
from server.problems import CLOSE, Kind, Problem
from server.state import ANSWERING, BODIES

AT_ONCE_BYTES = 256 * 1024
"""A body of so many bytes is looked at when all of it is there: to wake up for each piece costs more than the piece,
and some send one byte a second. The library holds twice as many before it stops reading (``read_bufsize``)."""
TOO_LARGE = "The body is larger than server.max_body_bytes allows: send it in parts."
PLAIN, GZIP = ("", "identity"), ("gzip", "x-gzip")


async def read_body(request: web.Request, *, too_large: str = TOO_LARGE) -> bytes:
    """The body, unpacked. Raises Problem: 413 beyond the limit, 415 for other encodings, 400 where it is cut off.

    aiohttp's own unpacking is off (``app.runner``): it takes a stream that was cut off for a whole one. ``too_large``
    says what to do instead.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in PLAIN + GZIP:
        raise Problem(Kind.UNSUPPORTED_TYPE, f"Content-Encoding {encoding[:40]!r} is not taken; send gzip, or none.")
    if request.content.is_eof():
        content = request.content.read_nowait()
    else:
        declared_too_large = (request.content_length or 0) > request.client_max_size
        if is_asked_for(request):
            if declared_too_large:
                raise Problem(Kind.TOO_LARGE, too_large, headers=CLOSE)
            await call_for_body(request)
        try:
            content = await _received(request)
        except ConnectionError as error:  # it was cut off; nobody reads the answer, and the count is right
            raise web.RequestPayloadError("The connection was lost.") from error
        except Problem as slow:  # who is refused while he sends may lose the answer, so he is not before
            raise Problem(Kind.TOO_LARGE, too_large, headers=CLOSE) if declared_too_large else slow from None
    if len(content) > request.client_max_size:
        raise Problem(Kind.TOO_LARGE, too_large)
    if encoding in PLAIN:
        return content
    max_bytes = request.app[ANSWERING].settings.max_body_bytes
    return await asyncio.get_running_loop().run_in_executor(request.app[BODIES], _unpack, content, max_bytes)


async def _received(request: web.Request) -> bytes:
    """A body as it comes, or the beginning of one that is too large.

    ``request.read`` copies it twice more, and the loop has nothing else to do meanwhile.
    """
    body, length = request.content, request.content_length
    if not request.protocol.connected:  # nobody tells whoever waits from now on
        raise ConnectionResetError
    if length is not None and length <= AT_ONCE_BYTES:
        fault = body.exception()
        if fault is not None:  # nor of what was told before
            raise fault
        await body.wait_eof()
        return body.read_nowait()
    parts, size = [], 0
    while size <= request.client_max_size and (part := await body.readany()):
        size += len(part)
        parts.append(part)
    return b"".join(parts)


def body_at_hand(request: web.Request) -> bytes | None:
    """A body that has come with its headers and is not packed; None for any other, which ``read_body`` waits for.

    Raises Problem. ``request.read`` would wait twice, also for such a one.
    """
    if not request.content.is_eof() or "Content-Encoding" in request.headers:
        return None
    content = request.content.read_nowait()
    if len(content) > request.client_max_size:
        raise Problem(Kind.TOO_LARGE, TOO_LARGE)
    return content


def _unpack(content: bytes, max_bytes: int) -> bytes:
    from handlers.decoding import gunzip
    from handlers.domain.files import Reason
    from handlers.domain.limits import Limits

    unpacked = gunzip(content, Limits(max_decompressed_bytes=max_bytes))
    if isinstance(unpacked, Reason):
        raise Problem(Kind.TOO_LARGE if unpacked.code == "too_large" else Kind.MALFORMED, unpacked.detail)
    return unpacked
