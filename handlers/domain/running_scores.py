"""The scores of all rows that were ever judged, kept as counts: a decision adds its rows, however many came before.

Sums are exact. The order of rows is known to a bin of 0.007 in log-odds, within which ties count one half: the ROC AUC
is off by less than 0.001, and so is the calibration error.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers.domain.metrics import BINS as CALIBRATION_BINS
from handlers.domain.metrics import PROBABILITY_FLOOR, log_losses

Floats = NDArray[np.float64]

BINS = 2_000
"""Of the log-odds between those of the probabilities .001 and .999; what is beyond counts as if it were there."""

_REACH = float(np.log((1 - PROBABILITY_FLOOR) / PROBABILITY_FLOOR))
_MIDDLES = (np.arange(BINS) + 0.5) / BINS * 2 * _REACH - _REACH


class RunningScores(msgspec.Struct, frozen=True):
    """Counts and sums. ``left`` and ``stayed``: the rows of each label by the bin of what was said of them."""

    tp: int = 0
    fp: int = 0
    fn: int = 0
    tn: int = 0
    log_loss: float = 0.0
    brier: float = 0.0
    left: tuple[int, ...] = ()
    stayed: tuple[int, ...] = ()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.tp + self.fp + self.fn + self.tn

    def with_rows(
        self, labels: NDArray[np.integer], probabilities: Floats, predictions: NDArray[np.integer]
    ) -> RunningScores:
        """With n more rows: labels and predictions of 1 (left) and 0 (stayed), probabilities in [0, 1]."""
        left, predicted = labels == 1, predictions == 1
        sure = np.clip(probabilities, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
        places = ((np.log(sure / (1 - sure)) + _REACH) / (2 * _REACH) * BINS).astype(np.int64).clip(0, BINS - 1)
        return RunningScores(
            tp=self.tp + int((predicted & left).sum()),
            fp=self.fp + int((predicted & ~left).sum()),
            fn=self.fn + int((~predicted & left).sum()),
            tn=self.tn + int((~predicted & ~left).sum()),
            log_loss=self.log_loss + float(log_losses(labels, probabilities).sum()),
            brier=self.brier + float(((probabilities - left) ** 2).sum()),
            left=_added(self.left, places[left]),
            stayed=_added(self.stayed, places[~left]),
        )

    def metrics(self) -> dict[str, Any]:
        """The scores by name, as ``Metrics`` has them. Raises ValueError where there are no rows."""
        if not self.rows:
            raise ValueError("there are no rows to score")
        positives = self.tp + self.fn
        return {
            "rows": self.rows,
            "positives": positives,
            "f1": _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn),
            "precision": _ratio(self.tp, self.tp + self.fp),
            "recall": _ratio(self.tp, positives),
            "accuracy": (self.tp + self.tn) / self.rows,
            "roc_auc": self._roc_auc(),
            "log_loss": self.log_loss / self.rows,
            "brier": self.brier / self.rows,
            "calibration_error": self._calibration_error(),
            "tn": self.tn,
            "fp": self.fp,
            "fn": self.fn,
            "tp": self.tp,
        }

    def _roc_auc(self) -> float | None:
        """The share of pairs of a leaver and a stayer in which the leaver's bin is higher, ties one half."""
        left, stayed = np.array(self.left, dtype=np.float64), np.array(self.stayed, dtype=np.float64)
        pairs = float(left.sum() * stayed.sum())
        below = np.cumsum(stayed) - stayed / 2
        return float(left @ below) / pairs if pairs else None

    def _calibration_error(self) -> float:
        """Over groups of neighbouring bins with about as many rows each: see ``metrics.calibration_error``."""
        left = np.array(self.left, dtype=np.float64)
        rows = left + np.array(self.stayed, dtype=np.float64)
        group = np.minimum((np.cumsum(rows) - rows / 2) * CALIBRATION_BINS // self.rows, CALIBRATION_BINS - 1)
        expected = rows / (1 + np.exp(-_MIDDLES))
        apart = np.bincount(group.astype(np.int64), weights=expected - left, minlength=CALIBRATION_BINS)
        return float(np.abs(apart).sum() / self.rows)


def _added(counts: tuple[int, ...], places: NDArray[np.int64]) -> tuple[int, ...]:
    more = np.bincount(places, minlength=BINS)
    return tuple((more + np.array(counts, dtype=np.int64) if counts else more).tolist())


def _ratio(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
