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
from server.auth import Door, Keyring
from server.batching import Batcher
from server.expectation import wait
from server.listening import Runner
from server.metrics import Metrics
from server.middleware import serve
from server.revalidation import revalidated
from server.routes import ROUTES, addresses, is_revalidated, role_needed
from server.services import Services
from server.state import BATCHER, CALLS, CHECKS, DOOR, ICON, METRICS, OPENAPI, PAGES, SERVICES, STATISTICS, STYLE

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
    app[OPENAPI] = msgspec.json.encode(openapi.document(_version(), tokens=services.settings.tokens_file is not None))
    app[BATCHER] = Batcher(lambda _requests, _rows: None)
    app[PAGES] = _pages()
    app[STYLE] = (_PAGES / "style.css").read_bytes()
    app[ICON] = (_PAGES / "icon.svg").read_bytes()
    needs = {}
    for route in ROUTES:
        handler = revalidated(route.handler) if is_revalidated(route) else route.handler
        for path in addresses(route):
            for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
                added = app.router.add_route(method, path, handler, expect_handler=wait)
                needs[added] = role_needed(route)
    app[DOOR] = Door(_keyring(services), needs)
    return app


def runner(services: Services, *, max_connections: int | None = None) -> Runner:
    """What serves the application. ``max_connections``: where there is room for fewer than are configured."""
    app = build(services)
    settings = services.settings
    if max_connections is not None:
        settings = msgspec.structs.replace(settings, max_connections=max_connections)
    return Runner(app, settings, tell=services.disturbed, count=app[METRICS].disturbed)


def _keyring(services: Services) -> Keyring | None:
    """Where there is a tokens file, and nobody has brought its tokens, none is known: nobody is let in."""
    return Keyring() if services.keyring is None and services.settings.tokens_file is not None else services.keyring


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
