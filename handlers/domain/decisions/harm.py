"""The harm test: is the champion's loss above what it promised, by more than chance and a small allowance?

A single block far above is seen by its z score (Shewhart 1931), a small and lasting rise by the cumulative sum of the
scores (Page 1954). Only harm counts: shifted columns that harm nothing are a diagnosis.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from handlers.domain.decisions.loss_level import LossLevel, level, losses, z_score
from handlers.domain.decisions.state import PATH, Phase, Reading, State
from handlers.domain.decisions.transitions import alarmed, at_rest
from handlers.domain.decisions.units import Floats, Unit
from handlers.domain.learning_settings import DriftSettings, Judging

ALARM_SLACK, WATCH_SLACK = 1.0, 0.5
"""What is taken from each score before it is summed: half of the rise, in standard errors, that is looked for."""
QUIET_Z = 2.0
"""A block with a lower score is one more sample of the promised level."""
SENSITIVE_Z, SENSITIVE_CUSUM = 2.5, 3.0
"""The alarm where deployments are cheap: without an allowance, and sooner."""


@dataclass(frozen=True, slots=True, eq=False)
class Read:
    """A unit after the harm test: the state, what the champion said of it (log-odds, float64[n]), and its level."""

    state: State
    said: Floats
    level: LossLevel


def read(state: State, unit: Unit, settings: Judging, *, sensitive: bool = False) -> Read:
    """Hold the champion's losses on a unit against its promise, and begin to adapt where that is an alarm.

    ``sensitive``: the rule of cheap deployments. Raises ValueError where there is no champion with a reference.
    """
    if state.champion is None:
        raise ValueError("there is no champion to judge")
    said = unit.said[state.champion.scorer]
    now = level(losses(unit.labels, said), unit.clients, seed=settings.training.seed)
    state = observe(state, unit.blocks[-1], now, settings.drift, sensitive=sensitive)
    if state.path[-1].alarm:
        state = alarmed(state, changed_at(state), settings.drift.adapting_blocks)
    return Read(state, said, now)


def observe(state: State, block: int, now: LossLevel, settings: DriftSettings, *, sensitive: bool = False) -> State:
    """The state after a unit's losses: sums and phase. The last reading of ``path`` is that of this unit.

    ``sensitive``: the rule of cheap deployments. Raises ValueError where there is no champion with a reference.
    """
    if state.champion is None or state.reference is None:
        raise ValueError("without a champion and its promise there is no harm")
    z = z_score(now, state.reference, allowance=settings.allowance)
    watch_z = z_score(now, state.reference)
    cusum = max(0.0, state.cusum + z - ALARM_SLACK)
    watch_cusum = max(0.0, state.watch_cusum + watch_z - WATCH_SLACK)
    counts, traced = (watch_z, watch_cusum) if sensitive else (z, cusum)
    limit, cusum_limit = (SENSITIVE_Z, SENSITIVE_CUSUM) if sensitive else (settings.alarm_z, settings.alarm_cusum)
    alarm = counts > limit or traced > cusum_limit
    watched = watch_z > settings.watch_z or watch_cusum > settings.watch_cusum
    phase: Phase = "adapting" if alarm or state.adapting else "watch" if watched else "stable"
    reading = Reading(
        block=block,
        version=state.champion.version,
        rows=now.rows,
        loss=now.mean,
        reference=state.reference.mean,
        z=z,
        watch_z=watch_z,
        cusum=cusum,
        watch_cusum=watch_cusum,
        limit=limit,
        cusum_limit=cusum_limit,
        alarm=alarm,
        phase=phase,
    )
    return msgspec.structs.replace(
        state,
        cusum=cusum,
        cusum_units=state.cusum_units + 1 if traced > 0 else 0,
        watch_cusum=watch_cusum,
        path=(*state.path, reading)[-PATH:],
    )


def settle(state: State, now: LossLevel, settings: DriftSettings) -> State:
    """A quiet unit of a new champion makes its reference more precise."""
    reading = state.path[-1]
    if state.reference is None or reading.alarm or reading.watch_z >= QUIET_Z:
        return state
    if state.quiet >= settings.reference_blocks:
        return state
    return msgspec.structs.replace(state, reference=state.reference.with_others(now), quiet=state.quiet + 1)


def unanswered(state: State, now: LossLevel) -> State:
    """Nothing was deployed for a unit: while there is an alarm, after some such units its level is accepted."""
    if not state.adapting:
        return state
    state = msgspec.structs.replace(state, adapting=state.adapting - 1)
    return state if state.adapting else accept(state, now)


def accept(state: State, now: LossLevel) -> State:
    """Nothing better can be trained: the level that the loss has reached is what counts from now on."""
    return msgspec.structs.replace(at_rest(state), reference=now, quiet=0)


def changed_at(state: State) -> int:
    """The block with which the rise began: the first since the sum was last 0."""
    back = max(1, state.cusum_units)
    return state.units[-min(back, len(state.units))][0]
