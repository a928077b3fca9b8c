from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from handlers.domain.column_settling import Settled, brief_of, role_of, unlike_neighbours
from handlers.domain.files import Reason
from handlers.domain.schema import Column, ColumnType, DatasetSettings, Role
from tests.unit.handlers.domain.columns_by_block import ReadColumn, read_file

SETTINGS = DatasetSettings(
    id_column="id",
    target_column="left",
    time_column="month",
    value_column="value",
    ignore_columns=("memo", "value"),
    columns={"as_text": "text", "as_category": "category", "as_number": "number"},
)
INTEGER, NUMBER, CATEGORY, TEXT = ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.CATEGORY, ColumnType.TEXT


def read(
    cells: Sequence[str | None],
    name: str = "x",
    known: ColumnType | None = None,
    *,
    provisional: bool = True,
    blank: bool = False,
) -> ReadColumn | Reason:
    column = Column(name, known, role_of(name, SETTINGS), blank=blank) if known else None
    return read_file([pa.array(cells, pa.string())], brief_of(name, column, SETTINGS, provisional=provisional))


def found(
    cells: Sequence[str | None],
    name: str = "x",
    known: ColumnType | None = None,
    *,
    provisional: bool = True,
    blank: bool = False,
) -> ReadColumn:
    column = read(cells, name, known, provisional=provisional, blank=blank)
    assert isinstance(column, ReadColumn), column
    return column


def settled(
    cells: Sequence[str | None],
    name: str = "x",
    known: ColumnType | None = None,
    *,
    provisional: bool = True,
    blank: bool = False,
) -> Settled:
    return found(cells, name, known, provisional=provisional, blank=blank).settled


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2", None, "NA"], INTEGER),
        (["1", "2.5"], NUMBER),
        (["1.0", "2.0"], NUMBER),
        (["1", "1e3"], NUMBER),
        (["1,234,567", "5"], INTEGER),
        (["1,5", "2"], NUMBER),
        (["1", "x"], CATEGORY),
        (["007", "8"], CATEGORY),
        (["0", "10"], INTEGER),
        (["9223372036854775807"], INTEGER),
        (["92233720368547758070"], CATEGORY),
        (["92233720368547758070", "1.5"], NUMBER),
        (["true", "false"], CATEGORY),
        (["5%", "6%"], CATEGORY),
        ([str(n) + "a" for n in range(40)], CATEGORY),
        ([str(n) + "a" for n in range(41)], TEXT),
        ([str(n) + "a" for n in range(30)] * 2, CATEGORY),
        ([str(n) + "a" for n in range(100)] * 2, CATEGORY),
        ([str(n) + "a" for n in range(101)] * 9, TEXT),
        ([None, " ", "NA"], NUMBER),
    ],
)
def test_a_type_is_learned_from_the_cells(cells: list[str | None], kind: ColumnType) -> None:
    column = found(cells)
    assert column.settled.type is kind
    assert column.faults == []
    assert column.settled.blank == (column.values.null_count == len(cells))


def test_leading_zeros_are_kept_and_said() -> None:
    column = found(["007", "8"])
    assert column.values.to_pylist() == ["007", "8"]
    assert "leading zeros" in column.settled.notes[0]


def test_a_column_of_numbers_with_a_few_other_cells_is_text_and_that_is_said() -> None:
    assert "'oops'" in settled(["1"] * 30 + ["oops"]).notes[0]
    assert "'oops'" in settled(["1,5"] * 30 + ["oops"]).notes[0]
    assert "'1,5'" in settled(["1.5"] * 30 + ["1,5"]).notes[0]
    assert settled(["1", "oops"]).notes == ()


@pytest.mark.parametrize(
    "cell", ["$5", "-\u20ac 5", "1,50 \u20ac", "5%", "0x1F", "inf", "1_000", "\uff11\uff12", "1e400", "1" * 400]
)
def test_what_a_person_may_call_a_number_is_text_in_a_new_column_and_that_is_said(cell: str) -> None:
    column = found([cell, cell, None])
    assert column.settled.type is CATEGORY
    assert column.values.to_pylist() == [cell, cell, None]
    assert repr(cell[:50]) in column.settled.notes[0]


def test_settings_override_what_would_be_learned() -> None:
    assert settled(["1", "2"], "as_text").type is TEXT
    assert settled(["1", "2"], "as_category").type is CATEGORY
    number = found(["1", "oops", "007"], "as_number")
    assert number.settled.type is NUMBER
    assert number.values.to_pylist() == [1, None, 7]
    assert number.faults == [1]


def test_ids_and_times_are_text_and_must_be_there() -> None:
    for name, code in (("id", "missing_id"), ("month", "missing_time")):
        column = found(["007", " ", None, " a"], name)
        assert column.settled.type is TEXT
        assert column.values.to_pylist() == ["007", None, None, " a"]
        assert column.faults == [1, 2]
        assert column.settled.plan.fault_code(" ") == code


def test_a_date_that_no_calendar_has_is_a_fault_of_the_time_only() -> None:
    column = found(["2024-02-29", "2024-02-30", "", "2024-13"], "month")
    assert column.faults == [1, 2]
    assert column.settled.plan.fault_code("2024-02-30") == "impossible_date"
    assert column.settled.plan.fault_code("") == "missing_time"
    assert found(["2024-02-30"], "id").faults == []
    assert found(["2024-02-30"], "x").faults == []


def test_ignored_columns_are_kept_as_text_but_for_the_value() -> None:
    assert settled(["1", "2"], "memo").type is TEXT
    assert settled(["1", "2"], "value").type is INTEGER
    assert role_of("value", SETTINGS) is Role.IGNORED


