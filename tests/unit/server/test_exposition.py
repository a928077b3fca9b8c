"""The text that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from handlers.telemetry import TelemetryReader
from server import exposition
from server.exposition import Standing
from server.metrics import Metrics
from server.services import Readiness, Vitals
from tests.unit.server.small_house import House, full_house, release

NOW = 1_763_639_520.123 + 60  # a minute after the small house's time


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = full_house(tmp_path)
    yield made
    made.ledger.close()


def _standing(metrics: Metrics | None = None, *, readiness: Readiness | None = None) -> Standing:
    vitals = Vitals(worker_deaths={"ingest": 2}, worker_running={"ingest": True}, free_bytes={"output": 5})
    counted = (metrics or Metrics()).snapshot()
    return Standing(counted, readiness or Readiness(), vitals, release())


def _values(text: bytes) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    families: list[Metric] = list(text_string_to_metric_families(text.decode()))
    samples = [sample for family in families for sample in family.samples]
    return {(sample.name, tuple(sorted(sample.labels.items()))): sample.value for sample in samples}


def test_requests_are_counted_by_status_and_timed_by_route() -> None:
    metrics = Metrics()
    metrics.count("POST", "/v1/prediction", 200, 0.0004)
    metrics.count("POST", "/v1/prediction", 200, 0.02)
    metrics.count("POST", "/v1/prediction", 422, 0.0002)
    values = _values(exposition.text(_standing(metrics), None, now=NOW))
    route = (("method", "POST"), ("route", "/v1/prediction"))
    assert values["attritiond_http_requests_total", (*route, ("status", "200"))] == 2
    assert values["attritiond_http_requests_total", (*route, ("status", "422"))] == 1
    assert values["attritiond_http_request_seconds_count", route] == 3
    assert values["attritiond_http_request_seconds_bucket", (("le", "0.0005"), *route)] == 2
    assert values["attritiond_http_request_seconds_sum", route] == pytest.approx(0.0206)


def test_a_batch_counts_once_with_its_clients_and_its_requests() -> None:
    metrics = Metrics()
    metrics.batch(3, 40)
    metrics.batch(1, 2)
    values = _values(exposition.text(_standing(metrics), None, now=NOW))
    assert values["attritiond_predicted_rows_total", ()] == 42
    assert values["attritiond_batch_rows_count", ()] == values["attritiond_batch_requests_count", ()] == 2
    assert values["attritiond_batch_requests_sum", ()] == 4


def test_every_check_is_told_whether_it_fails_or_not() -> None:
    readiness = Readiness({"disk": "Full.", "new": "Odd."}, {"freshness": "Late."}, waiting=3)
    values = _values(exposition.text(_standing(readiness=readiness), None, now=NOW))
    failing = {labels[0][1]: value for (name, labels), value in values.items() if name == "attritiond_problem"}
    assert {check for check, value in failing.items() if value} == {"disk", "new"}
    assert failing["model"] == failing["ledger"] == 0
    assert values["attritiond_ready", ()] == 0
    assert values["attritiond_warning", (("check", "freshness"),)] == 1
    assert values["attritiond_warning", (("check", "release"),)] == 0
    assert values["attritiond_files_waiting", ()] == 3


def test_without_the_ledger_the_process_tells_what_it_knows_itself() -> None:
    values = _values(exposition.text(_standing(), None, now=NOW))
    assert values["attritiond_ledger_readable", ()] == 0
    assert values["attritiond_worker_deaths_total", (("worker", "ingest"),)] == 2
    assert values["process_resident_memory_bytes", ()] > 0
    labels = (("estimator", "logistic"), ("provisional", "false"), ("version", "2"))
    assert values["attritiond_model_info", labels] == 1
    assert not any(name == "attritiond_files" for name, _ in values)


def test_what_the_ledger_says_is_told_with_ages_and_limits(house: House) -> None:
    telemetry = TelemetryReader(house.ledger).read()
    values = _values(exposition.text(_standing(), telemetry, now=NOW))
    assert values["attritiond_ledger_readable", ()] == 1
    assert values["attritiond_files", (("state", "quarantined"),)] == 1
    assert values["attritiond_last_drop_age_seconds", ()] == pytest.approx(60)
    assert values["attritiond_model_age_seconds", ()] == pytest.approx(60)
    assert values["attritiond_phase", (("phase", "adapting"),)] == 1
    assert values["attritiond_harm_z", ()] > values["attritiond_harm_z_limit", ()]
    assert values["attritiond_drift_psi", (("column", "tenure"), ("rows", "labelled"))] > 0


def test_a_clock_that_was_set_back_makes_nothing_younger_than_new(house: House) -> None:
    telemetry = TelemetryReader(house.ledger).read()
    values = _values(exposition.text(_standing(), telemetry, now=NOW - 3_600))
    assert values["attritiond_last_drop_age_seconds", ()] == 0


def test_no_name_of_a_file_or_client_is_told(house: House) -> None:
    telemetry = TelemetryReader(house.ledger).read()
    text = exposition.text(_standing(), telemetry, now=NOW).decode()
    for name in ("june", "july", "broken", "gone", "abcd"):
        assert name not in text
