"""Who is called first, who is not called, and why."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from handlers.calls import CallList, CursorOutdated
from handlers.domain.schema import ColumnType, Role
from handlers.storage import dataset, parts, schemas
from handlers.storage.ledger import set_fact
from handlers.storage.parts import Part, PartKind
from tests.unit.server.small_house import SCHEMA, SETTINGS, House, add_drop, empty_house, full_house, release


@pytest.fixture
def house(tmp_path: Path) -> House:
    return full_house(tmp_path)


def _list(house: House) -> CallList:
    return CallList(house.ledger, house.workspace, SETTINGS)


def test_clients_come_by_falling_risk_without_those_that_left(house: House) -> None:
    page = _list(house).page(release(), 100)
    assert [item["id"] for item in page["items"]] == ["back", "<b>&'\"", "e", "a"]
    assert [item["rank"] for item in page["items"]] == [1, 2, 3, 4]
    probabilities = [item["probability"] for item in page["items"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert (page["file"], page["model_version"], page["total"], page["next"]) == ("july.csv", 2, 4, None)


def test_a_client_has_its_value_and_its_three_strongest_reasons(house: House) -> None:
    first = _list(house).page(release(), 1)["items"][0]
    assert (first["value"], first["prediction"]) == (40.0, 1)
    assert [reason["columns"] for reason in first["reasons"]] == [["tenure"], ["contract"], ["seats"]]
    assert [reason["values"] for reason in first["reasons"]] == [[12], ["monthly"], [4]]


def test_pages_follow_each_other_without_gap(house: House) -> None:
    calls = _list(house)
    seen, cursor = [], None
    while True:
        page = calls.page(release(), 3, cursor)
        seen += [item["rank"] for item in page["items"]]
        if page["next"] is None:
            break
        file, rank = page["next"].split("-")
        cursor = int(file), int(rank)
    assert seen == [1, 2, 3, 4]


def test_a_cursor_of_an_older_drop_is_refused(house: House) -> None:
    with pytest.raises(CursorOutdated):
        _list(house).page(release(), 3, (1, 2))


def test_a_newer_drop_replaces_the_ranking(house: House) -> None:
    calls = _list(house)
    calls.page(release(), 1)
    add_drop(house, 4, "august.csv", ["z"], tenures=[1])
    assert [item["id"] for item in calls.page(release(), 10)["items"]] == ["z"]


def test_a_client_that_left_meanwhile_is_left_out(house: House) -> None:
    calls = _list(house)
    assert calls.page(release(), 10)["items"][0]["id"] == "back"
    labels = pa.table({"row": [9], "value": [1], "period": pa.nulls(1, pa.string()), "file": [4], "first": [True]})
    part = parts.prepare(house.workspace.parts, Part("labels-4", PartKind.LABELS, 1, 0, 4), labels)
    with house.ledger.write() as connection:
        parts.record(connection, part)
        set_fact(connection, "dataset_version", 4)
    assert [item["id"] for item in calls.page(release(), 10)["items"]] == ["<b>&'\"", "e", "a"]


def test_with_a_time_column_an_old_label_does_not_keep_a_client_out(house: House) -> None:
    columns = tuple(
        replace(column, role=Role.TIME, type=ColumnType.TEXT) if column.name == "contract" else column
        for column in SCHEMA.columns
    )
    with house.ledger.write() as connection:
        schemas.write(connection, replace(SCHEMA, version=2, columns=columns))
    assert "gone" in [item["id"] for item in _list(house).page(release(), 10)["items"]]


def test_another_release_ranks_anew(house: House) -> None:
    """Right after a rollback the stored ranking is that of a release that is no longer current."""
    old = _list(house).page(release(2), 10)
    new = _list(house).page(replace(release(1), scorer=release().scorer.with_threshold(0.9)), 10)
    assert new["model_version"] == 1
    assert [item["id"] for item in new["items"]] == [item["id"] for item in old["items"]]
    assert [item["probability"] for item in new["items"]] == pytest.approx([i["probability"] for i in old["items"]])
    assert {item["prediction"] for item in new["items"]} == {0}


def test_without_an_unlabelled_drop_the_list_is_empty(tmp_path: Path) -> None:
    house = empty_house(tmp_path)
    page = _list(house).page(release(), 10)
    assert (page["items"], page["file"], page["next"]) == ([], None, None)
    with house.ledger.read() as connection:
        assert dataset.count(connection) == 0
