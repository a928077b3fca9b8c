"""How views answer JSON, and how they wait for what may block."""

from __future__ import annotations

import msgspec
from aiohttp import web

from handlers.domain.release import Release
from server.problems import no_model
from server.state import ANSWERING


def json_response(document: object, *, status: int = 200) -> web.Response:
    """An answer of JSON values."""
    return web.Response(body=msgspec.json.encode(document), status=status, content_type="application/json")


def current_release(request: web.Request) -> Release:
    """The release that this request uses from beginning to end. Raises Problem before the first."""
    release = request.app[ANSWERING].champion.release
    if release is None:
        raise no_model()
    return release
