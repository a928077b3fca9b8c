"""The policies that weigh no evidence: retraining by a calendar, or by a test of the F1 as the course has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from handlers.domain.decisions.recipes import over
from handlers.domain.decisions.requests import Rule, Ruling
from handlers.domain.decisions.state import State
from handlers.domain.decisions.units import Unit
from handlers.domain.learning_settings import Judging

FEW = 3
"""So many earlier scores are needed before a test of them means anything."""
F1_HISTORY = 200


@dataclass(frozen=True, slots=True)
class Retrain:
    """Whether to learn again, from which block on, and why. ``f1``: it was the score that decided."""

    first: int | None
    note: str
    f1: bool = False


def weighs_rows(policy: str) -> bool:
    """Does a policy need rows enough before it decides? Those by a calendar or an F1 do not, as long as what they
    learn from is everything; the newest blocks alone might all have one label."""
    return policy == "evidence" or policy.startswith("always:")


def judge(state: State, units: Sequence[Unit], settings: Judging, f1: tuple[float, float]) -> Rule:
    """Decide by ``drift.policy``; ``f1``: the champion's on the newest unit, and the last one that was recorded.

    What is deployed has the estimators of the champion, and need not be better than it.
    """
    yield from ()
    champion = state.champion
    if champion is None:
        raise ValueError("there is no champion to judge")
    now, last = f1
    decided = decide(settings.drift.policy, state, now, last)
    kept = (*state.scores_f1, now)[-F1_HISTORY:]
    state = replace(state, scores_f1=kept)
    if decided.first is None:
        return Ruling(trigger="none", state=state, note=decided.note, statistics={"f1": now, "last_f1": last})
    estimators = dict.fromkeys(part.estimator for part in champion.recipe.parts)
    return Ruling(
        trigger="f1" if decided.f1 else "policy",
        state=state,
        deploy=over(estimators, decided.first),
        note=decided.note,
        statistics={"f1": now, "last_f1": last},
    )


def decide(policy: str, state: State, now: float, last: float) -> Retrain:
    """Retrain or not, by the name of a policy other than ``evidence``. Raises ValueError for an unknown name."""
    name, _, number = policy.partition(":")
    every = int(number) if number else 0
    if name == "never":
        return Retrain(None, "The policy is never to train again.")
    if name == "always":
        blocks = f"the last {every} blocks" if every else "all blocks"
        return Retrain(_first_of(state, every), f"The policy is to train after each block, on {blocks}.")
    if name == "every":
        due = state.judged % every == 0
        return Retrain(state.oldest if due else None, f"The policy is to train after every {every} blocks.")
    tests = {"raw_f1": _raw, "iqr": _quartiles, "two_sigma": _two_sigma}
    if name not in tests:
        raise ValueError(f"there is no policy {policy!r}")
    fallen, note = tests[name](state.scores_f1, now, last)
    return Retrain(state.oldest if fallen else None, note, f1=True)


def _first_of(state: State, every: int) -> int:
    """Where the last blocks begin, so many of them; 0: all. Those of the first model, which were no units, come before
    all units. More than ``KNOWN_UNITS`` are not known."""
    remembered = len(state.units)
    if not every or (every > remembered and state.judged == remembered):
        return state.oldest
    return state.units[-min(every, remembered)][0]


def _raw(scores: Sequence[float], now: float, last: float) -> tuple[bool, str]:
    if now < last:
        before, after = _apart(last, now)
        return True, f"The F1 fell from {before} to {after}."
    said, before = _apart(now, last)
    return False, f"The F1 of {said} is not below the last one, {before}."


def _quartiles(scores: Sequence[float], now: float, last: float) -> tuple[bool, str]:
    if len(scores) < FEW:
        return False, f"There are {len(scores)} earlier scores; the test needs {FEW}."
    lower, upper = np.quantile(scores, (0.25, 0.75))
    limit = float(lower - 1.5 * (upper - lower))
    said, bound = _apart(now, limit)
    return now < limit, f"The F1 is {said}; the lower quartile less 1.5 interquartile ranges is {bound}."


def _two_sigma(scores: Sequence[float], now: float, last: float) -> tuple[bool, str]:
    if len(scores) < FEW:
        return False, f"There are {len(scores)} earlier scores; the test needs {FEW}."
    limit = float(np.mean(scores) - 2 * np.std(scores))
    said, bound = _apart(now, limit)
    return now < limit, f"The F1 is {said}; the mean less two standard deviations is {bound}."


def _apart(one: float, other: float) -> tuple[str, str]:
    """Three digits of each, or as many more as show that they differ."""
    digits = next((many for many in range(3, 17) if f"{one:.{many}f}" != f"{other:.{many}f}"), 3)
    return f"{one:.{digits}f}", f"{other:.{digits}f}"
