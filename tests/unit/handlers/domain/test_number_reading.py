from __future__ import annotations

import pyarrow as pa
import pytest

from handlers.domain.number_reading import Asked, Numbers, read_numbers, to_numbers
from handlers.domain.number_styles import NumberStyle


def read(*cells: str | None, style: NumberStyle = NumberStyle.PLAIN, integers: bool = False) -> Numbers:
    return read_numbers(pa.array(cells, pa.string()), Asked(style, integers=integers))


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("5", 5),
        ("+5", 5),
        ("-5", -5),
        ("-0", 0),
        ("007", 7),
        (".5", 0.5),
        ("5.", 5),
        ("1e3", 1000),
        ("1E-2", 0.01),
        (" 5\t", 5),
        ("\u00a05", 5),
        ("1e-400", 0),
        ("9223372036854775808", 2.0**63),
    ],
)
def test_a_number_is_read_alone_and_among_cells_that_are_none(cell: str, value: float) -> None:
    for integers in (False, True):
        assert read(cell, integers=integers).values.to_pylist() == [value]
        beside = read("abc", cell, None, integers=integers)
        assert beside.values.to_pylist() == [None, value, None]
        assert beside.faults.tolist() == [0]


@pytest.mark.parametrize(
    "cell",
    [
        "0x1F",
        "0X1",
        "-0x1",
        "inf",
        "-Infinity",
        "nan1",
        "-nan",
        "1e400",
        "4e492493924924",
        "1_000",
        "\uff11\uff12",
        "\u0663",
        "1,2,3",
        "$5",
        "5%",
        "5\u20ac",
        "--",
        "+",
        ".",
        "e5",
        "1e",
        "--5",
        "1.2.3",
        "1 2",
        "true",
        "5a",
    ],
)
@pytest.mark.parametrize("integers", [False, True])
def test_what_is_not_plainly_a_finite_number_is_a_fault(cell: str, integers: bool) -> None:
    # Behind so many numbers it is not seen at the first glance.
    for cells in ((cell,), ("1", cell, "2.5"), ("1",) * 20 + (cell,), ("1.5",) * 20 + (cell,)):
        numbers = read(*cells, integers=integers)
        assert [cells[row] for row in numbers.faults] == [cell]
        assert numbers.values[cells.index(cell)].as_py() is None


@pytest.mark.parametrize("cell", ["", " ", "NA", "n/a", "NaN", "Null", "none", "-", "?", " na "])
def test_missing_numbers_are_no_faults(cell: str) -> None:
    for integers in (False, True):
        numbers = read(cell, "1", integers=integers)
        assert numbers.values.to_pylist() == [None, 1]
        assert not len(numbers.faults)
        assert numbers.evidence.whole
        assert numbers.evidence.present == 1


def test_integers_are_exact_to_the_end_of_int64_and_given_only_if_all_are() -> None:
    extremes = [2**63 - 1, -(2**63), 2**53 + 1, 0]
    for cells in ([str(value) for value in extremes], [f" +{extremes[0]}", *map(str, extremes[1:])]):
        numbers = read(*cells, integers=True)
        assert numbers.values.type == pa.int64()
        assert numbers.values.to_pylist() == extremes
    assert read("9007199254740993", "1e3", integers=True).values == pa.array([2**53 + 1, 1000])
    assert read("5.0", None, integers=True).values == pa.array([5, None])
    for cells in (["5", "5.5"], ["5", "9223372036854775808"], ["1e17"], ["9007199254740993.0"]):
        numbers = read(*cells, integers=True)
        assert numbers.values.type == pa.float64()
        assert not numbers.evidence.integral


@pytest.mark.parametrize(
    ("cells", "style", "values"),
    [
        (("1,5", "2,25", "7", None), NumberStyle.DECIMAL_COMMA, [1.5, 2.25, 7, None]),
        (("1,234", "1,5"), NumberStyle.DECIMAL_COMMA, [1.234, 1.5]),
        (("0,123", "-4,500"), NumberStyle.DECIMAL_COMMA, [0.123, -4.5]),
        (("1234,567",), NumberStyle.DECIMAL_COMMA, [1234.567]),
        (("1,234", "1.5"), NumberStyle.COMMAS, [1234, 1.5]),
        (("1,234,567",), NumberStyle.COMMAS, [1234567]),
        (("1,234,567.89", "-1,234", "5", "1e3"), NumberStyle.COMMAS, [1234567.89, -1234, 5, 1000]),
        (("1.234,56", "0,5", "12"), NumberStyle.POINTS, [1234.56, 0.5, 12]),
        (("1.234.567", "1.234"), NumberStyle.POINTS, [1234567, 1234]),
        (("1 234 567", "\u00a012\u00a0345.5", "1\u202f234", "9"), NumberStyle.SPACES, [1234567, 12345.5, 1234, 9]),
        (("1 234,5", "1 234"), NumberStyle.SPACES_COMMA, [1234.5, 1234]),
        (("1'234", "1'234.5", "1\u2019000"), NumberStyle.APOSTROPHES, [1234, 1234.5, 1000]),
        (("1'234,5",), NumberStyle.APOSTROPHES_COMMA, [1234.5]),
        (("1.234", "2.345"), NumberStyle.PLAIN, [1.234, 2.345]),
    ],
)
def test_separators_are_read_where_exactly_one_reading_fits(
    cells: tuple[str, ...], style: NumberStyle, values: list[float | None]
) -> None:
    numbers = to_numbers(pa.array(cells, pa.string()))
    assert numbers is not None
    assert numbers.values.to_pylist() == values
    assert not len(numbers.faults)
    assert read(*cells, style=style).values.equals(numbers.values)


@pytest.mark.parametrize("cells", [("1,234", "-12,500", "8"), ("1,234",), ("1,234", "1.234"), ("1,234", "oops")])
def test_numbers_of_two_readings_have_none(cells: tuple[str, ...]) -> None:
    assert to_numbers(pa.array(cells, pa.string())) is None


@pytest.mark.parametrize(
    "cells",
    [
        ("1,5", "1.5"),
        ("1 234", "1,234.5"),
        ("1 234", "1'234"),
        ("0,123,456",),
        ("1,23,456",),
        ("1234,567.8",),
        ("12 34",),
        ("030 123 456",),
        ("1,5e3",),
        ("1,234.567,8",),
    ],
)
def test_separated_numbers_without_a_reading_in_common_are_faults(cells: tuple[str, ...]) -> None:
    numbers = to_numbers(pa.array(cells, pa.string()))
    assert numbers is not None
    assert [cells[row] for row in numbers.faults] == [cell for cell in cells if cell != "1.5"]


def test_cells_that_are_no_numbers_do_not_hide_how_the_others_are_written() -> None:
    numbers = to_numbers(pa.array(["1,5", "n.v.", "2,75"]))
    assert numbers is not None
    assert numbers.values.to_pylist() == [1.5, None, 2.75]
    assert numbers.faults.tolist() == [1]


def test_slices_and_no_cells_at_all_are_read() -> None:
    cells = pa.array(["x", "1", "bad", "3", "y"], pa.string()).slice(1, 3)
    numbers = read_numbers(cells, Asked(integers=False))
    assert numbers.values.to_pylist() == [1, None, 3]
    assert numbers.faults.tolist() == [1]
    assert read().evidence.present == 0
    assert read(None, None, integers=True).values.to_pylist() == [None, None]
