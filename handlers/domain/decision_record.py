"""A decision as a value: what was seen, weighed and done, with one sentence that a manager can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from handlers.domain.divergence import ColumnDrift
from handlers.domain.retraining import Retraining

NAMES = {"logistic": "logistic regression", "explainable_boosting": "boosting machine"}


@dataclass(frozen=True, slots=True)
class Decided:
    """What a decision has come to. ``before``: the version that was current; ``after``: the one that is now."""

    retraining: Retraining
    before: int | None
    after: int | None
    estimator: str | None
    candidates: Sequence[Mapping[str, Any]]
    drift: Sequence[ColumnDrift]

    @property
    def verdict(self) -> str:
        """``promoted``, ``kept``, or ``collected`` while there is no model at all."""
        if self.after is None:
            return "collected"
        return "promoted" if self.after != self.before else "kept"


def sentence(decided: Decided) -> str:
    """Why the model was changed or kept."""
    retraining = decided.retraining
    columns = [one.name for one in decided.drift if one.alert]
    drifted = f" Columns that have shifted: {', '.join(columns)}." if columns else ""
    if decided.verdict == "promoted":
        name = NAMES.get(decided.estimator or "", str(decided.estimator))
        what = f"Model {decided.after} ({name}) was deployed. {retraining.sentence}{_gain(decided)}"
        return what + drifted
    if decided.verdict == "collected":
        return f"There is no model yet. {retraining.sentence}"
    if not retraining.train:
        return f"Model {decided.before} was kept. {retraining.sentence}{drifted}"
    kept = f"Model {decided.before} was kept: no challenger is better beyond doubt."
    return f"{kept} {retraining.sentence}{_gain(decided)}{drifted}"


def document(decided: Decided, policy: str, metrics: Mapping[str, Any] | None) -> dict[str, Any]:
    """The record, as the ledger and the release keep it. ``metrics``: the champion's on the block, or None."""
    return {
        "sentence": sentence(decided),
        "policy": policy,
        "trigger": decided.retraining.trigger,
        "reason": decided.retraining.sentence,
        "statistics": dict(decided.retraining.statistics),
        "candidates": [dict(one) for one in decided.candidates],
        "model_version": decided.after,
        "champion_before": decided.before,
        "metrics": None if metrics is None else dict(metrics),
        "shifted_columns": [one.name for one in decided.drift if one.alert],
    }


def _gain(decided: Decided) -> str:
    shown = [one for one in decided.candidates if "gain" in one and one["gain"] != 0.0]
    if decided.verdict == "promoted":
        shown = [one for one in shown if one["estimator"] == decided.estimator]
    if not shown:
        return ""
    best = max(shown, key=lambda one: float(one["gain"]))
    champion_loss = best["log_loss"] + best["gain"]
    gain, low, high = (100 * float(best[key]) / champion_loss for key in ("gain", "low", "high"))
    span = _span(gain, low, high)
    if decided.verdict == "promoted":
        return f" Its log loss on {best['rows']:,} held-out rows is {span}."
    return f" The best challenger's log loss on {best['rows']:,} held-out rows was {span}."


def _span(gain: float, low: float, high: float) -> str:
    """Percents as a person says them: 1.6% lower (0.8% to 2.5%), or 0.8% lower (0.3% higher to 2.0% lower)."""
    if (gain >= 0) == (low >= 0) == (high >= 0):
        return f"{_percent(gain)} ({min(abs(low), abs(high)):.1f}% to {max(abs(low), abs(high)):.1f}%)"
    return f"{_percent(gain)} ({_percent(low)} to {_percent(high)})"


def _percent(lower: float) -> str:
    return f"{abs(lower):.1f}% {'lower' if lower >= 0 else 'higher'}"
