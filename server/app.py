"""The HTTP application."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import metadata
from typing import Any

import msgspec
from aiohttp import web

from handlers.calls import CallList
from handlers.domain.release import Release
from handlers.statistics import StatisticsCache
from handlers.telemetry import TelemetryReader
from server.auth import Door, Keyring
from server.batching import Batcher
from server.description.current import CurrentDescription
from server.dispatch import DISPATCHER, Dispatcher
from server.ledger_reading import LedgerReading
from server.listening import Runner, Serving
from server.parameters import Answer, strict
from server.pipeline_batching import PipelineBatcher
from server.replica_routes import REPLICA_ROUTES
from server.revalidation import revalidated
from server.routes import ROUTES, Route, addresses, is_revalidated, role_needed
from server.services import Answering, Services
from server.state import (
    ANSWERING,
    BATCHER,
    BODIES,
    CALLS,
    CHECKS,
    DESCRIPTION,
    DOOR,
    ICON,
    LEDGER_READING,
    METRICS,
    PAGES,
    PIPELINE_BATCHER,
    SERVICES,
    STATISTICS,
    STYLE,
)
from server.templates import PAGES_FOLDER, Templates

BODIES_AT_ONCE = 2
"""So many large bodies are read and answered at once. More take as long together, and the loop waits for its turn after
each of them; and deployments and ingestion, whose threads they would be, are not held up by them."""
CHECKS_AT_ONCE = 4
"""So many files may be checked or wait for it: each is held in memory until then."""


def build(services: Answering) -> web.Application:
    """The application over these services: the daemon's, or with nothing but ``Answering`` that of a replica.

    It starts nothing, and reads nothing but its own page. What answers its requests is its ``Dispatcher``.
    """
    if not isinstance(services, Services):
        return _application(services, REPLICA_ROUTES)
    app = _application(services, ROUTES)
    app[SERVICES] = services
    app[CALLS] = CallList(services.ledger, services.workspace, services.dataset)
    app[CHECKS] = asyncio.Semaphore(CHECKS_AT_ONCE)
    app[STATISTICS] = StatisticsCache()
    app[LEDGER_READING] = LedgerReading(TelemetryReader(services.ledger))
    app[PAGES] = Templates()
    app[STYLE] = (PAGES_FOLDER / "style.css").read_bytes()
    app[ICON] = (PAGES_FOLDER / "icon.svg").read_bytes()
    return app


def _application(services: Answering, routes: tuple[Route, ...]) -> web.Application:
    app = web.Application(client_max_size=services.settings.max_body_bytes)
    app[ANSWERING] = services
    app[METRICS] = services.metrics
    tokens = services.settings.tokens_file is not None
    app[DESCRIPTION] = CurrentDescription(partial(_document, routes, tokens=tokens))
    app[BATCHER] = Batcher(services.metrics.batch, services.settings)
    app[PIPELINE_BATCHER] = PipelineBatcher(services.metrics.batch)
    app[BODIES] = ThreadPoolExecutor(BODIES_AT_ONCE, thread_name_prefix="body")
    app.on_cleanup.append(_leave_bodies)
    needs, answers = {}, {}
    for route in routes:
        answer = _answer(route)
        for path in addresses(route):
            for method in ("GET", "HEAD") if route.method == "GET" else (route.method,):
                added = app.router.add_route(method, path, route.handler)
                needs[added], answers[added] = role_needed(route), answer
    app[DOOR] = Door(_keyring(services), needs)
    app[DISPATCHER] = Dispatcher(app, answers)
    return app


async def _leave_bodies(app: web.Application) -> None:
    app[BODIES].shutdown(wait=False, cancel_futures=True)


def runner(services: Answering, *, max_connections: int | None = None, tls: ssl.SSLContext | None = None) -> Runner:
    """What serves the application. ``max_connections``: where there is room for fewer than are configured."""
    app = build(services)
    settings = services.settings
    if max_connections is not None:
        settings = msgspec.structs.replace(settings, max_connections=max_connections)
    return Runner(app, Serving(settings, app[DISPATCHER], services.disturbed, app[METRICS].disturbed, tls))


def _answer(route: Route) -> Answer:
    """What answers a route, with what the table says of it."""
    answer = revalidated(route.handler) if is_revalidated(route) else route.handler
    return strict(answer, [parameter.name for parameter in route.parameters])


def _keyring(services: Answering) -> Keyring | None:
    """Where there is a tokens file, and nobody has brought its tokens, none is known: nobody is let in."""
    return Keyring() if services.keyring is None and services.settings.tokens_file is not None else services.keyring


def _document(routes: tuple[Route, ...], release: Release | None, *, tokens: bool) -> Mapping[str, Any]:
    from server import openapi  # nobody has asked for it when the process starts

    return openapi.document(_version(), release, tokens=tokens, routes=routes)


def _version() -> str:
    try:
        return metadata.version("attritiond")
    except metadata.PackageNotFoundError:
        return "0"
