from __future__ import annotations

import math
import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.domain.conversion import NUMBER, Commas, Numbers, to_numbers, to_text


def read(*cells: str | None) -> Numbers:
    return to_numbers(pa.array(cells, pa.string()))


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
    assert read(cell).values.to_pylist() == [value]
    beside = read("abc", cell, None)
    assert beside.values.to_pylist() == [None, value, None]
    assert beside.faults.tolist() == [0]


@pytest.mark.parametrize(
    "cell",
    [
        "0x1F",
        "0X1",
        "inf",
        "-Infinity",
        "nan1",
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
        "true",
        "5a",
    ],
)
def test_what_is_not_plainly_a_finite_number_is_a_fault(cell: str) -> None:
    for cells in ((cell,), ("1", cell, "2.5")):
        numbers = read(*cells)
        assert [cells[row] for row in numbers.faults] == [cell]
        assert numbers.values[cells.index(cell)].as_py() is None


@pytest.mark.parametrize("cell", ["", " ", "NA", "n/a", "NaN", "Null", "none", "-", "?", " na "])
def test_missing_numbers_are_no_faults(cell: str) -> None:
    numbers = read(cell, "1")
    assert numbers.values.to_pylist() == [None, 1]
    assert not len(numbers.faults)


def test_integers_are_exact_to_the_end_of_int64_and_given_only_if_all_are() -> None:
    extremes = [2**63 - 1, -(2**63), 2**53 + 1, 0]
    for cells in ([str(value) for value in extremes], [f" +{extremes[0]}", *map(str, extremes[1:])]):
        integers = read(*cells).integers
        assert integers is not None
        assert integers.to_pylist() == extremes
    assert read("9007199254740993").integers == pa.array([2**53 + 1])
    assert read("5.0", None).integers == pa.array([5, None])
    assert read("5", "5.5").integers is None
    assert read("5", "9223372036854775808").integers is None


@pytest.mark.parametrize(
    ("cells", "commas", "values"),
    [
        (("1,5", "2,25", "7", None), Commas.DECIMAL, [1.5, 2.25, 7, None]),
        (("1,234", "1,5"), Commas.DECIMAL, [1.234, 1.5]),
        (("0,123", "-4,500"), Commas.DECIMAL, [0.123, -4.5]),
        (("1234,567",), Commas.DECIMAL, [1234.567]),
        (("1,234", "-12,500", "8"), Commas.AMBIGUOUS, [None, None, 8]),
        (("1,234", "1.5"), Commas.NONE, [None, 1.5]),
        (("1,234,567",), Commas.NONE, [None]),
    ],
)
def test_commas_are_decimal_only_where_one_of_them_can_be_nothing_else(
    cells: tuple[str, ...], commas: Commas, values: list[float | None]
) -> None:
    numbers = read(*cells)
    assert numbers.commas is commas
    assert numbers.values.to_pylist() == values
    assert bool(len(numbers.faults)) == (commas is not Commas.DECIMAL)


def test_text_is_kept_to_the_byte_and_only_blank_is_missing() -> None:
    cells = pa.array([" a ", "", " \t", None, "NA", "-"], pa.string())
    assert to_text(cells).to_pylist() == [" a ", None, None, None, "NA", "-"]


def test_slices_are_honoured() -> None:
    cells = pa.array(["x", "1", "bad", "3", "y"], pa.string()).slice(1, 3)
    numbers = to_numbers(cells)
    assert numbers.values.to_pylist() == [1, None, 3]
    assert numbers.faults.tolist() == [1]
    assert to_numbers(pa.array([], pa.string())).present == 0


@settings(deadline=None)
@given(cells=st.lists(st.text("0123456789+-.eE", max_size=8) | st.floats().map(repr), min_size=1, max_size=8))
def test_the_values_are_those_of_python_s_float_where_the_grammar_allows(cells: list[str]) -> None:
    expected = [float(cell) if re.match(NUMBER, cell) and math.isfinite(float(cell)) else None for cell in cells]
    assert read(*cells).values.to_pylist() == expected
