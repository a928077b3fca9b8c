"""How far the rows of a block are from the champion's training window. A diagnosis: it decides nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers.domain.decision_sentence import Misread
from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.decisions.units import Unit
from handlers.domain.divergence import ColumnDrift, LabelRate, compare, label_rate
from handlers.domain.effects import effect_range
from handlers.domain.facts import Fact
from handlers.domain.misfit import Judged, misfit
from handlers.domain.reference_sketch import Tally, tally
from handlers.domain.release import Release
from handlers.domain.scorecard import Scorecard
from handlers.domain.scorer import PipelineScorer, Scorer
from handlers.scoring_columns import columns_of
from handlers.training_window import Window

SCORE = "score"
"""The name under which the drift of the scores themselves is told, as if they were a column."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Of n rows against the training window of model ``version``: each feature, those that moved most and matter most
    first; the scores; the share of leavers, where there are labels."""

    version: int
    rows: int
    columns: tuple[ColumnDrift, ...]
    score: ColumnDrift
    labels: LabelRate | None

    @property
    def shifted(self) -> tuple[str, ...]:
        """The columns that alert."""
        return tuple(one.name for one in self.columns if one.alert)

    def document(self, **where: Any) -> dict[str, Any]:
        """As the ledger keeps it and the API shows it. ``where``: the decision, or the file, that it is about."""
        return {
            **where,
            "model_version": self.version,
            "rows": self.rows,
            "columns": [one.as_dict() for one in self.columns],
            "score": self.score.as_dict(),
            "label_rate": None if self.labels is None else msgspec.to_builtins(self.labels),
        }

    def fact(self, **where: Any) -> Fact:
        """What the log says: the columns that alert, and the largest index."""
        fields = {"model_version": self.version, "rows": self.rows, "alerts": list(self.shifted)}
        return Fact("drift.scored", {**where, **fields, "largest_psi": round(max(one.psi for one in self.columns), 4)})


def diagnose(release: Release, window: Window, unit: Unit) -> Diagnosis:
    """The drift of labelled rows, at least one; ``unit``: what was said of them."""
    columns = columns_of(window.table, release.scorer.features)
    counted = tally(release.sketch, columns)
    said = unit.said[release.incumbent.scorer]
    return of_tally(release, counted, said, (len(window.labels), window.positives))


def of_tally(
    release: Release, counted: Tally, log_odds: NDArray[np.float64], labels: tuple[int, int] | None
) -> Diagnosis:
    """The drift of rows that were counted, with what the release said of them; ``labels``: rows and leavers."""
    found = compare(release.sketch, counted, importance(release.scorer))
    metrics = release.metrics
    before = (int(metrics["rows"] or 0), int(metrics["positives"] or 0))
    rate = None if labels is None or not before[0] else label_rate(before, labels)
    return Diagnosis(release.version, len(log_odds), found, _score_drift(release, log_odds), rate)


def misread(release: Release, window: Window, unit: Unit, usual: tuple[Window, Unit] | None) -> tuple[Misread, ...]:
    """Where the champion expected another number of leavers than there were; ``usual``: rows from before."""
    features, scorer = release.scorer.features, release.incumbent.scorer
    before = None
    if usual is not None and scorer in usual[1].said and len(usual[0].labels) == len(usual[1].labels):
        said = probabilities_of(usual[1].said[scorer])
        before = Judged(columns_of(usual[0].table, features), usual[0].labels, said)
    columns = columns_of(window.table, features)
    said = probabilities_of(unit.said[scorer])
    found = misfit(release.sketch, columns, window.labels, said, usual=before)
    return tuple(
        Misread(one.columns, one.worst.label, one.worst.rows, one.worst.promised, one.worst.observed)
        for one in found.named
    )


def importance(scorer: Scorer) -> Mapping[str, float]:
    """How much each column can matter, in log-odds: the sum of the effect ranges of the terms that read it, or what
    shuffling its values changes. Where neither is known all matter as much."""
    if isinstance(scorer, PipelineScorer):
        return scorer.importance
    ranges = {feature.name: 0.0 for feature in scorer.features}
    for term in scorer.terms if isinstance(scorer, Scorecard) else ():
        for column in term.columns:
            ranges[column] += effect_range(term)
    return ranges


def _score_drift(release: Release, log_odds: NDArray[np.float64]) -> ColumnDrift:
    """The drift of the scores against those of the held-out rows."""
    return compare(release.score_sketch, tally(release.score_sketch, {SCORE: log_odds}), {})[0]
