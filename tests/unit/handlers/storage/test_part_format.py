"""A part's bytes: what is written reads back as the same values, by any reader of Parquet."""

from __future__ import annotations

import io
import os
import threading
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.storage import part_format

ROW = st.tuples(
    st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    st.none() | st.sampled_from(["gold", "silver", ""]),
    st.none() | st.integers(-(2**63), 2**63 - 1),
    st.none() | st.floats(),
    st.none() | st.booleans(),
    st.integers(-128, 127),
)


def table_of(rows: list[tuple[object, ...]]) -> pa.Table:
    kinds = (pa.string(), pa.string(), pa.int64(), pa.float64(), pa.bool_(), pa.int8())
    return pa.table({str(place): pa.array([row[place] for row in rows], kind) for place, kind in enumerate(kinds)})


@given(rows=st.lists(ROW, max_size=40), group=st.integers(1, 50))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_written_is_what_is_read(tmp_path: Path, rows: list[tuple[object, ...]], group: int) -> None:
    table = table_of(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(part_format, "ROW_GROUP", group)
        size = part_format.write_parquet(tmp_path, "p", table)
    assert size == (tmp_path / "p").stat().st_size
    expected = repr(table.to_pydict())  # not a number is not equal to itself
    assert repr(part_format.read_parquet(tmp_path / "p").to_pydict()) == expected
    groups = list(part_format.parquet_groups(tmp_path / "p"))
    assert [one.num_rows for one in groups[:-1]] == [group] * (len(groups) - 1)
    assert repr(pa.concat_tables([table.schema.empty_table(), *groups]).to_pydict()) == expected
    assert repr(part_format.from_stream(part_format.to_stream(table)).to_pydict()) == expected


def test_nothing_but_the_file_stays_in_the_folder(tmp_path: Path) -> None:
    part_format.write_parquet(tmp_path / "parts", "one.parquet", pa.table({"a": [1]}))
    assert [path.name for path in (tmp_path / "parts").iterdir()] == ["one.parquet"]


def test_each_kind_of_column_is_written_in_the_way_that_suits_it(tmp_path: Path) -> None:
    count = 5000
    columns = {
        "whole": range(count),
        "number": [number / 7 for number in range(count)],
        "few": ["abc"[number % 3] for number in range(count)],
        "many": [f"client {number}" for number in range(count)],
    }
    part_format.write_parquet(tmp_path, "p", pa.table(columns))
    group = pq.ParquetFile(tmp_path / "p").metadata.row_group(0)
    written = {group.column(place).path_in_schema: group.column(place) for place in range(group.num_columns)}
    assert "DELTA_BINARY_PACKED" in written["whole"].encodings
    assert "PLAIN" in written["number"].encodings
    assert "RLE_DICTIONARY" in written["few"].encodings
    assert [written[name].compression for name in columns] == ["UNCOMPRESSED"] * 3 + ["ZSTD"]
    assert not any(column.is_stats_set for column in written.values())
    frame = pd.read_parquet(tmp_path / "p")
    assert {name: frame[name].tolist() for name in columns} == {name: list(values) for name, values in columns.items()}


def test_a_text_column_whose_beginning_is_not_like_the_rest_is_whole_all_the_same(tmp_path: Path) -> None:
    tables = [pa.table({"a": ["x"] * 10}), pa.table({"a": [f"{number:050d}" for number in range(60_000)]})]
    with (tmp_path / "p").open("wb") as stream:
        part_format.write_parquet_to(stream, tables, tables[0].schema)
    assert part_format.read_parquet(tmp_path / "p").equals(pa.concat_tables(tables).combine_chunks())


def test_parquet_goes_through_a_pipe(tmp_path: Path) -> None:
    table = pa.table({"a": range(1000)})
    reading, writing = os.pipe()
    found: list[bytes] = []
    with os.fdopen(reading, "rb") as source:
        thread = threading.Thread(target=lambda: found.append(source.read()))
        thread.start()
        with os.fdopen(writing, "wb") as stream:
            part_format.write_parquet_to(stream, [table], table.schema)
        thread.join()
    assert pq.read_table(io.BytesIO(found[0])).equals(table)


def test_no_tables_are_a_file_without_rows() -> None:
    stream = io.BytesIO()
    part_format.write_parquet_to(stream, [], pa.schema([("a", pa.int64()), ("b", pa.string())]))
    read = pq.read_table(io.BytesIO(stream.getvalue()))
    assert (read.num_rows, read.column_names) == (0, ["a", "b"])
