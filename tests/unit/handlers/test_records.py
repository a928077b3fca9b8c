"""The shapes that the API and the command line answer with."""

from __future__ import annotations

from pathlib import Path

import pytest

from handlers import model_records, records
from handlers.domain.files import FileState
from tests.unit.server.small_house import AT, METRICS, House, full_house, release


@pytest.fixture
def house(tmp_path: Path) -> House:
    return full_house(tmp_path)


def test_a_file_has_the_promised_shape(house: House) -> None:
    newest = records.files_page(house.ledger, 1)["items"][0]
    assert newest == {
        "name": "broken.csv",
        "sha256": f"{3:064d}",
        "state": "quarantined",
        "reason": {
            "code": "quotes",
            "detail": "A quotation mark in line 3 is never closed.",
            "lines": [3],
            "what_to_do": "Correct it.",
        },
        "notes": [],
        "rows": {"read": 0, "ingested": 0, "duplicate": 0, "rejected": 0},
        "bytes": 300,
        "seen_at": AT,
        "committed_at": AT,
        "seconds": 0.01,
    }


def test_files_are_paged_newest_first_and_chosen_by_state(house: House) -> None:
    first = records.files_page(house.ledger, 2)
    assert [item["name"] for item in first["items"]] == ["broken.csv", "july.csv"]
    assert first["next"] is not None
    second = records.files_page(house.ledger, 2, int(first["next"]))
    assert ([item["name"] for item in second["items"]], second["next"]) == (["june.csv"], None)
    scored = records.files_page(house.ledger, 2, None, FileState.SCORED)
    assert [item["name"] for item in scored["items"]] == ["july.csv"]


def test_a_page_that_ends_exactly_has_no_next(house: House) -> None:
    assert records.files_page(house.ledger, 3)["next"] is None


def test_a_model_has_the_promised_shape(house: House) -> None:
    assert model_records.models_page(house.ledger, 1)["items"] == [
        {
            "version": 2,
            "state": "current",
            "provisional": False,
            "estimator": "logistic",
            "trained_rows": 6,
            "dataset_version": 1,
            "metrics": METRICS,
            "deployed_at": AT,
        }
    ]
    assert [item["state"] for item in model_records.models_page(house.ledger, 9)["items"]] == ["current", "previous"]


def test_a_model_names_the_decision_that_made_it(house: House) -> None:
    made, given = model_records.model(house.ledger, 2), model_records.model(house.ledger, 1)
    assert made is not None
    assert made["decision"] is not None
    assert made["decision"]["verdict"] == "promoted"
    assert given is not None
    assert given["decision"] is None
    assert model_records.model(house.ledger, 3) is None


def test_a_decision_speaks_in_a_sentence(house: House) -> None:
    (decision,) = records.decisions_page(house.ledger, 10)["items"]
    assert decision["sentence"] == "Model 2 was promoted: its log loss is lower."
    assert (decision["policy"], decision["model_version"], decision["ended_at"]) == ("evidence", 2, AT)


def test_the_score_is_that_of_held_out_rows_without_test_data(house: House) -> None:
    scoring = model_records.scoring(house.ledger, release())
    assert (scoring["f1"], scoring["evaluated_on"]) == (0.61, {"what": "held_out", "rows": 40})
    assert scoring["test"] is None
    assert scoring["prequential"] == {**METRICS, "rows": 6}
    assert scoring["history"] == [{"version": v, "f1": 0.61, "deployed_at": AT} for v in (2, 1)]


def test_the_score_is_that_of_test_data_where_there_is_some(house: House) -> None:
    scoring = model_records.scoring(house.ledger, release(test={"f1": 0.5, "rows": 26}))
    assert (scoring["f1"], scoring["evaluated_on"]) == (0.5, {"what": "testdata", "rows": 26})
    assert scoring["metrics"] == METRICS
