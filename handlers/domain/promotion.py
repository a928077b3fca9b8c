"""Which of the challengers, if any, takes the champion's place: paired losses on the same held-out rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers.domain.metrics import log_losses

Floats = NDArray[np.float64]


class PromotionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``promotion``: how sure one must be that a challenger is better, and what counts as a predicted leaver."""

    confidence_z: Annotated[float, msgspec.Meta(ge=0)] = 1.645
    """Standard errors by which the mean paired loss difference must be above 0; 1.645 is 95%, one-sided."""
    threshold: Literal["f1"] | Annotated[float, msgspec.Meta(ge=0, le=1)] = "f1"
    """The probability from which a client is predicted to leave; f1: the one with the best F1 on held-out rows."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """How much lower a challenger's log loss is than another's, a row; ``error`` is the standard error of ``gain``."""

    gain: float
    error: float
    rows: int

    def low(self, z: float) -> float:
        """The lower bound of the gain, ``z`` standard errors below its mean."""
        return self.gain - z * self.error


@dataclass(frozen=True, slots=True)
class Candidate:
    """A challenger's held-out losses, float64[n], the rows being those of the champion's losses."""

    estimator: str
    losses: Floats


@dataclass(frozen=True, slots=True)
class Challenger:
    """A recipe and what it said of n rows while they were held out: float64[n]. ``seconds``: what that took."""

    estimator: str
    probabilities: Floats
    seconds: float = 0.0

    def candidate(self, labels: NDArray[np.int8]) -> Candidate:
        """Its held-out losses, for the comparison."""
        return Candidate(self.estimator, log_losses(labels, self.probabilities))


@dataclass(frozen=True, slots=True)
class Choice:
    """The challenger that is to be deployed, or None where the champion stays; ``compared``: each with the champion."""

    winner: str | None
    compared: dict[str, Comparison]


def compare(losses: Floats, challenger: Floats, clients: NDArray[np.int64]) -> Comparison:
    """Paired comparison; rows of the same client (equal codes in int64[n]) are not taken as independent.

    The standard error is that of a mean of clustered observations: sqrt(sum over clients of (sum of deviations)^2)/n
    (Liang and Zeger 1986).
    """
    difference = losses - challenger
    gain = float(difference.mean())
    sums = np.bincount(clients, weights=difference - gain)
    return Comparison(gain, math.sqrt(float((sums**2).sum())) / len(difference), len(difference))


def choose(
    champion: Floats, candidates: Sequence[Candidate], clients: NDArray[np.int64], settings: PromotionSettings
) -> Choice:
    """Take the best challenger that beats the champion for sure; the simpler one where they tie.

    ``candidates`` come in the order of simplicity. A later one is taken instead of an earlier only if it beats that
    one for sure, too.
    """
    compared = {one.estimator: compare(champion, one.losses, clients) for one in candidates}
    winner: Candidate | None = None
    for one in candidates:
        if compared[one.estimator].low(settings.confidence_z) <= 0:
            continue
        if winner is None or compare(winner.losses, one.losses, clients).low(settings.confidence_z) > 0:
            winner = one
    return Choice(None if winner is None else winner.estimator, compared)


def simplest_of_the_best(candidates: Sequence[Candidate], clients: NDArray[np.int64], z: float) -> str:
    """Without a champion to beat: the simplest, unless a later one beats it for sure."""
    best = candidates[0]
    for one in candidates[1:]:
        if compare(best.losses, one.losses, clients).low(z) > 0:
            best = one
    return best.estimator
