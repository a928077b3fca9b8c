"""Labels, log-odds and units for the tests of the decision rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from handlers.domain.decisions import transitions
from handlers.domain.decisions.loss_level import LossLevel, level, losses
from handlers.domain.decisions.recipes import Part, Shadow, over
from handlers.domain.decisions.requests import HeldOut, OutOfFold, Segments, Trial
from handlers.domain.decisions.state import Incumbent, State
from handlers.domain.decisions.units import Unit

Floats = NDArray[np.float64]

BASE, SLOPE = -1.25, 1.35
"""Log-odds of a client with the mean signal, and what one standard deviation of it adds: 25% leave, ROC AUC 0.8."""


def signals(rows: int, seed: int) -> Floats:
    """What is known of each client, in standard deviations: float64[n]."""
    return np.random.default_rng(seed).normal(size=rows)


def labels_of(log_odds: Floats, seed: int) -> NDArray[np.int8]:
    """Outcomes that follow these log-odds: int8[n]."""
    chances = 1 / (1 + np.exp(-log_odds))
    return (np.random.default_rng(seed).random(len(log_odds)) < chances).astype(np.int8)


def block(
    number: int, rows: int = 400, *, signs: Mapping[str, float], truth: float = 1.0, clients: int | None = None
) -> Unit:
    """A unit of one block. Each scorer says ``BASE + sign x SLOPE x signal``; the outcomes follow the sign
    ``truth``."""
    known = signals(rows, number)
    labels = labels_of(BASE + truth * SLOPE * known, number + 10_000)
    of_client = np.arange(rows) % (rows if clients is None else clients)
    said = {name: BASE + sign * SLOPE * known for name, sign in signs.items()}
    return Unit((number,), np.arange(rows) + 1000 * number, labels, of_client + 1000 * number, said)


def promised(scorer: str, rows: int = 1600, *, sign: float = 1.0) -> LossLevel:
    """The level of the log loss of a scorer in a world that has not changed."""
    unit = block(999, rows, signs={scorer: sign})
    return level(losses(unit.labels, unit.said[scorer]), unit.clients, seed=1)


def state_with(*shadows: Shadow, version: int = 1, last: int = 1, **changes: Any) -> State:
    """A state with a logistic champion that has learned the blocks up to ``last`` and promises what it keeps."""
    champion = Incumbent(version, over(("logistic",), 1), last, rows=400)
    fresh = State(
        champion=champion,
        reference=promised(champion.scorer),
        oldest=1,
        since=last + 1,
        clock=6,
        wait=8,
        trained_rows=400,
        shadows=shadows,
    )
    return replace(fresh, **changes)


def shadow(name: str = "s1", estimator: str = "explainable_boosting", *, first: int = 1, last: int = 1) -> Shadow:
    """A challenger in waiting."""
    return Shadow(name, Part(estimator, first), last)


def judged(state: State, unit: Unit) -> State:
    """The state that a rule is told, which names the unit already."""
    before = state.totals[-1] if state.totals else 400
    return transitions.add_unit(state, unit.blocks, before + len(unit.labels))


class Answers:
    """Who fits for a rule in a test: what trials say, by the estimator's name, as a sign of the signal."""

    def __init__(
        self, *, trial: Mapping[str, float] | None = None, held_out: Mapping[str, Floats] | None = None
    ) -> None:
        self.signs = trial or {}
        self.held_out = held_out or {}
        self.segments_found: dict[str, NDArray[np.bool_]] = {}
        self.labels = np.empty(0, dtype=np.int8)
        self.asked: list[Trial | OutOfFold | Segments] = []

    def trial(self, asked: Trial) -> dict[Part, Floats]:
        """Trials know the unit's signals."""
        self.asked.append(asked)
        known = signals(len(asked.unit.labels), asked.unit.first)
        return {part: BASE + self.signs.get(part.estimator, 1.0) * SLOPE * known for part in asked.parts}

    def out_of_fold(self, asked: OutOfFold) -> dict[Part, HeldOut]:
        """What was prepared for each estimator."""
        self.asked.append(asked)
        clients = np.arange(len(self.labels))
        return {part: HeldOut(self.labels, clients, self.held_out[part.estimator]) for part in asked.parts}

    def segments(self, asked: Segments) -> dict[str, NDArray[np.bool_]]:
        """What was prepared."""
        self.asked.append(asked)
        return self.segments_found
