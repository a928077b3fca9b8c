"""The harm test alone on many files: how often it alarms where nothing has changed, how soon where the loss rises.

One model is fitted on a stream's first files and promises its out-of-fold loss; the files after them are read one after
the other, without any deployment. After an alarm that nothing answers the new level is accepted, as the program does.
The rise of the loss is simulated on scores: rows that become harder to tell apart, their number of leavers unchanged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import KFold

from handlers import estimators
from handlers.domain.decisions import harm, transitions
from handlers.domain.decisions.loss_level import LossLevel, level, losses
from handlers.domain.decisions.recipes import over
from handlers.domain.decisions.state import Incumbent, State
from handlers.domain.learning_settings import DriftSettings, TrainingSettings
from tests.benchmarks.hindsight import SEED, Fits
from tests.benchmarks.streams import Stream

Floats = NDArray[np.float64]

SETTINGS = DriftSettings()
LEARNED = 3
"""The first files, which the model learns from."""
ROWS = 500
PROMISED_ROWS = 1500
QUIET_FILES = 4
"""Files as promised before the loss rises."""
WORLDS = {0.75: (-1.22, 1.0), 0.80: (-1.3, 1.35), 0.85: (-1.45, 1.9)}
"""By ROC AUC: intercept and slope of the log-odds over a normal number, so that about 27% leave."""
_LARGE = 100_000


def alarms(stream: Stream) -> tuple[int, int]:
    """On how many files of a stream the harm test alarms, and how many it read."""
    fits = Fits(stream)
    state = _begin(_promised(fits))
    found = [False]
    for number in range(LEARNED, len(stream.files)):
        said = fits.log_odds(estimators.NAMES, (0, LEARNED - 1), number)
        file = stream.files[number]
        state = read(state, level(losses(file.labels, said), file.clients, seed=SEED))
        found.append(state.path[-1].alarm)
    return sum(found), len(found) - 1


def read(state: State, now: LossLevel) -> State:
    """One more file, to which nothing is answered; the last reading of ``path`` is its own."""
    block = state.units[-1][0] + 1 if state.units else state.since
    state = harm.observe(transitions.add_unit(state, (block,), 0), block, now, SETTINGS)
    if state.path[-1].alarm:
        state = transitions.alarmed(state, harm.changed_at(state), SETTINGS.adapting_blocks)
    return harm.unanswered(harm.settle(state, now, SETTINGS), now)


def _begin(promised: LossLevel) -> State:
    champion = Incumbent(1, over(estimators.NAMES, 1), 1)
    return State(champion=champion, reference=promised, oldest=1, since=2)


def _promised(fits: Fits) -> LossLevel:
    """The blend's losses on the rows that it learns from, each while it was held out."""
    rows = int(fits.starts[LEARNED])
    frame, labels = fits.frame.iloc[:rows], fits.labels[:rows]
    said = np.empty(rows)
    for learned, held in KFold(TrainingSettings().folds, shuffle=True, random_state=SEED).split(frame):
        models = [
            estimators.load(name).fit(frame.iloc[learned], labels[learned], SEED, ()) for name in estimators.NAMES
        ]
        said[held] = np.mean([one.decision_function(frame.iloc[held]) for one in models], axis=0)
    return level(losses(labels, said), np.arange(rows), seed=SEED)


@dataclass(frozen=True, slots=True)
class World:
    """Rows whose scores are right until they are blurred. ``blur``: of the signal, from 0 to 1, after the rise."""

    intercept: float
    slope: float
    blur: float

    def level(self, rng: np.random.Generator, rows: int, *, risen: bool) -> LossLevel:
        """The level of the losses of so many rows."""
        return level(self._losses(rng, rows, self.blur if risen else 0.0), np.arange(rows), seed=SEED)

    def _losses(self, rng: np.random.Generator, rows: int, blur: float) -> Floats:
        seen, other = rng.normal(size=(2, rows))
        true = self.intercept + self.slope * (math.sqrt(1 - blur**2) * seen + blur * other)
        labels = (rng.random(rows) < 1 / (1 + np.exp(-true))).astype(np.int8)
        return losses(labels, self.intercept + self.slope * seen)

    @classmethod
    def rising(cls, auc: float, rise: float) -> World:
        """A world of this ROC AUC whose loss rises by this part of it."""
        intercept, slope = WORLDS[auc]
        before = cls(intercept, slope, 0.0).mean_loss()
        low, high = 0.0, 1.0
        for _ in range(20):
            middle = (low + high) / 2
            if cls(intercept, slope, middle).mean_loss() < (1 + rise) * before:
                low = middle
            else:
                high = middle
        return cls(intercept, slope, (low + high) / 2)

    def mean_loss(self) -> float:
        """Of very many rows, always the same ones, once it has risen."""
        return float(self._losses(np.random.default_rng(0), _LARGE, self.blur).mean())


def delays(world: World, seeds: Iterable[int], most: int) -> Iterator[int]:
    """For each seed the number of files of 500 rows after a rise until one alarms; ``most`` + 1 where none of those
    many does. Where the quiet files before it have alarmed already, the seed says nothing and is left out."""
    for seed in seeds:
        rng = np.random.default_rng(seed)
        state = _begin(world.level(rng, PROMISED_ROWS, risen=False))
        for _ in range(QUIET_FILES):
            state = read(state, world.level(rng, ROWS, risen=False))
        if any(one.alarm for one in state.path):
            continue
        delay = 1
        while delay <= most:
            state = read(state, world.level(rng, ROWS, risen=True))
            if state.path[-1].alarm:
                break
            delay += 1
        yield delay
