"""The data set as other programs read it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.schema import Column, ColumnType, Role, Schema
from handlers.export import export_csv, export_parquet
from handlers.storage.csv_text import to_csv
from tests.unit.handlers.small_dataset import SCHEMA, SmallDataset


@pytest.fixture
def small(tmp_path: Path) -> SmallDataset:
    return SmallDataset(tmp_path)


def exported(small: SmallDataset) -> str:
    stream = io.BytesIO()
    export_csv(small.ledger, small.workspace, stream)
    return stream.getvalue().decode()


def test_the_columns_are_the_original_ones_in_their_order_and_rows_in_the_order_they_came(small: SmallDataset) -> None:
    small.add({"exited": [1, None], "plan": ["gold", None], "corporation": ["b", "a"], "activity": [78, None]})
    small.add({"corporation": ["0012"], "spend": [0.5], "exited": [0]})
    assert exported(small) == "corporation,activity,spend,plan,exited\nb,78,,gold,1\na,,,,\n0012,,0.5,,0\n"


def test_a_first_column_that_is_empty_leaves_its_comma(small: SmallDataset) -> None:
    small.add({"corporation": [None], "activity": [5]})
    assert exported(small).splitlines()[1] == ",5,,,"


def test_an_empty_data_set_has_a_header(small: SmallDataset) -> None:
    assert exported(small) == "corporation,activity,spend,plan,exited\n"


def test_a_missing_value_of_an_only_column_is_a_row_for_readers(tmp_path: Path) -> None:
    small = SmallDataset(tmp_path, Schema(1, (Column("x", ColumnType.INTEGER, Role.FEATURE),)))
    small.add({"x": [1, None, 3]})
    assert pd.read_csv(io.StringIO(exported(small)))["x"].isna().tolist() == [False, True, False]


def test_names_are_quoted_only_where_they_must_be(tmp_path: Path) -> None:
    names = ("plain", "with space", "a,b", 'say "x"')
    small = SmallDataset(tmp_path, Schema(1, tuple(Column(name, ColumnType.TEXT, Role.IGNORED) for name in names)))
    assert exported(small) == 'plain,with space,"a,b","say ""x"""\n'


def test_later_labels_are_in_it(small: SmallDataset) -> None:
    small.add({"corporation": ["a"]})
    small.label([0], [1])
    assert exported(small).splitlines()[1] == "a,,,,1"


def test_parquet_has_the_same_columns_and_values_and_no_temporary_file_stays(
    small: SmallDataset, tmp_path: Path
) -> None:
    small.add({"corporation": ["a", "b"], "activity": [1, None], "spend": [0.25, 1e300]})
    path = tmp_path / "out" / "data.parquet"
    export_parquet(small.ledger, small.workspace, path)
    table = pq.read_table(path)
    assert table.column_names == list(SCHEMA.names)
    assert table.schema.field("activity").type == pa.int64()
    assert table["activity"].to_pylist() == [1, None]
    assert [entry.name for entry in path.parent.iterdir()] == ["data.parquet"]


@given(
    st.lists(
        st.tuples(
            st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1),
            st.none() | st.integers(-(2**63), 2**63 - 1),
            st.none() | st.floats(allow_nan=False, allow_infinity=False),
        )
    )
)
def test_what_is_written_reads_back_as_the_same_values(rows: list[tuple[str | None, int | None, float | None]]) -> None:
    table = pa.table(
        {
            "text": pa.array([row[0] for row in rows], pa.string()),
            "whole": pa.array([row[1] for row in rows], pa.int64()),
            "number": pa.array([row[2] for row in rows], pa.float64()),
        }
    )
    header, *cells = csv.reader(io.StringIO(to_csv(table).decode(), newline=""))
    assert header == ["text", "whole", "number"]
    read = [
        (text or None, int(whole) if whole else None, float(number) if number else None)
        for text, whole, number in cells
    ]
    assert read == rows


def test_an_empty_text_and_a_missing_one_are_told_apart_and_not_a_number_is_missing() -> None:
    table = pa.table({"a": ["", None, "x"], "b": [float("nan"), 1.0, -0.5]})
    assert to_csv(table) == b'a,b\n"",\n,1\nx,-0.5\n'


def test_a_table_of_more_rows_than_are_written_at_once_is_whole() -> None:
    assert to_csv(pa.table({"a": range(150_000)})).decode().split() == ["a", *map(str, range(150_000))]
