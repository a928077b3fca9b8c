"""Which labelled rows are decided on together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.blocks import Block, Waiting, enough, next_block
from handlers.domain.periods import period_key

ENOUGH = {"minimum_rows": 10, "minimum_rare": 2}


@pytest.mark.parametrize(
    ("rows", "positives", "expected"), [(10, 2, True), (10, 8, True), (9, 4, False), (10, 1, False), (50, 49, False)]
)
def test_enough_takes_rows_and_both_classes(rows: int, positives: int, expected: bool) -> None:
    assert enough(rows, positives, **ENOUGH) is expected


def test_nothing_that_waits_is_no_block() -> None:
    assert next_block([], **ENOUGH) is None


def test_without_periods_all_that_waits_is_one_block() -> None:
    waiting = [Waiting(3, None, 1, 0), Waiting(1, None, 2, 1)]
    assert next_block(waiting, **ENOUGH) == Block((1, 3), (), 3)


def test_the_earliest_period_is_decided_first_also_where_it_came_last() -> None:
    waiting = [Waiting(1, "10", 10, 5), Waiting(2, "9", 10, 5), Waiting(3, "10", 10, 5)]
    assert next_block(waiting, **ENOUGH) == Block((2,), ("9",), 10)
    assert next_block([waiting[0], waiting[2]], **ENOUGH) == Block((1, 3), ("10",), 20)


def test_a_period_with_too_little_for_a_statistic_is_decided_with_those_that_follow() -> None:
    waiting = [Waiting(1, "1", 30, 0), Waiting(2, "2", 3, 1), Waiting(3, "3", 3, 1), Waiting(4, "4", 30, 9)]
    assert next_block(waiting, **ENOUGH) == Block((1, 2, 3), ("1", "2", "3"), 36)


def test_rows_of_no_period_go_with_the_next_block() -> None:
    waiting = [Waiting(1, "2", 10, 5), Waiting(2, None, 1, 1), Waiting(3, "3", 10, 5)]
    assert next_block(waiting, **ENOUGH) == Block((1, 2), ("2",), 11)


members = st.builds(
    Waiting,
    id=st.integers(1, 10**6),
    period=st.none() | st.sampled_from(["1", "2", "10", "2020-01", "a"]),
    rows=st.integers(1, 30),
    positives=st.just(0),
)


@given(st.lists(members, max_size=20, unique_by=lambda one: one.id), st.data())
def test_every_member_is_in_exactly_one_block_and_periods_never_go_back(
    waiting: list[Waiting], data: st.DataObject
) -> None:
    waiting = [Waiting(one.id, one.period, one.rows, data.draw(st.integers(0, one.rows))) for one in waiting]
    taken: list[int] = []
    periods: list[str] = []
    rest = waiting
    while (block := next_block(rest, **ENOUGH)) is not None:
        assert block.ids
        assert block.rows == sum(one.rows for one in rest if one.id in block.ids)
        taken += block.ids
        periods += block.periods
        rest = [one for one in rest if one.id not in block.ids]
    assert sorted(taken) == sorted(one.id for one in waiting)
    assert periods == sorted(periods, key=period_key)
    assert len(set(periods)) == len(periods)
