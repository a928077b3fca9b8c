"""What becomes of a dropped file's bytes: the rules, one by one, and round trips of random tables."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.domain.files import Reason, RowFault
from handlers.domain.schema import Column, ColumnType, DatasetSettings, Role, Schema
from handlers.storage.inbox import Content
from handlers.validation import Batch, Limits, validate

SETTINGS = DatasetSettings(id_column="id", target_column="left")
NO_ID = DatasetSettings(id_column=None, target_column="left")
GOOD = b"id,visits,plan,left\na,1,x,1\nb,,y,0\nc,3,x,\n"
LIMITS = Limits()
TIMED = DatasetSettings(id_column="id", target_column="left", time_column="month")


#: Files that are so small leave nothing there.
UNUSED = Path("never made")


@dataclass(frozen=True)
class Accepted:
    """A batch of a small file, whose rows are one chunk."""

    batch: Batch
    table: pa.Table
    lines: np.ndarray
    labels: np.ndarray

    @property
    def kind(self) -> str:
        return self.batch.kind

    @property
    def schema(self) -> Schema:
        return self.batch.schema

    @property
    def rejected(self) -> tuple[RowFault, ...]:
        return tuple(self.batch.rejected)

    @property
    def notes(self) -> tuple[str, ...]:
        return self.batch.notes


def run(
    content: bytes,
    schema: Schema | None = None,
    settings: DatasetSettings = SETTINGS,
    limits: Limits = LIMITS,
    name: str = "drop.csv",
) -> Batch | Reason:
    schema = schema or Schema()
    return validate(Content.of(content), name=name, schema=schema, settings=settings, limits=limits, spill=UNUSED)


def accepted(
    content: bytes,
    schema: Schema | None = None,
    settings: DatasetSettings = SETTINGS,
    limits: Limits = LIMITS,
    name: str = "drop.csv",
) -> Accepted:
    batch = run(content, schema, settings, limits, name)
    assert isinstance(batch, Batch), batch
    (chunk,) = batch.chunks
    assert len(chunk.lines) == len(chunk.labels) == chunk.table.num_rows == batch.rows
    assert batch.rows_read == batch.rows + len(batch.rejected)
    assert batch.unlabelled == (chunk.labels < 0).sum()
    return Accepted(batch, chunk.table, chunk.lines, chunk.labels)


def refused(
    content: bytes,
    schema: Schema | None = None,
    settings: DatasetSettings = SETTINGS,
    limits: Limits = LIMITS,
) -> Reason:
    outcome = run(content, schema, settings, limits)
    assert isinstance(outcome, Reason), outcome
    assert outcome.detail.endswith(".")
    assert outcome.hint
    return outcome


def rows_of(batch: Accepted) -> list[tuple[object, ...]]:
    return list(zip(*(column.to_pylist() for column in batch.table.columns), strict=True))


KNOWN = accepted(GOOD).schema
GOOD_ROWS = [("a", 1, "x", 1), ("b", None, "y", 0), ("c", 3, "x", None)]


def test_a_plain_file_is_typed_labelled_and_numbered() -> None:
    batch = accepted(GOOD)
    assert batch.kind == "rows"
    assert rows_of(batch) == GOOD_ROWS
    assert batch.table.schema == pa.schema(
        {"id": pa.string(), "visits": pa.int64(), "plan": pa.string(), "left": pa.int64()}
    )
    assert batch.labels.tolist() == [1, 0, -1]
    assert batch.labels.dtype == np.int8
    assert batch.lines.tolist() == [2, 3, 4]
    assert batch.lines.dtype == np.int64
    assert batch.schema.version == 1
    assert batch.schema.provisional
    assert batch.schema.negative_label == "0"
    assert batch.schema.columns == (
        Column("id", ColumnType.TEXT, Role.ID),
        Column("visits", ColumnType.INTEGER, Role.FEATURE),
        Column("plan", ColumnType.CATEGORY, Role.FEATURE),
        Column("left", ColumnType.INTEGER, Role.TARGET),
    )


def test_a_file_that_teaches_nothing_leaves_the_schema_object_as_it_is() -> None:
    batch = accepted(GOOD, KNOWN)
    assert batch.schema is KNOWN
    assert batch.notes == ()


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"\xef\xbb\xbf" + GOOD, None),
        (GOOD.decode().encode("utf-16"), "UTF-16"),
        (b"\xfe\xff" + GOOD.decode().encode("utf-16-be"), "UTF-16"),
        (GOOD.replace(b"\n", b"\r\n"), None),
        (GOOD.replace(b"\n", b"\r"), None),
        (GOOD.rstrip(b"\n"), None),
        (GOOD + b"\x1a", None),
        (GOOD.replace(b",", b";"), "semicolon"),
        (GOOD.replace(b",", b"\t"), "tab"),
        (GOOD.replace(b",", b"|"), "vertical bar"),
        (GOOD.replace(b"id,visits", b"id , visits"), "Spaces"),
        (GOOD.replace(b"id,visits", b'"id","visits"'), None),
        (GOOD.replace(b"a,1,x", b'"a"," 1 ","x"'), None),
        (GOOD.replace(b"visits", b"VISITS"), "'VISITS' was taken for 'visits'"),
        (gzip.compress(GOOD), "is gzip, though its name does not say so"),
        (gzip.compress(GOOD[:30]) + gzip.compress(GOOD[30:]) + b"\0" * 20, "is gzip"),
    ],
)
def test_what_is_readable_by_at_most_one_guess_reads_the_same_and_the_guess_is_noted(
    content: bytes, word: str | None
) -> None:
    batch = accepted(content, KNOWN)
    assert rows_of(batch) == GOOD_ROWS
    assert batch.lines.tolist() == [2, 3, 4]
    if word is None:
        assert batch.notes == ()
    else:
        assert len(batch.notes) == 1
        assert word in batch.notes[0]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b" \r\n\n", "empty"),
        (b"id,visits,left", "no_rows"),
        (b"id,visits,left\r\n\r\n", "no_rows"),
        (b"PK\x03\x04 and so on", "not_text"),
        (b"\x89PNG\r\n\x1a\n", "not_text"),
        (b"id,visits,left\na\x00,1,1\n", "nul_bytes"),
        (b"id,visits,left\n\xe9\x01\x02,1,1\n", "not_text"),
        (b"id,visits,left\n\xc3\xa9,1,1\n\xe9,1,1\n", "encoding"),
        (b"id,visits,left\n\xc3\xa9,1,1\na,1,1\xc3", "truncated"),
        (GOOD.decode().encode("utf-16")[:-1], "encoding"),
        (gzip.compress(GOOD)[:-9], "gzip_truncated"),
        (gzip.compress(GOOD)[:-3], "gzip_truncated"),
        (gzip.compress(GOOD) + b"junk", "gzip_damaged"),
        (b"\x1f\x8b" + b"junk" * 5, "gzip_damaged"),
        (GOOD + b'd,2,"x,1\n', "quotes"),
        (GOOD + b'd,2,a"x"b,1\n', "quotes"),
        (GOOD + b'd,2,"x"y,1\n', "quotes"),
        (GOOD + b"d,2", "truncated"),
        (b"id,visits,visits,left\na,1,2,1\n", "duplicate_header"),
        (b"id,visits, visits,left\na,1,2,1\n", "duplicate_header"),
        (b"id,,left\na,1,1\n", "blank_header"),
        (b"id,__line__,left\na,1,1\n", "reserved_header"),
        (b"7,45,0\n8,3,1\n", "no_header"),
        (b"nciw,45,0\nlsid,3,1\n", "no_header"),
        (b"visits,left\n1,1\n", "missing_column"),
        (b"id,left\na,1\n", "no_features"),
        (b"id,visits,left\na,1,yes\nb,1,no\n", "labels"),
        (b'id,spend,left\na,"1,234",1\nb,"5,678",0\n', "ambiguous_numbers"),
        (b"id;spend;left\na;1,234;1\nb;5,678;0\n", "ambiguous_numbers"),
        (b"a|id,b|c\n1|2,3|4\n", "delimiter"),
    ],
)
def test_what_cannot_be_used_or_could_shift_meaning_is_refused_with_a_stable_code(content: bytes, code: str) -> None:
    settings = NO_ID if code == "delimiter" else SETTINGS
    assert refused(content, settings=settings).code == code


def test_a_refusal_names_the_lines() -> None:
    assert refused(GOOD + b'd,2,"x,1\n').lines == (5,)
    assert refused(GOOD + b"d,2").lines == (5,)
    assert "line 3" in refused(b"id,v,left\n\xc3\xa9,1,1\n\xe9,1,1\n").detail


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        (Limits(max_columns=3), "too_many_columns"),
        (Limits(max_decompressed_bytes=20), "too_large"),
        (Limits(max_field_bytes=5), "field_too_large"),
    ],
)
def test_limits_are_held(limits: Limits, code: str) -> None:
    content = GOOD.replace(b"x", b"a long cell")
    assert refused(content, limits=limits).code == code
    assert refused(gzip.compress(content), limits=limits).code == code
    accepted(content, limits=Limits(max_columns=4, max_field_bytes=11, max_decompressed_bytes=len(content)))


def test_a_gzip_bomb_is_stopped_at_the_limit() -> None:
    assert (
        refused(gzip.compress(b"a" * 50_000_000), limits=Limits(max_decompressed_bytes=1_000_000)).code == "too_large"
    )


@pytest.mark.parametrize(
    ("byte", "character", "encoding"),
    [(b"\xe9", "é", "Windows-1252"), (b"\x80", "€", "Windows-1252"), (b"\x81", "\x81", "Latin-1")],
)
def test_one_byte_text_is_read_with_a_note(byte: bytes, character: str, encoding: str) -> None:
    batch = accepted(b"id,visits,left\na" + byte + b"b,1,1\nc,2,0\n")
    assert batch.table["id"][0].as_py() == f"a{character}b"
    assert encoding in batch.notes[0]


def test_rows_of_another_length_and_a_repeated_header_are_set_aside_with_their_lines() -> None:
    content = (
        GOOD
        + b"d,2\n\n  \ne,5,x,1,9\nid,visits,plan,left\n,,,\n"
        + b"".join(b"f%d,6,y,0\n" % number for number in range(20))
    )
    batch = accepted(content)
    assert batch.rejected == (
        RowFault(5, "", "ragged", "d,2"),
        RowFault(8, "", "ragged", "e,5,x,1,9"),
        RowFault(9, "id", "repeated_header", "id"),
        RowFault(10, "id", "missing_id", ""),
    )
    assert batch.lines.tolist() == [2, 3, 4, *range(11, 31)]
    assert batch.table["visits"].type == pa.int64()


def test_a_row_without_any_value_is_a_row_but_for_those_that_a_spreadsheet_adds_below() -> None:
    nobody = DatasetSettings(id_column=None, target_column="left")
    read = accepted(b"a,b,left\n1,2,1\n,,\n\n3,4,0\n,,\n\n,,\n", settings=nobody)
    assert read.table["a"].to_pylist() == [1, None, 3]
    assert (read.lines.tolist(), read.batch.rows_read) == ([2, 3, 5], 3)
    assert read.notes == (
        "2 rows without any value at the end of the file were left out.",
        "The label '0' was learned to mean that a client stayed.",
    )


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_are_physical_also_with_line_breaks_in_cells_and_blank_lines(end: bytes) -> None:
    rows = [b"", b"id,note,left", b'a,"one', b'two",1', b"", b"b,x,0", b"c,y", b'"d","p""q",1'] + [b"e,z,0"] * 8
    batch = accepted(end.join(rows) + end)
    assert batch.lines.tolist()[:3] == [3, 6, 8]
    assert batch.table["note"].to_pylist()[:3] == ["one" + end.decode() + "two", "x", 'p"q']
    assert [fault.line for fault in batch.rejected] == [7]


def test_a_byte_order_mark_inside_the_file_is_part_of_its_cell() -> None:
    batch = accepted(b"\xef\xbb\xbfid,visits,left\n\xef\xbb\xbfa,1,1\n\xef\xbb\xbfb,2,0\n")
    assert batch.table["id"].to_pylist() == ["﻿a", "﻿b"]


def test_names_that_look_like_something_else_stay_text() -> None:
    names = ["NA", "NULL", "None", "007", "4e492493924924", "nan", "true", "-", " padded "]
    content = "id,plan,left\n" + "".join(f"{name},{name},1\n" for name in names)
    batch = accepted(content.encode())
    assert batch.table["id"].to_pylist() == names
    assert batch.table["plan"].to_pylist() == names


def test_missing_is_spelled_in_many_ways_in_numbers_and_only_blank_in_text() -> None:
    spellings = ["", " ", "na", "NA", "n/a", "N/A", "NaN", "null", "NULL", "None", "-", "?"]
    content = "id,visits,plan,left\nz,5,x,1\n" + "".join(f"i,{s},{s},0\n" for s in spellings)
    batch = accepted(content.encode())
    assert batch.table["visits"].to_pylist() == [5] + [None] * len(spellings)
    assert batch.table["plan"].to_pylist() == ["x", None, None, *spellings[2:]]


def test_a_cell_that_is_no_number_sets_its_row_aside_once_with_its_first_fault() -> None:
    schema = accepted(b"id,visits,spend,left\na,1,1.5,1\nb,2,2.5,0\n").schema
    good = b"".join(b"g%d,1,1.5,1\n" % number for number in range(30))
    batch = accepted(b"id,visits,spend,left\n" + good + b"a,0x1F,inf,2\n,4,1.5,1\nc,3,1e400,1\nd,4,2.5,7\n", schema)
    assert batch.rejected == (
        RowFault(32, "visits", "not_a_number", "0x1F"),
        RowFault(33, "id", "missing_id", ""),
        RowFault(34, "spend", "not_a_number", "1e400"),
        RowFault(35, "left", "unknown_label", "7"),
    )
    assert batch.table.num_rows == 30
    assert batch.schema is schema


def test_too_many_rejected_rows_refuse_the_file_and_the_first_are_named() -> None:
    content = b"id,visits,plan,left\n" + b"a,1,x,1\n" * 7 + b"b,bad,x,1\nc,,x\n"
    reason = refused(content, KNOWN)
    assert reason.code == "too_many_rejected"
    assert reason.lines == (9, 10)
    assert "2 of 9 rows" in reason.detail
    assert "line 9, column 'visits': 'bad' is not a number" in reason.detail
    assert reason.logged == reason.detail.replace("'bad'", "what is there").replace("'c,,x'", "what is there")
    assert accepted(content, KNOWN, limits=Limits(max_rejected_fraction=0.25)).table.num_rows == 7
    assert (
        refused(b"id,visits,plan,left\nb,bad,x,1\n", KNOWN, limits=Limits(max_rejected_fraction=1)).code
        == "too_many_rejected"
    )


def test_columns_may_come_in_any_order_and_keep_the_file_s() -> None:
    batch = accepted(b"left,plan,id,visits\n1,x,a,1\n", KNOWN)
    assert batch.table.column_names == ["left", "plan", "id", "visits"]
    assert batch.schema is KNOWN


def test_a_missing_column_is_named_with_the_nearest_there() -> None:
    reason = refused(b"id,visit,plan,left\na,1,x,1\n", KNOWN)
    assert reason.code == "missing_column"
    assert "'visits' is missing" in reason.detail
    assert "'visit'" in reason.detail
    assert "'identity'" in refused(b"identity,visits,left\na,1,1\n", settings=replace_id("identifier")).detail


def replace_id(name: str) -> DatasetSettings:
    return DatasetSettings(id_column=name, target_column="left")


def test_a_misspelt_target_is_not_taken_for_a_feature() -> None:
    settings = DatasetSettings(id_column="id", target_column="exited")
    assert refused(b"id,visits,exitted\na,1,1\n", settings=settings).code == "missing_column"


def test_a_file_without_target_is_unlabelled_and_the_target_comes_later() -> None:
    first = accepted(b"id,visits\na,1\n")
    assert first.labels.tolist() == [-1]
    second = accepted(b"id,visits,left\na,1,0\n", first.schema)
    assert second.labels.tolist() == [0]
    assert second.schema.version == 2
    assert second.schema.with_role(Role.TARGET) == Column("left", ColumnType.INTEGER, Role.TARGET, optional=True)


def test_a_new_column_changes_the_schema_and_later_files_may_lack_it() -> None:
    wider = accepted(b"id,visits,plan,left,seats\na,1,x,1,5\n", KNOWN)
    assert wider.schema.version == 2
    assert wider.schema.columns[-1] == Column("seats", ColumnType.INTEGER, Role.FEATURE, optional=True)
    assert wider.notes == ("Column 'seats' is new, as integer.",)
    narrow = accepted(GOOD, wider.schema)
    assert narrow.schema is wider.schema
    assert narrow.table["seats"].to_pylist() == [None] * 3
    assert narrow.table["seats"].type == pa.int64()
    assert "'seats'" in narrow.notes[0]


def test_a_file_of_ids_and_labels_alone_labels() -> None:
    batch = accepted(b"left,id\n1,a\n0,b\n", KNOWN)
    assert batch.kind == "labels"
    assert batch.table.column_names == ["left", "id"]
    assert batch.labels.tolist() == [1, 0]


def test_time_is_text_is_required_of_rows_and_optional_for_labels() -> None:
    schema = accepted(b"id,month,visits,left\na,2025-01,1,1\nb,2025-01,2,0\n", settings=TIMED).schema
    assert schema.by_name["month"] == Column("month", ColumnType.TEXT, Role.TIME)
    assert refused(b"id,visits,left\na,1,1\n", schema, TIMED).code == "missing_column"
    assert accepted(b"id,left\na,1\n", schema, TIMED).kind == "labels"
    assert accepted(b"id,month,left\na,2025-01,1\n", schema, TIMED).kind == "labels"
    rows = b"id,month,visits,left\n" + b"a,2025-01,1,1\n" * 9 + b"b, ,1,1\n"
    assert accepted(rows, schema, TIMED).rejected == (RowFault(11, "month", "missing_time", " "),)


def test_decimal_commas_are_read_where_they_can_mean_nothing_else() -> None:
    batch = accepted(b"id;spend;left\na;1,5;1\nb;1,234;0\nc;;0\nd;7;0\n")
    assert batch.table["spend"].to_pylist() == [1.5, 1.234, None, 7.0]
    assert "Column 'spend' has decimal commas." in batch.notes


def test_a_label_learned_is_noted_and_a_third_one_is_a_row_fault() -> None:
    settings = DatasetSettings(id_column="id", target_column="left", positive_label="Yes")
    first = accepted(b"id,visits,left\na,1,Yes\n", settings=settings)
    assert first.schema.negative_label is None
    second = accepted(b"id,visits,left\na,1,No\n", first.schema, settings)
    assert second.schema.negative_label == "No"
    assert any("'No'" in note for note in second.notes)
    third = accepted(b"id,visits,left\n" + b"a,1,No\n" * 9 + b"b,1,Maybe\n", second.schema, settings)
    assert third.rejected == (RowFault(11, "left", "unknown_label", "Maybe"),)
    reason = refused(b"id,visits,left\na,1,No\nb,1,Maybe\n", first.schema, settings)
    assert "'Maybe', 'No'" in reason.detail


def test_a_name_that_promises_gzip_is_noted() -> None:
    batch = accepted(GOOD, KNOWN, name="drop.csv.gz")
    assert batch.notes == ("The file is not gzip, though its name says so.",)


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=12)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_csv_writers_write_is_read_back_cell_by_cell(
    rows: list[tuple[str, str]], delimiter: str, end: str, quoting: Literal[0, 1], encoding: str
) -> None:
    file = io.StringIO()
    writer = csv.writer(file, delimiter=delimiter, lineterminator=end, quoting=quoting)
    writer.writerow(["id", "note", "more", "left"])
    writer.writerows([f"i{number}", *row, 1] for number, row in enumerate(rows))
    settings = DatasetSettings(id_column="id", target_column="left", columns={"note": "text", "more": "text"})
    batch = accepted(file.getvalue().encode(encoding), settings=settings)
    expected = [tuple(cell if cell.strip() else None for cell in row) for row in rows]
    assert list(zip(batch.table["note"].to_pylist(), batch.table["more"].to_pylist(), strict=True)) == expected
    assert batch.table["id"].to_pylist() == [f"i{number}" for number in range(len(rows))]
    assert batch.lines.tolist()[0] == 2


@settings(deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.floats(allow_nan=False, allow_infinity=False)
        ),
        min_size=1,
        max_size=30,
    )
)
def test_numbers_are_read_back_exactly(rows: list[tuple[int | None, float | None]]) -> None:
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["id", "whole", "real"])
    writer.writerows([f"i{number}", *row] for number, row in enumerate(rows))
    types = {"whole": ColumnType.INTEGER, "real": ColumnType.NUMBER}
    columns = tuple(Column(name, kind, Role.FEATURE) for name, kind in types.items())
    batch = accepted(file.getvalue().encode(), Schema(1, (Column("id", ColumnType.TEXT, Role.ID), *columns)))
    assert batch.table["whole"].to_pylist() == [whole for whole, _ in rows]
    assert batch.table["real"].to_pylist() == [real for _, real in rows]


@settings(deadline=None)
@given(content=st.binary(max_size=200) | st.text("id,left\n\r\"';\t|1 .é﻿", max_size=60).map(str.encode))
def test_nothing_that_a_file_holds_raises(content: bytes) -> None:
    for content_ in (content, b"id,visits,plan,left\n" + content, gzip.compress(b"id,v,left\n")[:-8] + content):
        outcome = run(content_, KNOWN)
        assert isinstance(outcome, (Batch, Reason))
