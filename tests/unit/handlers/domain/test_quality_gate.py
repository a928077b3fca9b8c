"""A file that is broken is found and its column named; drift, chance and a few odd rows break nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given

from handlers.domain.axes import Columns
from handlers.domain.quality_gate import Break, GateSettings, breaks
from handlers.domain.reference_sketch import sketch, tally
from tests.unit.handlers.domain.drawn_columns import columns, table, ten_columns


def found(before: Columns, now: Columns, **settings: Any) -> tuple[Break, ...]:
    reference = sketch(before)
    return breaks(reference, tally(reference, now), GateSettings(**settings))


def with_missing(share: float, rows: int) -> dict[str, np.ndarray]:
    values = np.arange(float(rows))
    values[: round(share * rows)] = math.nan
    return {"activity": np.where(np.isnan(values), math.nan, 1.0)}


@given(table)
def test_the_reference_itself_is_not_broken(drawn: list[Any]) -> None:
    finite = [(number if abs(number) < 1e99 else 0.0, word) for number, word in drawn]
    assert found(columns(finite), columns(finite * 3), minimum_rows=1) == ()


def test_a_column_that_becomes_empty_is_said_to_a_person() -> None:
    (one,) = found(with_missing(0.03, 1000), with_missing(0.92, 500))
    assert (one.column, one.kind, one.before, one.now) == ("activity", "missing", 0.03, 0.92)
    assert one.sentence == "activity: 92% of the rows are empty, 3% were in the model's training data"


@pytest.mark.parametrize(
    ("before", "now", "broken"), [(0.0, 0.29, False), (0.0, 0.32, True), (0.75, 1.0, False), (0.9, 0.1, False)]
)
def test_only_a_jump_of_the_missing_share_is_a_break(before: float, now: float, broken: bool) -> None:
    assert bool(found(with_missing(before, 1000), with_missing(now, 500))) == broken


@pytest.mark.parametrize(
    ("change", "broken"),
    [
        (lambda values: values * 1000, True),  # another unit
        (lambda values: np.full(500, -999.0), True),  # a code for missing
        (lambda values: values * 0, True),  # nothing was joined
        (lambda values: values + 20, False),  # two standard deviations
        (lambda values: values * 1.25, False),
        (lambda values: np.append(values[:300], np.full(200, -999.0)), False),
    ],
)
def test_numbers_break_where_most_are_outside_the_range_and_not_by_drift(change: Any, broken: bool) -> None:
    rng = np.random.default_rng(0)
    now = {"x": change(rng.normal(100, 10, 500))}
    assert [one.kind for one in found({"x": rng.normal(100, 10, 3000)}, now)] == ["outside"] * broken


def test_a_few_numbers_outside_the_range_are_no_break_among_empty_rows() -> None:
    values = np.full(500, math.nan)
    values[:3] = 999.0
    before = np.append(np.arange(10.0), np.full(900, math.nan))
    assert found({"x": before}, {"x": values}) == ()


def test_a_table_of_codes_that_was_replaced_is_a_break() -> None:
    before = {"plan": np.array(["a", "b", "c"] * 300, dtype=object)}
    (one,) = found(before, {"plan": np.array(["A", "B", "a"] * 50, dtype=object)})
    assert one.kind == "new_categories"
    assert one.now == pytest.approx(2 / 3)
    assert one.sentence == "plan: 67% of the values never occurred in the model's training data"
    assert found(before, {"plan": np.array(["A", "a", "b"] * 50, dtype=object)}) == ()


def test_many_rare_categories_are_no_break_unless_even_the_frequent_ones_are_gone() -> None:
    rng = np.random.default_rng(0)
    names = np.array([f"c{index}" for index in range(3000)], dtype=object)
    before = {"name": rng.choice(names, 2000)}
    assert found(before, {"name": rng.choice(names, 500)}) == ()
    assert len(found(before, {"name": rng.choice(names, 500) + "x"})) == 1


def test_a_few_rows_can_be_odd() -> None:
    before = {"x": np.arange(100.0), "y": np.array(["a"] * 100, dtype=object)}
    odd = {"x": np.full(19, 1e6), "y": np.full(19, None)}
    assert found(before, odd) == ()
    assert len(found(before, {"x": np.full(20, 1e6), "y": np.full(20, None)})) == 2


@pytest.mark.parametrize("rows", [20, 50, 500])
def test_files_without_drift_are_not_broken(rows: int) -> None:
    rng = np.random.default_rng(rows)
    reference = sketch(ten_columns(rng, 500))
    files = (breaks(reference, tally(reference, ten_columns(rng, rows)), GateSettings()) for _ in range(200))
    assert [broken for broken in files if broken] == []
