"""A decision as a value: what was seen, weighed and done, as it is stored, served, logged and drawn."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from handlers.domain.decision_sentence import Misread, Told, reason, sentence
from handlers.domain.decisions.gains import Compared
from handlers.domain.decisions.requests import Ruling
from handlers.domain.learning_settings import Judging

MOST_FILES = 20
"""So many of a block's files are named in its record."""


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """What a decision has come to. ``before``: the version that was current; ``after``: the one that is now.

    ``rows``: of the block; ``files``: the names of those that brought them; ``metrics``: of the scores that were given
    to people; ``shifted``: columns that alert; ``misread``: where the champion's expectation was wrong; ``held``: a
    sentence for each file that is kept from learning; ``freed``: how many that were are not any more; ``leaks``: a
    sentence for each column that gives the target away.
    """

    settings: Judging
    ruling: Ruling
    before: int | None
    after: int | None
    rows: int
    dataset_version: int
    files: tuple[str, ...] = ()
    metrics: Mapping[str, Any] | None = None
    shifted: tuple[str, ...] = ()
    misread: tuple[Misread, ...] = ()
    held: tuple[str, ...] = ()
    freed: int = 0
    leaks: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """What was done: ``promoted``, ``rolled_back``, ``kept``, or ``collected`` while there is no model at all.

        ``held``: all the block's files were kept from learning.
        """
        if self.ruling.roll_back:
            return "rolled_back"
        if self.after is None:
            return "collected"
        if self.after != self.before:
            return "promoted"
        return "held" if self.held and not self.rows else "kept"

    @property
    def told(self) -> Told:
        """What the sentence is made of."""
        return Told(
            verdict=self.verdict,
            ruling=self.ruling,
            settings=self.settings,
            before=self.before,
            after=self.after,
            shifted=self.shifted,
            misread=self.misread,
            held=self.held,
            freed=self.freed,
            leaks=self.leaks,
        )


def document(decided: Decided) -> dict[str, Any]:
    """The record, as the ledger and the release keep it."""
    ruling = decided.ruling
    best = ruling.best
    return {
        "sentence": sentence(decided.told),
        "policy": decided.settings.drift.policy,
        "trigger": ruling.trigger,
        "reason": reason(ruling),
        "phase": ruling.phase,
        "rows": decided.rows,
        "files": list(decided.files[:MOST_FILES]),
        "dataset_version": decided.dataset_version,
        "statistics": _statistics(decided),
        "candidates": [_candidate(one) for one in ruling.compared],
        "verdict": ruling.verdict,
        "more_rows": None if best is None else best.more_rows,
        "guard_rails": [breach.sentence for breach in ruling.breaches],
        "model_version": decided.after,
        "champion_before": decided.before,
        "metrics": None if decided.metrics is None else dict(decided.metrics),
        "shifted_columns": list(decided.shifted),
        "misread": [msgspec.to_builtins(one) for one in decided.misread],
        "held": list(decided.held),
        "leaks": list(decided.leaks),
    }


def _statistics(decided: Decided) -> dict[str, float]:
    """The numbers of the harm test beside the thresholds that they were held against."""
    ruling, drift = decided.ruling, decided.settings.drift
    found = dict(ruling.statistics)
    reading = ruling.state.path[-1] if ruling.state.path else None
    if reading is None or ruling.trigger not in ("harm", "evidence", "none") or not ruling.judged:
        return found
    return found | {
        "rows": reading.rows,
        "mean_loss": reading.loss,
        "reference_loss": reading.reference,
        "allowance": drift.allowance,
        "z": reading.z,
        "alarm_z": reading.limit,
        "cusum": reading.cusum,
        "alarm_cusum": reading.cusum_limit,
        "watch_z": reading.watch_z,
        "watch_cusum": reading.watch_cusum,
    }


def _candidate(one: Compared) -> dict[str, Any]:
    """A contender: its window and estimators, its loss, and its gain over the champion with the interval, in parts of
    the champion's loss; ``bound``: what the rule goes by."""
    low, high = one.interval
    return {
        "estimator": one.recipe.estimator,
        "parts": [{"estimator": part.estimator, "first_block": part.first} for part in one.recipe.parts],
        "last_block": one.last,
        "rows": one.sample.size,
        "blocks": one.sample.units,
        "log_loss": one.loss,
        "champion_log_loss": one.champion_loss,
        "gain": one.gain,
        "low": low,
        "high": high,
        "bound": one.low,
        "least_gain": one.least,
        "verdict": one.verdict,
    }
