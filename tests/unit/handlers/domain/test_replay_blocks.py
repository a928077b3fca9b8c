"""The blocks of replayed files."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.blocks import Waiting
from handlers.domain.replay_blocks import blocks_of, in_order

LIMITS = (20, 5)


def test_each_arrival_is_a_block_once_there_are_both_classes() -> None:
    arrivals = [[Waiting(1, None, 10, 0)], [Waiting(2, None, 10, 3)], [Waiting(3, None, 10, 0)]]
    found = blocks_of(arrivals, taken=(0, 0), limits=LIMITS)
    assert [block.ids for block in found] == [(1, 2), (3,)]


def test_earlier_blocks_count_for_the_classes() -> None:
    assert [one.ids for one in blocks_of([[Waiting(1, None, 10, 0)]], taken=(5, 2), limits=LIMITS)] == [(1,)]


@given(st.lists(st.tuples(st.sampled_from(["1", "2", "10"]), st.integers(1, 30)), min_size=1, max_size=12))
def test_periods_come_in_their_order_and_every_member_is_in_one_block(drawn: list[tuple[str, int]]) -> None:
    waiting = [Waiting(place, period, 2 * rows, rows) for place, (period, rows) in enumerate(drawn)]
    found = blocks_of([waiting], taken=(0, 0), limits=LIMITS)
    assert sorted(each for block in found for each in block.ids) == list(range(len(drawn)))
    assert [int(period) for block in found for period in block.periods] == sorted({int(period) for period, _ in drawn})


def test_names_as_a_shell_sorts_them_are_taken_as_drops_and_any_other_order_was_meant() -> None:
    assert in_order(["a1.csv", "a10.csv", "a2.csv"]) == [0, 2, 1]
    assert in_order(["jan.csv", "feb.csv", "mar.csv"]) == [0, 1, 2]
