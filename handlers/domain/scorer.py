"""What says how likely clients are to leave: a scorecard, or a fitted pipeline that cannot be written down as one."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, Protocol

import numpy as np

from handlers.domain.axes import CodedColumns, Columns, Floats
from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.scorecard import IDENTITY, Calibration, Feature

Form = Literal["scorecard", "pipeline"]
Pairs = tuple[tuple[str, str], ...]
Categories = Mapping[str, frozenset[str | None]]
"""For each category column what was learned from: its categories, and None for missing."""
Say = Callable[[Columns], Floats]
"""The log-odds of leaving that a fitted pipeline gives, float64[n]."""


@dataclass(frozen=True, slots=True)
class Opener:
    """From a release's version and its ``model.joblib``, whose signature has held, to what that says.

    ``reads_model``: the bytes are used; where they are not, they need not be held in memory.
    """

    say: Callable[[int, bytes], Say]
    reads_model: bool = False

    def __call__(self, version: int, model: bytes) -> Say:
        """What the pipeline of this release says."""
        return self.say(version, model)


class Scorer(Protocol):
    """What decisions and answers ask of a model. ``Scorecard`` is one; all methods take columns of n rows."""

    @property
    def form(self) -> Form: ...
    @property
    def features(self) -> tuple[Feature, ...]: ...
    @property
    def threshold(self) -> float: ...
    @property
    def calibration(self) -> Calibration: ...
    @property
    def categories(self) -> Categories: ...
    def log_odds(self, columns: CodedColumns) -> Floats: ...
    def probabilities(self, columns: CodedColumns) -> Floats: ...
    def with_threshold(self, threshold: float) -> Scorer: ...


class NotAnswering(OSError):
    """The process that holds a pipeline gives no answer at the moment; the message says why. The same may succeed
    later."""

    def __init__(self, message: str) -> None:
        super().__init__(errno.EAGAIN, message)

    def __str__(self) -> str:
        return str(self.strerror)


class EstimatorFailed(Exception):
    """An estimator of the user's own raised an exception; the message says of which type, and where."""


@dataclass(frozen=True, slots=True, eq=False)
class PipelineScorer:
    """A fitted pipeline, asked through ``say``, which answers calibrated log-odds; ``calibration`` is what is in them.

    ``importance``: by column the mean change of the log-odds when its values are shuffled; ``pairs``: of columns that
    its parts have effects of. Raises NotAnswering and EstimatorFailed.
    """

    form: ClassVar[Form] = "pipeline"
    features: tuple[Feature, ...]
    threshold: float
    say: Say
    calibration: Calibration = IDENTITY
    categories: Categories = field(default_factory=dict)
    importance: Mapping[str, float] = field(default_factory=dict)
    pairs: Pairs = ()

    def log_odds(self, columns: CodedColumns) -> Floats:
        """Give the log-odds of leaving, float64[n]."""
        return self.say({feature.name: np.asarray(columns[feature.name]) for feature in self.features})

    def probabilities(self, columns: CodedColumns) -> Floats:
        """Give the probability of leaving, float64[n]."""
        return probabilities_of(self.log_odds(columns))

    def with_threshold(self, threshold: float) -> PipelineScorer:
        """Give the same scorer with another threshold, in [0, 1]."""
        return replace(self, threshold=threshold)


def _silent(version: int, model: bytes) -> Say:
    def say(columns: Columns) -> Floats:
        raise NotAnswering(f"Model {version} has no scorecard, and there is no process here that holds its pipeline.")

    return say


nobody = Opener(_silent)
"""Where no process holds pipelines: what is known of the release can be read, and it says nothing of clients."""
