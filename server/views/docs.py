"""The description of the API: for programs, and for people."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from server.release_header import name_release
from server.services import Readiness
from server.state import ANSWERING, DESCRIPTION, PAGES, SERVICES
from server.views.health import readiness
from server.views.page import html_response

if TYPE_CHECKING:
    from server.description.reference import Reference

_HOST = re.compile(r"(?:[A-Za-z0-9.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class DocsPage:
    """What the page shows; ``url``: where this server was asked, without a path."""

    readiness: Readiness
    reference: Reference
    url: str


async def openapi(request: web.Request) -> web.Response:
    """This API in OpenAPI 3.1, the columns of the current release included."""
    release = request.app[ANSWERING].champion.release
    described = request.app[DESCRIPTION].kept(release)
    if described is None:
        described = await asyncio.to_thread(request.app[DESCRIPTION].of, release)
    return name_release(web.Response(body=described.json, content_type="application/json"), described.version)


async def docs(request: web.Request) -> web.Response:
    """Every address, with an example, what it takes and what it answers. The page needs no script, and no network."""
    return html_response(await asyncio.to_thread(_page, request))


def _url(request: web.Request) -> str:
    """Where this server was asked, so that what is copied from the page works; a Host that is none is not repeated."""
    given, settings = request.headers.get("Host", ""), request.app[SERVICES].settings
    return f"{request.scheme}://{given if _HOST.fullmatch(given) else f'{settings.host}:{settings.port}'}"


def _page(request: web.Request) -> str:
    services = request.app[SERVICES]
    page = DocsPage(
        readiness(services), request.app[DESCRIPTION].of(services.champion.release).reference, _url(request)
    )
    return request.app[PAGES].render("docs.html", page)
