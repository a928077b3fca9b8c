"""A release: what is deployed, and what is known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handlers.domain.schema import Schema
from handlers.domain.scorecard import Scorecard

Metrics = Mapping[str, float | int | None]


@dataclass(frozen=True, slots=True)
class Release:
    """A release as it was read back: its signature and every hash were checked before any of it was used.

    ``metrics``: those of the recipe on held-out rows before the final refit. ``test``: on ``testdata/``, or None.
    ``reference``: mean, variance (per row) and number of the held-out log losses, which later losses are held against.
    ``sketch``: the training window, as ``handlers.domain.divergence`` writes it.
    """

    version: int
    provisional: bool
    estimator: str
    scorecard: Scorecard
    schema: Schema
    metrics: Metrics
    test: Metrics | None
    reference: Mapping[str, float]
    sketch: Mapping[str, Any]
    manifest: Mapping[str, Any]
