"""What Prometheus is told."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from handlers.domain.files import FileState
from server.disturbances import Cause
from server.services import Readiness

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


class Metrics:
    """A registry of our own: two applications in one process do not share their counts."""

    def __init__(self) -> None:
        # A second series for each count, of its start time, tells nobody anything.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # published without types
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "attritiond_http_requests", "Requests answered", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "attritiond_http_request_seconds",
            "Time to answer",
            ("method", "route"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._disturbances = Counter(
            "attritiond_http_disturbances",
            "Requests not understood, and connections refused or cut off",
            ("cause",),
            registry=self._registry,
        )
        for cause in Cause:
            self._disturbances.labels(cause)
        self._files = Gauge("attritiond_files", "Files by state", ("state",), registry=self._registry)
        self._model = Gauge("attritiond_model_version", "The current release; 0 before it", registry=self._registry)
        self._waiting = Gauge("attritiond_files_waiting", "Files not yet taken", registry=self._registry)
        self._undecided = Gauge("attritiond_files_undecided", "Files not yet decided on", registry=self._registry)

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """A request has been answered."""
        self._requests.labels(method, route, status).inc()
        self._seconds.labels(method, route).observe(seconds)

    def disturbed(self, cause: Cause) -> None:
        """A request was not understood, or a connection refused or cut off."""
        self._disturbances.labels(cause).inc()

    def text(self, files: Mapping[str, int], readiness: Readiness, model_version: int | None) -> bytes:
        """Everything in Prometheus' text format."""
        for state in FileState:
            self._files.labels(state).set(files.get(state, 0))
        self._waiting.set(readiness.waiting)
        self._undecided.set(readiness.undecided)
        self._model.set(model_version or 0)
        return generate_latest(self._registry)
