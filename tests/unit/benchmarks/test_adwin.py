from __future__ import annotations

import math
import random
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.benchmarks.adwin import CLOCK, DELTA, FEWEST, Adwin


def errors(count: int, share: float, seed: int) -> list[int]:
    chance = random.Random(seed)  # noqa: S311 - data for tests
    return [int(chance.random() < share) for _ in range(count)]


def fed(window: Adwin, values: list[int]) -> list[int]:
    """The places after which a rise was seen."""
    return [place for place, value in enumerate(values) if window.add(value)]


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_steady_errors_are_hardly_ever_called_a_rise(share: float) -> None:
    alarms = sum(bool(fed(Adwin(), errors(5_000, share, seed))) for seed in range(20))
    assert alarms <= 1


def test_a_rise_is_seen_soon_and_what_came_before_it_is_forgotten() -> None:
    for seed in range(10):
        window = Adwin()
        places = fed(window, errors(4_000, 0.2, seed) + errors(1_000, 0.4, seed + 100))
        after = [place for place in places if place >= 4_000]
        assert after
        assert after[0] < 4_400
        assert window.size < 1_500
        assert window.mean > 0.3


def test_a_fall_shortens_the_window_and_is_no_rise() -> None:
    window = Adwin()
    assert fed(window, [1] * 2_000 + [0] * 2_000) == []
    assert window.size < 2_500


@given(st.lists(st.integers(0, 1), max_size=400))
def test_the_window_is_made_of_the_newest_values_whatever_comes(values: list[int]) -> None:
    window = Adwin()
    for seen, value in enumerate(values, start=1):
        window.add(value)
        assert window.total == sum(values[seen - window.size : seen])


@given(st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1), st.integers(50, 400))
def test_nothing_is_cut_unless_two_parts_differ_by_more_than_the_papers_bound(
    seed: int, before: float, after: float, count: int
) -> None:
    values = errors(count, before, seed) + errors(count, after, seed + 1)
    window = Adwin()
    for seen, value in enumerate(values, start=1):
        window.add(value)
        if window.size < seen:
            assert seen % CLOCK == 0
            assert beyond_chance(values[:seen])
            return
    assert abs(before - after) < 0.9 or count < 100, "a window of right and then of wrong ones is cut"


def beyond_chance(values: list[int]) -> bool:
    """Whether the window can be parted so that the means differ by more than epsilon_cut, with delta over ln n."""
    size, sums = len(values), list(accumulate(values))
    share, doubt = sums[-1] / size, math.log(2 * math.log(size) / DELTA)
    for older in range(FEWEST, size - FEWEST + 1):
        harmonic = 1 / (1 / older + 1 / (size - older))
        bound = math.sqrt(2 / harmonic * share * (1 - share) * doubt) + 2 / (3 * harmonic) * doubt
        if abs(sums[older - 1] / older - (sums[-1] - sums[older - 1]) / (size - older)) > bound:
            return True
    return False
