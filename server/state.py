"""What the views share: put into the application once, when it is built."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from aiohttp import web

from handlers.calls import CallList
from handlers.statistics import StatisticsCache
from server.auth import Door
from server.batching import Batcher
from server.description.current import CurrentDescription
from server.ledger_reading import LedgerReading
from server.metrics import Metrics
from server.pipeline_batching import PipelineBatcher
from server.services import Answering, Services
from server.templates import Templates

ANSWERING = web.AppKey("answering", Answering)
SERVICES = web.AppKey("services", Services)
CALLS = web.AppKey("calls", CallList)
CHECKS = web.AppKey("checks", asyncio.Semaphore)
DOOR = web.AppKey("door", Door)
STATISTICS = web.AppKey("statistics", StatisticsCache)
LEDGER_READING = web.AppKey("ledger_reading", LedgerReading)
METRICS = web.AppKey("metrics", Metrics)
BATCHER = web.AppKey("batcher", Batcher)
PIPELINE_BATCHER = web.AppKey("pipeline batcher", PipelineBatcher)
BODIES = web.AppKey("bodies", ThreadPoolExecutor)
"""Unpacks, reads and answers large bodies."""
PAGES = web.AppKey("pages", Templates)
STYLE = web.AppKey("style", bytes)
ICON = web.AppKey("icon", bytes)
DESCRIPTION = web.AppKey("description", CurrentDescription)
