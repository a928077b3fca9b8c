"""Which rule decides: by the phase of life of the model, then by the policy's name."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.domain.decisions import fixed_policies, free, sparing
from handlers.domain.decisions.requests import Rule
from handlers.domain.decisions.state import State
from handlers.domain.decisions.units import Unit
from handlers.domain.learning_settings import Judging


def judge(state: State, units: Sequence[Unit], settings: Judging, *, rows: int, f1: tuple[float, float]) -> Rule:
    """The rule that decides on the newest unit. ``f1``: the champion's there, and the last one that was recorded."""
    if settings.drift.policy != "evidence":
        return fixed_policies.judge(state, units, settings, f1)
    if settings.promotion.deployments == "free":
        return free.judge(state, units, settings, rows)
    return sparing.judge(state, units, settings, rows)
