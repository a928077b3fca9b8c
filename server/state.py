"""What the views share: put into the application once, when it is built."""

from __future__ import annotations

import asyncio

import jinja2
from aiohttp import web

from handlers.calls import CallList
from handlers.statistics import StatisticsCache
from server.auth import Door
from server.batching import Batcher
from server.metrics import Metrics
from server.services import Answering, Services

ANSWERING = web.AppKey("answering", Answering)
SERVICES = web.AppKey("services", Services)
CALLS = web.AppKey("calls", CallList)
CHECKS = web.AppKey("checks", asyncio.Semaphore)
DOOR = web.AppKey("door", Door)
STATISTICS = web.AppKey("statistics", StatisticsCache)
METRICS = web.AppKey("metrics", Metrics)
BATCHER = web.AppKey("batcher", Batcher)
PAGES = web.AppKey("pages", jinja2.Environment)
STYLE = web.AppKey("style", bytes)
ICON = web.AppKey("icon", bytes)
OPENAPI = web.AppKey("openapi", bytes)
