"""What plain rules come to on a stream: refitting always, never, when the F1 falls, when ADWIN sees drift.

Which of always refitting on everything or on the last five files, with one estimator alone, is the best on a stream is
known in hindsight only: the lowest of these four losses is what policies are compared with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from handlers import estimators
from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.decisions.recipes import blended
from handlers.domain.metrics import log_losses, measure
from handlers.domain.thresholds import plug_in_threshold
from handlers.estimators import Fitted
from handlers.training import PAIRS_FROM_ROWS
from tests.benchmarks.adwin import Adwin
from tests.benchmarks.streams import Stream

Floats = NDArray[np.float64]
Labels = NDArray[np.int8]
Window = tuple[int, int]
"""The first and the last file that are learned from."""
Trigger = Callable[[Labels, Floats], bool]
"""Whether a file's labels, and the log-odds that were said of them, are a reason to refit."""

LAST = 5
SEED = 1
ALONE = tuple((name, last) for name in estimators.NAMES for last in (None, LAST))
"""The four among which the best is chosen in hindsight: estimator, and how many files it learns from, None for all."""
RULES = ("always", "always:5", "never", "raw_f1", "adwin")


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """What a policy came to. ``losses``: the mean log loss of each file after the first, before it was learned from."""

    losses: Floats
    deployments: int
    alarms: int = 0

    @property
    def loss(self) -> float:
        return float(self.losses.mean())


@dataclass(slots=True, eq=False)
class Fits:
    """Plain fits of the estimators on windows of a stream's files, none of them twice."""

    stream: Stream
    frame: pd.DataFrame = field(init=False)
    labels: Labels = field(init=False)
    starts: NDArray[np.int64] = field(init=False)
    fitted: dict[tuple[str, Window], Fitted] = field(default_factory=dict)

    def __post_init__(self) -> None:
        files = self.stream.files
        self.frame = pd.concat([pd.DataFrame(one.columns) for one in files], ignore_index=True)
        self.labels = np.concatenate([one.labels for one in files])
        self.starts = np.cumsum([0, *(len(one.labels) for one in files)])

    def log_odds(self, names: Sequence[str], window: Window, file: int) -> Floats:
        """What these estimators, fitted on a window, say together of a file's rows, float64[n].

        Raises ValueError where the window has labels of one kind alone.
        """
        rows = self.frame.iloc[self._rows((file, file))]
        return blended([np.asarray(self._fit(name, window).decision_function(rows), np.float64) for name in names])

    def _fit(self, name: str, window: Window) -> Fitted:
        if (name, window) not in self.fitted:
            rows = self._rows(window)
            pairs = None if rows.stop - rows.start >= PAIRS_FROM_ROWS else ()
            self.fitted[name, window] = estimators.load(name).fit(self.frame.iloc[rows], self.labels[rows], SEED, pairs)
        return self.fitted[name, window]

    def _rows(self, window: Window) -> slice:
        return slice(int(self.starts[window[0]]), int(self.starts[window[1] + 1]))


def alone(fits: Fits) -> dict[str, Course]:
    """The four policies among which the best is chosen in hindsight, by name."""
    return {
        name if last is None else f"{name}, last {last}": _course(fits, (name,), lambda *_: True, last)
        for name, last in ALONE
    }


def rules(fits: Fits) -> dict[str, Course]:
    """What ``RULES`` come to, both estimators blended."""
    found = {
        "always": _course(fits, estimators.NAMES, lambda *_: True, None),
        "always:5": _course(fits, estimators.NAMES, lambda *_: True, LAST),
        "never": _course(fits, estimators.NAMES, lambda *_: False, None),
        "raw_f1": _course(fits, estimators.NAMES, falling_f1(), None),
        "adwin": _course(fits, estimators.NAMES, errors_rise(), LAST),
    }
    for steady in ("always", "always:5"):  # they refit without any reason: that is no alarm
        found[steady] = Course(found[steady].losses, found[steady].deployments)
    return found


def falling_f1() -> Trigger:
    """The original exercise: the F1 is below that of the file before."""
    last = 0.0

    def falls(labels: Labels, log_odds: Floats) -> bool:
        nonlocal last
        said = probabilities_of(log_odds)
        before, last = last, measure(labels, said, plug_in_threshold(said)).f1
        return last < before

    return falls


def errors_rise() -> Trigger:
    """ADWIN sees that more rows are on the wrong side of one half; a drop of the errors is no reason."""
    window = Adwin()

    def rises(labels: Labels, log_odds: Floats) -> bool:
        wrong = ((log_odds >= 0) != (labels == 1)).astype(int).tolist()
        return sum(window.add(one) for one in wrong) > 0  # any() would leave the rest of the file out

    return rises


def _course(fits: Fits, names: Sequence[str], trigger: Trigger, last: int | None) -> Course:
    """Score each file, then refit on everything, or on the last files, where there is a reason."""
    window, losses, deployments = (0, 0), [], 0
    for number, file in enumerate(fits.stream.files[1:], start=1):
        log_odds = fits.log_odds(names, window, number)
        losses.append(float(log_losses(file.labels, probabilities_of(log_odds)).mean()))
        if trigger(file.labels, log_odds):
            window = (0 if last is None else max(0, number + 1 - last), number)
            deployments += 1
    return Course(np.array(losses), deployments, deployments)
