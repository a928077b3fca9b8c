"""Which challengers there are: the windows on which shadows are trained, and the contenders that they make."""

from __future__ import annotations

from itertools import combinations

from msgspec.structs import replace

from handlers.domain.decisions.gains import Contender
from handlers.domain.decisions.recipes import Part, Recipe
from handlers.domain.decisions.state import State
from handlers.domain.decisions.transitions import MOST_WAIT
from handlers.domain.learning_settings import TrainingSettings

EVERY = 3
"""At every third training a challenger learns from the newest blocks alone, also where nothing is suspected."""
SOON = 2
"""Where the champion is watched, challengers are trained anew after so many units."""


def contenders(state: State) -> list[Contender]:
    """Each shadow, and each two of different estimators together."""
    single = [Contender((one.name,), Recipe((one.part,)), one.last) for one in state.shadows]
    pairs = [
        Contender((a.name, b.name), Recipe((a.part, b.part)), max(a.last, b.last))
        for a, b in combinations(state.shadows, 2)
        if a.part.estimator != b.part.estimator
    ]
    return single + pairs


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
