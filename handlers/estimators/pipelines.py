"""Fitted pipelines that have no scorecard: what they say of columns, and how much each column matters to them."""

from __future__ import annotations

import io
import threading
import traceback
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from handlers.domain.axes import Columns, Floats
from handlers.domain.calibration import Calibration
from handlers.domain.scorecard import Feature
from handlers.domain.scorer import EstimatorFailed, Opener, Pairs, PipelineScorer, Say
from handlers.estimators.frames import columns_of, features_of

if TYPE_CHECKING:
    import pandas as pd

    from handlers.estimators import Fitted

IMPORTANCE_ROWS = 1_000
"""So many rows of the window tell what a column matters; more would only cost."""


def scorer_of(fitted: Fitted, frame: pd.DataFrame, pairs: Pairs = ()) -> PipelineScorer:
    """What a fitted pipeline says; ``frame``: rows with its columns; ``pairs``: those that its parts have."""
    features = features_of(frame)
    categories: dict[str, frozenset[str | None]] = {
        feature.name: frozenset([*frame[feature.name].dropna().unique().tolist(), None])
        for feature in features
        if not feature.numeric
    }
    return PipelineScorer(features, 0.5, _saying(fitted), categories=categories, pairs=pairs)


def finished(
    scorer: PipelineScorer, fitted: Fitted, calibration: Calibration, frame: pd.DataFrame, seed: int
) -> PipelineScorer:
    """The scorer of the calibrated pipeline, with the importance of its columns over rows of ``frame``."""
    new = replace(scorer, say=_saying(fitted), calibration=calibration)
    return replace(new, importance=_importance(new, frame, seed))


def _opened(version: int, model: bytes) -> Say:
    lock = threading.Lock()
    stored, found = [model], list[Say]()

    def say(columns: Columns) -> Floats:
        with lock:
            if not found:
                import joblib

                try:
                    fitted = joblib.load(io.BytesIO(stored[0]))
                except Exception as error:  # a class that is no longer there, or is another one by now
                    raise EstimatorFailed(f"it cannot be opened: {type(error).__name__}: {error}") from error
                found.append(_saying(fitted))
                stored.clear()
        return found[0](columns)

    return say


opened = Opener(_opened, reads_model=True)
"""It is unpickled in this process when it is first asked: whoever calls has verified the bytes."""


def frame_of(columns: Columns) -> pd.DataFrame:
    """Columns as the estimators learned from them: float64 with NaN, and objects with None, for missing."""
    import pandas as pd

    return pd.DataFrame({name: pd.Series(values, dtype=values.dtype) for name, values in columns.items()})


def _saying(fitted: Fitted) -> Say:
    def say(columns: Columns) -> Floats:
        frame = frame_of(columns)
        if not len(frame):
            return np.empty(0)
        try:
            said = np.asarray(fitted.decision_function(frame), dtype=np.float64)
        except Exception as error:
            raise EstimatorFailed(f"the estimator raised {type(error).__name__}{_place(error)}") from error
        if said.shape != (len(frame),) or not np.isfinite(said).all():
            raise EstimatorFailed("the estimator gave probabilities that are none")
        return said

    return say


def _place(error: Exception) -> str:
    """Where it was raised: its message could hold what a client's row holds."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""


def _importance(scorer: PipelineScorer, frame: pd.DataFrame, seed: int) -> Mapping[str, float]:
    """Shuffle each column in turn: the mean absolute change of the log-odds (Breiman's permutation importance, of what
    is said rather than of its error, so that it is in the unit of a scorecard's effects)."""
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(frame))[:IMPORTANCE_ROWS]
    columns = {name: values[rows] for name, values in columns_of(frame).items()}
    said = scorer.log_odds(columns)

    def change(feature: Feature) -> float:
        shuffled = {**columns, feature.name: rng.permutation(columns[feature.name])}
        return float(np.abs(scorer.log_odds(shuffled) - said).mean())

    return {feature.name: change(feature) for feature in scorer.features}
