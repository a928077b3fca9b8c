"""What a better loss must not be paid with: F1, order, calibration, and the loss of any one segment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from handlers.domain.decisions.bootstrap import standard_errors
from handlers.domain.decisions.loss_level import losses
from handlers.domain.decisions.units import Sample
from handlers.domain.learning_settings import PromotionSettings
from handlers.domain.metrics import measure
from handlers.domain.thresholds import plug_in_threshold

Floats = NDArray[np.float64]

DRAWS = 100
"""Bootstrap samples for the error of a difference of two scores."""
MOST_ROWS = 10_000
"""At most so many of the newest rows are drawn from: beyond them a difference that matters is beyond chance anyway."""
SURE_Z = 1.64
"""A score is worse beyond chance where it is by so many standard errors: 95%, one-sided."""


@dataclass(frozen=True, slots=True)
class Breach:
    """A score that a challenger would make worse: ``now`` is the champion's, ``then`` would be the challenger's."""

    score: str
    now: float
    then: float
    limit: float

    @property
    def sentence(self) -> str:
        """What it is, for people."""
        return f"its {self.score} would be {self.then:.3f} instead of {self.now:.3f}"


def breaches(
    sample: Sample,
    champion: Floats,
    challenger: Floats,
    segments: Mapping[str, NDArray[np.bool_]],
    settings: tuple[PromotionSettings, int],
) -> tuple[Breach, ...]:
    """The scores that would get worse beyond their limit and beyond chance, on n rows; log-odds float64[n].

    ``settings``: the limits, and the seed of the bootstrap. F1 is that of each model's plug-in threshold.
    """
    limits, seed = settings
    scored = _Scored.of(sample, champion, challenger)
    found = []
    for name, score, limit, sign in (
        ("F1", _f1, limits.max_f1_drop, 1.0),
        ("ROC AUC", _auc, limits.max_auc_drop, 1.0),
        ("calibration error", _calibration, limits.max_calibration_rise, -1.0),
    ):
        drop = scored.drop(score, sign, limit, seed)
        if drop is not None:
            found.append(Breach(name, drop[0], drop[1], limit))
    found += _segments(sample, champion, challenger, segments, limits)
    return tuple(found)


@dataclass(frozen=True, slots=True, eq=False)
class _Scored:
    labels: NDArray[np.int8]
    clients: NDArray[np.int64]
    now: tuple[Floats, float]
    then: tuple[Floats, float]

    @classmethod
    def of(cls, sample: Sample, champion: Floats, challenger: Floats) -> _Scored:
        newest = slice(-MOST_ROWS, None)
        said = [1 / (1 + np.exp(-np.clip(one[newest], -700, 700))) for one in (champion, challenger)]
        pairs = [(one, plug_in_threshold(one)) for one in said]
        return cls(sample.labels[newest], sample.clients[newest], pairs[0], pairs[1])

    def drop(self, score: Score, sign: float, limit: float, seed: int) -> tuple[float, float] | None:
        """Both scores where the challenger's is worse by more than the limit and by more than chance."""
        everything = np.arange(len(self.labels))
        now, then = (score(self.labels, *said) for said in (self.now, self.then))
        if now is None or then is None or sign * (now - then) <= limit:
            return None
        drawn = [self._difference(score, sign, everything[chosen]) for chosen in self._samples(seed)]
        error = float(np.std([one for one in drawn if one is not None], ddof=1))
        return (now, then) if sign * (now - then) > SURE_Z * error else None

    def _difference(self, score: Score, sign: float, rows: NDArray[np.int64]) -> float | None:
        now, then = (score(self.labels[rows], said[rows], threshold) for said, threshold in (self.now, self.then))
        return None if now is None or then is None else sign * (now - then)

    def _samples(self, seed: int) -> list[NDArray[np.int64]]:
        codes = np.unique(self.clients, return_inverse=True)[1]
        order = np.argsort(codes, kind="stable")
        ends = np.cumsum(np.bincount(codes))
        pieces = np.split(order, ends[:-1])
        generator = np.random.default_rng(seed)
        return [
            np.concatenate([pieces[client] for client in generator.integers(0, len(pieces), len(pieces)).tolist()])
            for _ in range(DRAWS)
        ]


Score = Callable[[NDArray[np.int8], Floats, float], float | None]


def _f1(labels: NDArray[np.int8], probabilities: Floats, threshold: float) -> float | None:
    return measure(labels, probabilities, threshold).f1


def _auc(labels: NDArray[np.int8], probabilities: Floats, threshold: float) -> float | None:
    return measure(labels, probabilities, threshold).roc_auc


def _calibration(labels: NDArray[np.int8], probabilities: Floats, threshold: float) -> float | None:
    return measure(labels, probabilities, threshold).calibration_error


def _segments(
    sample: Sample,
    champion: Floats,
    challenger: Floats,
    segments: Mapping[str, NDArray[np.bool_]],
    limits: PromotionSettings,
) -> list[Breach]:
    """Segments whose loss would rise. All are tested at once: the error counts as often as there are segments."""
    own, others = losses(sample.labels, champion), losses(sample.labels, challenger)
    tested = {name: rows for name, rows in segments.items() if int(rows.sum()) >= limits.segment_rows}
    surely = _bonferroni_z(max(len(tested), 1))
    found = []
    for name, rows in tested.items():
        rise = others[rows] - own[rows]
        error = float(standard_errors(rise[:, None], sample.clients[rows], seed=0)[0])
        before = max(float(own[rows].mean()), 1e-12)
        if rise.mean() > limits.max_segment_rise * before and rise.mean() > surely * error:
            now, then = float(own[rows].mean()), float(others[rows].mean())
            found.append(Breach(f"loss for {name}", now, then, limits.max_segment_rise))
    return found


def _bonferroni_z(tests: int) -> float:
    """The 1 - 0.05 / tests quantile of the normal distribution."""
    from statistics import NormalDist

    return NormalDist().inv_cdf(1 - 0.05 / tests)
