"""ADWIN, adaptive windowing (Bifet and Gavalda 2007): the usual detector of drift in streams, to compare with.

It keeps a window of the newest values and cuts its older part off where the means of both parts differ by more than
chance explains. The window is summed up in buckets whose sizes are powers of two, so that it costs little.
"""

from __future__ import annotations

import math

DELTA = 0.002
MOST_OF_A_SIZE = 5
CLOCK = 32
"""A cut is looked for after so many values, as the authors' own program does."""
FEWEST = 5
"""Values that a part must have."""


class Adwin:
    """The newest values of 0 and 1, right and wrong, in buckets."""

    def __init__(self, delta: float = DELTA) -> None:
        self._delta = delta
        #: By size, from 1 on: the sums of the buckets, the oldest first.
        self._buckets: list[list[int]] = [[]]
        self._seen = 0
        self.size = 0
        self.total = 0

    @property
    def mean(self) -> float:
        """The share of ones in the window; 0 if it is empty."""
        return self.total / self.size if self.size else 0.0

    def add(self, value: int) -> bool:
        """Take the next value. Returns whether something was cut off whose mean was lower than that of what stays."""
        self._seen += 1
        self.size += 1
        self.total += value
        self._buckets[0].append(value)
        self._merge()
        rose = False
        while self._seen % CLOCK == 0 and (cut := self._cut()):
            rose = rose or cut > 0
            self._drop()
        return rose

    def _merge(self) -> None:
        for level, sums in enumerate(self._buckets):
            if len(sums) <= MOST_OF_A_SIZE:
                return
            if level + 1 == len(self._buckets):
                self._buckets.append([])
            self._buckets[level + 1].append(sums.pop(0) + sums.pop(0))

    def _drop(self) -> None:
        """Forget the oldest bucket."""
        self.total -= self._buckets[-1].pop(0)
        self.size -= 2 ** (len(self._buckets) - 1)
        while len(self._buckets) > 1 and not self._buckets[-1]:
            self._buckets.pop()

    def _cut(self) -> int:
        """1 where the window is to be cut because its mean has risen, -1 because it has fallen, 0 if it stays."""
        older, older_sum = 0, 0
        for level in range(len(self._buckets) - 1, -1, -1):
            for found in self._buckets[level]:
                older, older_sum = older + 2**level, older_sum + found
                newer = self.size - older
                if newer < FEWEST:
                    return 0
                rise = (self.total - older_sum) / newer - older_sum / older
                if older >= FEWEST and abs(rise) > self._chance(older, newer):
                    return 1 if rise > 0 else -1
        return 0

    def _chance(self, older: int, newer: int) -> float:
        """The difference of two means that chance explains: equation 3.1 of Bifet and Gavalda, delta over ln n."""
        doubt = math.log(2 * math.log(self.size) / self._delta)
        parts = 1 / older + 1 / newer
        variance = self.mean * (1 - self.mean)
        return math.sqrt(2 * parts * variance * doubt) + 2 / 3 * parts * doubt
