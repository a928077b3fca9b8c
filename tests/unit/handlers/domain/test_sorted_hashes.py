"""Hashes in order: exact also where numbers share their first bits, lane A, or all of it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.domain.row_hash import row_hashes
from handlers.domain.sorted_hashes import SortedHashes, ascending, sorted_hashes

HIGH = 2**64 - 1
#: Few numbers, so that they repeat; neighbours, whose low bits are lost in the packed sort; and the ends.
NUMBER = st.sampled_from([0, 1, 2, 3, 2**40, 2**40 + 1, 2**63, HIGH - 1, HIGH])
PAIRS = st.lists(st.tuples(NUMBER, st.sampled_from([0, 1, HIGH])), max_size=40)


def words(pairs: list[tuple[int, int]]) -> np.ndarray:
    return np.array(pairs, dtype=np.uint64).reshape(-1, 2)


@given(PAIRS)
def test_the_order_is_by_a_then_b_then_place(pairs: list[tuple[int, int]]) -> None:
    both = words(pairs)
    expected = sorted(range(len(pairs)), key=lambda row: (*pairs[row], row))
    assert ascending(both[:, 0], both[:, 1]).tolist() == expected


@given(PAIRS)
def test_each_row_knows_the_first_and_the_last_that_equal_it(pairs: list[tuple[int, int]]) -> None:
    hashes = SortedHashes.of(words(pairs))
    assert list(zip(hashes.a.tolist(), hashes.b.tolist(), strict=True)) == sorted(pairs)
    assert [pairs[row] for row in hashes.order.tolist()] == sorted(pairs)
    assert hashes.rows == len(pairs)
    assert hashes.distinct == (len(set(pairs)) == len(pairs))
    assert hashes.first_positions().tolist() == [pairs.index(pair) for pair in pairs]
    backwards = pairs[::-1]
    assert hashes.last_positions().tolist() == [len(pairs) - 1 - backwards.index(pair) for pair in pairs]


@pytest.mark.parametrize("rows", [2**10, 2**10 + 1])
def test_many_are_sorted_as_numpy_sorts_them(rows: int) -> None:
    generator = np.random.default_rng(3)
    both = generator.integers(0, 2**64, (rows, 2), dtype=np.uint64)
    both[rows // 2 :, 0] = both[: rows - rows // 2, 0]
    assert (ascending(both[:, 0], both[:, 1]) == np.lexsort((both[:, 1], both[:, 0]))).all()


def test_a_table_has_the_same_hashes_in_any_thread() -> None:
    tables = [pa.table({"id": [f"c{seed}-{row}" for row in range(3000)], "n": range(3000)}) for seed in range(6)]
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda table: sorted_hashes(table, ["id", "n", "absent"], 5), tables))
    for table, hashes in zip(tables, found, strict=True):
        expected = row_hashes(table, ["id", "n"], 5)
        assert (np.column_stack([hashes.a, hashes.b]) == expected[hashes.order]).all()
        assert (np.diff(hashes.a.astype(object)) > 0).all()
