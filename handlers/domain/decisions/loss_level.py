"""A level of the log loss: what a model promises, and what a later sample of it is held against."""

from __future__ import annotations

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers.domain.decisions.bootstrap import standard_errors
from handlers.domain.metrics import PROBABILITY_FLOOR

Floats = NDArray[np.float64]

MOST_Z = 1000.0
"""Larger scores say nothing more, and where nothing varies one would be infinite."""

_LARGEST_LOG_ODDS = math.log((1 - PROBABILITY_FLOOR) / PROBABILITY_FLOOR)


class LossLevel(msgspec.Struct, frozen=True):
    """Mean and variance of n rows' log losses. ``variance`` is that of a row as far as the mean is concerned: n times
    the squared standard error of the mean, so that clients with several rows count for what they tell."""

    mean: float
    variance: float
    rows: float

    @property
    def error(self) -> float:
        """The standard error of the mean."""
        return math.sqrt(self.variance / self.rows)

    def with_others(self, other: LossLevel) -> LossLevel:
        """Both samples together; mean and variance by Chan, Golub and LeVeque (1979)."""
        rows = self.rows + other.rows
        difference = other.mean - self.mean
        squares = self.variance * (self.rows - 1) + other.variance * (other.rows - 1)
        squares += difference**2 * self.rows * other.rows / rows
        return LossLevel(self.mean + difference * other.rows / rows, squares / max(rows - 1, 1.0), rows)


def losses(labels: NDArray[np.integer], log_odds: Floats) -> Floats:
    """Each row's log loss, float64[n], the probability being clipped to [.001, .999]."""
    signed = np.where(labels == 1, -1.0, 1.0) * np.clip(log_odds, -_LARGEST_LOG_ODDS, _LARGEST_LOG_ODDS)
    found: Floats = np.logaddexp(0.0, signed)
    return found


def probabilities_of(log_odds: Floats) -> Floats:
    """The probabilities of these log-odds, float64[n]."""
    small = np.exp(-np.abs(log_odds))  # of a number <= 0: it cannot overflow
    probabilities: Floats = np.where(log_odds >= 0, 1.0, small) / (1.0 + small)
    return probabilities


def level(values: Floats, clients: NDArray[np.int64], *, seed: int) -> LossLevel:
    """The level of losses float64[n] of clients int64[n]. Raises ValueError for no rows."""
    if not len(values):
        raise ValueError("there are no losses to take a level of")
    rows = len(values)
    variance = rows * float(standard_errors(values[:, None], clients, seed=seed)[0]) ** 2 if rows > 1 else 0.0
    return LossLevel(float(values.mean()), variance, float(rows))


def z_score(now: LossLevel, reference: LossLevel, *, allowance: float = 0.0) -> float:
    """By how many standard errors the loss is above its reference and the allowance, a part of it.

    The reference's variance serves for both samples (two-sample z under the hypothesis that nothing has changed).
    """
    error = math.sqrt(reference.variance * (1 / now.rows + 1 / reference.rows))
    above = now.mean - (1 + allowance) * reference.mean
    if error <= abs(above) / MOST_Z:
        return math.copysign(MOST_Z, above) if above else 0.0
    return above / error
