"""The bitmaps in front of the runs: what was added is never denied, and few others pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.storage.index_filter import Filter, GrowingFilter, log2_for

WORD = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63, 2**64 - 1])


def lane(numbers: list[int]) -> np.ndarray:
    return np.sort(np.array(numbers, dtype=np.uint64))


def random_lane(count: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng(seed).integers(0, 2**64, count, dtype=np.uint64))


@given(st.lists(st.lists(WORD, max_size=20), max_size=4), st.integers(10, 14))
def test_everything_that_was_added_may_be_there(groups: list[list[int]], log2: int) -> None:
    one = Filter.empty(log2)
    for group in groups:
        one.add(lane(group))
    for group in groups:
        assert one.candidates(lane(group)).tolist() == list(range(len(group)))


@pytest.mark.parametrize("count", [1000, 16_384, 50_000])
def test_few_of_those_that_are_not_there_pass(count: int) -> None:
    one = Filter.empty(log2_for(count))
    assert one.room >= count
    there = random_lane(count, 1)
    one.add(there)
    assert len(one.candidates(random_lane(count, 2))) < 0.08 * count
    mixed = np.sort(np.concatenate([there, random_lane(count, 3)]))
    assert np.isin(there, mixed[one.candidates(mixed)]).all()


def test_it_grows_with_what_is_added_and_forgets_nothing() -> None:
    growing, lanes = GrowingFilter(), []
    for seed in range(10):
        lanes.append(random_lane(60_000, seed))
        growing.add(lanes[-1:], lanes[:-1])
    for one in lanes:
        assert len(growing.candidates(one)) == len(one)
    assert len(growing.candidates(random_lane(60_000, 99))) < 0.08 * 60_000


def test_an_empty_filter_lets_nothing_pass_and_nothing_is_asked_of_it() -> None:
    growing = GrowingFilter()
    assert growing.candidates(random_lane(1000, 1)).tolist() == []
    assert growing.candidates(lane([])).tolist() == []
