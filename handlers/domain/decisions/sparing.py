"""The rule of sparing deployments: shadows score in waiting, an alarm opens a fast path.

Per unit: the harm test; the gains of the shadows over the newest units; after an alarm challengers that have learned
since the change alone; a deployment where a gain is beyond chance; now and then new shadows.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from typing import Any

from handlers.domain.decisions import challengers, harm, transitions
from handlers.domain.decisions.gains import Compared, Contender, Demand, compare, compare_on
from handlers.domain.decisions.guard_rails import Breach, breaches
from handlers.domain.decisions.loss_level import LossLevel, level, losses
from handlers.domain.decisions.recipes import Part, Recipe, blended
from handlers.domain.decisions.requests import Request, Rule, Ruling, Segments, Trial
from handlers.domain.decisions.state import State
from handlers.domain.decisions.units import Sample, Unit
from handlers.domain.learning_settings import Judging

RECENT_UNITS = 10
"""So long a deployment makes the next one dearer."""


def judge(state: State, units: Sequence[Unit], settings: Judging, rows: int) -> Rule:
    """Decide on the newest of the units, which ``state`` already names. ``rows``: all labelled rows there are."""
    newest = units[-1]
    seen = harm.read(state, newest, settings)
    state, own, now = seen.state, seen.said, seen.level
    reading = state.path[-1]
    if reading.phase == "watch":
        state = challengers.watched(state)
    compared = _shadows(state, units, settings)
    best = max(compared, key=lambda one: one.margin, default=None)
    good = best is not None and best.margin > 0
    fast = None
    if state.adapting and (reading.alarm or not good):
        fast = yield from _fast_path(state, newest, own, settings)
    if reading.alarm:
        back = _predecessor(state, units, settings)
        if back is not None and all(one is None or one.low <= back.gain for one in (best, fast)):
            return _way_back(state, units, back, settings)
    chosen = _better_of(best if good else None, fast)
    found: tuple[Breach, ...] = ()
    if chosen is not None:
        found = yield from check(chosen, settings)
    state = harm.settle(state, now, settings.drift)
    if chosen is None or found:
        state = harm.unanswered(state, now)
    state, parts = challengers.refresh(state, settings.training, rows)
    shown = chosen or _shown(best, fast)
    return Ruling(
        trigger="harm" if state.adapting or reading.alarm else "evidence" if shown is not None else "none",
        state=state,
        deploy=None if chosen is None or found else chosen.recipe,
        reference=None if chosen is None or found else promise(chosen, settings),
        refresh=parts,
        best=shown,
        verdict=None if shown is None else shown.verdict,
        breaches=found,
        compared=(*compared, *(() if fast is None else (fast,))),
        judged=True,
    )


def check(chosen: Compared, settings: Judging) -> Generator[Request, Any, tuple[Breach, ...]]:
    """Hold a better challenger against the guard rails, its segments included."""
    segments = yield Segments(chosen.sample.blocks, chosen.sample.rows)
    limits = (settings.promotion, settings.training.seed)
    return breaches(chosen.sample, chosen.champion, chosen.said, segments, limits)


def promise(chosen: Compared, settings: Judging) -> LossLevel:
    """What a challenger promises: its losses on the rows that it was judged by."""
    return level(losses(chosen.sample.labels, chosen.said), chosen.sample.clients, seed=settings.training.seed)


def _shadows(state: State, units: Sequence[Unit], settings: Judging) -> tuple[Compared, ...]:
    champion, promotion = state.champion, settings.promotion
    if champion is None:
        return ()
    usual = demanded(state, settings, promotion.confidence_z)
    # Who has learned all that the champion has, and as much again, is likely to be better before anything is seen.
    grown = replace(usual, z=promotion.growth_confidence_z, noise=0.0)
    chosen = units[-promotion.evidence_blocks :]
    found = [
        compare_on(
            chosen,
            one,
            champion.scorer,
            state.since,
            grown if challengers.has_grown(one, state, settings.training) else usual,
        )
        for one in challengers.contenders(state)
    ]
    return tuple(one for one in found if one is not None)


def _fast_path(
    state: State, newest: Unit, champion: Any, settings: Judging
) -> Generator[Request, Any, Compared | None]:
    """Challengers that have learned since the change and from half of the newest unit, judged by the other half."""
    held = newest.held_half
    if not held.any() or held.all() or len(set(newest.labels[~held].tolist())) <= 1:  # one class teaches nothing
        return None
    firsts = dict.fromkeys((state.since, state.oldest))
    said = yield Trial(
        tuple(Part(name, first) for first in firsts for name in settings.training.estimators), newest, half=True
    )
    sample = Sample(newest.labels[held], newest.clients[held], newest.rows[held], 1, newest.blocks)
    demand = demanded(state, settings, settings.promotion.alarm_confidence_z)
    recipes = [Recipe(parts) for parts in challengers.together(list(said), list(said))]
    tried = [
        compare(
            Contender((), recipe, newest.blocks[-1]),
            champion[held],
            blended([said[part][held] for part in recipe.parts]),
            sample,
            demand,
        )
        for recipe in recipes
    ]
    return max(tried, key=lambda one: one.low)


def demanded(state: State, settings: Judging, z: float) -> Demand:
    """What a gain has to be. Each of the last deployments makes it more: what was better a block ago and is not any
    more was a whim of the world, and people want to know which model it is that speaks."""
    promotion = settings.promotion
    recent = sum(1 for unit in state.deployments if unit > state.judged - RECENT_UNITS)
    least = promotion.minimum_gain * (1 + promotion.repeat_cost * recent)
    return Demand(z, promotion.block_noise, least, settings.training.seed, promotion.evidence_blocks)


def _better_of(best: Compared | None, fast: Compared | None) -> Compared | None:
    """The fast one where it passes and is surer; else the best of the shadows, if that is good."""
    if fast is not None and fast.margin > 0 and (best is None or fast.low > best.low):
        return fast
    return best


def _shown(best: Compared | None, fast: Compared | None) -> Compared | None:
    there = [one for one in (best, fast) if one is not None]
    return max(there, key=lambda one: one.margin, default=None)


def _predecessor(state: State, units: Sequence[Unit], settings: Judging) -> Compared | None:
    """The previous model beside the champion since that was deployed, where it is better beyond all doubt.

    It is known, so that it comes before new models, but not before one that is surely better than it: where the world
    has changed both may be wrong, one a little less.
    """
    champion, previous = state.champion, state.previous
    if champion is None or previous is None or previous.provisional:
        return None
    demand = demanded(state, settings, settings.promotion.rollback_z)
    contender = Contender((previous.scorer,), previous.recipe, previous.last)
    found = compare_on(units, contender, champion.scorer, champion.last + 1, demand)
    return found if found is not None and found.margin > 0 else None


def _way_back(state: State, units: Sequence[Unit], back: Compared, settings: Judging) -> Ruling:
    reference = promise(back, settings)
    state = transitions.rolled_back(state, reference, units[-1].blocks[-1])
    return Ruling(
        trigger="harm",
        state=state,
        roll_back=True,
        reference=reference,
        best=back,
        verdict="better",
        compared=(back,),
        judged=True,
    )
