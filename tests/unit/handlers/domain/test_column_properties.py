"""Whatever cells a column has and however a file is cut: the same column as the slow reader's."""

from __future__ import annotations

import itertools

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.domain.column_settling import brief_of
from handlers.domain.files import Reason
from handlers.domain.schema import Column, ColumnType, DatasetSettings, Role
from tests.unit.handlers.domain.columns_by_block import ReadColumn, read_file
from tests.unit.handlers.domain.slow_columns import as_integer, read_slowly

SETTINGS = DatasetSettings()
INTEGER, NUMBER, CATEGORY, TEXT = ColumnType.INTEGER, ColumnType.NUMBER, ColumnType.CATEGORY, ColumnType.TEXT

SMALL = st.integers(-2000, 2_000_000)
JUNK = ["abc", "$5", "5%", "5 \u20ac", "0x1F", "inf", "-Infinity", "1e400", "9" * 310, "1_000", "\uff11", "true", "--5"]
JUNK += ["1 23", "1,23,4", "1'23", "e5", ".", "+", "1 234'567", "4e492493924924", "1," + "0" * 300, "0 123", "5\n"]
JUNK += [",5", "5,", "-,5", "+5,", ",", "1,5e3"]
POOLS: dict[str, st.SearchStrategy[str]] = {
    "digits": SMALL.map(str),
    "fractions": st.floats(-5000, 5000).map(lambda value: f"{value:.2f}"),
    "thousandths": st.floats(-5000, 5000).map(lambda value: f"{value:.3f}"),
    "written by Python": st.floats(allow_nan=False).map(repr),
    "decimal commas": st.floats(-5000, 5000).map(lambda value: f"{value:.3f}".replace(".", ",")),
    "commas": (SMALL | st.floats(-1e7, 1e7)).map(lambda value: f"{value:,}"),
    "points": SMALL.map(lambda value: f"{value:,}".replace(",", ".")),
    "points and a comma": st.floats(-1e7, 1e7).map(lambda value: f"{value:,.2f}".translate({44: 46, 46: 44})),
    "spaces": SMALL.map(lambda value: f"{value:,}".replace(",", "\u202f")),
    "spaces and a comma": st.floats(-1e7, 1e7).map(lambda value: f"{value:,.2f}".translate({44: 32, 46: 44})),
    "apostrophes": SMALL.map(lambda value: f"{value:,}".replace(",", "'")),
    "large": st.integers(2**53 - 2, 2**53 + 2).map(str) | st.integers(2**63 - 2, 2**63 + 1).map(lambda n: str(-n)),
    "odd": st.sampled_from(
        ["1e3", "+5", "5.", ".5", "-0", "1e17", "9007199254740993.0", "0,5", "1,5e3", "12,34", "1.2.3"]
    ),
    "codes": st.sampled_from(["007", "00", "-01", "0.0", "0", "+00.5"]),
    "missing": st.sampled_from(["", " ", "NA", "n/A", "NaN", "nUll", "none", "-", "?", "\u00a0"]),
    "junk": st.sampled_from(JUNK),
    "anything": st.text("0123456789.,-+eE' \u00a0x", max_size=9),
}
PLACED = st.sampled_from(["{}", "{}", "{}", " {}", "{}\t", "\u00a0{} "])


@st.composite
def columns(draw: st.DrawFn) -> list[str | None]:
    pools = draw(st.lists(st.sampled_from(sorted(POOLS)), min_size=1, max_size=3))
    cell = st.one_of(*(POOLS[name] for name in pools))
    drawn = draw(st.lists(st.none() | st.builds(str.format, PLACED, cell) | cell, max_size=12))
    # Some cells are repeated, as those of a long column would be.
    return drawn * draw(st.sampled_from([1, 1, 1, 30]))


def cut(cells: list[str | None], places: list[int]) -> list[pa.StringArray]:
    whole = pa.array(["7", *(cell or None for cell in cells), "x"], pa.string()).slice(1, len(cells))
    edges = [0, *sorted({place % (len(cells) + 1) for place in places}), len(cells)]
    return [whole.slice(start, end - start) for start, end in itertools.pairwise(edges)]


def brief(known: ColumnType | None, *, provisional: bool = True):  # noqa: ANN201
    column = None if known is None else Column("x", known, Role.FEATURE)
    return brief_of("x", column, SETTINGS, provisional=provisional)


