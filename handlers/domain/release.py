"""A release: what is deployed, and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlers.domain.decisions.loss_level import LossLevel
from handlers.domain.decisions.state import Incumbent
from handlers.domain.leakage import Leak
from handlers.domain.reference_sketch import Sketch
from handlers.domain.schema import Schema
from handlers.domain.scorecard import Scorecard
from handlers.domain.scorer import Form, Scorer

Metrics = Mapping[str, float | int | None]


@dataclass(frozen=True, slots=True)
class Release:
    """A release as it was read back: its signature and every hash were checked before any of it was used.

    ``metrics``: those of the recipe on held-out rows before the final refit. ``test``: on ``testdata/``, or None.
    ``reference``: the level of the log loss that it promises. ``incumbent``: its recipe, as the rules see it.
    ``sketch``: of the training window's columns, ``score_sketch``: of the held-out rows' log-odds. ``leaks``: the
    columns of the window that by themselves nearly gave the target away.
    """

    version: int
    provisional: bool
    estimator: str
    scorer: Scorer
    schema: Schema
    metrics: Metrics
    test: Metrics | None
    reference: LossLevel
    incumbent: Incumbent
    sketch: Sketch
    score_sketch: Sketch
    manifest: Mapping[str, Any]
    leaks: tuple[Leak, ...] = ()

    @property
    def form(self) -> Form:
        """What serves it: its scorecard, or a process that holds its fitted pipeline."""
        return self.scorer.form

    @property
    def scorecard(self) -> Scorecard | None:
        """The sum of effects that it is; None for a pipeline, which has no such form."""
        return self.scorer if isinstance(self.scorer, Scorecard) else None
