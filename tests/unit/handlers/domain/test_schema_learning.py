from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pytest

from handlers.domain.files import Reason
from handlers.domain.schema import Column, ColumnType, DatasetSettings, Role
from handlers.domain.schema_learning import TypedColumn, read_column, role_of

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
) -> TypedColumn | Reason:
    column = Column(name, known, role_of(name, SETTINGS), blank=blank) if known else None
    return read_column(name, pa.array(cells, pa.string()), column, SETTINGS, provisional=provisional)


def typed(
    cells: Sequence[str | None],
    name: str = "x",
    known: ColumnType | None = None,
    *,
    provisional: bool = True,
    blank: bool = False,
) -> TypedColumn:
    column = read(cells, name, known, provisional=provisional, blank=blank)
    assert isinstance(column, TypedColumn), column
    return column


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2", None, "NA"], INTEGER),
        (["1", "2.5"], NUMBER),
        (["1.0", "2.0"], NUMBER),
        (["1", "1e3"], NUMBER),
        (["1", "x"], CATEGORY),
        (["007", "8"], CATEGORY),
        (["0", "10"], INTEGER),
        (["9223372036854775807"], INTEGER),
        (["92233720368547758070"], CATEGORY),
        (["true", "false"], CATEGORY),
        ([str(n) + "a" for n in range(40)], CATEGORY),
        ([str(n) + "a" for n in range(41)], TEXT),
        ([str(n) + "a" for n in range(30)] * 2, CATEGORY),
        ([str(n) + "a" for n in range(100)] * 2, CATEGORY),
        ([str(n) + "a" for n in range(101)] * 9, TEXT),
        ([None, " ", "NA"], NUMBER),
    ],
)
def test_a_type_is_learned_from_the_cells(cells: list[str | None], kind: ColumnType) -> None:
    column = typed(cells)
    assert column.type is kind
    assert not len(column.faults)
    assert column.blank == (column.values.null_count == len(cells))


def test_leading_zeros_are_kept_and_said() -> None:
    column = typed(["007", "8"])
    assert column.values.to_pylist() == ["007", "8"]
    assert "leading zeros" in column.notes[0]


def test_a_column_of_numbers_with_a_few_other_cells_is_text_and_that_is_said() -> None:
    assert "'oops'" in typed(["1"] * 30 + ["oops"]).notes[0]
    assert typed(["1", "oops"]).notes == ()


def test_settings_override_what_would_be_learned() -> None:
    assert typed(["1", "2"], "as_text").type is TEXT
    assert typed(["1", "2"], "as_category").type is CATEGORY
    number = typed(["1", "oops", "007"], "as_number")
    assert number.type is NUMBER
    assert number.faults.tolist() == [1]


def test_ids_and_times_are_text_and_must_be_there() -> None:
    for name, code in (("id", "missing_id"), ("month", "missing_time")):
        column = typed(["007", " ", None, " a"], name)
        assert column.type is TEXT
        assert column.values.to_pylist() == ["007", None, None, " a"]
        assert column.faults.tolist() == [1, 2]
        assert column.fault_code == code


def test_ignored_columns_are_kept_as_text_but_for_the_value() -> None:
    assert typed(["1", "2"], "memo").type is TEXT
    assert typed(["1", "2"], "value").type is INTEGER
    assert role_of("value", SETTINGS) is Role.IGNORED


def test_an_integer_column_takes_integers_however_written() -> None:
    column = typed(["5.0", "1e3", "007", ""], known=INTEGER, provisional=False)
    assert column.type is INTEGER
    assert column.values.to_pylist() == [5, 1000, 7, None]


@pytest.mark.parametrize("provisional", [True, False])
def test_an_integer_column_becomes_a_number_unless_a_value_would_change(provisional: bool) -> None:
    column = typed(["5", "5.5", "bad"], known=INTEGER, provisional=provisional)
    assert column.type is NUMBER
    assert column.faults.tolist() == [2]
    assert column.notes
    refusal = read(["9007199254740993", "5.5"], known=INTEGER, provisional=provisional)
    assert isinstance(refusal, Reason)
    assert refusal.code == "widening"


def test_a_number_column_never_becomes_text() -> None:
    column = typed(["x", "y", "1"], known=NUMBER)
    assert column.type is NUMBER
    assert column.faults.tolist() == [0, 1]


def test_text_and_categories_change_places_only_while_provisional_and_on_evidence() -> None:
    many = [f"v{number}" for number in range(200)]
    few = ["a", "b"] * 50
    assert typed(many, known=CATEGORY).type is TEXT
    assert typed(many, known=CATEGORY, provisional=False).type is CATEGORY
    assert typed(few, known=TEXT).type is CATEGORY
    assert typed(few, known=TEXT, provisional=False).type is TEXT
    assert typed(["a"], known=TEXT).type is TEXT
    assert typed(["1", "2"], known=CATEGORY).type is CATEGORY
    assert typed(few, "as_text", known=CATEGORY).type is TEXT


def test_a_number_asked_for_too_late_is_said() -> None:
    column = typed(["1", "2"], "as_number", known=TEXT)
    assert column.type is TEXT
    assert "reset the schema" in column.notes[0]


def test_a_column_without_any_value_so_far_is_open_while_provisional() -> None:
    assert typed(["a", "b"], known=NUMBER, blank=True).type is CATEGORY
    assert typed([None], known=NUMBER, blank=True).blank
    assert typed([None], known=NUMBER, blank=True, provisional=False).blank
    assert typed(["a", "1"], known=NUMBER, blank=True, provisional=False).faults.tolist() == [0]


def test_numbers_with_ambiguous_commas_are_refused_known_or_not() -> None:
    for known in (None, INTEGER, NUMBER):
        refusal = read(["1,234", "5,678"], known=known)
        assert isinstance(refusal, Reason)
        assert refusal.code == "ambiguous_numbers"
    assert typed(["1,234"], "as_text").type is TEXT
