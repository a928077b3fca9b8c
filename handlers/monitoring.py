"""Unlabelled rows as they come: how far they lie from what the champion knows, and how good it should be on them."""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import numpy as np
from numpy.typing import NDArray

from handlers.commit_group import Group
from handlers.domain.axes import Columns
from handlers.domain.decisions.loss_level import probabilities_of
from handlers.domain.estimated_performance import estimate
from handlers.domain.quality_gate import GateSettings, breaks
from handlers.domain.reference_sketch import Tally, tally
from handlers.domain.release import Release
from handlers.drift import of_tally
from handlers.storage.ledger import UNLABELLED_DRIFT

FEWEST_ROWS = 20
"""Of fewer unlabelled rows in a file nothing is told: no test says anything of them, and a burst of such files would
spend its time here."""


@dataclass(slots=True)
class Monitor:
    """Watches the unlabelled rows of one file, chunk by chunk. ``gate``: what makes a file broken, None: nothing."""

    release: Release | None
    gate: GateSettings | None
    _tally: Tally | None = None
    _log_odds: list[NDArray[np.float64]] = field(default_factory=list)

    def __call__(self, columns: Columns, log_odds: NDArray[np.float64]) -> None:
        """Count rows and what was said of them, float64[n]."""
        if self.release is None:
            return
        self._log_odds.append(log_odds)
        if self._tally is not None or len(log_odds) >= FEWEST_ROWS:
            counted = tally(self.release.sketch, columns)
            self._tally = counted if self._tally is None else self._tally + counted

    def _broken(self, release: Release, counted: Tally) -> str | None:
        found = () if self.gate is None else breaks(release.sketch, counted, self.gate)
        return f"{'; '.join(one.sentence for one in found)}." if found else None

    def finish(self, group: Group, name: str) -> None:
        """Have the diagnosis and the estimate committed and logged with the file of this name."""
        if self.release is None or self._tally is None:
            return
        log_odds = np.concatenate(self._log_odds)
        diagnosis = of_tally(self.release, self._tally, log_odds, None)
        expected = estimate(probabilities_of(log_odds), self.release.scorer.threshold)
        group.facts[UNLABELLED_DRIFT] = {
            **diagnosis.document(file=name),
            "estimate": msgspec.to_builtins(expected),
            "broken": self._broken(self.release, self._tally),
        }
        group.told.append(diagnosis.fact(file=name))
