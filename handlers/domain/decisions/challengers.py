"""Which challengers there are: the windows on which shadows are trained, and the contenders that they make."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TypeVar

from msgspec.structs import replace

from handlers.domain.decisions.gains import Contender
from handlers.domain.decisions.recipes import Part, Recipe
from handlers.domain.decisions.state import State
from handlers.domain.decisions.transitions import MOST_WAIT
from handlers.domain.learning_settings import TrainingSettings

Item = TypeVar("Item")

EVERY = 3
"""At every third training a challenger learns from the newest blocks alone, also where nothing is suspected."""
SOON = 2
"""Where the champion is watched, challengers are trained anew after so many units."""


def contenders(state: State) -> list[Contender]:
    """Each shadow; each two of different estimators together; and all of two or more windows together."""
    return [
        Contender(
            tuple(shadow.name for shadow in chosen),
            Recipe(tuple(shadow.part for shadow in chosen)),
            max(shadow.last for shadow in chosen),
        )
        for chosen in together(state.shadows, [shadow.part for shadow in state.shadows])
    ]


def together(items: Sequence[Item], parts: Sequence[Part]) -> list[tuple[Item, ...]]:
    """Which of these are averaged: each alone, two of different estimators, all of the same windows.

    Estimators that err differently are worth most, then windows that do; other sums would only be more to choose from.
    """
    pairs = list(zip(items, parts, strict=True))
    found: list[tuple[Item, ...]] = [(item,) for item in items]
    found += [(a, b) for (a, one), (b, other) in combinations(pairs, 2) if one.estimator != other.estimator]
    firsts = sorted({part.first for part in parts})
    for count in range(2, len(firsts) + 1):
        for windows in combinations(firsts, count):
            found.append(tuple(item for item, part in pairs if part.first in windows))
    return list(dict.fromkeys(found))


def has_grown(contender: Contender, state: State, settings: TrainingSettings) -> bool:
    """Has a contender of one window learned from all rows of the champion's, and from ``growth`` times as many?"""
    champion = state.champion
    firsts = {part.first for part in contender.recipe.parts}
    if champion is None or len(firsts) > 1 or contender.recipe.first > champion.recipe.widest:
        return False
    own = state.rows_between(contender.recipe.first, contender.last)
    return own is not None and champion.rows > 0 and own >= settings.growth * champion.rows


def watched(state: State) -> State:
    """Where something is suspected, challengers are trained sooner."""
    return replace(state, wait=min(state.wait, SOON), clock=min(state.clock, SOON - 1))


def refresh(state: State, settings: TrainingSettings, rows: int) -> tuple[State, tuple[Part, ...]]:
    """Count a unit; when it is time, or the rows have grown, the parts that are to be trained as shadows.

    Windows: the champion's, everything, and the newest blocks where the champion is watched or at every third time.
    """
    grown = state.trained_rows > 0 and rows >= settings.growth * state.trained_rows
    clock = state.clock - 1
    if (clock >= 0 and not grown) or state.champion is None:
        return replace(state, clock=clock), ()
    firsts = [state.champion.recipe.first, state.oldest]
    if state.phase != "stable" or state.refreshes % EVERY == EVERY - 1:
        firsts.append(newest_window(state, settings))
    parts = tuple(Part(name, first) for first in dict.fromkeys(firsts) for name in settings.estimators)
    wait = max(state.wait, 1)
    return replace(
        state, clock=wait - 1, wait=min(2 * wait, MOST_WAIT), refreshes=state.refreshes + 1, trained_rows=rows
    ), parts


def newest_window(state: State, settings: TrainingSettings) -> int:
    """The block with which the window of the newest units begins."""
    return state.units[-min(settings.recent_blocks, len(state.units))][0]
