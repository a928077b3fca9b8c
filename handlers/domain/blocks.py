"""Decision blocks: which labelled rows are decided on together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.domain.periods import period_key, period_order


@dataclass(frozen=True, slots=True)
class Waiting:
    """Labelled rows that are undecided: those of one file in one period. ``id`` is the ledger's."""

    id: int
    period: str | None
    rows: int
    positives: int


@dataclass(frozen=True, slots=True)
class Block:
    """What is decided on together. ``periods`` in their order; empty where no column separates periods."""

    ids: tuple[int, ...]
    periods: tuple[str, ...]
    rows: int


def enough(rows: int, positives: int, *, minimum_rows: int, minimum_rare: int) -> bool:
    """Are there rows enough, of both classes, for a statistic to mean something?"""
    return rows >= minimum_rows and min(positives, rows - positives) >= minimum_rare


def next_block(
    waiting: Sequence[Waiting], *, minimum_rows: int, minimum_rare: int, end: str | None = None
) -> Block | None:
    """The block that is to be decided next, or None where nothing waits.

    What is of a period before ``end``, that of the champion's training data, is a block of its own: it decides nothing,
    and must not be put together with what does.

    Without periods all that waits is one block. With them it is the earliest period; where that has too few rows for
    a statistic, later ones are added to it until there are enough.
    """
    if not waiting:
        return None
    late = [one for one in waiting if one.period is not None and end is not None and _before(one.period, end)]
    if late:
        periods = period_order([str(one.period) for one in late])
        return Block(tuple(sorted(one.id for one in late)), tuple(periods), sum(one.rows for one in late))
    by_period: dict[str, list[Waiting]] = {}
    taken = [one for one in waiting if one.period is None]
    for one in waiting:
        if one.period is not None:
            by_period.setdefault(one.period, []).append(one)
    limits = (minimum_rows, minimum_rare)
    rest = period_order(by_period)
    chosen: list[str] = []
    sums = _Sums().plus(taken)
    while rest and not sums.enough(*limits):
        chosen.append(rest.pop(0))
        taken += by_period[chosen[-1]]
        sums = sums.plus(by_period[chosen[-1]])
    return Block(tuple(sorted(one.id for one in taken)), tuple(chosen), sums.rows)


def _before(period: str, end: str) -> bool:
    return period_key(period) < period_key(end)


@dataclass(frozen=True, slots=True)
class _Sums:
    rows: int = 0
    positives: int = 0

    def plus(self, members: Sequence[Waiting]) -> _Sums:
        rows, positives = sum(one.rows for one in members), sum(one.positives for one in members)
        return _Sums(self.rows + rows, self.positives + positives)

    def enough(self, minimum_rows: int, minimum_rare: int) -> bool:
        return enough(self.rows, self.positives, minimum_rows=minimum_rows, minimum_rare=minimum_rare)
