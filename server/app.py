"""The HTTP application."""

from __future__ import annotations

import asyncio
from importlib import metadata
from pathlib import Path

import jinja2
import msgspec
from aiohttp import web

from handlers.calls import CallList
from handlers.statistics import StatisticsCache
from server import openapi, wording
from server.batching import Batcher
from server.metrics import Metrics
from server.middleware import serve
from server.routes import ROUTES, addresses
from server.services import Services
from server.state import BATCHER, CALLS, CHECKS, ICON, METRICS, OPENAPI, PAGES, SERVICES, STATISTICS, STYLE

CHECKS_AT_ONCE = 4
"""So many files may be checked or wait for it: each is held in memory until then."""
_PAGES = Path(__file__).parent / "pages"


def build(services: Services) -> web.Application:
    """The application over these services. It starts nothing, and reads nothing but its own page."""
    app = web.Application(middlewares=[serve], client_max_size=services.settings.max_body_bytes)
    app[SERVICES] = services
    app[CALLS] = CallList(services.ledger, services.workspace, services.dataset)
    app[CHECKS] = asyncio.Semaphore(CHECKS_AT_ONCE)
    app[STATISTICS] = StatisticsCache()
    app[METRICS] = Metrics()
    app[OPENAPI] = msgspec.json.encode(openapi.document(_version()))
    app[BATCHER] = Batcher(lambda _requests, _rows: None)
    app[PAGES] = _pages()
    app[STYLE] = (_PAGES / "style.css").read_bytes()
    app[ICON] = (_PAGES / "icon.svg").read_bytes()
    for route in ROUTES:
        for path in addresses(route):
            app.router.add_route(route.method, path, route.handler)
            if route.method == "GET":
                app.router.add_route("HEAD", path, route.handler)
    return app


def runner(services: Services) -> web.AppRunner:
    """What serves the application; ``server.body`` unpacks bodies itself."""
    return web.AppRunner(
        build(services), access_log=None, handle_signals=False, shutdown_timeout=2.0, auto_decompress=False
    )


def _pages() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_PAGES), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    environment.filters.update(wording.FILTERS)
    return environment


def _version() -> str:
    try:
        return metadata.version("attritiond")
    except metadata.PackageNotFoundError:
        return "0"
