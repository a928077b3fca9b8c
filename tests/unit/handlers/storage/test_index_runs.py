"""Runs of the index: what is written is read, what is damaged is noticed, and lane B decides."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.storage import index_runs
from handlers.storage.index_runs import HEADER_BYTES, IndexDamaged, Run, decoded, mapped, write
from tests.unit.handlers.storage.index_pieces import hashes, looked_up, run

KEY = 17
ENTRIES = {number: 1000 + 7 * number for number in range(0, 60, 2)}


@given(st.dictionaries(st.integers(0, 40), st.integers(0, 2**40), min_size=1), st.lists(st.integers(0, 45)))
def test_a_run_says_what_a_dictionary_says(entries: dict[int, int], asked: list[int]) -> None:
    expected = [entries.get(number, -1) for number in asked]
    assert looked_up(run(entries), asked) == expected
    assert looked_up(decoded(run(entries).blob(KEY), "it", KEY), asked) == expected


def test_many_are_found_a_stretch_at_a_time() -> None:
    entries = {number: number for number in range(0, 20_000, 2)}
    asked = list(range(20_000))
    assert looked_up(run(entries), asked) == [number if number % 2 == 0 else -1 for number in asked]


def test_a_file_is_read_as_it_was_written(tmp_path: Path) -> None:
    one = write(tmp_path, "x.run", run(ENTRIES), KEY)
    assert [path.name for path in tmp_path.iterdir()] == ["x.run"]
    again = mapped(tmp_path, "x.run", KEY)
    for found in (one, again):
        assert (found.rows, found.name, found.filter) == (30, "x.run", None)
        assert looked_up(found, list(range(60))) == [ENTRIES.get(number, -1) for number in range(60)]
    assert (tmp_path / "x.run").read_bytes() == again.blob(KEY)


@pytest.mark.parametrize(("span", "width"), [(2**32 - 1, 4), (2**32, 8)])
def test_row_numbers_are_narrow_where_they_fit(span: int, width: int) -> None:
    one = run({1: 5, 2: 5 + span})
    assert one.offsets.itemsize == width
    assert looked_up(decoded(one.blob(KEY), "it", KEY), [1, 2, 3]) == [5, 5 + span, -1]


def test_nothing_is_left_of_a_file_that_could_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index_runs.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, "x.run", run(ENTRIES), KEY)
    assert list(tmp_path.iterdir()) == []


def spoiled(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda content: b"", "is empty"),
        (lambda content: content[:40], "is cut off: it has 40 bytes"),
        (lambda content: content[:-1], "bytes where its header says"),
        (lambda content: content + b"\0", "bytes where its header says"),
        (lambda content: spoiled(content, 0), "is no run of an index"),
        (lambda content: spoiled(content, 16), "has a damaged header"),
        (lambda content: spoiled(content, HEADER_BYTES - 1), "has a damaged header"),
        (lambda content: run(ENTRIES).blob(KEY + 1), "another hash key"),
        (lambda content: b"<html>" * 100, "is no run of an index"),
    ],
)
def test_a_damaged_or_foreign_file_is_told_and_what_to_do(tmp_path: Path, change: object, why: str) -> None:
    assert callable(change)
    (tmp_path / "x.run").write_bytes(change(run(ENTRIES).blob(KEY)))
    with pytest.raises(IndexDamaged, match=why) as caught:
        mapped(tmp_path, "x.run", KEY)
    assert str(tmp_path / "x.run") in str(caught.value)
    assert "anew" in str(caught.value)


def test_a_missing_file_and_another_version_of_the_format_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(IndexDamaged, match="is missing"):
        mapped(tmp_path, "x.run", KEY)
    monkeypatch.setattr(index_runs, "VERSION", 2)
    content = run(ENTRIES).blob(KEY)
    monkeypatch.undo()
    with pytest.raises(IndexDamaged, match="version 2 of the format, and this program knows 1"):
        decoded(content, "it", KEY)


def test_a_run_has_no_entry_of_an_a_without_its_b() -> None:
    one = Run.of(np.array([5, 5], np.uint64), np.array([1, 3], np.uint64), np.array([10, 30]))
    asked = np.array([5, 5, 5, 5, 6], np.uint64)
    assert one.search(asked, np.array([0, 1, 2, 3, 1], np.uint64)).tolist() == [-1, 10, -1, 30, -1]
    assert one.search(*(hashes([]).a, hashes([]).b)).tolist() == []
