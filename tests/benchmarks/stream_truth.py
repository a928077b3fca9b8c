"""Fictional clients whose truth is known: what is seen of them, and who leaves by which concept.

A concept is a weight for each column of :func:`design`. The truth has hinges, a square, a sine, a step, what a gap
says, two categories and three interactions, so that a straight line leaves something to be found.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Column = NDArray[np.float64] | NDArray[np.object_]

SEGMENTS = ("retail", "trade", "industry", "public", "finance")
_SEGMENT_SHARES = np.array([0.28, 0.26, 0.2, 0.16, 0.1])
REGIONS = tuple(f"region-{number:02d}" for number in range(1, 13))
_REGION_SHARES = 1 / np.arange(2, 14) / (1 / np.arange(2, 14)).sum()
#: Hidden standard normal values behind the numeric columns, the last one behind a column that says nothing.
TRAITS = 8
#: The segment whose rows have weights of their own, which are added: the second half of a concept.
OWN_SEGMENT = 0
_DELAY_GAPS, _SATISFACTION_GAPS, _REGION_GAPS = 0.12, 0.05, 0.03
#: Rows over which concepts are balanced and compared. The standard error of a difference in loss is about 1% of it.
REFERENCE_ROWS = 8000
#: Of them, what the model has learned from whose loss a change is said to raise.
LEARNED_ROWS = 3000


@dataclass(frozen=True, slots=True)
class Clients:
    """What decides. One row for each: ``traits`` float64[n, 8], the others [n]; region -1 is not known."""

    traits: Floats
    segment: NDArray[np.int64]
    region: NDArray[np.int64]
    delay_known: NDArray[np.bool_]

    def __getitem__(self, rows: NDArray[np.int64]) -> Clients:
        return Clients(self.traits[rows], self.segment[rows], self.region[rows], self.delay_known[rows])


@dataclass(frozen=True, slots=True)
class Population:
    """Where clients come from: ``loadings`` float64[8] of their traits on one factor, at most 0.6 each."""

    loadings: Floats

    def draw(self, rng: np.random.Generator, size: int, *, means: Floats | None = None, tilt: float = 0.0) -> Clients:
        """Draw clients. ``means`` float64[8] moves the traits; ``tilt`` > 0 makes the later segments more frequent."""
        own = rng.normal(size=(size, TRAITS)) * np.sqrt(1 - self.loadings**2)
        traits = own + rng.normal(size=(size, 1)) * self.loadings
        shares = _SEGMENT_SHARES * np.exp(tilt * np.arange(len(SEGMENTS)))
        region = rng.choice(len(REGIONS), size=size, p=_REGION_SHARES)
        return Clients(
            traits=traits if means is None else traits + means,
            segment=rng.choice(len(SEGMENTS), size=size, p=shares / shares.sum()),
            region=np.where(rng.random(size) < _REGION_GAPS, -1, region),
            delay_known=rng.random(size) >= _DELAY_GAPS,
        )


def columns_of(clients: Clients, rng: np.random.Generator) -> dict[str, Column]:
    """Give what a file shows of clients: numbers as float64 with NaN, text as objects with None."""
    traits, size = clients.traits, len(clients.segment)
    satisfaction = np.round(np.clip(7 + 1.2 * traits[:, 1], 0, 12), 1)
    region = np.array([*REGIONS, None], dtype=object)[clients.region]
    return {
        "segment": np.array(SEGMENTS, dtype=object)[clients.segment],
        "region": region,
        "activity": np.floor(np.exp(3 + 0.7 * traits[:, 0])),
        "satisfaction": np.where(rng.random(size) < _SATISFACTION_GAPS, np.nan, satisfaction),
        "balance": np.round(1000 * traits[:, 2]),
        "tenure_months": np.round(72 / (1 + np.exp(-1.7 * traits[:, 3]))),
        "spend": np.round(np.exp(4 + 0.8 * traits[:, 4]), 2),
        "usage": np.round(20 * np.log1p(np.exp(1.5 * traits[:, 5])), 3),
        "delay_days": np.where(clients.delay_known, np.round(9 * np.exp(0.8 * traits[:, 6])), np.nan),
        "age": np.round(np.clip(45 + 13 * traits[:, 7], 18, 95)),
    }


#: What the effects of a concept are multiplied with, and how large their weights are before they are scaled together.
INTERACTIONS = 3
_SIZES = np.array(
    [0.8, 0.6, 0.6, 0.6, 0.7, 0.5, 0.3, 0.3] + [0.4] * len(SEGMENTS) + [0.25] * len(REGIONS) + [0.5] * INTERACTIONS
)
EFFECTS = len(_SIZES)
#: Whose effect the first six are.
COLUMN_OF_EFFECT = ("activity", "satisfaction", "balance", "tenure_months", "spend", "usage")


def effects_of(clients: Clients) -> Floats:
    """Give the effects, float64[n, EFFECTS], each about centred; those of numbers have a variance of about 1."""
    activity, satisfaction, balance, tenure, spend, usage, delay, _ = clients.traits.T
    known = clients.delay_known.astype(np.float64)
    mains = [
        1.7 * np.maximum(activity, 0) - 0.68,
        0.7 * (np.minimum(satisfaction**2, 6) - 1),
        1.45 * np.sin(1.5 * balance),
        2 * (tenure > 0.5) - 0.62,
        np.clip(spend, -3, 3),
        1.3 * np.tanh(2 * usage),
        known * np.clip(delay, -3, 3),
        3 * (1 - known) - 3 * _DELAY_GAPS,
    ]
    segments = clients.segment[:, None] == np.arange(len(SEGMENTS))
    regions = clients.region[:, None] == np.arange(len(REGIONS))
    interactions = [
        np.clip(activity * spend, -3, 3),
        1.5 * satisfaction * (clients.segment <= 1),
        1.5 * np.sign(usage) * np.clip(balance, -2, 2) * (tenure > 0),
    ]
    return np.column_stack([*mains, segments - _SEGMENT_SHARES, regions - _REGION_SHARES, *interactions])


def design(clients: Clients) -> Floats:
    """Give the matrix whose product with a concept is the log-odds, float64[n, 2 * (EFFECTS + 1)]."""
    whole = np.column_stack([effects_of(clients), np.ones(len(clients.segment))])
    return np.column_stack([whole, whole * (clients.segment == OWN_SEGMENT)[:, None]])


def weights(rng: np.random.Generator) -> Floats:
    """Draw the weights of a concept, float64[EFFECTS], the first of them large enough to be worth knowing."""
    drawn: Floats = rng.choice([-1.0, 1.0], EFFECTS) * rng.uniform(0.5, 1.3, EFFECTS) * _SIZES
    return drawn


def chance(log_odds: Floats) -> Floats:
    """Give the probabilities of log-odds."""
    probabilities: Floats = 1 / (1 + np.exp(-log_odds))
    return probabilities


def balanced(log_odds: Floats, rate: float) -> float:
    """Give what to add to log-odds so that the mean probability is ``rate``, by bisection."""
    low, high = -20.0, 20.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if chance(log_odds + middle).mean() < rate else (low, middle)
    return (low + high) / 2


def learned(matrix: Floats, concept: Floats) -> Floats:
    """Give what a model knows of a concept, float64[EFFECTS + 1]: weights of effects, without the interactions.

    It is a ridge regression (penalty 1) of labels that are drawn for the first ``LEARNED_ROWS`` rows, by Newton's
    method: about what an additive estimator learns from a few files. The draw is always the same.
    """
    known = np.append(np.arange(EFFECTS - INTERACTIONS), EFFECTS)
    rows = matrix[:LEARNED_ROWS]
    labels = np.random.default_rng(0).random(len(rows)) < chance(rows @ concept)
    found: Floats = np.zeros(len(known))
    rows = rows[:, known]
    for _ in range(12):
        expected = chance(rows @ found)
        curvature = (rows.T * (expected * (1 - expected))) @ rows + np.eye(len(known))
        found += np.linalg.solve(curvature, rows.T @ (labels - expected) - found)
    result = np.zeros(EFFECTS + 1)
    result[known] = found
    return result


@dataclass(frozen=True, slots=True)
class Learned:
    """What a model has learned from a concept, and its expected losses: over the rows that were not learned from."""

    rows: Floats
    log_odds: Floats
    before: float

    @classmethod
    def of(cls, matrix: Floats, concept: Floats) -> Learned:
        """Learn a concept from the first rows of a design."""
        rows = matrix[LEARNED_ROWS:]
        log_odds = rows[:, : EFFECTS + 1] @ learned(matrix, concept)
        return cls(rows, log_odds, _expected_loss(log_odds, rows @ concept))

    def rise(self, after: Floats) -> float:
        """Give by which part the loss rises when another concept holds."""
        return _expected_loss(self.log_odds, self.rows @ after) / self.before - 1


def _expected_loss(log_odds: Floats, truth: Floats) -> float:
    left = chance(truth)
    return float((left * np.logaddexp(0, -log_odds) + (1 - left) * np.logaddexp(0, log_odds)).mean())
