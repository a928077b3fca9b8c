"""Evidence: labelled rows with what each model said of them before it had learned from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlers.domain.decisions.recipes import blended

Floats = NDArray[np.float64]

SORTED_SHARE = 0.2
"""A half with less than this part of the rarer class comes from a file that is sorted by the outcome."""


@dataclass(frozen=True, slots=True, eq=False)
class Unit:
    """n labelled rows that are judged at once: those of one block, or of several small ones.

    ``rows``: int64[n], their numbers; ``labels``: int8[n], 1 left, 0 stayed; ``clients``: int64[n], equal for rows of
    one client; ``said``: by the scorer's name its log-odds, float64[n]. A scorer that has learned from the rows, or
    came later, is not there.
    """

    blocks: tuple[int, ...]
    rows: NDArray[np.int64]
    labels: NDArray[np.int8]
    clients: NDArray[np.int64]
    said: Mapping[str, Floats]

    @property
    def first(self) -> int:
        """The number of its first block."""
        return self.blocks[0]

    @property
    def held_half(self) -> NDArray[np.bool_]:
        """The rows of the later half of the clients, bool[n]: what is judged while the rest is learned from.

        Rows often stand in the order of time, and neighbours are alike: a model that has learned from every other row
        would be judged by what it knows. Where the file seems to be sorted by the outcome, it is every other client.
        """
        _, firsts, codes = np.unique(self.clients, return_index=True, return_inverse=True)
        order = np.argsort(np.argsort(firsts))[codes]
        later: NDArray[np.bool_] = order >= (len(firsts) + 1) // 2
        left = self.labels == 1
        rare = left if 2 * left.sum() <= len(left) else ~left
        if SORTED_SHARE <= float((rare & later).sum()) / max(int(rare.sum()), 1) <= 1 - SORTED_SHARE:
            return later
        alternate: NDArray[np.bool_] = order % 2 == 1
        return alternate

    def log_odds(self, scorers: tuple[str, ...]) -> Floats | None:
        """What these scorers say together, float64[n]; None where one of them is not there."""
        if any(name not in self.said for name in scorers):
            return None
        return blended([self.said[name] for name in scorers])


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Rows of several units on which models are compared. ``units``: how many there were; ``rows``: their numbers."""

    labels: NDArray[np.int8]
    clients: NDArray[np.int64]
    rows: NDArray[np.int64]
    units: int
    blocks: tuple[int, ...]

    @property
    def size(self) -> int:
        """How many rows."""
        return len(self.labels)


def together(units: Sequence[Unit]) -> Sample:
    """The rows of these units, in their order."""
    labels = np.concatenate([unit.labels for unit in units]) if units else np.empty(0, dtype=np.int8)
    clients, rows = (
        np.concatenate([getattr(unit, name) for unit in units]) if units else np.empty(0, dtype=np.int64)
        for name in ("clients", "rows")
    )
    return Sample(labels, clients, rows, len(units), tuple(block for unit in units for block in unit.blocks))


def common(units: Sequence[Unit], since: int, *scorers: tuple[str, ...]) -> list[Unit]:
    """The units from block ``since`` on of which all these scorers have said something."""
    return [one for one in units if one.first >= since and all(one.log_odds(names) is not None for names in scorers)]


def said_of(units: Sequence[Unit], scorers: tuple[str, ...]) -> Floats:
    """What these scorers say together of the rows of these units. Raises ValueError where one has said nothing."""
    found = [unit.log_odds(scorers) for unit in units]
    if not found or any(one is None for one in found):
        raise ValueError(f"{' and '.join(scorers)} have not scored all of these rows")
    return np.concatenate([one for one in found if one is not None])


def pooled(blocks: Sequence[Unit]) -> Unit:
    """Several blocks as one unit; a scorer counts where it has said something of all of them."""
    if len(blocks) == 1:
        return blocks[0]
    scorers = [name for name in blocks[0].said if all(name in one.said for one in blocks)]
    return Unit(
        blocks=tuple(number for one in blocks for number in one.blocks),
        rows=np.concatenate([one.rows for one in blocks]),
        labels=np.concatenate([one.labels for one in blocks]),
        clients=np.concatenate([one.clients for one in blocks]),
        said={name: np.concatenate([one.said[name] for one in blocks]) for name in scorers},
    )
