"""Which rows of a batch are stored, and which number each of them has."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.deduplication import Placement, place_all, place_keys, place_rows
from handlers.domain.sorted_hashes import SortedHashes

FIRST = 100


def lanes(values: list[int]) -> SortedHashes:
    """Hashes that are equal where the values are; each lane alone says too little."""
    return SortedHashes.of(np.array([[value % 3, value // 3] for value in values], dtype=np.uint64).reshape(-1, 2))


def check_numbers(placement: Placement) -> None:
    """Stored rows have consecutive numbers in the order of the file."""
    kept = placement.numbers[placement.kept].tolist()
    assert kept == list(range(FIRST, FIRST + len(kept)))


def test_without_duplicates_every_row_is_new() -> None:
    placement = place_all(3, FIRST)
    assert placement.kept.all()
    assert placement.numbers.tolist() == [100, 101, 102]
    assert placement.superseded.tolist() == []


@given(st.lists(st.integers(0, 8)), st.sets(st.integers(0, 8)))
def test_a_row_is_stored_once_whatever_the_order_and_each_has_the_number_of_its_equal(
    values: list[int], stored: set[int]
) -> None:
    numbers = {value: place for place, value in enumerate(sorted(stored))}
    known = np.array([numbers.get(value, -1) for value in values], dtype=np.int64)
    placement = place_rows(lanes(values), known, FIRST)
    for value, kept, number in zip(values, placement.kept, placement.numbers.tolist(), strict=True):
        assert not (kept and value in numbers)
        assert number == numbers.setdefault(value, number)
    assert sorted(value for value, kept in zip(values, placement.kept, strict=True) if kept) == sorted(
        set(values) - stored
    )
    check_numbers(placement)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 2)), max_size=12), st.integers(1, 4))
def test_of_rows_with_one_key_the_last_is_what_remains_however_they_come_in_files(
    rows: list[tuple[int, int]], files: int
) -> None:
    """Against the plain rule: a dictionary from key to value, in which later entries replace earlier ones."""
    expected: dict[int, int] = {}
    row_number: dict[tuple[int, int], int] = {}
    key_number: dict[int, int] = {}
    there: dict[int, tuple[int, int]] = {}
    following = 0
    for part in np.array_split(np.array(rows, dtype=np.int64).reshape(-1, 2), files):
        batch = [(int(key), int(value)) for key, value in part]
        known = np.array([row_number.get(row, -1) for row in batch], dtype=np.int64)
        known_keys = np.array([key_number.get(key, -1) for key, _ in batch], dtype=np.int64)
        placement = place_keys(known, lanes([key for key, _ in batch]), known_keys, following)
        for gone in placement.superseded.tolist():
            del there[gone]
        for row, kept, number in zip(batch, placement.kept, placement.numbers.tolist(), strict=True):
            if kept:
                there[number] = row
                row_number[row], key_number[row[0]] = number, number
        following += int(placement.kept.sum())
        expected.update(batch)
        for (key, _), number in zip(batch, placement.numbers.tolist(), strict=True):
            assert there[number] == (key, expected[key])
        assert sorted(there.values()) == sorted(expected.items())


def test_a_row_that_is_there_unchanged_is_neither_stored_nor_does_it_replace() -> None:
    placement = place_keys(np.array([7]), lanes([1]), np.array([7]), FIRST)
    assert (placement.kept.tolist(), placement.numbers.tolist(), placement.superseded.tolist()) == ([False], [7], [])


def test_a_row_that_comes_back_after_another_replaced_it_is_stored_anew() -> None:
    placement = place_keys(np.array([7]), lanes([1]), np.array([8]), FIRST)
    assert (placement.kept.tolist(), placement.numbers.tolist(), placement.superseded.tolist()) == ([True], [100], [8])
