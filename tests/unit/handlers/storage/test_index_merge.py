"""Many runs become one, in which the newest entry of each hash stays."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handlers.storage import index_merge
from handlers.storage.index_merge import merged, neighbours, tidied, write_merged
from handlers.storage.index_runs import Run, mapped, write
from tests.unit.handlers.storage.index_pieces import looked_up, run

KEY = 17
ENTRIES = st.lists(st.dictionaries(st.integers(0, 60), st.integers(0, 10_000), min_size=1), min_size=1, max_size=6)


def never() -> bool:
    return False


@given(ENTRIES)
def test_in_memory_it_is_a_dictionary_updated_by_the_next(groups: list[dict[int, int]]) -> None:
    expected: dict[int, int] = {}
    for group in groups:
        expected.update(group)
    found = merged([run(group) for group in groups])
    assert found.rows == len(expected)
    assert looked_up(found, list(range(65))) == [expected.get(number, -1) for number in range(65)]


@settings(deadline=None)
@given(ENTRIES, st.sampled_from([2, 8, 1000]))
def test_in_a_file_it_is_the_same_however_it_is_sliced(groups: list[dict[int, int]], slice_hashes: int) -> None:
    expected: dict[int, int] = {}
    for group in groups:
        expected.update(group)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(index_merge, "_SLICE_HASHES", slice_hashes)
        assert write_merged(Path(folder), "m.run", [run(group) for group in groups], KEY, never)
        found = mapped(Path(folder), "m.run", KEY)
    assert found.rows == len(expected)
    assert (np.diff(found.a.astype(object)) >= 0).all()
    assert found.filter is not None
    assert len(found.filter.candidates(found.a)) == found.rows
    assert looked_up(found, list(range(65))) == [expected.get(number, -1) for number in range(65)]


def test_many_hashes_go_through_many_slices(tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    runs, count = [], 150_000
    for number in range(2):
        a = np.sort(generator.integers(0, 2**64, count, dtype=np.uint64))
        runs.append(Run.of(a, a ^ np.uint64(5), np.arange(count) + number * count))
    runs[0] = write(tmp_path, "0.run", runs[0], KEY)
    asked: list[None] = []

    def stop() -> bool:
        asked.append(None)
        return False

    assert write_merged(tmp_path, "m.run", runs, KEY, stop)
    assert len(asked) == 8
    one = mapped(tmp_path, "m.run", KEY)
    assert (one.rows, one.offsets.itemsize) == (2 * count, 4)
    for number, source in enumerate(runs):
        assert (one.search(source.a, source.b) == np.arange(count) + number * count).all()
    strange = np.sort(generator.integers(0, 2**64, count, dtype=np.uint64))
    assert one.filter is not None
    assert len(one.filter.candidates(strange)) < 0.08 * count
    again = write_merged(tmp_path, "n.run", [one], KEY, never)
    assert again
    assert (mapped(tmp_path, "n.run", KEY).a == one.a).all()


@pytest.mark.parametrize("fails", [False, True])
def test_a_merge_that_is_stopped_or_fails_leaves_nothing(tmp_path: Path, *, fails: bool) -> None:
    def stop() -> bool:
        if fails:
            raise OSError(28, "No space left on device")
        return True

    def attempt(stop: Callable[[], bool]) -> bool:
        return write_merged(tmp_path, "m.run", [run({1: 1}), run({2: 2})], KEY, stop)

    if fails:
        with pytest.raises(OSError, match="No space"):
            attempt(stop)
    else:
        assert not attempt(stop)
    assert list(tmp_path.iterdir()) == []


@given(st.lists(st.sampled_from([1, 2, 5, 40]), max_size=60))
def test_small_runs_stay_few_whatever_their_sizes(sizes: list[int]) -> None:
    runs: list[Run] = []
    start = 0
    for size in sizes:
        runs = tidied([*runs, run({number: number for number in range(start, start + size)})], 10_000)
        start += size
    assert sum(one.rows for one in runs) == start
    assert len(runs) <= 4 + 3 * start.bit_length()
    for place in range(len(runs) - 3):
        assert runs[place].rows > sum(one.rows for one in runs[place + 1 : place + 4])
    if runs:
        assert looked_up(merged(runs), list(range(start + 1))) == [*range(start), -1]


def test_files_and_what_would_grow_too_large_are_not_touched(tmp_path: Path) -> None:
    small = [run({number: number}) for number in range(4)]
    file = write(tmp_path, "f.run", run({9: 9}), KEY)
    assert tidied([*small[:2], file, small[2]], 100) == [*small[:2], file, small[2]]
    assert tidied(small, 3) == small
    assert [one.rows for one in tidied(small, 4)] == [4]
    assert neighbours([*small[:2], file, *small[2:]], 100) == [small[:2], [file], small[2:]]
    assert neighbours(small, 1) == [[one] for one in small]
    assert neighbours([], 100) == []
