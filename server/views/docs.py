"""The description of the API: for programs, and for people."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from server.description.current import Described
from server.description.reference import Reference
from server.services import Readiness
from server.state import DESCRIPTION, PAGES, SERVICES
from server.views.health import readiness
from server.views.page import html_response


@dataclass(frozen=True, slots=True)
class DocsPage:
    """What the page shows; ``url``: where this server was asked, without a path."""

    readiness: Readiness
    reference: Reference
    url: str


async def openapi(request: web.Request) -> web.Response:
    """This API in OpenAPI 3.1, the columns of the current release included."""
    described = await asyncio.to_thread(_described, request)
    return web.Response(body=described.json, content_type="application/json")


async def docs(request: web.Request) -> web.Response:
    """Every address, with an example, what it takes and what it answers. The page needs no script, and no network."""
    return html_response(await asyncio.to_thread(_page, request))


def _described(request: web.Request) -> Described:
    return request.app[DESCRIPTION].of(request.app[SERVICES].champion.release)


def _page(request: web.Request) -> str:
    services = request.app[SERVICES]
    page = DocsPage(readiness(services), _described(request).reference, str(request.url.origin()))
    return request.app[PAGES].get_template("docs.html").render(page=page)
