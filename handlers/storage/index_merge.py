"""Many runs of the row index become one: in memory for the small ones, into a file for any number of hashes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import FileIO
from pathlib import Path

import numpy as np

from handlers.domain.sorted_hashes import ascending, first_of_equal
from handlers.storage.index_filter import Places, Words, log2_for
from handlers.storage.index_runs import Run, Shape

_SLICE_HASHES = 1 << 16
_SYNC_BYTES = 1 << 25
_FAN = 4


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge has done: one file was made of so many runs, and has so many hashes and bytes."""

    runs: int
    rows: int
    bytes: int


def merged(runs: Sequence[Run]) -> Run:
    """One run in memory of several, oldest first; of equal hashes the newest run's entry stays."""
    if len(runs) == 1:
        return runs[0]
    return Run.of(*_merged([(run.a, run.b, run.numbers()) for run in reversed(runs)]))


def tidied(runs: list[Run], most: int) -> list[Run]:
    """Merge the last runs in memory until each is larger than the next three, so that they stay few.

    A hash takes part in about one merge for each fourfold size. Files stay as they are, and so does what would become
    larger than ``most``: a commit must not wait for it.
    """
    while len(runs) >= _FAN:
        last = runs[-_FAN:]
        newer = sum(run.rows for run in last[1:])
        if any(run.name is not None for run in last) or not last[0].rows <= newer <= most - last[0].rows:
            break
        runs = [*runs[:-_FAN], merged(last)]
    return runs


def neighbours(pending: Sequence[Run], large: int) -> list[list[Run]]:
    """Small runs in memory that follow each other belong together; one of ``large`` hashes, or a file, stays alone."""
    groups: list[list[Run]] = []
    before = large
    for run in pending:
        size = large if run.name is not None else run.rows
        if max(size, before) >= large:
            groups.append([])
        groups[-1].append(run)
        before = size
    return groups


def write_merged(folder: Path, name: str, runs: Sequence[Run], key: int, stop: Callable[[], bool]) -> bool:
    """Write one file, with a filter, of several runs, oldest first; false where ``stop`` said so meanwhile.

    The hashes are taken in slices of their range, so that memory does not grow with them. Synced and renamed; the
    caller syncs the folder. Raises OSError. Where it does not succeed nothing is left behind.
    """
    temporary = (folder / name).with_suffix(".tmp")
    try:
        with FileIO(temporary, "xb") as file:
            done = _Writer(file, runs).write(key, stop)
            if done:
                os.fsync(file.fileno())
        if done:
            temporary.replace(folder / name)
    finally:
        temporary.unlink(missing_ok=True)
    return done


def _merged(newest_first: Sequence[tuple[Words, Words, Places]]) -> tuple[Words, Words, Places]:
    a, b, numbers = (np.concatenate(arrays) for arrays in zip(*newest_first, strict=True))
    order = ascending(a, b)
    a, b = a[order], b[order]
    first = first_of_equal(a, b)
    if first.all():
        return a, b, numbers[order]
    return a[first], b[first], numbers[order[first]]


@dataclass(slots=True)
class _Writer:
    file: FileIO
    runs: Sequence[Run]
    unsynced: int = 0

    def write(self, key: int, stop: Callable[[], bool]) -> bool:
        total = sum(run.rows for run in self.runs)
        base, top = min(run.shape.base for run in self.runs), max(run.shape.top for run in self.runs)
        log2 = log2_for(total)
        room = Shape(total, total, base, top, log2)
        slices = max(0, (total // _SLICE_HASHES).bit_length())
        cuts = self._cuts(slices)
        a_start, b_start, numbers_start, filter_start, end = room.sections()
        self.file.truncate(end)
        rows = 0
        for place in range(1 << slices):
            if stop():
                return False
            bounds = [(run, int(cut[place]), int(cut[place + 1])) for run, cut in zip(self.runs, cuts, strict=True)]
            parts = [(run.a[i:j], run.b[i:j], run.numbers(slice(i, j))) for run, i, j in reversed(bounds) if i < j]
            if not parts:
                continue
            a, b, numbers = _merged(parts)
            offsets = (numbers - base).astype(f"<u{room.width}")
            self._put(a.tobytes(), a_start + 8 * rows)
            self._put(b.tobytes(), b_start + 8 * rows)
            self._put(offsets.tobytes(), numbers_start + room.width * rows)
            bits = np.zeros(1 << (log2 - slices), np.bool_)
            bits[((a << np.uint64(slices)) >> np.uint64(64 - log2 + slices)).view(np.int64)] = True
            self._put(np.packbits(bits, bitorder="little").tobytes(), filter_start + place * len(bits) // 8)
            rows += len(a)
        self._put(Shape(rows, total, base, top, log2).header(key), 0)
        return True

    def _cuts(self, slices: int) -> list[Places]:
        """Where each slice begins in each run, and where the last one ends."""
        bounds = np.arange(1, 1 << slices, dtype=np.uint64) << np.uint64(64 - slices)
        return [np.concatenate(([0], np.searchsorted(run.a, bounds), [run.rows])) for run in self.runs]

    def _put(self, content: bytes, at: int) -> None:
        os.pwrite(self.file.fileno(), content, at)
        # The disk takes it in portions, so that the last sync, which cannot be stopped, is short.
        self.unsynced += len(content)
        if self.unsynced > _SYNC_BYTES:
            os.fdatasync(self.file.fileno())
            self.unsynced = 0
