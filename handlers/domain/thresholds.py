"""The threshold without labels: where calibrated probabilities say that the F1 will be highest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Where no probability says anything.
NEUTRAL = 0.5


def expected_f1(probabilities: Floats, threshold: float) -> float:
    """Give the F1 of predicting all rows at or above a threshold, the counts being those that calibrated probabilities
    expect: 2 sum of p over the predicted / (number predicted + sum of p over all); 0 where that is 0 / 0."""
    predicted = probabilities >= threshold
    whole = float(predicted.sum() + probabilities.sum())
    return 2.0 * float(probabilities[predicted].sum()) / whole if whole > 0 else 0.0


def plug_in_threshold(probabilities: Floats) -> float:
    """Give the threshold with the highest expected F1 of calibrated probabilities, in (0, 0.5].

    It is half that F1 (Lipton, Elkan and Naryanaswamy 2014, theorem 1): a row raises the ratio exactly if its
    probability is above half of it. 0.5 for no rows and where all probabilities are 0. Raises ValueError for
    probabilities outside of [0, 1].
    """
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("probabilities must be in [0, 1]")
    falling = np.sort(probabilities)[::-1]
    gathered = np.cumsum(falling)
    if not len(falling) or gathered[-1] <= 0:
        return NEUTRAL
    # Half of 2 S(k) / (k + S): cutting between rows of equal probability is never better than beside them.
    halves = gathered / (np.arange(1, len(falling) + 1) + gathered[-1])
    return float(halves.max())
