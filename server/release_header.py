"""The header that says which release an answer is of."""

from __future__ import annotations

from aiohttp import web

MODEL_VERSION = "X-Model-Version"


def name_release(response: web.Response, version: int | None) -> web.Response:
    """The same answer, which names its release; None: there is none yet."""
    if version is not None:
        response.headers[MODEL_VERSION] = str(version)
    return response
