"""How surprising is it? Tail probabilities of the tests that are used, and their correction for many of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from handlers.domain.axes import Floats

#: Pearson's statistic follows chi-square where each expected count is at least this (Cochran, Biometrics 10(4), 1954).
EXPECTED_COUNT = 5.0
_PRECISION = 1e-15
_SMALLEST = 1e-300
_MOST_TERMS = 100_000
_KOLMOGOROV_CERTAIN = 0.1  # 1 - P(K > 0.1) is 7e-53


def normal_tail(z: float) -> float:
    """Give P(Z > z) of the standard normal distribution."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def two_sided(z: float) -> float:
    """Give P(|Z| > |z|) of the standard normal distribution."""
    return math.erfc(abs(z) / math.sqrt(2.0))


def chi_square_tail(statistic: float, degrees: float) -> float:
    """Give P(X > statistic) of chi-square; 1 for a statistic of at most 0. Raises ValueError without degrees.

    It is the regularised upper incomplete gamma function at (degrees / 2, statistic / 2): the series below the mean,
    Legendre's continued fraction above it (Abramowitz and Stegun, Handbook of Mathematical Functions, 6.5.29, 6.5.31).
    """
    if not degrees > 0:
        raise ValueError("chi-square needs degrees of freedom above 0")
    if not statistic > _SMALLEST:
        return 1.0
    if math.isinf(statistic):
        return 0.0
    shape, x = degrees / 2, statistic / 2
    front = math.exp(shape * math.log(x) - x - math.lgamma(shape))
    if x < shape + 1:
        return max(0.0, 1.0 - front * _series(shape, x))
    return min(1.0, front * _continued_fraction(shape, x))


def _series(shape: float, x: float) -> float:
    term = total = 1.0 / shape
    for step in range(1, _MOST_TERMS):
        term *= x / (shape + step)
        total += term
        if term < total * _PRECISION:
            break
    return total


def _continued_fraction(shape: float, x: float) -> float:
    """Evaluate from the front, by Lentz's method (Applied Optics 15(3), 1976)."""
    b = x + 1.0 - shape
    c = 1.0 / _SMALLEST
    d = 1.0 / b
    value = d
    for step in range(1, _MOST_TERMS):
        a = -step * (step - shape)
        b += 2.0
        d = 1.0 / _away_from_zero(a * d + b)
        c = _away_from_zero(b + a / c)
        value *= c * d
        if abs(c * d - 1.0) < _PRECISION:
            break
    return value


def _away_from_zero(value: float) -> float:
    return value if abs(value) > _SMALLEST else _SMALLEST


@lru_cache(maxsize=1024)
def chi_square_quantile(tail: float, degrees: int) -> float:
    """Give the statistic that chi-square exceeds with probability ``tail``, in (0, 1), to 12 digits.

    Raises ValueError for a tail that is no probability.
    """
    if not 0 < tail < 1:
        raise ValueError("a tail probability must be above 0 and below 1")
    low, high = 0.0, float(degrees) + 1.0
    while chi_square_tail(high, degrees) > tail:
        low, high = high, 2 * high
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        if middle in (low, high):
            break
        low, high = (middle, high) if chi_square_tail(middle, degrees) > tail else (low, middle)
    return high


def kolmogorov_tail(x: float) -> float:
    """Give P(K > x) of Kolmogorov's distribution; 1 for an x of at most 0.

    By its alternating series where that converges fast, else by the theta function's (Marsaglia, Tsang and Wang,
    Journal of Statistical Software 8(18), 2003).
    """
    if not x > _KOLMOGOROV_CERTAIN:
        return 1.0
    if x > 1:
        terms = ((-1) ** (k - 1) * math.exp(-2.0 * (k * x) ** 2) for k in range(1, 11))
        return min(1.0, 2.0 * math.fsum(terms))
    odd = (math.exp(-(((2 * k - 1) * math.pi / x) ** 2) / 8.0) for k in range(1, 11))
    return 1.0 - math.sqrt(2.0 * math.pi) / x * math.fsum(odd)


def kolmogorov_smirnov(distance: float, before: int, now: int) -> float:
    """Give the asymptotic p-value of a two-sample distance; with ties it is too high, never too low."""
    return kolmogorov_tail(distance * math.sqrt(before * now / (before + now)))


def two_proportions(before: tuple[int, int], now: tuple[int, int], *, corrected: bool = True) -> tuple[float, float]:
    """Compare two shares, each as (part, rows): z, above 0 where the share has risen, and the two-sided p-value.

    ``corrected``: with Yates's half a row, without which a few rows in a rare cell look like evidence.
    (0, 1) where nothing can be compared: a sample without rows, or both shares 0 or both 1.
    """
    if min(before[1], now[1]) == 0:
        return 0.0, 1.0
    share = (before[0] + now[0]) / (before[1] + now[1])
    rows = 1 / before[1] + 1 / now[1]
    error = math.sqrt(share * (1 - share) * rows)
    if error == 0.0:
        return 0.0, 1.0
    difference = now[0] / now[1] - before[0] / before[1]
    size = max(0.0, abs(difference) - (rows / 2 if corrected else 0.0))
    z = math.copysign(size / error, difference) if size else 0.0
    return z, two_sided(z)


def two_sample_chi_square(before: Floats, now: Floats) -> tuple[float, int]:
    """Compare two vectors of counts by cell: Pearson's statistic and its degrees of freedom, 0 where there is no test.

    Cells that are expected to have fewer than five rows of either sample are pooled. Which ones follows from both
    samples together, so that the choice itself favours neither.
    """
    rows = float(before.sum()), float(now.sum())
    if min(rows) == 0:
        return 0.0, 0
    both = before + now
    smaller = min(rows) / sum(rows)
    enough = both * smaller >= EXPECTED_COUNT
    rest = (before[~enough].sum(), now[~enough].sum())
    cells = np.stack((before[enough], now[enough]))
    if 0 < sum(rest) * smaller < EXPECTED_COUNT and cells.shape[1]:
        cells[:, cells.sum(axis=0).argmin()] += rest
    elif sum(rest):
        cells = np.column_stack((cells, rest))
    if cells.shape[1] <= 1:
        return 0.0, 0
    expected = cells.sum(axis=0) / sum(rows)
    statistic = ((cells[0] - rows[0] * expected) ** 2 / (rows[0] * expected)).sum()
    statistic += ((cells[1] - rows[1] * expected) ** 2 / (rows[1] * expected)).sum()
    return float(statistic), cells.shape[1] - 1


def bonferroni(p_values: Sequence[float]) -> float:
    """Combine the tests of one hypothesis: the smallest p-value times their number, at most 1; 1 without any."""
    return min(1.0, min(p_values) * len(p_values)) if p_values else 1.0


def holm(p_values: Sequence[float], hypotheses: int | None = None) -> tuple[float, ...]:
    """Adjust the p-values of many hypotheses, in their order (Holm, Scandinavian Journal of Statistics 6(2), 1979).

    Calling those below a level false is wrong about any of them with at most that probability. ``hypotheses``: their
    number where some were left out as the least likely; at least as many as there are p-values.
    """
    many = len(p_values) if hypotheses is None else hypotheses
    adjusted = [1.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (many - rank) * p_values[place]))
        adjusted[place] = largest
    return tuple(adjusted)
