"""Each row is in one of a few cells, whose label says to a person which rows are in it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.reference_sketch import sketch
from handlers.domain.row_cells import RowCells, crossed, row_cells
from tests.unit.handlers.domain.drawn_columns import columns, table


def cells(before: np.ndarray, now: np.ndarray, most: int) -> RowCells:
    return row_cells(sketch({"x": before}).columns[0], {"x": now}, most)


def said(before: Any, now: Any, most: int) -> list[str]:
    found = cells(before, now, most)
    return [found.labels[place] for place in found.index]


@given(table, table, st.integers(2, 12))
def test_each_row_is_in_a_cell_and_the_cells_are_few(before: list[Any], now: list[Any], most: int) -> None:
    for column in sketch(columns(before)).columns:
        found = row_cells(column, columns(now), most)
        assert len(found.index) == len(now)
        assert found.index.min() >= 0
        assert found.index.max() < len(found.labels) <= most + 1
        assert all(label.startswith(column.name) for label in found.labels)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.integers(2, 12))
def test_cells_of_numbers_keep_their_order(before: list[float], most: int) -> None:
    values = np.sort(np.array(before))
    assert (np.diff(cells(values, values, most).index) >= 0).all()


def test_whole_numbers_are_named_by_the_first_and_the_last_of_a_cell() -> None:
    before = np.repeat(np.arange(12.0), 10)
    assert said(before, np.array([0.0, 4.0, 11.0, 99.0, -1.0, math.nan]), 4) == [
        "x up to 2",
        "x 3 to 5",
        "x from 9",
        "x from 9",
        "x up to 2",
        "x missing",
    ]


def test_a_value_that_has_a_cell_for_itself_is_named_alone() -> None:
    before = np.array([0.0] * 30 + [1.0] * 40 + [2.0] * 30)
    assert said(before, np.array([0.0, 1.0, 2.0]), 3) == ["x up to 0", "x 1", "x from 2"]


def test_fractions_are_named_by_the_ends_of_a_cell() -> None:
    before = np.random.default_rng(0).random(10_000)
    (label,) = said(before, np.array([0.5]), 5)
    low, high = (float(end) for end in label.removeprefix("x ").split(" to "))
    assert low == pytest.approx(0.4, abs=0.02)
    assert high == pytest.approx(0.6, abs=0.02)


def test_without_any_number_there_is_one_cell_and_missing() -> None:
    assert said(np.full(3, math.nan), np.array([1.0, math.nan]), 5) == ["x any value", "x missing"]


def test_rare_and_new_categories_share_a_cell() -> None:
    before = np.array(["a"] * 5 + ["b"] * 3 + ["c"] + ["d"], dtype=object)
    now = np.array(["a", "b", "c", "d", "e", None], dtype=object)
    assert said(before, now, 3) == ['x "a"', 'x "b"', "x any other", "x any other", "x any other", "x missing"]


def test_two_columns_are_crossed() -> None:
    one = RowCells(("a",), np.array([0, 1, 1]), ("a 0", "a 1"))
    other = RowCells(("b",), np.array([2, 0, 1]), ("b 0", "b 1", "b 2"))
    both = crossed(one, other)
    assert both.columns == ("a", "b")
    assert [both.labels[place] for place in both.index] == ["a 0, b 2", "a 1, b 0", "a 1, b 1"]
