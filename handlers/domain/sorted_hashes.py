"""Row hashes in the order of their numbers: what the index is asked with, and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from handlers.domain.row_hash import cell_sums, finished

if TYPE_CHECKING:
    import pyarrow as pa

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SortedHashes:
    """The hashes of n rows.

    ``a``, ``b``: uint64[n], both lanes, ascending by A, then by B; ``order``: int64[n], the row that each belongs to;
    equal hashes stand in the order of their rows. ``starts``: bool[n], which of the sorted hashes differ from the one
    before; None where all do.
    """

    a: Words
    b: Words
    order: Places
    starts: npt.NDArray[np.bool_] | None

    @classmethod
    def of(cls, hashes: Words) -> SortedHashes:
        """Of hashes as ``row_hashes`` gives them: uint64[n, 2]."""
        return cls.of_lanes(np.ascontiguousarray(hashes.T))

    @classmethod
    def of_lanes(cls, lanes: Words) -> SortedHashes:
        """Of both lanes: uint64[2, n]."""
        order = ascending(lanes[0], lanes[1])
        a, b = lanes[0][order], lanes[1][order]
        starts = first_of_equal(a, b)
        return cls(a, b, order, None if starts.all() else starts)

    @property
    def rows(self) -> int:
        return len(self.order)

    @property
    def distinct(self) -> bool:
        """Whether no two rows are equal."""
        return self.starts is None

    def first_positions(self) -> Places:
        """For each row the first one that equals it: int64[n]."""
        if self.starts is None:
            return np.arange(self.rows)
        return self._spread(self.starts, np.flatnonzero(self.starts))

    def last_positions(self) -> Places:
        """For each row the last one that equals it: int64[n]."""
        if self.starts is None:
            return np.arange(self.rows)
        return self._spread(self.starts, np.append(np.flatnonzero(self.starts)[1:], self.rows) - 1)

    def _spread(self, starts: npt.NDArray[np.bool_], chosen: Places) -> Places:
        """Give each row the row of the entry that was chosen for its group of equal ones."""
        result = np.empty(self.rows, np.int64)
        result[self.order] = self.order[chosen][np.cumsum(starts) - 1]
        return result


def sorted_hashes(table: pa.Table, columns: Sequence[str], key: int) -> SortedHashes:
    """The rows' hashes R1 over these columns, sorted. May run in any thread."""
    return SortedHashes.of_lanes(finished(cell_sums(table, columns, key)))


def ascending(a: Words, b: Words) -> Places:
    """The order that sorts pairs of numbers by ``a``, then ``b``, then their place: int64[n].

    Numbers are sorted together with their places, packed into one word each: three times as fast as sorting places.
    What the lost low bits of ``a`` and what ``b`` have to say is put right afterwards; hashes hardly ever need it.
    """
    bits = np.uint64(max(1, (len(a) - 1).bit_length()))
    packed = a >> bits
    packed <<= bits
    packed |= np.arange(len(a), dtype=np.uint64)
    packed.sort()
    order = (packed & np.uint64((1 << int(bits)) - 1)).view(np.int64)
    packed >>= bits
    unsure = np.flatnonzero(packed[1:] == packed[:-1])
    if not len(unsure):
        return order
    left, right = order[unsure], order[unsure + 1]
    sound = (a[left] < a[right]) | ((a[left] == a[right]) & (b[left] <= b[right]))
    if not sound.all():
        # Within each group of equal packed numbers; the groups themselves are in their places.
        members = np.union1d(unsure, unsure + 1)
        inside = order[members]
        order[members] = inside[np.lexsort((inside, b[inside], a[inside]))]
    return order


def first_of_equal(a: Words, b: Words) -> npt.NDArray[np.bool_]:
    """Of sorted pairs, which differ from the one before: bool[n]."""
    result = np.ones(len(a), np.bool_)
    np.not_equal(a[1:], a[:-1], out=result[1:])
    equal = np.flatnonzero(~result)
    result[equal] = b[equal] != b[equal - 1]
    return result