def test_an_integer_column_takes_integers_however_written() -> None:
    column = found(["5.0", "1e3", "007", ""], known=INTEGER, provisional=False)
    assert column.settled.type is INTEGER
    assert column.values.to_pylist() == [5, 1000, 7, None]


@pytest.mark.parametrize("provisional", [True, False])
def test_an_integer_column_becomes_a_number_unless_a_value_would_change(provisional: bool) -> None:
    column = found(["5", "5.5", "bad"], known=INTEGER, provisional=provisional)
    assert column.settled.type is NUMBER
    assert column.faults == [2]
    assert "became a number" in column.settled.notes[0]
    refusal = read(["9007199254740993", "5.5"], known=INTEGER, provisional=provisional)
    assert isinstance(refusal, Reason)
    assert refusal.code == "widening"


def test_integers_and_fractions_in_different_blocks_are_read_once() -> None:
    for known in (None, Column("x", INTEGER, Role.FEATURE)):
        blocks = [pa.array(["1", "2"]), pa.array(["2.5"]), pa.array(["3"])]
        column = read_file(blocks, brief_of("x", known, SETTINGS, provisional=True))
        assert isinstance(column, ReadColumn)
        assert column.values == pa.array([1, 2, 2.5, 3])
        assert column.readings == 1


def test_a_style_that_the_first_block_suggests_leaves_no_trace_where_the_file_shows_another() -> None:
    for known in (None, Column("x", INTEGER, Role.FEATURE)):
        blocks = [pa.array(["1,5"]), pa.array(["0.0", "7"])]
        column = read_file(blocks, brief_of("x", known, SETTINGS, provisional=False))
        assert isinstance(column, ReadColumn)
        assert column.settled.type is (INTEGER if known else CATEGORY)
        assert column.values.to_pylist() == ([None, 0, 7] if known else ["1,5", "0.0", "7"])
        assert column.readings == 2


def test_a_number_column_never_becomes_text() -> None:
    for provisional in (True, False):
        column = found(["x", "y", "1", "5%", "$5"], known=NUMBER, provisional=provisional)
        assert column.settled.type is NUMBER
        assert column.faults == [0, 1, 3, 4]
        assert column.settled.plan.fault_code("x") == "not_a_number"


@pytest.mark.parametrize(
    ("cells", "note"),
    [
        (["1,5", "2"], "has decimal commas."),
        (["1,234.5"], "has commas between thousands (1,234.5)."),
        (["1.234,5"], "has decimal commas, and points between thousands (1.234,5)."),
        (["1 234"], "has spaces between thousands (1 234.5)."),
    ],
)
def test_how_numbers_are_written_is_said_known_or_not(cells: list[str | None], note: str) -> None:
    for known in (None, INTEGER, NUMBER):
        assert f"Column 'x' {note}" in settled(cells, known=known).notes


def test_text_and_categories_change_places_only_while_provisional_and_on_evidence() -> None:
    many = [f"v{number}" for number in range(200)]
    few = ["a", "b"] * 50
    assert settled(many, known=CATEGORY).type is TEXT
    assert "as text from now on" in settled(many, known=CATEGORY).notes[0]
    assert settled(many, known=CATEGORY, provisional=False).type is CATEGORY
    assert settled(few, known=TEXT).type is CATEGORY
    assert settled(few, known=TEXT, provisional=False).type is TEXT
    assert settled(["a"], known=TEXT).type is TEXT
    assert settled(["1", "2"], known=CATEGORY).type is CATEGORY
    assert settled(few, "as_text", known=CATEGORY).type is TEXT


def test_a_number_asked_for_too_late_is_said() -> None:
    column = settled(["1", "2"], "as_number", known=TEXT)
    assert column.type is TEXT
    assert "reset the schema" in column.notes[0]


def test_a_column_without_any_value_so_far_is_open_while_provisional() -> None:
    assert settled(["a", "b"], known=NUMBER, blank=True).type is CATEGORY
    assert settled([None], known=NUMBER, blank=True).blank
    assert settled([None], known=NUMBER, blank=True, provisional=False).blank
    assert found(["a", "1"], known=NUMBER, blank=True, provisional=False).faults == [0]


def test_numbers_with_ambiguous_commas_are_refused_known_or_not() -> None:
    for known in (None, INTEGER, NUMBER):
        refusal = read(["1,234", "5,678"], known=known)
        assert isinstance(refusal, Reason)
        assert refusal.code == "ambiguous_numbers"
    assert settled(["1,234"], "as_text").type is TEXT
    assert settled(["1,234", "x"]).type is CATEGORY


@pytest.mark.parametrize(
    ("points", "refused"),
    [
        (["1.234", "12.500", "7"], True),
        (["1.234", "0.5"], False),
        (["7", "8"], False),
        (["1.234", "1e3"], False),
        (["1.234"] * 10 + ["1.2345"], False),
        (["1.234"] * 5000, True),
    ],
)
def test_nothing_but_1_234_beside_decimal_commas_is_refused(points: list[str], refused: bool) -> None:
    columns = {"plain": settled(["1", "2.5"]), "dots": settled(points), "commas": settled(["0,5"])}
    reason = unlike_neighbours(columns)
    assert (reason is not None) == refused
    if reason is not None:
        assert reason.code == "ambiguous_numbers"
        assert "'dots'" in reason.detail
        assert "'commas'" in reason.detail
    del columns["commas"]
    assert unlike_neighbours(columns) is None
