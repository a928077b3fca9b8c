"""What Prometheus is told, in its text format: base units, no file name, nothing of a client.

Every metric is in ``docs/operations.md``; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import get_args

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
    SummaryMetricFamily,
)
from prometheus_client.registry import Collector

from handlers.domain.decisions.state import Phase
from handlers.domain.files import FileState
from handlers.domain.release import Release
from handlers.telemetry import Telemetry
from server.distributions import Counted
from server.metrics import LAG, LATENCY, REQUESTS, ROWS, MetricsSnapshot
from server.services import CHECKS, WARNINGS, Readiness, Vitals

CONTENT_TYPE = CONTENT_TYPE_LATEST


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known without asking the ledger, as of one moment of the event loop. A replica has no ledger to ask."""

    counted: MetricsSnapshot
    readiness: Readiness
    vitals: Vitals
    release: Release | None
    has_ledger: bool = True


def text(standing: Standing, telemetry: Telemetry | None, *, now: float) -> bytes:
    """Everything. ``telemetry`` is None where the ledger cannot be read; ``now``: seconds since 1970."""
    found = [*_of_requests(standing.counted), *_of_process(standing), *_of_model(standing.release)]
    if standing.has_ledger:
        found.append(_gauge("ledger_readable", "1 if this answer holds what the ledger says", telemetry is not None))
    if telemetry is not None:
        found += [*_of_drops(telemetry, now), *_of_judgement(telemetry, now), *_of_drift(telemetry)]
    registry = CollectorRegistry()
    registry.register(_Found(found))
    ProcessCollector(registry=registry)
    return generate_latest(registry)


