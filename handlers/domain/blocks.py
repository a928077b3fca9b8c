"""Decision blocks: which labelled rows are decided on together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handlers.domain.periods import period_order


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


def next_block(waiting: Sequence[Waiting], *, minimum_rows: int, minimum_rare: int) -> Block | None:
    """The block that is to be decided next, or None where nothing waits.

    Without periods all that waits is one block. With them it is the earliest period; where that has too few rows for
    a statistic, later ones are added to it until there are enough, and what would be left over with too few is added.
    """
    if not waiting:
        return None
    rows = sum(one.rows for one in waiting)
    positives = sum(one.positives for one in waiting)
    by_period: dict[str, list[Waiting]] = {}
    taken = [one for one in waiting if one.period is None]
    for one in waiting:
        if one.period is not None:
            by_period.setdefault(one.period, []).append(one)
    periods = period_order(by_period)
    taken_rows, taken_positives, count = sum(one.rows for one in taken), sum(one.positives for one in taken), 0
    for count, period in enumerate(periods, start=1):
        taken += by_period[period]
        taken_rows += sum(one.rows for one in by_period[period])
        taken_positives += sum(one.positives for one in by_period[period])
        if enough(taken_rows, taken_positives, minimum_rows=minimum_rows, minimum_rare=minimum_rare):
            break
    left_rows, left_positives = rows - taken_rows, positives - taken_positives
    if not enough(left_rows, left_positives, minimum_rows=minimum_rows, minimum_rare=minimum_rare):
        taken, taken_rows, count = list(waiting), rows, len(periods)
    return Block(tuple(sorted(one.id for one in taken)), tuple(periods[:count]), taken_rows)
