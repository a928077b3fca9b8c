"""All of a crowd is looked at once in a round, a few at a time: values in, values out; the clock is an argument."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Generic, TypeVar

AT_ONCE, TURNS_A_SECOND, AT_MOST = 4, 400, 100
"""So many are looked at in one turn; more where else there would be more turns than that a second, or where turns came
late, and never more than the last."""

One = TypeVar("One")


class Rounds(Generic[One]):
    """Rounds of ``seconds`` each, one after the other. ``pause``: seconds from one turn to the next."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._left: list[One] = []
        self._size, self._began = 0, 0.0
        self.pause = seconds

    @property
    def ended(self) -> bool:
        """Everybody has been looked at."""
        return not self._left

    def begin(self, crowd: Iterable[One], now: float) -> None:
        """Begin with those who are there."""
        self._left = list(crowd)
        self._size, self._began = len(self._left), now
        turns = min(math.ceil(self._size / AT_ONCE), int(self._seconds * TURNS_A_SECOND))
        self.pause = self._seconds / max(1, turns)

    def turn(self, now: float) -> list[One]:
        """Those to look at now, so many that the round ends in time although turns come late."""
        part = min(1.0, (now - self._began + self.pause) / self._seconds)
        due = min(AT_MOST, len(self._left) - math.floor(self._size * (1.0 - part)))
        if due <= 0:
            return []
        taken = self._left[-due:]
        del self._left[-due:]
        return taken
