"""The data set as other programs read it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import compaction
from handlers.domain.schema import Column, ColumnType, Role, Schema
from handlers.export import export
from handlers.storage import dataset, dataset_reset, part_format, parts
from handlers.storage.csv_text import to_csv
from handlers.storage.parts import Part, PartKind
from handlers.storage.versions import UnknownVersion
from tests.unit.handlers.small_dataset import SCHEMA, SmallDataset


@pytest.fixture
def small(tmp_path: Path) -> SmallDataset:
    return SmallDataset(tmp_path)


def exported(small: SmallDataset, version: int | None = None) -> str:
    stream = io.BytesIO()
    export(small.ledger, small.workspace, stream, version=version)
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


def test_parquet_has_the_same_columns_and_values(small: SmallDataset) -> None:
    small.add({"corporation": ["a", "b"], "activity": [1, None], "spend": [0.25, 1e300]})
    stream = io.BytesIO()
    export(small.ledger, small.workspace, stream, form="parquet")
    table = pq.read_table(io.BytesIO(stream.getvalue()))
    assert table.column_names == list(SCHEMA.names)
    assert table.schema.field("activity").type == pa.int64()
    assert table["activity"].to_pylist() == [1, None]


def test_it_can_be_had_as_it_was(small: SmallDataset) -> None:
    small.add({"corporation": ["a", "b"]}, file=1)
    small.label([0], [1], file=2)
    small.add({"corporation": ["b"], "exited": [0]}, file=3)
    with small.ledger.write() as connection:  # as a commit writes it: with the rows that replace it
        part = Part("superseded-3", PartKind.SUPERSEDED, 1, 0, 3)
        table = pa.table({dataset.LABEL_ROW: [1], dataset.LABEL_FILE: [3]})
        parts.record(connection, parts.prepare(small.workspace.parts, part, table))
    assert exported(small, 0).splitlines()[1:] == []
    assert exported(small, 1).splitlines()[1:] == ["a,,,,", "b,,,,"]
    assert exported(small, 2).splitlines()[1:] == ["a,,,,1", "b,,,,"]
    assert exported(small, 3).splitlines()[1:] == ["a,,,,1", "b,,,,0"] == exported(small).splitlines()[1:]


def test_of_a_version_that_never_was_nothing_is_written(small: SmallDataset) -> None:
    stream = io.BytesIO()
    with pytest.raises(UnknownVersion, match="there are 0 to 0"):
        export(small.ledger, small.workspace, stream, version=1)
    assert stream.getvalue() == b""


@pytest.fixture
def in_pieces(small: SmallDataset, monkeypatch: pytest.MonkeyPatch) -> SmallDataset:
    """Rows in files and in the ledger, in pieces of a few rows, with labels and replacements all over them."""
    monkeypatch.setattr(part_format, "ROW_GROUP", 3)
    monkeypatch.setattr(dataset, "ROW_GROUP", 3)
    number = 0
    for file, (rows, staged) in enumerate([(7, False), (1, True), (1, True), (2, True), (3, False), (5, True)], 1):
        small.staged = staged
        small.add({"corporation": [f"c{number + row}" for row in range(rows)], "exited": [None] * rows}, file=file)
        number += rows
    small.label([0, 6, 7, 18], [1, 1, 0, 1], file=7)
    small.label([6, 12], [0, 1], file=8, first=False)
    small.supersede([3, 4, 5, 9], file=9)
    return small


@pytest.mark.usefixtures("in_pieces")
def test_piece_by_piece_it_is_what_a_snapshot_is(small: SmallDataset) -> None:
    snapshot = small.snapshot()
    lines = [line.split(",") for line in exported(small).splitlines()[1:]]
    assert [line[0] for line in lines] == snapshot["corporation"].to_pylist()
    assert [int(line[-1]) if line[-1] else None for line in lines] == snapshot["exited"].to_pylist()
    assert len(lines) == 15


@pytest.mark.usefixtures("in_pieces")
def test_between_two_pieces_no_transaction_is_open_and_parts_may_be_compacted(
    small: SmallDataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = exported(small)
    monkeypatch.setattr(compaction, "ENOUGH_PARTS", 1)

    class Stream(io.BytesIO):
        def write(self, data: Any) -> int:
            while compaction.compact(small.house()).more:
                pass
            return super().write(data)

    stream = Stream()
    export(small.ledger, small.workspace, stream)
    assert stream.getvalue().decode() == expected
    with small.ledger.read() as connection:
        assert not any(part.staged for part in parts.listed(connection, PartKind.ROWS))


@pytest.mark.usefixtures("in_pieces")
def test_a_reset_of_the_schema_meanwhile_is_told(small: SmallDataset) -> None:
    class Stream(io.BytesIO):
        def write(self, data: Any) -> int:
            with small.ledger.write() as connection:
                dataset_reset.forget(connection)
            return super().write(data)

    with pytest.raises(UnknownVersion, match="forgotten when the schema was reset"):
        export(small.ledger, small.workspace, Stream())


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
