"""The rule where deployments are cheap: sooner alarms, and a new challenger for every unit until nothing is gained.

While nothing is suspected a challenger is tried when the rows have doubled or twelve units have passed. After an
alarm: for each unit challengers on everything, since the change, and on the newest units, judged by the unit that
they have not seen.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from msgspec.structs import replace

from handlers.domain.decisions import harm
from handlers.domain.decisions.challengers import newest_window
from handlers.domain.decisions.gains import Compared, Contender, Demand, compare
from handlers.domain.decisions.guard_rails import Breach
from handlers.domain.decisions.recipes import Part, Recipe, blended
from handlers.domain.decisions.requests import Request, Rule, Ruling, Trial
from handlers.domain.decisions.sparing import check, promise
from handlers.domain.decisions.state import State
from handlers.domain.decisions.units import Unit, together
from handlers.domain.learning_settings import Judging

FREE_Z = 0.84
"""One-sided p < .2: a wrong deployment costs little here, a missed one a block."""
PATIENCE = 12
"""Units without an alarm after which a challenger is tried."""


def judge(state: State, units: Sequence[Unit], settings: Judging, rows: int) -> Rule:
    """Decide on the newest of the units, which ``state`` already names. ``rows``: all labelled rows there are."""
    newest = units[-1]
    seen = harm.read(state, newest, settings, sensitive=True)
    state, own, now = seen.state, seen.said, seen.level
    alarm = state.path[-1].alarm
    state = replace(state, shadows=(), clock=state.clock + 1)
    firsts = _windows(state, settings, rows)
    if firsts and not state.adapting:
        state = replace(state, clock=0, trained_rows=rows)
    tried = yield from _tried(firsts, newest, own, settings)
    best = max(tried, key=lambda one: one.low, default=None)
    chosen = best if best is not None and best.margin > 0 else None
    found: tuple[Breach, ...] = ()
    if chosen is not None:
        found = yield from check(chosen, settings)
    state = harm.settle(state, now, settings.drift)
    if chosen is None or found:
        state = harm.unanswered(state, now)
    deploys = chosen is not None and not found
    if deploys and state.adapting:  # as long as something is gained
        state = replace(state, adapting=settings.drift.adapting_blocks)
    return Ruling(
        trigger="harm" if alarm or state.adapting else "evidence" if best is not None else "none",
        state=state,
        deploy=chosen.recipe if deploys and chosen is not None else None,
        reference=promise(chosen, settings) if deploys and chosen is not None else None,
        best=best,
        verdict=None if best is None else best.verdict,
        breaches=found,
        compared=tried,
        judged=True,
        goes_on=deploys and state.adapting > 0,
    )


def _windows(state: State, settings: Judging, rows: int) -> list[int]:
    """The first blocks of the windows that are tried now; all end before the newest unit."""
    newest = state.units[-1][0]
    if state.adapting:
        firsts = [state.oldest, state.since, newest_window(state, settings.training)]
    elif rows >= settings.training.growth * max(state.trained_rows, 1) or state.clock >= PATIENCE:
        firsts = [state.oldest]
    else:
        return []
    return [first for first in dict.fromkeys(firsts) if first < newest]


def _tried(
    firsts: Sequence[int], newest: Unit, champion: Any, settings: Judging
) -> Generator[Request, Any, tuple[Compared, ...]]:
    if not firsts:
        return ()
    parts = tuple(Part(name, first) for first in firsts for name in settings.training.estimators)
    said = yield Trial(parts, newest)
    sample = together([newest])
    demand = Demand(FREE_Z, 0.0, 0.0, settings.training.seed)
    recipes = [Recipe((part,)) for part in said]
    recipes += [Recipe(tuple(group)) for _, group in groupby(said, key=lambda part: part.first)]
    distinct = dict.fromkeys(recipes)
    return tuple(
        compare(
            Contender((), recipe, newest.blocks[0] - 1),
            champion,
            np.asarray(blended([said[part] for part in recipe.parts])),
            sample,
            demand,
        )
        for recipe in distinct
    )
