"""Fitting: parts of recipes on windows of blocks, what they say of rows that are held out, and what is deployed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from handlers import estimators
from handlers.domain import calibration
from handlers.domain.calibration import Calibration
from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.decisions.recipes import Part, Recipe, blended
from handlers.domain.decisions.requests import HeldOut, OutOfFold, Segments, Trial
from handlers.domain.facts import Fact
from handlers.domain.learning_settings import Judging
from handlers.domain.metrics import best_threshold
from handlers.domain.release import Release
from handlers.domain.scorer import Scorer
from handlers.estimators import Fitted, pipelines
from handlers.fitted_parts import FittedPart, calibrated, require_faithful, together
from handlers.segments import segments_of
from handlers.training_window import Window

PAIRS_FROM_ROWS = 2_000
"""Pairs of columns are searched in windows of so many rows; in fewer they are mostly chance."""

T = TypeVar("T")
Pairs = tuple[tuple[str, str], ...]
Read = Callable[[int, int], Window]
"""The labelled rows of the blocks from one number to another."""


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """A recipe that is ready to be deployed: fitted, calibrated, with its threshold.

    ``window``: the rows of its widest part; ``held_out``: labels and calibrated log-odds of the rows of its narrowest
    window, each said by a model that had not learned from it.
    """

    recipe: Recipe
    fitted: Fitted
    scorer: Scorer
    calibration: Calibration
    window: Window
    held_out: HeldOut
    pairs: Pairs
    seconds: float


@dataclass(slots=True, eq=False)
class Memory:
    """What was read for a decision, and what was fitted, with the number of fits that it took.

    Learners may share one if they have the same newest block, the same rows and the same training settings.
    """

    windows: dict[tuple[int, int], Window] = field(default_factory=dict)
    fitted: dict[Hashable, tuple[Any, int]] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Learner:
    """Who fits for a decision, and answers what its rule asks. What was fitted once is not fitted again.

    ``read``: the rows of blocks; ``block``: the number of the newest; ``pairs``: those of the champion, which
    challengers learn without a search; ``fits``: how many this decision takes, those that another learner has left in
    ``memory`` included.
    """

    read: Read
    settings: Judging
    timer: Callable[[], float]
    block: int
    pairs: Pairs = ()
    fits: int = 0
    seconds: float = 0.0
    memory: Memory = field(default_factory=Memory)
    _left_out: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    _counted: set[Hashable] = field(default_factory=set)

    def leave_out(self, rows: NDArray[np.int64]) -> None:
        """Learn nothing from the rows with these numbers, int64[n], whatever is asked from here on."""
        if len(rows):
            self._left_out, self.memory = rows, Memory()

    def window(self, first: int, last: int) -> Window:
        """The labelled rows of these blocks, the newest ``training.max_rows`` of them."""
        windows = self.memory.windows
        if (first, last) not in windows:
            wider = next((one for (a, b), one in windows.items() if a <= first and b >= last), None)
            windows[first, last] = self._read(first, last) if wider is None else wider.between(first, last)
        return windows[first, last].newest(self.settings.training.max_rows)

    def fit(self, part: Part, last: int, pairs: Pairs | None) -> FittedPart:
        """A part on its window, which ends with block ``last``. ``pairs`` None: they are searched."""
        return self._once(
            ("fit", part, last, pairs), lambda: self._fit(part.estimator, self.window(part.first, last), pairs)
        )

    def trial(self, asked: Trial) -> Mapping[Part, NDArray[np.float64]]:
        """Parts that have not seen the newest unit, or only half of it: what they say of its rows, by part."""
        unit = asked.unit
        judged = self.window(unit.blocks[0], unit.blocks[-1])
        said = {}
        for part in asked.parts:
            learned = self._tried(part, asked)
            own = judged.log_odds(learned.scorer)
            # A row whose label was taken back since it was pooled can no longer be read: it says what is usual.
            said[part] = np.full(len(unit.rows), own.mean())
            said[part][np.isin(unit.rows, judged.rows)] = own[np.isin(judged.rows, unit.rows)]
        return said

    def out_of_fold(self, asked: OutOfFold) -> Mapping[Part, HeldOut]:
        """What parts say of the rows of their windows while these are held out."""
        found = {}
        for part in asked.parts:
            pairs = estimators.pairs_of(self.fit(part, self.block, self._searched(part)).scorer)
            found[part] = self._out_of_fold(part, pairs)
        return found

    def segments(self, asked: Segments) -> Mapping[str, NDArray[np.bool_]]:
        """The segments among the rows of these blocks."""
        if not asked.blocks:
            return {}
        window = self.window(min(asked.blocks), max(asked.blocks))
        found = segments_of(window.where(np.isin(window.rows, asked.rows)))
        there = np.isin(asked.rows, window.rows)
        masks = {name: np.zeros(len(asked.rows), dtype=np.bool_) for name in found}
        for name, mask in masks.items():
            mask[there] = found[name]
        return masks

    def train(self, recipe: Recipe) -> Trained:
        """A recipe up to the newest block, ready to be deployed. Raises UnfaithfulScorecard."""
        started = self.timer()
        parts = [self.fit(part, self.block, self._searched(part)) for part in recipe.parts]
        pairs = tuple(pair for part in parts for pair in estimators.pairs_of(part.scorer))
        held_out = self._held_out_of(recipe, parts)
        window = self.window(min(part.first for part in recipe.parts), self.block)
        frame = window.frame({feature.name for part in parts for feature in part.scorer.features})
        whole = together(parts, frame)
        require_faithful(recipe.estimator, whole, frame)
        scale = calibration.fit(held_out.log_odds, held_out.labels)
        said = HeldOut(held_out.labels, held_out.clients, scale.intercept + scale.slope * held_out.log_odds)
        scaled = calibrated(whole, scale, frame, self.settings.training.seed)
        scorer = scaled.scorer.with_threshold(self._threshold(said))
        spent = self.timer() - started
        return Trained(recipe, scaled.fitted, scorer, scale, window, said, pairs, spent)

    def _threshold(self, said: HeldOut) -> float:
        """The probability from which a client is predicted to leave; too few rows leave it at one half."""
        wanted, training = self.settings.promotion.threshold, self.settings.training
        if wanted != "f1":
            return float(wanted)
        rare = min(int((said.labels == 1).sum()), int((said.labels == 0).sum()))
        if len(said.labels) < training.minimum_rows or rare < training.minimum_rare:
            return 0.5
        return best_threshold(said.labels, probabilities_of(said.log_odds))

    def _held_out_of(self, recipe: Recipe, parts: Sequence[FittedPart]) -> HeldOut:
        """The rows of the narrowest window, with what the recipe said of each while it was held out."""
        found = [
            self._out_of_fold(part, estimators.pairs_of(one.scorer))
            for part, one in zip(recipe.parts, parts, strict=True)
        ]
        rows = min(len(one.labels) for one in found)
        narrow = min(found, key=lambda one: len(one.labels))
        return HeldOut(narrow.labels, narrow.clients, blended([one.log_odds[-rows:] for one in found]))

    def _searched(self, part: Part) -> Pairs | None:
        """Pairs are searched once for a release, where there are rows enough."""
        return None if len(self.window(part.first, self.block).labels) >= PAIRS_FROM_ROWS else ()

    def _out_of_fold(self, part: Part, pairs: Pairs) -> HeldOut:
        return self._once(("out of fold", part, self.block, pairs), lambda: self._held_out(part, pairs))

    def _held_out(self, part: Part, pairs: Pairs) -> HeldOut:
        window = self.window(part.first, self.block)
        folds = _folds(window.clients, self.settings.training.folds, self.settings.training.seed)
        log_odds = np.full(len(window.labels), np.nan)
        for fold in range(self.settings.training.folds):
            judged = folds == fold
            if judged.any():
                log_odds[judged] = self._fit_and_say(part.estimator, window, judged, pairs)
        return HeldOut(window.labels, window.clients, log_odds)

    def _tried(self, part: Part, asked: Trial) -> FittedPart:
        """A part that has learned from the blocks before the unit, and from its half where that is asked."""
        unit = asked.unit
        learned = unit.rows[~unit.held_half] if asked.half else np.empty(0, dtype=np.int64)

        def fitted() -> FittedPart:
            window = self.window(min(part.first, unit.blocks[0]), unit.blocks[-1])
            seen = (window.blocks >= part.first) & (window.blocks < unit.blocks[0])
            return self._fit(part.estimator, window.where(seen | np.isin(window.rows, learned)), self.pairs)

        return self._once(("trial", part, unit.blocks, learned.tobytes(), self.pairs), fitted)

    def _once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is there under this key, or is made now. Its fits count once for each learner that needs them."""
        if key not in self.memory.fitted:
            before = self.fits
            made = make()
            self.memory.fitted[key] = made, self.fits - before
            self._counted.add(key)
            return made
        found, fits = self.memory.fitted[key]
        if key not in self._counted:
            self._counted.add(key)
            self.fits += fits
        return cast("T", found)

    def _read(self, first: int, last: int) -> Window:
        found = self.read(first, last)
        return found.where(~np.isin(found.rows, self._left_out)) if len(self._left_out) else found

    def _fit_and_say(
        self, estimator: str, window: Window, judged: NDArray[np.bool_], pairs: Pairs
    ) -> NDArray[np.float64]:
        labels = window.labels[~judged]
        if len(labels) == 0 or labels.min() == labels.max():
            # One class is nothing to learn from: the share of leavers, with one of each added (Laplace's rule).
            share = (float((labels == 1).sum()) + 1.0) / (len(labels) + 2.0)
            return np.full(int(judged.sum()), np.log(share / (1 - share)))
        learned = self._fit(estimator, window.where(~judged), pairs)
        return window.where(judged).log_odds(learned.scorer)

    def _fit(self, estimator: str, window: Window, pairs: Pairs | None) -> FittedPart:
        started = self.timer()
        frame = window.frame()
        there = None if pairs is None else tuple(pair for pair in pairs if set(pair) <= set(frame.columns))
        recipe = estimators.load(estimator)
        fitted = recipe.fit(frame, window.labels, self.settings.training.seed, there)
        scorer: Scorer | None = recipe.scorecard(fitted, frame)
        if scorer is None:
            scorer = pipelines.scorer_of(fitted, frame)
        self.fits += 1
        self.seconds += self.timer() - started
        return FittedPart(fitted, scorer)


def learner(read: Read, settings: Judging, timer: Callable[[], float], block: int, champion: Release | None) -> Learner:
    """Who fits for a decision: challengers learn the champion's pairs of columns."""
    pairs = () if champion is None else estimators.pairs_of(champion.scorer)
    return Learner(read=read, settings=settings, timer=timer, block=block, pairs=pairs)


def fact(decision: int, trained: Trained) -> Fact:
    """What the log says of a recipe that is ready to be deployed."""
    fields = {"decision": decision, "estimator": trained.recipe.estimator, "rows": len(trained.window.labels)}
    return Fact("model.trained", {**fields, "seconds": round(trained.seconds, 3)})


def _folds(clients: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of each row: those of a client are held out together, so that a client is never recognised."""
    codes, places = np.unique(clients, return_inverse=True)
    return (np.random.default_rng(seed).permutation(len(codes)) % folds)[places]
