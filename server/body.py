"""A request's body: unpacked whole or refused, never answered in part."""

from __future__ import annotations

import asyncio

from aiohttp import web

from server.expectation import call_for_body
from server.problems import Kind, Problem
from server.state import ANSWERING

AT_ONCE_BYTES = 256 * 1024
"""A body of so many bytes is looked at when all of it is there: to wake up for each piece costs more than the piece,
and some send one byte a second. The library holds twice as many before it stops reading (``read_bufsize``)."""
PLAIN, GZIP = ("", "identity"), ("gzip", "x-gzip")


async def read_body(request: web.Request) -> bytes:
    """The body, unpacked. Raises Problem: 413 beyond the limit, 415 for other encodings, 400 where it is cut off.

    aiohttp's own unpacking is off (``app.runner``): it takes a stream that was cut off for a whole one.
    """
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in PLAIN + GZIP:
        raise Problem(Kind.UNSUPPORTED_TYPE, f"Content-Encoding {encoding[:40]!r} is not taken; send gzip, or none.")
    if request.content.is_eof():
        content = _come(request)
    else:
        if (request.content_length or 0) > request.client_max_size:
            raise _too_large(request, request.content_length or 0)
        await call_for_body(request)
        content = await _received(request)
    if encoding in PLAIN:
        return content
    return await asyncio.to_thread(_unpack, content, request.app[ANSWERING].settings.max_body_bytes)


async def _received(request: web.Request) -> bytes:
    """A body as it comes. ``request.read`` copies it twice more, and the loop has nothing else to do meanwhile."""
    body, length = request.content, request.content_length
    if length is not None and length <= AT_ONCE_BYTES:
        fault = body.exception()
        if fault is not None:  # which the wait would not notice
            raise fault
        await body.wait_eof()
        return _come(request)
    parts, size = [], 0
    while part := await body.readany():
        size += len(part)
        if size > request.client_max_size:
            raise _too_large(request, size)
        parts.append(part)
    return b"".join(parts)


def body_at_hand(request: web.Request) -> bytes | None:
    """A body that has come with its headers and is not packed; None for any other, which ``read_body`` waits for."""
    return _come(request) if request.content.is_eof() and "Content-Encoding" not in request.headers else None


def _come(request: web.Request) -> bytes:
    """A body that has come. ``request.read`` waits twice, also for such a one."""
    content = request.content.read_nowait()
    if len(content) > request.client_max_size:
        raise _too_large(request, len(content))
    return content


def _too_large(request: web.Request, size: int) -> web.HTTPRequestEntityTooLarge:
    return web.HTTPRequestEntityTooLarge(max_size=request.client_max_size, actual_size=size)


def _unpack(content: bytes, max_bytes: int) -> bytes:
    from handlers.decoding import gunzip
    from handlers.domain.files import Reason
    from handlers.domain.limits import Limits

    unpacked = gunzip(content, Limits(max_decompressed_bytes=max_bytes))
    if isinstance(unpacked, Reason):
        raise Problem(Kind.TOO_LARGE if unpacked.code == "too_large" else Kind.MALFORMED, unpacked.detail)
    return unpacked
