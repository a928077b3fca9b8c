"""Waiting files are taken in natural name order."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.ordering import natural_key


def test_numbers_inside_names_count_as_numbers() -> None:
    names = ["drop10.csv", "drop2.csv", "drop.csv", "2026-10.csv", "2026-9.csv", "drop2b1.csv"]
    expected = ["2026-9.csv", "2026-10.csv", "drop.csv", "drop2.csv", "drop2b1.csv", "drop10.csv"]
    assert sorted(names, key=natural_key) == expected


def test_leading_zeros_do_not_matter_and_equals_keep_one_order() -> None:
    assert sorted(["a10", "a007", "a7", "a08"], key=natural_key) == ["a007", "a7", "a08", "a10"]
    assert sorted(["a7", "a10", "a08", "a007"], key=natural_key) == ["a007", "a7", "a08", "a10"]


@given(st.integers(min_value=0), st.integers(min_value=0), st.text(max_size=5))
def test_names_that_differ_in_one_number_are_in_its_order(first: int, second: int, prefix: str) -> None:
    if prefix[-1:].isdigit():
        prefix += "_"
    keys = [natural_key(f"{prefix}{number}.csv") for number in sorted((first, second))]
    assert keys == sorted(keys)


@given(st.lists(st.text(max_size=8)))
def test_the_order_is_total_and_knows_different_names_apart(names: list[str]) -> None:
    ordered = sorted(set(names), key=natural_key)
    assert all(natural_key(a) < natural_key(b) for a, b in pairwise(ordered))
