"""Fitted estimators with what says their log-odds: put together, held against each other, calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from handlers import estimators
from handlers.domain import blending, calibration
from handlers.domain.calibration import Calibration
from handlers.domain.scorecard import Scorecard
from handlers.domain.scorer import PipelineScorer, Scorer
from handlers.estimators import Fitted, pipelines

if TYPE_CHECKING:
    import pandas as pd

FAITHFUL = 1e-6
"""The largest difference in log-odds that a scorecard may show against its estimator: rounding, nothing else."""


class UnfaithfulScorecard(Exception):
    """A scorecard that differs from the estimator it was written from: a bug of ours, never deployed."""


@dataclass(frozen=True, slots=True, eq=False)
class FittedPart:
    """One estimator fitted on a window, and what says its log-odds: its scorecard, or it itself."""

    fitted: Fitted
    scorer: Scorer


def together(parts: Sequence[FittedPart], frame: pd.DataFrame) -> FittedPart:
    """The mean of parts in log-odds: a scorecard if all of them are, else the pipeline that asks each of them.

    ``frame``: rows with the columns of all parts.
    """
    if len(parts) == 1:
        return parts[0]
    from handlers.estimators.blend import blend

    fitted = blend([part.fitted for part in parts], frame)
    cards = [part.scorer for part in parts if isinstance(part.scorer, Scorecard)]
    if len(cards) == len(parts):
        return FittedPart(fitted, blending.blended(cards, [1 / len(parts)] * len(parts)))
    pairs = tuple(dict.fromkeys(pair for part in parts for pair in estimators.pairs_of(part.scorer)))
    return FittedPart(fitted, pipelines.scorer_of(fitted, frame, pairs))


def calibrated(whole: FittedPart, scale: Calibration, frame: pd.DataFrame, seed: int) -> FittedPart:
    """The same with calibrated log-odds; of a pipeline also with the importance of its columns, by ``seed``."""
    from handlers.estimators.calibrated import calibrated as scaled

    fitted = scaled(whole.fitted, scale, frame)
    if isinstance(whole.scorer, Scorecard):
        return FittedPart(fitted, calibration.calibrated(whole.scorer, scale))
    if not isinstance(whole.scorer, PipelineScorer):
        raise TypeError(f"a {type(whole.scorer).__name__} cannot be calibrated")
    return FittedPart(fitted, pipelines.finished(whole.scorer, fitted, scale, frame, seed))


def require_faithful(name: str, whole: FittedPart, frame: pd.DataFrame) -> None:
    """Raise UnfaithfulScorecard where a scorecard says something else than its estimator, the one of this name."""
    if not isinstance(whole.scorer, Scorecard):
        return
    difference = estimators.faithful(whole.fitted, whole.scorer, frame)
    if not difference <= FAITHFUL:
        raise UnfaithfulScorecard(f"the scorecard of {name} differs from its estimator by {difference:.3g} in log-odds")
