"""A sketch counts each row once, and tallies of pieces add up to that of the whole."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from handlers.domain.axes import Cuts
from handlers.domain.reference_sketch import LARGEST_VALUE, MOST_NEW, QUANTILES, Sketch, Tally, sketch, tally
from tests.unit.handlers.domain.drawn_columns import columns, part, table, ten_columns


def equal(one: Tally, other: Tally) -> bool:
    return one.rows == other.rows and all(
        (mine.counts == theirs.counts).all()
        and np.allclose(mine.excess, theirs.excess, rtol=1e-9, atol=1e-9 * np.abs(theirs.excess).max(initial=1.0))
        and mine.outside == theirs.outside
        and mine.new == theirs.new
        for mine, theirs in zip(one.columns, other.columns, strict=True)
    )


@given(table)
@example([(1.7976931348623157e308, None), (-9.979201547673601e291, None)])
def test_each_row_of_the_reference_is_in_one_bin_and_its_own_tally_is_the_sketch(drawn: list[Any]) -> None:
    reference = sketch(columns(drawn))
    counted = tally(reference, columns(drawn))
    for column, one in zip(reference.columns, counted.columns, strict=True):
        assert tuple(one.counts.tolist()) == column.counts
        assert sum(column.counts) == len(drawn) == reference.rows
        assert len(column.counts) == column.axis.size
        assert one.new == {}
        huge = column.name == "number" and (np.abs(columns(drawn)["number"]) > LARGEST_VALUE).any()
        assert one.outside == 0 or huge


@given(table, table, st.randoms(use_true_random=False))
def test_pieces_add_up_to_the_whole_in_any_order(before: list[Any], now: list[Any], random: Random) -> None:
    reference = sketch(columns(before))
    whole = tally(reference, columns(now))
    random.shuffle(now)
    cut = random.randrange(len(now))
    pieces = [tally(reference, columns(piece)) for piece in (now[:cut], now[cut:]) if piece]
    assert equal(pieces[0] if len(pieces) == 1 else pieces[0] + pieces[1], whole)


def test_numbers_have_at_most_200_bins_of_about_equal_counts_and_two_empty_ones_outside() -> None:
    values = np.random.default_rng(0).normal(size=10_000)
    (column,) = sketch({"x": values}).columns
    *inner, missing = column.counts
    assert len(inner) == QUANTILES + 2
    assert (inner[0], inner[-1], missing) == (0, 0, 0)
    assert set(inner[1:-1]) <= {49, 50, 51}


def test_few_values_have_a_bin_each_and_one_after_each() -> None:
    (column,) = sketch({"x": np.array([0.0, 2.0, 2.0, 5.0, math.nan])}).columns
    assert column.counts == (0, 1, 0, 2, 0, 1, 0, 1)
    assert column.spread is not None
    assert column.spread.positions == (0.0,) * 7
    assert (column.spread.mean, column.spread.low, column.spread.high) == (2.25, 0.0, 5.0)
    assert column.spread.deviation == pytest.approx(np.std([0.0, 2.0, 2.0, 5.0]))
    assert (column.missing, column.present) == (1, 4)


def test_a_value_that_many_rows_share_has_a_bin_for_itself_among_many_values() -> None:
    values = np.append(np.random.default_rng(0).random(5000), np.full(1000, 0.5))
    reference = sketch({"x": values})
    counted = tally(reference, {"x": np.array([0.5, 0.5, np.nextafter(0.5, 1)])}).columns[0]
    assert 1000 in reference.columns[0].counts
    assert sorted(counted.counts[counted.counts > 0].tolist()) == [1, 2]


def test_what_is_outside_the_range_is_counted_apart_from_what_is_beyond_the_tolerated_one() -> None:
    reference = sketch({"x": np.arange(11.0)})
    counted = tally(reference, {"x": np.array([-0.5, -1.5, 10.0, 10.9, 11.1, 20.0, math.nan])}).columns[0]
    assert (counted.counts[0], counted.counts[-2], counted.counts[-1]) == (2, 3, 1)
    assert counted.outside == 3


def test_the_next_year_is_not_outside_the_range_of_the_years_before_it() -> None:
    reference = sketch({"year": np.array([2024.0, 2025.0])})
    assert tally(reference, {"year": np.array([2026.0])}).columns[0].outside == 0


def test_new_categories_are_counted_by_name_up_to_a_bound() -> None:
    reference = sketch({"word": np.array(["a", "b", "a", None], dtype=object)})
    new = [f"n{index}" for index in range(MOST_NEW + 5)]
    now = {"word": np.array(["a", "x", "x", None, *new], dtype=object)}
    counted = tally(reference, now).columns[0]
    assert counted.counts.tolist() == [1, 0, 1, MOST_NEW + 7]
    assert len(counted.new) == MOST_NEW
    assert counted.new["x"] == 2
    assert len((tally(reference, now) + tally(reference, {"word": np.array(["y"])})).columns[0].new) == MOST_NEW


def test_the_share_of_unseen_categories_is_that_of_those_seen_once() -> None:
    (column,) = sketch({"word": np.array(["a", "a", "b", "c", None], dtype=object)}).columns
    assert column.unseen == 0.5
    assert sketch({"x": np.zeros(3)}).columns[0].unseen == 0.0
    assert sketch({"word": np.array([None, None])}).columns[0].unseen == 0.0


def test_unseen_foretells_how_many_rows_have_a_new_category() -> None:
    rng = np.random.default_rng(1)
    drawn = part(ten_columns(rng, 10_000), slice(None))["very_many"]
    reference = sketch({"word": drawn[:600]})
    counted = tally(reference, {"word": drawn[600:]})
    assert counted.columns[0].counts[-1] / 9400 == pytest.approx(reference.columns[0].unseen, abs=0.03)


def test_infinite_and_huge_numbers_are_counted_and_the_spread_stays_finite() -> None:
    values = np.array([-math.inf, -1.7e308, 0.0, 1.7976931348623157e308, math.inf])
    (column,) = sketch({"x": values}).columns
    assert sum(column.counts) == 5
    assert column.spread is not None
    assert np.isfinite([column.spread.mean, column.spread.deviation, column.spread.low, column.spread.high]).all()


def test_a_column_without_any_number_has_no_spread() -> None:
    (column,) = sketch({"x": np.full(3, math.nan)}).columns
    assert column.axis == Cuts("x", ())
    assert (column.counts, column.spread) == ((0, 3), None)
    assert tally(Sketch(3, (column,)), {"x": np.array([1.0, math.nan])}).columns[0].counts.tolist() == [1, 1]


def test_absent_columns_are_named_and_empty_ones_refused() -> None:
    reference = sketch({"x": np.zeros(3)})
    with pytest.raises(KeyError, match="x"):
        tally(reference, {"y": np.zeros(3)})
    with pytest.raises(ValueError, match="at least one row"):
        tally(reference, {"x": np.zeros(0)})
    with pytest.raises(ValueError, match="at least one row"):
        sketch({})
    other = tally(sketch({"x": np.zeros(3), "y": np.zeros(3)}), {"x": np.zeros(1), "y": np.zeros(1)})
    with pytest.raises(ValueError, match="zip"):
        tally(reference, {"x": np.zeros(1)}) + other
