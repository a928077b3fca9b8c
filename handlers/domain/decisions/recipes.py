"""Recipes: which estimators learn from which window of blocks, and how what they say is put together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Part(msgspec.Struct, frozen=True, order=True):
    """One estimator and the number of the block with which its window begins; it ends with the newest block."""

    estimator: str
    first: int


class Recipe(msgspec.Struct, frozen=True):
    """One part, or several whose log-odds are averaged."""

    parts: tuple[Part, ...]

    @property
    def first(self) -> int:
        """Where the narrowest window begins."""
        return max(part.first for part in self.parts)

    @property
    def widest(self) -> int:
        """Where the widest window begins."""
        return min(part.first for part in self.parts)

    @property
    def estimator(self) -> str:
        """The estimator's name, or ``blend`` where there are several."""
        names = {part.estimator for part in self.parts}
        return names.pop() if len(names) == 1 else "blend"


class Shadow(msgspec.Struct, frozen=True):
    """A challenger in waiting: a part that was fitted on the blocks up to ``last``, and only scores what comes.

    ``pairs``: of columns, those of the champion of that time."""

    name: str
    part: Part
    last: int
    pairs: tuple[tuple[str, str], ...] = ()


def over(estimators: Iterable[str], first: int) -> Recipe:
    """The recipe of these estimators, all on the window that begins with this block."""
    return Recipe(tuple(Part(estimator, first) for estimator in estimators))


def blended(log_odds: Sequence[Floats]) -> Floats:
    """The mean of the parts' log-odds, float64[n]: of two additive models again an additive one."""
    mean: Floats = np.mean(np.stack(log_odds), axis=0)
    return mean
