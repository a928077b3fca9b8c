"""What the daemon says of itself."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from daemon import health as module
from daemon.health import Health, Subjects
from daemon.lifecycle import Beat
from daemon.settings import Settings
from handlers.domain.ingestion_settings import IngestionSettings
from server.metrics import Metrics
from tests.unit.server.small_house import House, empty_house


class CardboardWorker:
    """Has a problem, or not."""

    def __init__(self, role: str, problem: str | None = None, *, deaths: int = 0) -> None:
        self.role = role
        self.deaths = deaths
        self.pid: int | None = 1
        self._problem = problem

    def problem(self) -> str | None:
        return self._problem


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = empty_house(tmp_path)
    yield made
    made.ledger.close()


def _ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def _health(house: House, *workers: Any, drops: list[str | None]) -> Health:
    settings = msgspec.structs.replace(Settings(), ingestion=IngestionSettings(expect_every="31 days"))
    subjects = Subjects(workers, lambda: drops[-1], lambda: None)
    return Health(settings, house.workspace, subjects, Beat(Metrics()))


def test_a_late_drop_is_a_warning_and_is_logged_once_for_each(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, dict[str, Any]]] = []
    monkeypatch.setattr(module.log, "emit", lambda event, **fields: told.append((event, fields)))
    drops: list[str | None] = [None]
    health = _health(house, drops=drops)
    health.tell_late()
    assert (health.warnings(), told) == ({}, [])
    drops.append(_ago(32))
    health.tell_late()
    health.tell_late()
    assert set(health.warnings()) == {"freshness"}
    drops.append(_ago(0))
    health.tell_late()
    assert health.warnings() == {}
    drops.append(_ago(40))
    health.tell_late()
    assert [event for event, _ in told] == ["drop.late"] * 2
    assert told[0][1]["expected_every_seconds"] == 31 * 86_400
    assert told[0][1]["detail"].startswith("The last drop came 32 days ago")


def test_what_is_wrong_with_the_workers_is_one_problem(house: House) -> None:
    workers = (CardboardWorker("ingest", "It dies.", deaths=4), CardboardWorker("model", "It is silent."))
    health = _health(house, *workers, drops=[None])
    assert health.problems() == {"workers": "It dies. It is silent."}
    assert health.vitals().worker_deaths == {"ingest": 4, "model": 0}


def test_without_anything_wrong_there_is_no_problem(house: House) -> None:
    health = _health(house, CardboardWorker("ingest"), drops=[None])
    assert (health.problems(), health.warnings()) == ({}, {})
    assert health.vitals().expected_every == 31 * 86_400