@settings(max_examples=150, deadline=None)
@given(
    cells=columns(),
    places=st.lists(st.integers(0, 10**6), max_size=4),
    known=st.sampled_from([None, *ColumnType]),
    provisional=st.booleans(),
)
def test_a_file_means_the_same_however_it_is_cut(
    cells: list[str | None], places: list[int], known: ColumnType | None, provisional: bool
) -> None:
    whole = read_file(cut(cells, []), brief(known, provisional=provisional))
    parts = read_file(cut(cells, places), brief(known, provisional=provisional))
    if isinstance(whole, Reason) or isinstance(parts, Reason):
        assert parts == whole
        return
    assert parts.values.equals(whole.values)
    assert parts.faults == whole.faults
    # The plan that was followed may be another one; what it gives is not.
    said = [(found.type, found.blank, found.notes, found.grouped) for found in (parts.settled, whole.settled)]
    assert said[0] == said[1]


@settings(max_examples=150, deadline=None)
@given(cells=columns())
def test_numbers_are_those_of_the_slow_reader(cells: list[str | None]) -> None:
    slow = read_slowly(cells)
    fast = read_file(cut(cells, []), brief(NUMBER))
    if slow.style is None:
        assert isinstance(fast, Reason)
        assert fast.code == "ambiguous_numbers"
        return
    assert isinstance(fast, ReadColumn)
    assert fast.settled.plan.style == slow.style
    assert fast.values.to_pylist() == slow.values
    assert fast.faults == slow.faults


@settings(max_examples=150, deadline=None)
@given(cells=columns())
def test_integers_stay_exact_or_become_numbers_or_are_refused(cells: list[str | None]) -> None:
    slow = read_slowly(cells)
    fast = read_file(cut(cells, []), brief(INTEGER, provisional=False))
    large = any(value is not None and abs(value) >= 2**53 for value in slow.values)
    if slow.style is None or (large and not slow.are_integers):
        assert isinstance(fast, Reason)
        assert fast.code == ("ambiguous_numbers" if slow.style is None else "widening")
        return
    assert isinstance(fast, ReadColumn)
    assert fast.faults == slow.faults
    assert fast.settled.type is (INTEGER if slow.are_integers else NUMBER)
    exact = [None if text is None else as_integer(text) for text in slow.texts]
    assert fast.values.to_pylist() == (exact if slow.are_integers else slow.values)


@settings(max_examples=150, deadline=None)
@given(cells=columns())
def test_a_new_column_is_what_the_slow_reader_takes_it_for(cells: list[str | None]) -> None:
    slow = read_slowly(cells)
    fast = read_file(cut(cells, []), brief(None))
    if slow.style is None and not slow.junk:
        assert isinstance(fast, Reason)
        return
    assert isinstance(fast, ReadColumn)
    assert fast.faults == []
    if slow.faults or slow.have_leading_zeros or (slow.are_digits and not slow.are_integers):
        assert fast.settled.type in (CATEGORY, TEXT)
        assert fast.values.to_pylist() == [cell if cell and cell.strip() else None for cell in cells]
        return
    assert fast.settled.blank == all(value is None for value in slow.values)
    integers = slow.are_digits and not fast.settled.blank
    assert fast.settled.type is (INTEGER if integers else NUMBER)
    exact = [None if text is None else as_integer(text) for text in slow.texts]
    assert fast.values.to_pylist() == (exact if integers else slow.values)


@pytest.mark.parametrize("known", [None, INTEGER, NUMBER])
def test_a_long_column_is_read_as_a_short_one_is(known: ColumnType | None) -> None:
    cells = [str(number) for number in range(5000)]
    for odd in ("x", "1.5", "0x1F", "inf", "9007199254740993", "1e3"):
        for place in (0, 2500, 4999):
            column = [*cells[:place], odd, *cells[place:]]
            short = [*(cells[1:20] if place else []), odd, *cells[1:20]]
            long = read_file(cut(column, [2000, 3000]), brief(known))
            less = read_file(cut(short, []), brief(known))
            assert isinstance(long, ReadColumn)
            assert isinstance(less, ReadColumn)
            assert long.settled.type.is_numeric == less.settled.type.is_numeric
            if long.settled.type.is_numeric:
                assert long.settled.type is less.settled.type
                assert long.values[place].as_py() == less.values[19 if place else 0].as_py()
                assert long.faults == ([place] if less.faults else [])
