"""Requests in the log: each that failed or was slow, a sample of the rest, and what was no request."""

from __future__ import annotations

import random

import msgspec

from daemon import log
from daemon.settings import Settings
from server.disturbances import Disturbance
from server.services import ServedRequest


def log_request(request: ServedRequest, settings: Settings) -> None:
    """Write a line, or none: the counts of all are in ``/metrics``."""
    slow = request.seconds >= settings.server.slow_request_seconds
    failed = request.status >= 400  # noqa: PLR2004 - HTTP's own border
    if failed or slow or random.random() < settings.logging.request_sample:  # noqa: S311 - a sample, no secret
        log.emit("request.served", **{**msgspec.to_builtins(request), "seconds": round(request.seconds, 4)})


def log_disturbance(one: Disturbance) -> None:
    """Write a line of what was no request, or of a connection that was refused or cut off."""
    fields = {"cause": one.cause, "address": one.address, "request_id": one.request_id, "not_logged": one.not_logged}
    log.emit(one.event, **fields)
