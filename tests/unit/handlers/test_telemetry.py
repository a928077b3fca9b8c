"""What the ledger has to say to whoever watches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from handlers.decision_state import read_state, write_state
from handlers.domain.facts import Fact
from handlers.storage import events
from handlers.telemetry import MOST_COLUMNS, OUTCOMES, TelemetryReader, _shift
from tests.unit.server.small_house import AT, House, empty_house, full_house, release


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = full_house(tmp_path)
    yield made
    made.ledger.close()


def _tell(house: House, *happened: str) -> None:
    with house.ledger.write() as connection:
        events.add(connection, [Fact(event) for event in happened], at=AT)


def test_an_empty_ledger_has_counts_of_nothing_and_no_judgement(tmp_path: Path) -> None:
    made = empty_house(tmp_path)
    told = TelemetryReader(made.ledger).read()
    made.ledger.close()
    assert told.outcomes == dict.fromkeys(OUTCOMES, 0)
    assert (told.phase, told.reading, told.reference, told.deployed_at, told.last_drop_at) == (None,) * 5
    assert (told.shifts, told.steps, told.rows_ingested) == ({}, {}, 0)


def test_outcomes_are_counted_on_from_where_the_last_reading_ended(house: House) -> None:
    reader = TelemetryReader(house.ledger)
    _tell(house, "file.ingested", "file.held", "model.kept")
    assert reader.read().outcomes["ingested"] == 1
    _tell(house, "file.ingested", "file.released")
    told = reader.read()
    assert [told.outcomes[one] for one in ("ingested", "held", "released", "scored")] == [2, 1, 1, 0]
    assert TelemetryReader(house.ledger).read().outcomes == told.outcomes, "a restart counts the same"
    assert reader.read().outcomes == told.outcomes


def test_the_judgement_is_that_of_the_current_model(house: House) -> None:
    told = TelemetryReader(house.ledger).read()
    assert told.phase == "adapting"
    assert told.reading is not None
    assert (told.reading.z, told.reading.cusum, told.reference) == (6.2, 6.6, 0.4)
    assert told.verdicts["promoted"] == 1
    assert told.verdicts["failed"] == 0
    assert (told.deployed_at, told.last_drop_at) == (AT, AT)


def test_what_was_read_of_the_model_before_is_not_told_of_the_current_one(house: House) -> None:
    with house.ledger.write() as connection:
        state = read_state(connection)
        write_state(connection, msgspec.structs.replace(state, champion=release(3).incumbent))
    told = TelemetryReader(house.ledger).read()
    assert told.reading is None
    assert told.reference == 0.4


def test_drift_is_told_by_column_for_both_kinds_of_rows(house: House) -> None:
    told = TelemetryReader(house.ledger).read()
    assert set(told.shifts) == {"labelled", "unlabelled"}
    assert {one.name for one in told.shifts["labelled"].columns} == {"tenure", "contract", "seats"}
    assert told.shifts["labelled"].alerts == sum(one.alert for one in told.shifts["labelled"].columns)


def test_of_a_wide_table_the_first_columns_are_told_and_all_alerts_counted() -> None:
    columns = [{"name": f"c{n}", "psi": 0.1, "alert": True} for n in range(MOST_COLUMNS + 50)]
    told = _shift({"columns": columns, "score": {"psi": 0.3}})
    assert (len(told.columns), told.alerts, told.score) == (MOST_COLUMNS, MOST_COLUMNS + 50, 0.3)
