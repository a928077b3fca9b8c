"""What a deployment, a way back and new challengers leave in the state."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from handlers.domain.decisions.loss_level import LossLevel
from handlers.domain.decisions.recipes import Part, Shadow
from handlers.domain.decisions.state import KNOWN_UNITS, Incumbent, State

FIRST_CLOCK, MOST_WAIT = 6, 16
"""Units until the first challengers of a new model; the longest time between two trainings of them, in units."""


def add_unit(state: State, blocks: tuple[int, ...], rows: int) -> State:
    """A unit is judged: it is the newest, and nothing is pooled any more. ``rows``: all labelled rows there are now."""
    units = (*state.units, blocks)[-KNOWN_UNITS:]
    totals = (*state.totals, rows)[-KNOWN_UNITS:]
    return replace(state, units=units, totals=totals, pool=(), judged=state.judged + 1)


def deployed(state: State, champion: Incumbent, reference: LossLevel, *, first: bool = False) -> State:
    """A new model is current: what counts is what it says from the next block on. The shadows go on.

    ``first``: the clock of its challengers starts anew, as after the first model.
    """
    fresh = at_rest(state) if not first else replace(at_rest(state), clock=FIRST_CLOCK, refreshes=0)
    same = state.champion is not None and state.champion.version == champion.version
    return replace(
        fresh,
        champion=champion,
        previous=state.previous if same else state.champion,
        reference=reference,
        quiet=0,
        since=champion.last + 1,
    )


def by_hand(state: State, champion: Incumbent, reference: LossLevel, block: int) -> State:
    """Somebody has deployed a model: it is held against its own promise, on what comes after this block."""
    fresh = replace(at_rest(state), clock=FIRST_CLOCK, refreshes=0, challenge_due=False, pool=())
    other = state.champion if state.champion is not None and state.champion.version != champion.version else None
    return replace(
        fresh,
        champion=champion,
        previous=other,
        reference=reference,
        quiet=0,
        since=block + 1,
    )


def rolled_back(state: State, reference: LossLevel, block: int) -> State:
    """The previous model is current again, and what it now promises is what it has shown lately."""
    return replace(
        _counted(at_rest(state)),
        champion=state.previous,
        previous=None,
        reference=reference,
        quiet=0,
        since=block + 1,
    )


def _counted(state: State) -> State:
    """One more deployment is remembered."""
    return replace(state, deployments=(*state.deployments, state.judged)[-KNOWN_UNITS:])


def at_rest(state: State) -> State:
    """Sums at 0, and no alarm under way."""
    return replace(state, cusum=0.0, cusum_units=0, watch_cusum=0.0, adapting=0)


def alarmed(state: State, changed: int, blocks: int) -> State:
    """An alarm: unless one is under way the evidence begins where the rise began, and challengers are trained now.

    While one is under way another starts nothing anew: harm that lasts although nothing better can be trained is
    accepted in the end.
    """
    if state.adapting:
        return state
    return replace(state, adapting=blocks, since=changed, wait=1, clock=0)


def after(state: State, champion: Incumbent, reference: LossLevel, trigger: str, wait: int) -> State:
    """After a deployment that a rule has ruled. ``wait``: the units between two trainings of challengers, at first."""
    first = trigger in ("first", "provisional", "challenge")
    state = deployed(state, champion, reference, first=first)
    # A model that has won on evidence need not be compared with the others once more.
    return replace(state, wait=wait) if first else replace(_counted(state), challenge_due=False)


def refreshed(
    state: State, parts: Sequence[Part], last: int, rows: int, *, pairs: tuple[tuple[str, str], ...] = ()
) -> State:
    """New shadows take the place of the old ones; ``rows``: all labelled rows there are; ``pairs``: of columns."""
    first = state.next_shadow
    shadows = tuple(Shadow(f"s{first + place}", part, last, pairs) for place, part in enumerate(parts))
    return replace(state, shadows=shadows, next_shadow=state.next_shadow + len(shadows), trained_rows=rows)
