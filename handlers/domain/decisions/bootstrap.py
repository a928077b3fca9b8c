"""Standard errors of means over rows, of which those of one client are not independent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DRAWS = 200
"""Bootstrap samples: the standard error is then known to 5% (Efron and Tibshirani 1993, section 6.4)."""

_AT_ONCE = 2_000_000
"""So many weights are held in memory at a time."""


def standard_errors(values: Floats, clients: NDArray[np.int64], *, seed: int, draws: int = DRAWS) -> Floats:
    """The standard error of each column's mean, float64[c], for values float64[n, c].

    Where each client (int64[n]) has one row, it is the usual one. Otherwise clients are drawn with replacement, with
    all their rows (the cluster bootstrap; Davison and Hinkley 1997, section 3.8): all columns by the same draws.
    """
    rows = len(values)
    if rows <= 1:  # one row has no spread
        return np.full(values.shape[1], np.inf)
    codes = np.unique(clients, return_inverse=True)[1]
    count = int(codes.max()) + 1
    if count in (1, rows):  # of a single client nothing tells how clients differ, and certainty would be wrong
        usual: Floats = values.std(axis=0, ddof=1) / np.sqrt(rows)
        return usual
    sizes = np.bincount(codes, minlength=count).astype(np.float64)
    sums = np.stack([np.bincount(codes, weights=column, minlength=count) for column in values.T], axis=1)
    means = np.concatenate([weights @ sums / (weights @ sizes)[:, None] for weights in _draws(count, draws, seed)])
    errors: Floats = means.std(axis=0, ddof=1)
    return errors


def _draws(count: int, draws: int, seed: int) -> list[Floats]:
    """How often each of the clients is drawn in each sample: float64[some, count], in pieces."""
    generator = np.random.default_rng(seed)
    at_once = max(1, _AT_ONCE // count)
    pieces = []
    for begin in range(0, draws, at_once):
        size = min(at_once, draws - begin)
        chosen = generator.integers(0, count, size=(size, count)) + count * np.arange(size)[:, None]
        pieces.append(np.bincount(chosen.ravel(), minlength=size * count).reshape(size, count).astype(np.float64))
    return pieces
