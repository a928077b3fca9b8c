"""The page at /drift: how the deployed model is being judged, and what was decided."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from aiohttp import web

from handlers.drift_status import Drift
from handlers.drift_status import drift as read_drift
from server.charts import HarmChart, harm_chart
from server.services import Readiness, Services
from server.state import PAGES, SERVICES
from server.views.health import readiness
from server.views.page import html_response


@dataclass(frozen=True, slots=True)
class DriftPage:
    """What the page shows; ``chart`` is None before the first block was judged."""

    readiness: Readiness
    drift: Drift
    chart: HarmChart | None


async def drift(request: web.Request) -> web.Response:
    """What /v1/drift says: the harm test as a picture, columns that moved, and the last decisions."""
    services = request.app[SERVICES]
    page = await asyncio.to_thread(_page, services, readiness(services))
    return html_response(request.app[PAGES].render("drift.html", page))


def _page(services: Services, state: Readiness) -> DriftPage:
    found = read_drift(services.ledger)
    return DriftPage(state, found, harm_chart(found["path"]))
