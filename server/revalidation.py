"""What has not changed since a client asked for it need not be sent again: ETag, If-None-Match, 304."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import xxhash
from aiohttp import web

from server.release_header import MODEL_VERSION
from server.state import ANSWERING

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def revalidated(handler: Handler) -> Handler:
    """The same answers with a tag of the current release and of what is said, or 304 where the client has it already.

    The tag is made from the answer itself, not from a version of the data: a decision that is under way, or a file
    that was refused, changes lists without changing the data set.
    """

    async def answer(request: web.Request) -> web.StreamResponse:
        response = await handler(request)
        body = response.body if isinstance(response, web.Response) else None
        if response.status != web.HTTPOk.status_code or not isinstance(body, bytes):
            return response
        release = request.app[ANSWERING].champion.release
        tag = f"{0 if release is None else release.version}-{xxhash.xxh3_64_hexdigest(body)}"
        asked = request.if_none_match or ()
        if any(one.value in {tag, "*"} for one in asked):
            of = response.headers.get(MODEL_VERSION)
            response = web.Response(status=web.HTTPNotModified.status_code, headers={MODEL_VERSION: of} if of else None)
        response.etag = tag
        response.headers["Cache-Control"] = "private, no-cache"
        return response

    answer.__doc__ = handler.__doc__
    return answer
