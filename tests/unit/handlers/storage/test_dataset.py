"""The data set as readers see it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from handlers.domain.schema import FILE_COLUMN, LINE_COLUMN, Column, ColumnType, Role, Schema
from handlers.storage import dataset
from handlers.storage.dataset import ROW_COLUMN
from handlers.storage.decisions import Member
from tests.unit.handlers.small_dataset import SCHEMA, SmallDataset

TIMED = replace(SCHEMA, columns=(*SCHEMA.columns, Column("month", ColumnType.TEXT, Role.TIME)))


@pytest.fixture(params=[True, False], ids=["staged", "files"])
def small(tmp_path: Path, request: pytest.FixtureRequest) -> SmallDataset:
    return SmallDataset(tmp_path, staged=request.param)


def member(part: int, file: int, period: str | None = None) -> Member:
    return Member(0, part, file, period, 1, 0)


def block(small: SmallDataset, members: list[Member]) -> list[int]:
    with small.ledger.read() as connection:
        return dataset.rows_of_members(connection, small.workspace.parts, small.schema, members).numbers.tolist()


def locate(small: SmallDataset, ids: list[str], times: list[str | None] | None = None) -> list[int]:
    periods = None if times is None else pa.array(times, pa.string())
    with small.ledger.read() as connection:
        return dataset.locate(
            connection, small.workspace.parts, small.schema, pa.array(ids, pa.string()), periods
        ).tolist()


def test_an_empty_data_set_has_its_columns_and_no_rows(small: SmallDataset) -> None:
    table = small.snapshot()
    assert table.num_rows == 0
    assert table.column_names == [*SCHEMA.names, FILE_COLUMN, LINE_COLUMN, ROW_COLUMN]


def test_before_the_first_file_there_is_nothing(tmp_path: Path) -> None:
    assert SmallDataset(tmp_path, Schema()).snapshot().num_rows == 0


def test_rows_stand_in_the_order_of_their_commits_and_keep_their_numbers(small: SmallDataset) -> None:
    small.add({"corporation": ["b", "a"], "exited": [0, None]}, file=1)
    small.add({"corporation": ["c"], "exited": [1]}, file=2)
    table = small.snapshot()
    assert table["corporation"].to_pylist() == ["b", "a", "c"]
    assert table[ROW_COLUMN].to_pylist() == [0, 1, 2]
    assert table[FILE_COLUMN].to_pylist() == [1, 1, 2]
    assert table[LINE_COLUMN].to_pylist() == [2, 3, 2]


def test_a_column_that_came_later_is_missing_in_older_rows(small: SmallDataset) -> None:
    small.add({"corporation": ["a"]})
    small.learn(replace(SCHEMA, columns=(*SCHEMA.columns, Column("new", ColumnType.NUMBER, Role.FEATURE))))
    small.add({"corporation": ["b"], "new": [2.5]})
    assert small.snapshot()["new"].to_pylist() == [None, 2.5]


@pytest.mark.parametrize(
    ("later", "expected"),
    [(ColumnType.NUMBER, [7.0, 0.5]), (ColumnType.CATEGORY, ["7", "0.5"]), (ColumnType.TEXT, ["7", "0.5"])],
)
def test_older_rows_take_the_type_that_the_column_has_now(
    small: SmallDataset, later: ColumnType, expected: list[object]
) -> None:
    small.add({"activity": [7]})
    columns = tuple(replace(column, type=later) if column.name == "activity" else column for column in SCHEMA.columns)
    small.learn(replace(SCHEMA, columns=columns))
    small.add({"activity": [expected[1]]})
    assert small.snapshot()["activity"].to_pylist() == expected


def test_an_integer_that_no_float_holds_exactly_does_not_stop_the_column_from_becoming_a_number(
    small: SmallDataset,
) -> None:
    small.add({"activity": [2**53 + 1]})
    columns = tuple(
        replace(column, type=ColumnType.NUMBER) if column.name == "activity" else column for column in SCHEMA.columns
    )
    small.learn(replace(SCHEMA, columns=columns))
    assert small.snapshot()["activity"].to_pylist() == [float(2**53)]


def test_only_the_columns_that_were_asked_for_are_read(small: SmallDataset) -> None:
    small.add({"corporation": ["a"], "activity": [1], "exited": [1]})
    assert small.snapshot(["activity"]).column_names == ["activity", FILE_COLUMN, LINE_COLUMN, ROW_COLUMN]


def test_of_later_labels_the_last_one_counts(small: SmallDataset) -> None:
    small.add({"corporation": ["a", "b", "c"], "exited": [None, None, 0]})
    small.label([0, 1, 0], [1, 0, 0])
    small.label([1], [1], first=False)
    small.add({"corporation": ["d"], "exited": [None]})
    assert small.snapshot()["exited"].to_pylist() == [0, 1, 0, None]
    assert small.snapshot(["spend"]).num_rows == 4


def test_later_labels_of_a_text_target_are_text(tmp_path: Path) -> None:
    schema = Schema(1, (Column("Churn", ColumnType.CATEGORY, Role.TARGET),))
    small = SmallDataset(tmp_path, schema)
    small.add({"Churn": ["Yes", None]})
    small.label([1], ["No"])
    assert small.snapshot()["Churn"].to_pylist() == ["Yes", "No"]


def test_superseded_rows_are_left_out_and_the_others_keep_their_numbers(small: SmallDataset) -> None:
    small.add({"corporation": ["a", "b"], "activity": [1, 2]})
    small.add({"corporation": ["a"], "activity": [3]})
    small.supersede([0])
    assert small.snapshot()["activity"].to_pylist() == [2, 3]
    assert small.snapshot()[ROW_COLUMN].to_pylist() == [1, 2]
    with small.ledger.read() as connection:
        assert (dataset.count(connection), dataset.total_rows(connection)) == (2, 3)


def test_a_block_has_the_labelled_rows_of_its_files_alone(small: SmallDataset) -> None:
    small.add({"corporation": ["z"], "exited": [1]}, file=1)
    part = small.add({"corporation": ["a", "b", "c"], "exited": [1, None, 0]}, file=2)
    assert block(small, [member(part.id, 2)]) == [1, 3]
    assert block(small, [member(part.id, 3)]) == []
    assert block(small, []) == []


def test_a_block_of_one_period_has_the_rows_of_that_period(tmp_path: Path) -> None:
    small = SmallDataset(tmp_path, TIMED)
    part = small.add({"month": ["3", "4", None, "3"], "exited": [1, 1, 0, None]}, file=1)
    assert block(small, [member(part.id, 1, "3")]) == [0]
    assert block(small, [member(part.id, 1, "4"), member(part.id, 1, None)]) == [1, 2]


def test_rows_older_than_the_time_column_belong_to_no_period(small: SmallDataset) -> None:
    part = small.add({"corporation": ["a"], "exited": [1]}, file=1)
    small.learn(TIMED)
    assert block(small, [member(part.id, 1, None)]) == [0]


def test_a_row_that_was_labelled_later_is_in_the_block_of_its_label_and_a_correction_is_in_none(
    small: SmallDataset,
) -> None:
    rows = small.add({"corporation": ["a", "b"], "exited": [None, 1]}, file=1)
    later = small.label([0], [1], file=2)
    correction = small.label([1], [0], file=3, first=False)
    assert block(small, [member(rows.id, 1)]) == [1]
    assert block(small, [member(later.id, 2)]) == [0]
    assert block(small, [member(correction.id, 3)]) == []
    assert block(small, [member(rows.id, 1), member(later.id, 2)]) == [0, 1]


def test_a_client_is_found_in_its_newest_row(small: SmallDataset) -> None:
    small.add({"corporation": ["a", "b", "a"]})
    small.add({"corporation": ["c", "b"]})
    assert locate(small, ["a", "b", "c", "nobody", "b"]) == [2, 4, 3, -1, 4]


def test_a_client_is_found_at_its_time(tmp_path: Path) -> None:
    small = SmallDataset(tmp_path, TIMED)
    small.add({"corporation": ["a", "a"], "month": ["1", "2"]})
    small.add({"corporation": ["a", "b"], "month": ["3", None]})
    assert locate(small, ["a", "a", "a", "b"], ["1", "3", "9", None]) == [0, 2, -1, 3]
    assert locate(small, ["a"]) == [2]


def test_rows_are_found_by_number_in_the_order_asked_also_those_that_were_superseded(small: SmallDataset) -> None:
    small.add({"corporation": ["a", "b"], "spend": [0.5, 1.5], "exited": [None, 1]})
    small.add({"corporation": ["c"], "spend": [2.5], "exited": [0]})
    small.add({"corporation": ["d", "e"], "exited": [None, 1]})
    small.supersede([1])
    small.label([0, 3], [1, 0])
    small.label([0], [0], first=False)
    target = small.schema.by_name["exited"]
    with small.ledger.read() as connection:
        columns = [small.schema.by_name["spend"], small.schema.by_name["plan"]]
        wanted = np.array([4, 0, 2, 1, 0])
        table = dataset.rows_by_number(connection, small.workspace.parts, columns, wanted)
        labels = dataset.labels_by_number(connection, small.workspace.parts, target, np.array([0, 1, 3]))
        nothing = np.empty(0, dtype=np.int64)
        assert dataset.rows_by_number(connection, small.workspace.parts, columns, nothing).num_rows == 0
        assert dataset.labels_by_number(connection, small.workspace.parts, target, nothing) == {}
    assert table["spend"].to_pylist() == [None, 0.5, 2.5, 1.5, 0.5]
    assert table["plan"].to_pylist() == [None] * 5
    assert labels == {0: 0, 1: 1, 3: 0}
