"""The page at /: whom to call, what is deployed, and what has happened."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from handlers import model_records, records
from handlers.calls import CallList, Calls
from handlers.domain.release import Release
from handlers.model_records import ModelDetail, Scoring
from handlers.records import DecisionItem, FileItem
from server.services import Readiness, Services
from server.state import CALLS, ICON, PAGES, SERVICES, STYLE
from server.views.health import readiness

RECENT = 10
"""How many files and decisions the page shows."""
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Overview:
    """What the page shows; ``calls``, ``model`` and ``scoring`` are None before the first model."""

    readiness: Readiness
    release: Release | None
    calls: Calls | None
    model: ModelDetail | None
    scoring: Scoring | None
    files: list[FileItem]
    decisions: list[DecisionItem]
    value_column: str | None


async def index(request: web.Request) -> web.Response:
    """The ranked clients with the strongest reasons, the current release, the last files and decisions."""
    services = request.app[SERVICES]
    overview = await asyncio.to_thread(_overview, services, readiness(services), request.app[CALLS])
    return html_response(request.app[PAGES].render("index.html", overview))


def html_response(html: str) -> web.Response:
    """A page that may load what is ours alone, and run nothing."""
    return web.Response(text=html, content_type="text/html", headers={"Content-Security-Policy": _POLICY})


async def style(request: web.Request) -> web.Response:
    """The style sheet of all pages."""
    return web.Response(body=request.app[STYLE], content_type="text/css", charset="utf-8")


async def icon(request: web.Request) -> web.Response:
    """A picture that every page names."""
    return web.Response(body=request.app[ICON], content_type="image/svg+xml")


def _overview(services: Services, state: Readiness, calls: CallList) -> Overview:
    release, ledger = services.champion.release, services.ledger
    return Overview(
        readiness=state,
        release=release,
        calls=None if release is None else calls.page(release, services.calls_shown()),
        model=None if release is None else model_records.model(ledger, release.version),
        scoring=None if release is None else model_records.scoring(ledger, release),
        files=records.files_page(ledger, RECENT)["items"],
        decisions=records.decisions_page(ledger, RECENT)["items"],
        value_column=services.dataset.value_column,
    )
