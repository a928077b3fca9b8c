"""A bitmap in front of a sorted run: it says at once of most hashes that they are not there.

A bit stands for the hashes whose lane A begins with its number. With 16 to 32 bits a hash, 3 to 6% of the hashes
that are not there have to be searched for all the same. Those asked for and those added are sorted, so that memory is
read and written in its order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]

BITS_PER_HASH = 16
_MIN_LOG2 = 10
_GROWING_FROM_LOG2 = 22
_SLICE = 16_384
_ONE, _SIX, _SIXTY_THREE = np.uint64(1), np.uint64(6), np.uint64(63)


@dataclass(frozen=True, slots=True)
class Filter:
    """``words``: uint64, 2**log2 bits in all, the lowest bit of a word first."""

    words: Words
    log2: int

    @classmethod
    def empty(cls, log2: int) -> Filter:
        return cls(np.zeros(1 << (log2 - 6), "<u8"), log2)

    @property
    def room(self) -> int:
        """How many hashes it is good for."""
        return (1 << self.log2) // BITS_PER_HASH

    def add(self, a: Words) -> None:
        """Set the bits of these: uint64[n], ascending."""
        for start in range(0, len(a), _SLICE):
            bits = a[start : start + _SLICE] >> np.uint64(64 - self.log2)
            places = (bits >> _SIX).view(np.int64)
            bits &= _SIXTY_THREE
            np.left_shift(_ONE, bits, out=bits)
            first = np.empty(len(bits), np.bool_)
            first[0] = True
            np.not_equal(places[1:], places[:-1], out=first[1:])
            firsts = np.flatnonzero(first)
            self.words[places[firsts]] |= np.bitwise_or.reduceat(bits, firsts)

    def candidates(self, a: Words) -> Places:
        """The places of those that may be there; all others are not. ``a``: uint64[n], ascending."""
        found = [np.empty(0, np.int64)]
        for start in range(0, len(a), _SLICE):
            bits = a[start : start + _SLICE] >> np.uint64(64 - self.log2)
            words = self.words.take((bits >> _SIX).view(np.int64), mode="clip")
            bits &= _SIXTY_THREE
            words >>= bits
            words &= _ONE
            some = np.flatnonzero(words)
            if start:
                some += start
            found.append(some)
        return np.concatenate(found) if len(found) > 2 else found[-1]  # noqa: PLR2004 - more than one slice


class GrowingFilter:
    """The filter in front of several runs in memory. What is forgotten keeps its bits until the filter grows."""

    def __init__(self) -> None:
        self._filter, self._hashes = Filter.empty(_GROWING_FROM_LOG2), 0

    def candidates(self, a: Words) -> Places:
        """The places of those that may be there; all others are not. ``a``: uint64[n], ascending."""
        return self._filter.candidates(a)

    def add(self, lanes: Sequence[Words], others: Sequence[Words]) -> None:
        """Add the hashes of runs, each ascending; ``others``: those that are there, if they have to be set anew."""
        self._hashes += sum(len(a) for a in lanes)
        if self._hashes > self._filter.room:
            lanes = [*others, *lanes]
            self._hashes = sum(len(a) for a in lanes)
            self._filter = Filter.empty(max(_GROWING_FROM_LOG2, log2_for(self._hashes)))
        for a in lanes:
            self._filter.add(a)


def log2_for(hashes: int) -> int:
    """The size of a filter, as the logarithm of its bits, that is good for so many hashes."""
    return max(_MIN_LOG2, (BITS_PER_HASH * hashes - 1).bit_length())
