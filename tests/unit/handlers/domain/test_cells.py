"""Cells are few, each row is in one, and neither sample is favoured by their choice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.cells import MOST_CELLS, category_cells, merged, numeric_cells, summed

counts = st.lists(st.integers(0, 200), min_size=1, max_size=60).map(lambda drawn: np.array(drawn, dtype=np.float64))


@given(counts, st.integers(1, 30))
def test_bins_are_merged_in_their_order_into_at_most_so_many_cells(drawn: np.ndarray, most: int) -> None:
    cells = merged(drawn, most)
    assert (np.diff(cells) >= 0).all()
    assert len(np.unique(cells)) <= most
    assert summed(drawn, cells).sum() == drawn.sum()


def test_a_bin_that_most_rows_share_keeps_a_cell_of_its_own() -> None:
    cells = merged(np.array([1.0] * 50 + [9900.0] + [1.0] * 50), 10)
    assert (cells == cells[50]).sum() == 1


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=202))
def test_numbers_outside_the_reference_range_keep_their_cells(drawn: list[tuple[int, int]]) -> None:
    before, now = (np.array([0, *side, 0], dtype=np.float64) for side in zip(*drawn, strict=True))
    now[0], now[-1] = 7.0, 9.0
    cells = numeric_cells(before, now)
    assert len(cells[0]) == len(cells[1]) <= MOST_CELLS
    assert (cells[1][0], cells[1][-1]) == (7.0, 9.0)
    assert (cells[0].sum(), cells[1].sum()) == (before.sum(), now.sum())


@given(
    st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), max_size=60),
    st.dictionaries(st.text(max_size=2), st.integers(1, 99), max_size=30),
    st.integers(0, 50),
)
def test_categories_fall_into_at_most_twenty_cells(
    drawn: list[tuple[int, int]], new: dict[str, int], unnamed: int
) -> None:
    before = np.array([*(row[0] for row in drawn), 3, 0], dtype=np.float64)
    now = np.array([*(row[1] for row in drawn), 4, sum(new.values()) + unnamed], dtype=np.float64)
    cells = category_cells(before, now, new)
    assert len(cells[0]) == len(cells[1]) <= MOST_CELLS
    assert cells[0].sum() == before[:-2].sum()
    assert cells[1].sum() == now[:-2].sum() + now[-1]
    assert (cells[0] >= 0).all()
    assert (cells[1] >= 0).all()


def test_a_frequent_new_category_has_a_cell_and_rare_ones_share_the_last() -> None:
    before, now = np.array([60.0, 1.0, 0.0, 0.0]), np.array([30.0, 1.0, 0.0, 41.0])
    cells = category_cells(before, now, {"new": 40, "rare": 1})
    assert sorted(zip(*(side.tolist() for side in cells), strict=True)) == [(0, 40), (1, 2), (60, 30)]


def test_without_a_cut_all_numbers_share_a_cell() -> None:
    cells = numeric_cells(np.array([0.0]), np.array([5.0]))
    assert [side.sum() for side in cells] == [pytest.approx(0), pytest.approx(5)]
