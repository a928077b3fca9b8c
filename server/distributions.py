"""Counting into buckets, cheaply: one bisection and two additions, no lock. Belongs to one thread."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counted:
    """What a distribution has seen: how many values up to each bound, and beyond the last; and their sum."""

    counts: tuple[int, ...]
    total: float

    @property
    def count(self) -> int:
        return sum(self.counts)

    def __add__(self, other: Counted) -> Counted:
        """Return both together; they have the same bounds."""
        return Counted(
            tuple(one + more for one, more in zip(self.counts, other.counts, strict=True)), self.total + other.total
        )

    def buckets(self, bounds: Sequence[float]) -> list[tuple[str, float]]:
        """As Prometheus has them: each bound with all the values up to it."""
        labels = [*(str(float(bound)) for bound in bounds), "+Inf"]
        below, found = 0, []
        for label, count in zip(labels, self.counts, strict=True):
            below += count
            found.append((label, float(below)))
        return found


class Distribution:
    """A histogram. ``bounds``: the upper ends of its buckets, rising; the last bucket has no end."""

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def so_far(self) -> Counted:
        """What it has seen."""
        return Counted(tuple(self.counts), self.total)
