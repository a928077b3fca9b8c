"""What the tests of the row index are made of: few hashes, many of which share lane A."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from handlers.domain.sorted_hashes import SortedHashes
from handlers.storage.index_runs import Run


def pair(number: int) -> tuple[int, int]:
    """Both lanes of a small number's hash: three numbers share an A, and A goes over its whole range."""
    return (number // 3) * 0x1234567_89ABCDEF % 2**64, number * 0x9E3779B97F4A7C15 % 2**64


def hashes(numbers: Iterable[int]) -> SortedHashes:
    return SortedHashes.of(np.array([pair(number) for number in numbers], dtype=np.uint64).reshape(-1, 2))


def run(entries: dict[int, int]) -> Run:
    """A run in memory of row numbers by small numbers."""
    found = hashes(entries)
    return Run.of(found.a, found.b, np.array(list(entries.values()), dtype=np.int64)[found.order])


def looked_up(one: Run, numbers: list[int]) -> list[int]:
    """What a run says of each of them."""
    asked = hashes(numbers)
    found = np.empty(len(numbers), dtype=np.int64)
    found[asked.order] = one.search(asked.a, asked.b)
    return found.tolist()