class _Found(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = tuple(metrics)

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _of_requests(counted: MetricsSnapshot) -> Iterator[Metric]:
    requests = CounterMetricFamily(
        "attritiond_http_requests", "Requests answered", labels=("method", "route", "status")
    )
    by_route: dict[tuple[str, str], Counted] = {}
    for (method, route, status), seen in counted.requests.items():
        requests.add_metric((method, route, str(status)), seen.count)
        before = by_route.get((method, route))
        by_route[method, route] = seen if before is None else before + seen
    yield requests
    seconds = HistogramMetricFamily(
        "attritiond_http_request_seconds", "Time to answer a request", labels=("method", "route")
    )
    for labels, seen in by_route.items():
        seconds.add_metric(labels, seen.buckets(LATENCY), seen.total)
    yield seconds
    yield CounterMetricFamily("attritiond_predicted_rows", "Clients scored for requests", counted.batch_rows.total)
    yield _histogram("batch_rows", "Clients scored in one evaluation", ROWS, counted.batch_rows)
    yield _histogram("batch_requests", "Requests answered by one evaluation", REQUESTS, counted.batch_requests)
    disturbances = CounterMetricFamily(
        "attritiond_http_disturbances", "Requests not understood, and connections refused or cut off", labels=("cause",)
    )
    for cause, count in counted.disturbances.items():
        disturbances.add_metric((cause,), count)
    yield disturbances
    yield _histogram("loop_lag_seconds", "How late a timer of the event loop was", LAG, counted.loop_lag)


def _of_process(standing: Standing) -> Iterator[Metric]:
    readiness, vitals = standing.readiness, standing.vitals
    yield _gauge("heartbeat_age_seconds", "Since the event loop has last kept its beat", vitals.beat_age)
    yield _gauge("ready", "1 if /readyz answers 200", not readiness.problems)
    checks = {check: check in readiness.problems for check in (*CHECKS, *readiness.problems)}
    yield _labelled("problem", "1 if this check of /readyz fails", "check", checks)
    warnings = {check: check in readiness.warnings for check in (*WARNINGS, *readiness.warnings)}
    yield _labelled("warning", "1 if /readyz warns of this", "check", warnings)
    yield _gauge("files_waiting", "Files that have been seen and are not taken yet", readiness.waiting)
    yield _gauge("files_undecided", "Files on which no decision has ended yet", readiness.undecided)
    if vitals.worker_deaths:
        deaths = CounterMetricFamily("attritiond_worker_deaths", "Worker processes that died", labels=("worker",))
        for worker, count in vitals.worker_deaths.items():
            deaths.add_metric((worker,), count)
        yield deaths
        yield _labelled("worker_running", "1 if the worker has a process", "worker", vitals.worker_running)
    yield _labelled("disk_free_bytes", "Bytes that may still be written there", "folder", vitals.free_bytes)
    if vitals.expected_every is not None:
        yield _gauge("drop_expected_every_seconds", "ingestion.expect_every", vitals.expected_every)


def _of_model(release: Release | None) -> Iterator[Metric]:
    yield _gauge("model_version", "The release that is served; 0 before the first", release.version if release else 0)
    info = InfoMetricFamily("attritiond_model", "The release that is served", labels=())
    if release is not None:
        provisional = str(release.provisional).lower()
        info.add_metric(
            (), {"version": str(release.version), "estimator": release.estimator, "provisional": provisional}
        )
    yield info


def _of_drops(telemetry: Telemetry, now: float) -> Iterator[Metric]:
    states = {str(state): telemetry.files.get(state, 0) for state in FileState}
    yield _labelled("files", "Files by the state that they are in", "state", states)
    drops = CounterMetricFamily("attritiond_drops", "Drops by what became of them", labels=("outcome",))
    for outcome, count in telemetry.outcomes.items():
        drops.add_metric((outcome,), count)
    yield drops
    yield CounterMetricFamily("attritiond_rows_ingested", "Rows that came into the data set", telemetry.rows_ingested)
    steps = SummaryMetricFamily("attritiond_step_seconds", "Time spent on steps of the work", labels=("step",))
    for name, step in telemetry.steps.items():
        steps.add_metric((name,), step.count, step.seconds)
    yield steps
    last = {name: step.last_seconds for name, step in telemetry.steps.items()}
    yield _labelled("step_last_seconds", "Time that a step took the last time", "step", last)
    if telemetry.last_drop_at is not None:
        age = _age(telemetry.last_drop_at, now)
        yield _gauge("last_drop_age_seconds", "Since rows of a file last came into the data set", age)


def _of_judgement(telemetry: Telemetry, now: float) -> Iterator[Metric]:
    decisions = CounterMetricFamily("attritiond_decisions", "Decisions by their verdict", labels=("verdict",))
    for verdict, count in telemetry.verdicts.items():
        decisions.add_metric((verdict,), count)
    yield decisions
    if telemetry.deployed_at is not None:
        age = _age(telemetry.deployed_at, now)
        yield _gauge("model_age_seconds", "Since the current model was made", age)
    if telemetry.phase is not None:
        phases = {phase: phase == telemetry.phase for phase in get_args(Phase)}
        yield _labelled("phase", "1 for the phase of the judgement", "phase", phases)
    if telemetry.reference is not None:
        yield _gauge("log_loss_reference", "The log loss that the current model promised", telemetry.reference)
    reading = telemetry.reading
    if reading is not None:
        yield _gauge("log_loss", "The log loss of the current model on the newest rows", reading.loss)
        yield _gauge("harm_z", "Standard errors of that loss above reference and allowance", reading.z)
        yield _gauge("harm_z_limit", "harm_z above this is an alarm", reading.limit)
        yield _gauge("harm_cusum", "The sum of standard errors, each less 1, over blocks", reading.cusum)
        yield _gauge("harm_cusum_limit", "harm_cusum above this is an alarm", reading.cusum_limit)


def _of_drift(telemetry: Telemetry) -> Iterator[Metric]:
    labels = ("rows", "column")
    psi = GaugeMetricFamily("attritiond_drift_psi", "Population stability index against the training", labels=labels)
    alert = GaugeMetricFamily("attritiond_drift_alert", "1 if the column has shifted", labels=labels)
    for rows, shift in telemetry.shifts.items():
        for column in shift.columns:
            psi.add_metric((rows, column.name), column.psi)
            alert.add_metric((rows, column.name), column.alert)
    yield psi
    yield alert
    counts = {rows: shift.alerts for rows, shift in telemetry.shifts.items()}
    yield _labelled("drift_alerts", "How many columns have shifted", "rows", counts)
    scores = {rows: shift.score for rows, shift in telemetry.shifts.items()}
    yield _labelled("drift_score_psi", "Population stability index of the model's own scores", "rows", scores)


def _age(timestamp: str, now: float) -> float:
    """Seconds since a time of the ledger; 0 where the clock has been set back."""
    return max(0.0, now - datetime.fromisoformat(timestamp).timestamp())


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"attritiond_{name}", meaning, float(value))


def _labelled(name: str, meaning: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(f"attritiond_{name}", meaning, labels=(label,))
    for each, value in values.items():
        family.add_metric((each,), float(value))
    return family


def _histogram(name: str, meaning: str, bounds: tuple[float, ...], seen: Counted) -> Metric:
    return HistogramMetricFamily(f"attritiond_{name}", meaning, seen.buckets(bounds), seen.total)
